// The side bar: its containers in the activity bar, and the trees in them.

import type { Locator, Page } from "playwright-core";
import { briefly, defaultDeadlineMs, expecting, patiently, until } from "./waiting.ts";

/** One line of a tree, as it is drawn. */
export interface TreeItem {
  readonly label: string;
  /** The dimmer text beside the label. */
  readonly description: string;
  /** What a screen reader says: label, description, and tooltip where the extension sets one. */
  readonly accessible: string;
  /** 1 for the tree's own items, 2 for theirs. */
  readonly level: number;
  /** Whether its children are shown; undefined when it has none. */
  readonly expanded: boolean | undefined;
}

/** The activity bar. */
export class ActivityBar {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Shows a container by its title, as in "Agent Mesh". */
  async open(title: string): Promise<void> {
    const tab = this.#page.locator(`.activitybar .action-item:has(a[aria-label^="${title}"])`).first();
    await until(this.#page, `"${title}" in the activity bar to be shown`, async () => {
      if ((await tab.getAttribute("aria-selected", briefly)) === "true") return true;
      await tab.click(briefly);
      return false;
    });
  }
}

/** A view in the side bar, by the title in its header. */
export class View {
  readonly title: string;
  readonly #page: Page;
  readonly #pane: Locator;

  constructor(page: Page, title: string) {
    this.title = title;
    this.#page = page;
    this.#pane = page.locator(
      `.pane:has(> .pane-header[aria-label^="${title} "]), .pane:has(> .pane-header[aria-label="${title}"])`,
    );
  }

  /** Unfolds the view. */
  async expand(): Promise<void> {
    await this.#setExpanded(true);
  }

  /** Folds the view, so that others have room. */
  async collapse(): Promise<void> {
    await this.#setExpanded(false);
  }

  /** The lines that are drawn now; those scrolled out of sight are not. */
  async items(): Promise<TreeItem[]> {
    await this.expand();
    return this.#rows().evaluateAll(readItems);
  }

  /** The text shown in place of a tree that has nothing to show, with its buttons. */
  async welcome(): Promise<string> {
    await this.expand();
    return until(this.#page, `a text in place of ${this.title}`, async () => {
      return (await this.#pane.locator(".welcome-view-content").innerText(briefly)).trim() || undefined;
    });
  }

  /** Waits for a line, by its whole label or a pattern for label and description together. */
  async item(label: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<TreeItem> {
    return (await this.#find(label, deadlineMs)).item;
  }

  /** Waits until the drawn lines are as a test wants them. */
  async untilItems(
    what: string,
    test: (items: TreeItem[]) => boolean,
    deadlineMs = defaultDeadlineMs,
  ): Promise<TreeItem[]> {
    return until(
      this.#page,
      `${what} in ${this.title}`,
      async () => {
        const items = await this.items();
        return test(items) ? items : undefined;
      },
      deadlineMs,
    );
  }

  /** Clicks a line. */
  async click(label: string | RegExp): Promise<void> {
    const row = await this.#row(label);
    await expecting(this.#page, `${label} in ${this.title} to be clicked`, () => row.click(patiently));
  }

  /** Shows or hides a line's children. */
  async expandItem(label: string | RegExp): Promise<void> {
    await until(this.#page, `${label} in ${this.title} to be unfolded`, async () => {
      const row = await this.#row(label, 1_000);
      if ((await row.getAttribute("aria-expanded", briefly)) === "true") return true;
      await row.locator(".monaco-tl-twistie").click(briefly);
      return false;
    });
  }

  /** Presses an inline button of a line, by its tooltip. */
  async inlineAction(label: string | RegExp, action: string): Promise<void> {
    const row = await this.#row(label);
    await expecting(this.#page, `the button "${action}" on ${label} in ${this.title}`, async () => {
      await row.hover(patiently);
      await row.locator(`.actions a[aria-label^="${action}"]`).click(patiently);
    });
  }

  /** Presses a button in the view's own header, by its tooltip. */
  async titleAction(action: string): Promise<void> {
    await this.expand();
    await expecting(this.#page, `the button "${action}" in the header of ${this.title}`, async () => {
      await this.#pane.locator(".pane-header").hover(patiently);
      await this.#pane.locator(`.pane-header .actions a[aria-label^="${action}"]`).click(patiently);
    });
  }

  /** Opens a line's context menu and takes a choice of it. */
  async contextMenu(label: string | RegExp, choice: string): Promise<void> {
    const row = await this.#row(label);
    await expecting(this.#page, `the context menu of ${label} in ${this.title}`, () =>
      row.click({ button: "right", ...patiently }),
    );
    await chooseInMenu(this.#page, choice);
  }

  #rows(): Locator {
    return this.#pane.locator(".monaco-list-row");
  }

  async #row(label: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<Locator> {
    return (await this.#find(label, deadlineMs)).row;
  }

  async #find(label: string | RegExp, deadlineMs: number): Promise<{ row: Locator; item: TreeItem }> {
    return until(
      this.#page,
      `${label} in ${this.title}`,
      async () => {
        const items = await this.items();
        const at = items.findIndex(({ label: text, description }) =>
          typeof label === "string" ? text === label : label.test(`${text} ${description}`.trim()),
        );
        return at < 0 ? undefined : { row: this.#rows().nth(at), item: items[at] as TreeItem };
      },
      deadlineMs,
    );
  }

  async #setExpanded(wanted: boolean): Promise<void> {
    const header = this.#pane.locator("> .pane-header");
    await until(this.#page, `the view ${this.title} to be ${wanted ? "unfolded" : "folded"}`, async () => {
      // The only view of a container has no header to fold it with.
      if (!(await header.isVisible()) && (await this.#pane.isVisible())) return true;
      if ((await header.getAttribute("aria-expanded", briefly)) === String(wanted)) return true;
      await header.click(briefly);
      return false;
    });
  }
}

/** Waits for the open context menu and takes a choice of it. */
export async function chooseInMenu(page: Page, choice: string): Promise<void> {
  const choices = await menuChoices(page);
  if (!choices.includes(choice)) throw new Error(`The context menu has no "${choice}". It has: ${choices.join(", ")}.`);
  const entry = page.locator(".monaco-menu .action-item", {
    has: page.locator(`.action-label[aria-label="${choice}"]`),
  });
  // A menu that has just opened ignores clicks for a moment, lest the click that opened it choose something.
  await until(page, `"${choice}" in the context menu to be taken`, async () => {
    if (!(await page.locator(".monaco-menu").first().isVisible())) return true;
    await entry.first().click(briefly);
    return false;
  });
}

/** The choices of the open context menu. */
export async function menuChoices(page: Page): Promise<string[]> {
  return until(page, "a context menu", async () => {
    const labels = await page.locator(".monaco-menu .action-item .action-label:not(.separator)").allInnerTexts();
    return labels.length === 0 ? undefined : labels.map((label) => label.trim());
  });
}

/** All in one question, as a window that is busy answers each late. Runs in the page. */
function readItems(rows: readonly Element[]): TreeItem[] {
  const textOf = (row: Element, part: string): string => row.querySelector<HTMLElement>(part)?.innerText.trim() ?? "";
  return rows.map((row) => {
    const expanded = row.getAttribute("aria-expanded");
    return {
      label: textOf(row, ".label-name"),
      description: textOf(row, ".label-description"),
      accessible: row.getAttribute("aria-label") ?? "",
      level: Number(row.getAttribute("aria-level")),
      expanded: expanded === null ? undefined : expanded === "true",
    };
  });
}
