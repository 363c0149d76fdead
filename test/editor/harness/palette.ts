// The command palette and the quick picks and inputs that commands ask with.

import type { Locator, Page } from "playwright-core";
import { briefly, expecting, patiently, until } from "./waiting.ts";

/** So often in a row the dialog for a file must still hold what was typed. */
const LOOKS = 8;

/** The one quick input of a VS Code window, whatever asks with it. */
export class QuickInput {
  readonly #page: Page;
  readonly #widget: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.#widget = page.locator(".quick-input-widget");
  }

  /** Runs a command by its whole title, as in "Agent Mesh: Init Swarm", through the palette. */
  async runCommand(title: string): Promise<void> {
    // What is closing just now may still be in sight, and a view that is still loading closes the palette when it takes the focus: asked for again until the
    // command is taken.
    await until(this.#page, `the command "${title}" to be taken in the palette`, async () => {
      if (!(await this.#isPalette())) await this.#page.keyboard.press("F1");
      await this.#input().fill(`>${title}`, briefly);
      const row = await this.#row(title);
      await row?.click(briefly);
      return row !== undefined;
    });
    // What the command asks next comes in the same widget: wait until this is no longer the palette.
    await until(this.#page, `the palette to close after "${title}"`, async () => {
      if (!(await this.#widget.isVisible())) return true;
      return !(await this.#isPalette()) && !(await this.#labels()).includes(title);
    });
  }

  /** Waits for a quick pick, and returns the labels that it shows now (a long list shows only a screenful), once they stay the same: a list is drawn row by row. */
  async labels(): Promise<string[]> {
    let last = "";
    return until(this.#page, "a quick pick with choices", async () => {
      const labels = await this.#labels();
      const stays = labels.length > 0 && labels.join("\n") === last;
      last = labels.join("\n");
      return stays ? labels : undefined;
    });
  }

  /** Waits for a quick input, and returns its title, or its placeholder where it has no title. */
  async prompt(): Promise<string> {
    return until(this.#page, "a quick input", async () => {
      if (!(await this.#input().isVisible())) return undefined;
      const title = (await this.#widget.locator(".quick-input-title").innerText(briefly)).trim();
      const prompt = title === "" ? await this.#input().getAttribute("placeholder", briefly) : title;
      return prompt || undefined;
    });
  }

  /** Waits for a quick pick with this choice and takes it. The label is whole, or a pattern. */
  async choose(label: string | RegExp): Promise<void> {
    if (typeof label === "string") await this.#filter(label);
    await this.#pick(label, `the choice ${label} in a quick pick`);
  }

  /** Waits for a quick pick of many and takes exactly these. */
  async chooseMany(...labels: string[]): Promise<void> {
    await this.labels();
    for (const label of labels) {
      const row = await this.#find(label, `the choice ${label} in a quick pick of many`);
      const box = row.getByRole("checkbox");
      await expecting(this.#page, `the box of ${label} to be ticked`, () => box.check(patiently));
    }
    // Enter would toggle the box that has the focus.
    const accept = this.#widget.getByRole("button", { name: "OK", exact: true });
    await expecting(this.#page, "the choices to be accepted", () => accept.click(patiently));
  }

  /** Waits for an input box, types this into it in place of what it holds, and accepts it. */
  async type(text: string): Promise<void> {
    // The list that was chosen from before it may still be in sight, and would take it.
    await until(
      this.#page,
      `an input box to take "${text}"`,
      async () => (await this.#input().isVisible()) && !(await this.#widget.locator(".quick-input-list").isVisible()),
    );
    await expecting(this.#page, `an input box to take "${text}"`, async () => {
      await this.#input().fill(text, patiently);
    });
    await this.#page.keyboard.press("Enter");
  }

  /** Answers the dialog that asks for a file. It puts a name of its own into its box once it has read the folder, which may be after somebody has typed: so the path has to stay there. */
  async file(path: string): Promise<void> {
    const input = this.#input();
    let stayed = 0;
    await until(this.#page, `the dialog for a file to take ${path}`, async () => {
      if ((await input.inputValue(briefly)) === path) return ++stayed > LOOKS;
      stayed = 0;
      await input.fill(path, briefly);
      return false;
    });
    await this.#page.keyboard.press("Enter");
  }

  /** What the input box says about what was typed (a validation message), or "". */
  async message(): Promise<string> {
    return (await this.#widget.locator(".quick-input-message").innerText(briefly)).trim();
  }

  /** Closes it, as Escape does. */
  async dismiss(): Promise<void> {
    await until(this.#page, "the quick input to close", async () => {
      if (!(await this.#widget.isVisible())) return true;
      await this.#page.keyboard.press("Escape");
      return false;
    });
  }

  /** What else asks has a title, and may have been given the palette's text before it was seen that it asks. */
  async #isPalette(): Promise<boolean> {
    if (!(await this.#input().isVisible())) return false;
    const title = (await this.#widget.locator(".quick-input-title").innerText(briefly)).trim();
    return title === "" && (await this.#input().inputValue(briefly)).startsWith(">");
  }

  #input(): Locator {
    return this.#widget.locator(".quick-input-box input, .quick-input-filter input.input").first();
  }

  #rows(): Locator {
    return this.#widget.locator(".quick-input-list .monaco-list-row");
  }

  /** All in one question, as a window that is busy answers each late. */
  async #labels(): Promise<string[]> {
    return this.#rows().evaluateAll((rows) =>
      rows.map((row) => row.querySelector<HTMLElement>(".quick-input-list-label .label-name")?.innerText.trim() ?? ""),
    );
  }

  /** Narrows a pick down, so that a choice further down a long list is drawn. */
  async #filter(label: string): Promise<void> {
    await this.labels();
    await expecting(this.#page, `a quick pick to take "${label}"`, () => this.#input().fill(label, patiently));
  }

  async #pick(label: string | RegExp, what: string): Promise<void> {
    // Where a row is found another may be by the time of the click: looked for again until it is taken.
    await until(this.#page, `${what} to be taken`, async () => {
      const row = await this.#row(label);
      await row?.click(briefly);
      return row !== undefined;
    });
  }

  async #find(label: string | RegExp, what: string): Promise<Locator> {
    return until(this.#page, what, () => this.#row(label));
  }

  async #row(label: string | RegExp): Promise<Locator | undefined> {
    const labels = await this.#labels();
    const at = labels.findIndex((text) => (typeof label === "string" ? text === label : label.test(text)));
    return at < 0 ? undefined : this.#rows().nth(at);
  }
}
