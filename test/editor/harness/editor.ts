// A real VS Code in a real browser, as a test sees it: start it here, find everything on it from here, close it here.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Browser, FrameLocator, Page } from "playwright-core";
import { startBrowser } from "./browser.ts";
import { QuickInput } from "./palette.ts";
import { type CodeServer, startServer } from "./server.ts";
import { ActivityBar, View } from "./views.ts";
import { briefly, expecting, patiently, screenshot, until } from "./waiting.ts";
import { Notifications, OutputChannel, StatusBar, webviewFrame } from "./workbench.ts";

/** How a test wants its editor. */
export interface EditorOptions {
  /** The packaged extension to install. */
  readonly vsix: string;
  /** The folder to open. A copy is opened: what a test does to it, no other test sees. */
  readonly folder: string;
  /** Dark, unless said otherwise. */
  readonly theme?: Theme;
  /** Whether the folder's authors are trusted; true unless said otherwise. */
  readonly trust?: boolean;
  /** More user settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The window's size in pixels; 1440 by 900 unless said otherwise. */
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** The themes that everything must look right in. */
export type Theme = keyof typeof themes;

/** VS Code's id and name of each theme, and the class that its window then has. */
const themes = {
  dark: { id: "Dark Modern", label: "Dark Modern", cssClass: "vs-dark" },
  light: { id: "Light Modern", label: "Light Modern", cssClass: "vs" },
  highContrast: { id: "Default High Contrast", label: "Dark High Contrast", cssClass: "hc-black" },
};

/** What keeps VS Code from showing, asking or fetching anything that a test did not ask for. */
const quietSettings = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.enableExperiments": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "window.autoDetectColorScheme": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "git.enabled": false,
  // Nothing moves where nothing happens.
  "workbench.reduceMotion": "on",
  // What else listens on this machine is no business of a test.
  "remote.autoForwardPorts": false,
  "security.workspace.trust.startupPrompt": "never",
};

const workbenchDeadlineMs = 45_000;

/** An open editor. */
export class Editor {
  readonly page: Page;
  readonly server: CodeServer;
  readonly quickInput: QuickInput;
  readonly activityBar: ActivityBar;
  readonly statusBar: StatusBar;
  readonly notifications: Notifications;
  readonly #browser: Browser;

  constructor(browser: Browser, page: Page, server: CodeServer) {
    this.#browser = browser;
    this.page = page;
    this.server = server;
    this.quickInput = new QuickInput(page);
    this.activityBar = new ActivityBar(page);
    this.statusBar = new StatusBar(page);
    this.notifications = new Notifications(page);
  }

  /** The window's address. */
  get url(): string {
    return this.server.url;
  }

  /** The copy of the folder that is open. */
  get folder(): string {
    return this.server.folder;
  }

  /** Runs a command by its whole title, as in "Agent Mesh: Init Swarm". */
  async runCommand(title: string): Promise<void> {
    await this.quickInput.runCommand(title);
  }

  /** A view of the side bar by its title, whose container must be open. */
  view(title: string): View {
    return new View(this.page, title);
  }

  /** Waits for a webview, by its title and, where both have one of that title, its place. Returns its inside. */
  async webviewFrame(title: string, place?: "side bar" | "editor", deadlineMs?: number): Promise<FrameLocator> {
    return webviewFrame(this.page, title, place, deadlineMs);
  }

  /** An output channel by its name. */
  outputChannel(name: string): OutputChannel {
    return new OutputChannel(this.page, this.server.logsDir, name);
  }

  /** Waits for the extension host and returns its process id. */
  async extensionHostPid(): Promise<number> {
    return until(this.page, "an extension host", () => this.server.processesWith("--type=extensionHost")[0]);
  }

  /** The process ids of the coordinators that the extension started and that are running. */
  coordinatorPids(): number[] {
    return this.server.processesWith("coordinator.cjs");
  }

  /** The process ids of the agents that are running. */
  agentPids(): number[] {
    return this.server.processesWith("agent.cjs");
  }

  /** Keeps a picture of the window in out/screenshots/NAME.png. */
  async screenshot(name: string): Promise<string> {
    return screenshot(this.page, name);
  }

  /** Changes the folder's own settings (its copy's), which VS Code notices by itself. */
  changeFolderSettings(changes: Readonly<Record<string, unknown>>): void {
    const path = join(this.folder, ".vscode", "settings.json");
    mkdirSync(dirname(path), { recursive: true });
    const settings = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
    writeFileSync(path, JSON.stringify({ ...settings, ...changes }, undefined, 2));
  }

  /** Changes the theme as a person does, and waits until the window has it. */
  async setTheme(theme: Theme): Promise<void> {
    await this.runCommand("Preferences: Color Theme");
    await this.quickInput.choose(themes[theme].label);
    await this.#untilTheme(theme);
  }

  /** Trusts the folder's authors as a person does, in an editor that was started without trust. */
  async grantTrust(): Promise<void> {
    await this.runCommand("Workspaces: Manage Workspace Trust");
    const trust = this.page.locator(".workspace-trust-editor").getByRole("button", { name: "Trust", exact: true });
    await expecting(this.page, "the button that trusts the folder", () => trust.click(patiently));
    await until(this.page, "the folder to be trusted", async () => {
      const header = await this.page.locator(".workspace-trust-title-text").innerText(briefly);
      return header.includes("You trust this folder");
    });
  }

  /** Waits until VS Code is up and has the theme that it was started with. */
  async untilReady(theme: Theme): Promise<void> {
    const workbench = this.page.locator(".monaco-workbench .statusbar");
    await expecting(this.page, "the workbench", () => workbench.waitFor({ timeout: workbenchDeadlineMs }));
    await this.#untilTheme(theme);
  }

  /** Loads the window again, as a person does with the browser's button. */
  async reload(): Promise<void> {
    await this.page.reload();
    await expecting(this.page, "the workbench", () =>
      this.page.locator(".monaco-workbench .statusbar").waitFor({ timeout: workbenchDeadlineMs }),
    );
  }

  /** Ends the browser, the server, and everything that these started. */
  async close(): Promise<void> {
    try {
      await this.#browser.close();
    } finally {
      await this.server.close();
    }
  }

  async #untilTheme(theme: Theme): Promise<void> {
    const { cssClass } = themes[theme];
    await until(this.page, `the ${theme} theme`, async () => {
      const classes = (await this.page.locator(".monaco-workbench").first().getAttribute("class", briefly)) ?? "";
      return classes.split(/\s+/).includes(cssClass);
    });
  }
}

/**
 * Opens a real VS Code with the extension installed on a copy of the folder. Close it in any case: a failed test
 * must leave nothing running.
 */
export async function startEditor(options: EditorOptions): Promise<Editor> {
  const theme = options.theme ?? "dark";
  const settings = { ...quietSettings, "workbench.colorTheme": themes[theme].id, ...options.settings };
  const { vsix, folder, trust = true } = options;
  const server = await startServer({ vsix, folder, trust, settings });
  let browser: Browser | undefined;
  try {
    browser = await startBrowser();
    const page = await browser.newPage({ viewport: options.viewport ?? { width: 1440, height: 900 } });
    const editor = new Editor(browser, page, server);
    await page.goto(server.url);
    await editor.untilReady(theme);
    return editor;
  } catch (error) {
    await browser?.close();
    await server.close();
    throw error;
  }
}
