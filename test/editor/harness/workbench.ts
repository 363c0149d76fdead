// The window around the views: status bar, notifications, webviews and output channels.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FrameLocator, Locator, Page } from "playwright-core";
import { briefly, defaultDeadlineMs, expecting, patiently, until } from "./waiting.ts";

/** A message in the lower right corner. */
export interface Notification {
  readonly message: string;
  readonly buttons: readonly string[];
}

/** The status bar. */
export class StatusBar {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Waits for an item that shows or says this, and returns what it shows. */
  async item(text: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<string> {
    return (await this.#find(text, deadlineMs)).shown;
  }

  /** Presses an item that shows or says this. */
  async click(text: string | RegExp): Promise<void> {
    const { item } = await this.#find(text, defaultDeadlineMs);
    await expecting(this.#page, `the status bar item ${text} to be pressed`, () => item.click(patiently));
  }

  /** What every item shows. */
  async texts(): Promise<string[]> {
    const texts = await this.#page.locator(".statusbar-item").allInnerTexts();
    return texts.map((text) => text.trim()).filter((text) => text !== "");
  }

  async #find(text: string | RegExp, deadlineMs: number): Promise<{ item: Locator; shown: string }> {
    const items = this.#page.locator(".statusbar-item");
    return until(
      this.#page,
      `${text} in the status bar`,
      async () => {
        const all = await items.evaluateAll((elements) =>
          elements.map((element) => ({
            shown: (element as HTMLElement).innerText.trim(),
            said: element.getAttribute("aria-label") ?? "",
          })),
        );
        const at = all.findIndex(({ shown, said }) => matches(`${shown}\n${said}`, text));
        return at < 0 ? undefined : { item: items.nth(at), shown: all[at]?.shown as string };
      },
      deadlineMs,
    );
  }
}

/** The messages in the lower right corner. */
export class Notifications {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Those that are shown now: all in one question, as a window that is busy answers each late. */
  async all(): Promise<Notification[]> {
    return this.#toasts().evaluateAll((toasts) =>
      toasts.map((toast) => ({
        message: toast.querySelector<HTMLElement>(".notification-list-item-message")?.innerText.trim() ?? "",
        buttons: [
          ...toast.querySelectorAll<HTMLElement>(".notification-list-item-buttons-container .monaco-button"),
        ].flatMap(({ innerText }) => (innerText.trim() === "" ? [] : [innerText.trim()])),
      })),
    );
  }

  /** Waits for one whose message is or contains this. */
  async waitFor(message: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<Notification> {
    return (await this.#find(message, deadlineMs)).shown;
  }

  /** Writes down from now on every text that any of them shows, also those that are gone in a moment. Returns what reads it. */
  async record(): Promise<() => Promise<string[]>> {
    await this.#page.evaluate(() => {
      const told: string[] = [];
      Object.assign(globalThis, { toldByNotifications: told });
      new MutationObserver(() => {
        for (const message of document.querySelectorAll(".notification-list-item-message")) {
          const text = message.textContent ?? "";
          if (text !== told.at(-1)) told.push(text);
        }
      }).observe(document.body, { childList: true, subtree: true, characterData: true });
    });
    return () =>
      this.#page.evaluate(() => (globalThis as unknown as { toldByNotifications: string[] }).toldByNotifications);
  }

  /** Waits until none shows this (any more). */
  async untilGone(message: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<void> {
    const isGone = async () => !(await this.all()).some((shown) => matches(shown.message, message));
    await until(this.#page, `the notification ${message} to go away`, isGone, deadlineMs);
  }

  /** Presses a button of one. */
  async press(message: string | RegExp, button: string): Promise<void> {
    const { toast } = await this.#find(message, defaultDeadlineMs);
    await expecting(this.#page, `the button "${button}" on the notification ${message}`, () =>
      toast.getByRole("button", { name: button, exact: true }).click(patiently),
    );
  }

  /** The first that says this, and what it says: a moment later it may say something else, or be gone. */
  async #find(message: string | RegExp, deadlineMs: number): Promise<{ toast: Locator; shown: Notification }> {
    return until(
      this.#page,
      `the notification ${message}`,
      async () => {
        const all = await this.all();
        const at = all.findIndex((shown) => matches(shown.message, message));
        if (at >= 0) return { toast: this.#toasts().nth(at), shown: all[at] as Notification };
        return undefined;
      },
      deadlineMs,
    );
  }

  #toasts(): Locator {
    return this.#page.locator(".notifications-toasts .notification-list-item");
  }
}

/** What an output channel holds. */
export class OutputChannel {
  readonly name: string;
  readonly #page: Page;
  readonly #logsDir: string;

  constructor(page: Page, logsDir: string, name: string) {
    this.name = name;
    this.#page = page;
    this.#logsDir = logsDir;
  }

  /** Everything written to it so far, or undefined before the extension first wrote. The panel draws only a screenful. */
  text(): string | undefined {
    // VS Code keeps a plain channel in N-NAME.log, a log channel in NAME.log, both below exthost*/.
    const files = readdirSync(this.#logsDir, { recursive: true, encoding: "utf8" }).filter((path) => {
      const file = path.split(/[\\/]/).at(-1) ?? "";
      return path.includes("exthost") && file.replace(/^\d+-/, "") === `${this.name}.log`;
    });
    const newest = files.sort().at(-1);
    return newest === undefined ? undefined : readFileSync(join(this.#logsDir, newest), "utf8");
  }

  /** Waits until what was written contains this, and returns all of it. */
  async waitFor(content: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<string> {
    const probe = () => {
      const text = this.text();
      return text !== undefined && matches(text, content) ? text : undefined;
    };
    return until(this.#page, `${content} in the output channel ${this.name}`, probe, deadlineMs);
  }

  /** The lines that the output panel draws now, whichever channel it shows. */
  async visibleLines(): Promise<string[]> {
    const lines = await this.#page.locator(".panel .output-view .view-line").allInnerTexts();
    return lines.map((line) => line.replaceAll("\u00a0", " "));
  }
}

/**
 * Waits for a webview, by the title of its view or tab and, where it matters, its place. Returns its inside: the frame
 * within the frame.
 */
export async function webviewFrame(
  page: Page,
  title: string,
  place?: "side bar" | "editor",
  deadlineMs = defaultDeadlineMs,
): Promise<FrameLocator> {
  return until(
    page,
    `the webview "${title}"${place === undefined ? "" : ` in the ${place}`}`,
    async () => {
      for (const outer of await page.locator("iframe.webview.ready").all()) {
        if (place !== undefined && (await isInSideBar(page, outer)) !== (place === "side bar")) continue;
        const inner = outer.contentFrame().locator("iframe#active-frame");
        // A page that is about to go has no inside any more.
        if ((await inner.getAttribute("title", briefly).catch(() => null)) !== title) continue;
        return page
          .frameLocator(`iframe[name="${await outer.getAttribute("name", briefly)}"]`)
          .frameLocator("iframe#active-frame");
      }
      return undefined;
    },
    deadlineMs,
  );
}

/** Webviews lie over the window, in no part of it: their place tells where they belong. */
async function isInSideBar(page: Page, webview: Locator): Promise<boolean> {
  const [sideBar, box] = [await page.locator(".part.sidebar").boundingBox(briefly), await webview.boundingBox(briefly)];
  return sideBar !== null && box !== null && box.x >= sideBar.x && box.x + box.width <= sideBar.x + sideBar.width + 1;
}

function matches(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
}
