// The side bar: its containers in the activity bar, and the trees in them.

import type { Locator, Page } from "playwright-core";
import { briefly, defaultDeadlineMs, expecting, until } from "./waiting.ts";

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
    const rows = await this.#pane.locator(".monaco-list-row").all();
    return Promise.all(rows.map(readItem));
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
    const row = await this.#row(label, deadlineMs);
    return readItem(row);
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
    await expecting(this.#page, `${label} in ${this.title} to be clicked`, () =>
      row.click({ timeout: defaultDeadlineMs }),
    );
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
      await row.hover({ timeout: defaultDeadlineMs });
      await row.locator(`.actions a[aria-label^="${action}"]`).click({ timeout: defaultDeadlineMs });
    });
  }

  /** Presses a button in the view's own header, by its tooltip. */
  async titleAction(action: string): Promise<void> {
    await this.expand();
    await expecting(this.#page, `the button "${action}" in the header of ${this.title}`, async () => {
      await this.#pane.locator(".pane-header").hover({ timeout: defaultDeadlineMs });
      await this.#pane
        .locator(`.pane-header .actions a[aria-label^="${action}"]`)
        .click({ timeout: defaultDeadlineMs });
    });
  }

  /** Opens a line's context menu and takes a choice of it. */
  async contextMenu(label: string | RegExp, choice: string): Promise<void> {
    const row = await this.#row(label);
    await expecting(this.#page, `the context menu of ${label} in ${this.title}`, () =>
      row.click({ button: "right", timeout: defaultDeadlineMs }),
    );
    await chooseInMenu(this.#page, choice);
  }

  async #row(label: string | RegExp, deadlineMs = defaultDeadlineMs): Promise<Locator> {
    await this.expand();
    return until(
      this.#page,
      `${label} in ${this.title}`,
      async () => {
        for (const row of await this.#pane.locator(".monaco-list-row").all()) {
          const { label: text, description } = await readItem(row);
          if (typeof label === "string" ? text === label : label.test(`${text} ${description}`.trim())) return row;
        }
        return undefined;
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

async function readItem(row: Locator): Promise<TreeItem> {
  const label = row.locator(".label-name").first();
  const description = row.locator(".label-description").first();
  const expanded = await row.getAttribute("aria-expanded", briefly);
  return {
    label: (await label.innerText(briefly)).trim(),
    description: (await description.count()) === 0 ? "" : (await description.innerText(briefly)).trim(),
    accessible: (await row.getAttribute("aria-label", briefly)) ?? "",
    level: Number(await row.getAttribute("aria-level", briefly)),
    expanded: expanded === null ? undefined : expanded === "true",
  };
}
