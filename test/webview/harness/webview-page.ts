/** A view in a headless Chromium, with a scripted extension on the other side: what the tests and the screenshots look at. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { ensureChromium } from "../../../.ci/chromium.mjs";
import { PATIENCE } from "../../../.ci/patience.mjs";
import type { ToExtension, ToWebview, WebviewKind } from "../../../server/contract/webview.ts";
import { type PageServer, servePages } from "./page-server.ts";
import { BODY_CLASS, type ThemeName, themeVariables } from "./theme-variables.ts";

const SCREENSHOTS = join(import.meta.dirname, "..", "..", "..", "out", "screenshots", "webview");

/** Answers a view's request, now or later; throwing makes it a failure. */
export type Answer = (request: Extract<ToExtension, { type: "request" }>) => unknown;

export interface OpenOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  readonly answer?: Answer;
  /** What an earlier life of the view kept. */
  readonly state?: object;
}

/** One browser and one server for a suite. */
export class WebviewHarness {
  readonly #browser: Browser;
  readonly #server: PageServer;

  private constructor(browser: Browser, server: PageServer) {
    this.#browser = browser;
    this.#server = server;
  }

  static async start(): Promise<WebviewHarness> {
    const browser = await chromium.launch({
      executablePath: await ensureChromium(),
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    });
    return new WebviewHarness(browser, await servePages());
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
  }

  /** Opens a view and waits until it says `ready`. */
  async open(view: WebviewKind, options: OpenOptions = {}): Promise<WebviewPage> {
    const { theme = "dark", width = 1280, height = 800 } = options;
    const page = await this.#browser.newPage({ viewport: { width, height } });
    const opened = new WebviewPage(page, options.answer);
    await page.exposeFunction("harnessPost", (message: ToExtension) => opened.receive(message));
    await page.addInitScript(pretendToBeVsCode, { state: options.state ?? null });
    await page.addInitScript(applyTheme, { variables: themeVariables(theme), bodyClass: BODY_CLASS[theme] });
    await page.goto(this.#server.urlOf(view));
    await opened.received((message) => message.type === "ready");
    return opened;
  }
}

export class WebviewPage {
  readonly page: Page;
  /** Everything the view said. */
  readonly messages: ToExtension[] = [];
  /** Errors of scripts and of the content security policy. */
  readonly errors: string[] = [];
  readonly #answer: Answer | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(page: Page, answer: Answer | undefined) {
    this.page = page;
    this.#answer = answer;
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.errors.push(message.text());
    });
  }

  /** The extension's side: keeps the message, and answers a request. */
  receive(message: ToExtension): void {
    this.messages.push(message);
    for (const wake of this.#waiting) wake();
    if (message.type === "request") void this.#reply(message);
  }

  async #reply(request: Extract<ToExtension, { type: "request" }>): Promise<void> {
    let reply: ToWebview;
    try {
      reply = { type: "reply", id: request.id, result: (await this.#answer?.(request)) ?? null };
    } catch (error) {
      reply = { type: "failure", id: request.id, message: error instanceof Error ? error.message : String(error) };
    }
    if (!this.page.isClosed()) await this.send(reply);
  }

  /** Posts a message to the view, as the extension does. As text, which the driver passes on without looking into it. */
  async send(message: ToWebview): Promise<void> {
    const text = JSON.stringify(message);
    await this.page
      .evaluate((data) => window.postMessage(JSON.parse(data), "*"), text)
      .catch((error: unknown) => {
        if (!this.page.isClosed()) throw error;
      });
  }

  /** Waits until the view has said something. */
  async received(matches: (message: ToExtension) => boolean, deadlineMs = 5000): Promise<ToExtension> {
    const found = (): ToExtension | undefined => this.messages.find(matches);
    const now = found();
    if (now !== undefined) return now;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(wake);
        reject(
          new Error(`The view did not say it within ${deadlineMs} ms. Errors: ${this.errors.join("; ") || "none"}`),
        );
      }, deadlineMs);
      const wake = (): void => {
        const message = found();
        if (message === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(message);
      };
      this.#waiting.add(wake);
    });
  }

  async setTheme(theme: ThemeName): Promise<void> {
    await this.page.evaluate(applyTheme, { variables: themeVariables(theme), bodyClass: BODY_CLASS[theme] });
    await this.frames(3);
  }

  /** Waits until the page has drawn so many frames. */
  async frames(count: number): Promise<void> {
    await this.page.evaluate(async (frames) => {
      for (let i = 0; i < frames; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    }, count);
  }

  /** Keeps a picture in out/screenshots/webview/. */
  async screenshot(name: string): Promise<void> {
    const path = join(SCREENSHOTS, `${name}.png`);
    await mkdir(dirname(path), { recursive: true });
    await this.frames(2);
    await this.page.screenshot({ path });
  }

  /** Elements whose text is cut off or whose box leaves the page: there should be none. */
  async clipped(selector: string): Promise<readonly string[]> {
    return this.page.evaluate((wanted) => {
      const found: string[] = [];
      for (const element of document.querySelectorAll<HTMLElement>(wanted)) {
        const box = element.getBoundingClientRect();
        if (box.width === 0 || element.closest(".sr-only") !== null) continue;
        const outside = box.left < -1 || box.right > window.innerWidth + 1;
        const cut = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible";
        if (outside || cut)
          found.push(`${element.tagName}.${element.className}: ${element.textContent?.trim().slice(0, 60)}`);
      }
      return found;
    }, selector);
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}

/** Waits until something holds, asking after each of the page's answers; throws when it does not within the deadline. */
export async function eventually(holds: () => Promise<boolean>, withinMs = 5000): Promise<void> {
  const deadlineMs = withinMs * PATIENCE;
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`It did not come true within ${deadlineMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs in the page, before its script. */
function pretendToBeVsCode({ state }: { state: object | null }): void {
  let kept: unknown = state;
  const post = (message: unknown): void => {
    (window as unknown as { harnessPost(message: unknown): void }).harnessPost(message);
  };
  Object.assign(window, {
    acquireVsCodeApi: () => ({
      postMessage: post,
      getState: () => kept,
      setState: (next: unknown) => {
        kept = next;
        Object.assign(window, { harnessState: next });
      },
    }),
  });
}

/** Runs in the page: sets the variables and the body's class, now or as soon as there is a body. */
function applyTheme({
  variables,
  bodyClass,
}: {
  variables: readonly (readonly [string, string])[];
  bodyClass: string;
}): void {
  const apply = (): void => {
    document.documentElement.removeAttribute("style");
    for (const [name, value] of variables) document.documentElement.style.setProperty(name, value);
    document.body.className = bodyClass;
  };
  if (document.body !== null) {
    apply();
    return;
  }
  // The view's script is the body's last child and runs at once: the theme must be there before it.
  new MutationObserver((_, observer) => {
    if (document.body === null) return;
    observer.disconnect();
    apply();
  }).observe(document.documentElement ?? document, { childList: true, subtree: true });
}
