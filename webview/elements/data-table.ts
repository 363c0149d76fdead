/** A sortable table that draws only the rows in sight, so that ten thousand rows cost no more than fifty. */
import { html, nothing, type TemplateResult } from "lit";
import { compareIds } from "../format.ts";
import { LightElement } from "./light-element.ts";

export interface TableColumn<T> {
  readonly id: string;
  readonly title: string;
  readonly numeric?: boolean;
  readonly text: (item: T) => string;
  /** What to sort by; without it the column is not sorted. null sorts last. */
  readonly sort?: (item: T) => number | string | null;
  /** Drawn instead of the text. */
  readonly content?: (item: T) => TemplateResult;
}

/** Height of a row, CSS pixels; page.css says the same. */
const ROW_PX = 24;
const OVERSCAN_ROWS = 12;

/**
 * `<am-table>`. Fires `row-select` (detail: the row's key) when a row is clicked or Enter is pressed on it, and `near-end` when a person scrolls to the last rows.
 * The rows are one Tab stop; the arrow keys, Home, End and the page keys move within.
 */
export class DataTable<T> extends LightElement {
  static override properties = {
    caption: {},
    grid: { type: Boolean },
    anchored: { type: Boolean },
    columns: { attribute: false },
    items: { attribute: false },
    keyOf: { attribute: false },
    contextOf: { attribute: false },
    classOf: { attribute: false },
    selected: {},
    emptyText: {},
    sortBy: { state: true },
    descending: { state: true },
    firstRow: { state: true },
    rowsInSight: { state: true },
    focusedRow: { state: true },
  };

  declare caption: string;
  /** Its cells are to be read one by one, as a picture's. */
  declare grid: boolean;
  /** New rows above those in sight do not move these, unless the first row is in sight. */
  declare anchored: boolean;
  declare columns: readonly TableColumn<T>[];
  declare items: readonly T[];
  declare keyOf: (item: T) => string;
  /** JSON for VS Code's context menu of a row. */
  declare contextOf: ((item: T) => string) | undefined;
  /** Classes of a row. */
  declare classOf: ((item: T) => string) | undefined;
  declare selected: string;
  declare emptyText: string;
  declare sortBy: string;
  declare descending: boolean;
  declare firstRow: number;
  declare rowsInSight: number;
  declare focusedRow: number;

  #sorted: readonly T[] = [];
  /** The selected row that was brought into sight. Once: from then on scrolling is the person's. */
  #revealed = "";
  /** The first row in sight before its items were replaced. */
  #anchor = "";
  readonly #resizes = new ResizeObserver(() => {
    this.#measure();
    this.#reveal();
  });

  constructor() {
    super();
    this.caption = "";
    this.grid = false;
    this.anchored = false;
    this.columns = [];
    this.items = [];
    this.keyOf = () => "";
    this.contextOf = undefined;
    this.classOf = undefined;
    this.selected = "";
    this.emptyText = "Nothing here.";
    this.sortBy = "";
    this.descending = false;
    this.firstRow = 0;
    this.rowsInSight = 40;
    this.focusedRow = 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resizes.observe(this);
  }

  override disconnectedCallback(): void {
    this.#resizes.disconnect();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (this.anchored && changed.has("items")) this.#anchor = this.#firstInSight();
    if (changed.has("items") || changed.has("sortBy") || changed.has("descending") || changed.has("columns")) {
      this.#sorted = this.#sort();
    }
    this.focusedRow = Math.max(0, Math.min(this.focusedRow, this.#sorted.length - 1));
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    if (this.anchored && changed.has("items")) this.#keepAnchor();
    if (changed.has("selected") || changed.has("items")) this.#reveal();
  }

  /** The key of the first row in sight; "" at the very top, where new rows are to be seen. */
  #firstInSight(): string {
    const top = this.querySelector(".table-scroller")?.scrollTop ?? 0;
    const item = top < ROW_PX ? undefined : this.#sorted[Math.floor(top / ROW_PX)];
    return item === undefined ? "" : this.keyOf(item);
  }

  #keepAnchor(): void {
    const scroller = this.querySelector(".table-scroller");
    const index = this.#anchor === "" ? -1 : this.#sorted.findIndex((item) => this.keyOf(item) === this.#anchor);
    if (scroller === null || index < 0) return;
    const movedRows = index - Math.floor(scroller.scrollTop / ROW_PX);
    if (movedRows === 0) return;
    scroller.scrollTop += movedRows * ROW_PX;
    this.#measure();
  }

  /** What was selected elsewhere, in a picture or by a search, is seen in the table. */
  #reveal(): void {
    const index = this.selected === "" ? -1 : this.#sorted.findIndex((item) => this.keyOf(item) === this.selected);
    if (index < 0) {
      this.#revealed = "";
      return;
    }
    if (this.selected === this.#revealed) return;
    this.focusedRow = index;
    // Not yet where the table has no height of its own so far.
    if (this.#scrollTo(index)) this.#revealed = this.selected;
  }

  #sort(): readonly T[] {
    const by = this.columns.find((column) => column.id === this.sortBy)?.sort;
    if (by === undefined) return this.items;
    const sign = this.descending ? -1 : 1;
    return [...this.items].sort((a, b) => compare(by(a), by(b), sign));
  }

  #measure(): void {
    const scroller = this.querySelector(".table-scroller");
    if (scroller === null) return;
    this.firstRow = Math.max(0, Math.floor(scroller.scrollTop / ROW_PX) - OVERSCAN_ROWS);
    this.rowsInSight = Math.ceil(scroller.clientHeight / ROW_PX) + 2 * OVERSCAN_ROWS;
  }

  readonly #onScroll = (): void => {
    this.#measure();
    const nearEnd = this.firstRow + this.rowsInSight >= this.#sorted.length;
    if (nearEnd) this.dispatchEvent(new CustomEvent("near-end"));
  };

  protected override render(): TemplateResult {
    const rows = this.#sorted;
    const first = Math.min(this.firstRow, Math.max(0, rows.length - this.rowsInSight));
    const shown = rows.slice(first, first + this.rowsInSight);
    const below = rows.length - first - shown.length;
    return html`<div class="table-scroller" @scroll=${this.#onScroll}>
      <table role=${this.grid ? "grid" : nothing} aria-readonly=${this.grid ? "true" : nothing} aria-rowcount=${rows.length + 1} @keydown=${this.#onKey}>
        <caption>${this.caption}</caption>
        <thead><tr aria-rowindex="1">${this.columns.map((column) => this.#heading(column))}</tr></thead>
        <tbody>
          ${spacer(first, this.columns.length)}${shown.map((item, i) => this.#row(item, first + i))}
          ${spacer(below, this.columns.length)}
          ${rows.length === 0 ? html`<tr><td colspan=${this.columns.length} class="muted">${this.emptyText}</td></tr>` : nothing}
        </tbody>
      </table>
    </div>`;
  }

  #heading(column: TableColumn<T>): TemplateResult {
    const numeric = column.numeric ? "numeric" : "";
    if (column.sort === undefined) return html`<th scope="col" class=${numeric}>${column.title}</th>`;
    const sorted = this.sortBy === column.id;
    const order = !sorted ? "none" : this.descending ? "descending" : "ascending";
    const arrow = !sorted ? "" : this.descending ? " ▾" : " ▴";
    const sortIt = (): void => {
      this.descending = sorted && !this.descending;
      this.sortBy = column.id;
    };
    return html`<th scope="col" class=${numeric} aria-sort=${order}>
      <button title="Sort by ${column.title}" @click=${sortIt}>${column.title}${arrow}</button>
    </th>`;
  }

  #row(item: T, index: number): TemplateResult {
    const key = this.keyOf(item);
    const choose = (): void => this.#choose(index);
    return html`<tr
      class=${this.classOf?.(item) ?? nothing}
      data-key=${key}
      data-vscode-context=${this.contextOf?.(item) ?? nothing}
      aria-rowindex=${index + 2}
      aria-selected=${key === this.selected}
      tabindex=${index === this.focusedRow ? 0 : -1}
      @click=${choose}
    >
      ${this.columns.map((column, i) => cell(column, item, i === 0))}
    </tr>`;
  }

  #choose(index: number): void {
    const item = this.#sorted[index];
    if (item === undefined) return;
    this.focusedRow = index;
    this.dispatchEvent(new CustomEvent("row-select", { detail: this.keyOf(item) }));
  }

  #onKey(event: KeyboardEvent): void {
    if (!(event.target instanceof HTMLTableRowElement)) return;
    const page = Math.max(1, this.rowsInSight - 2 * OVERSCAN_ROWS - 2);
    const last = this.#sorted.length - 1;
    const to: Readonly<Record<string, number>> = {
      ArrowDown: this.focusedRow + 1,
      ArrowUp: this.focusedRow - 1,
      PageDown: this.focusedRow + page,
      PageUp: this.focusedRow - page,
      Home: 0,
      End: last,
    };
    const target = to[event.key];
    if (target !== undefined) {
      event.preventDefault();
      void this.#focusRow(Math.max(0, Math.min(last, target)));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#choose(this.focusedRow);
    }
  }

  async #focusRow(index: number): Promise<void> {
    this.focusedRow = index;
    this.#scrollTo(index);
    await this.updateComplete;
    this.querySelector<HTMLElement>(`tr[aria-rowindex="${index + 2}"]`)?.focus({ preventScroll: true });
  }

  /** Scrolls only when the row is out of sight. @returns whether it is in sight now */
  #scrollTo(index: number): boolean {
    const scroller = this.querySelector(".table-scroller");
    if (scroller === null) return false;
    const top = index * ROW_PX;
    const room = scroller.clientHeight - 3 * ROW_PX;
    const inSight = (): boolean => top >= scroller.scrollTop && top <= scroller.scrollTop + room;
    if (!inSight()) scroller.scrollTop = Math.max(0, top - room / 2);
    this.#measure();
    return inSight();
  }
}

function spacer(rows: number, columns: number): TemplateResult | typeof nothing {
  if (rows <= 0) return nothing;
  return html`<tr class="spacer" aria-hidden="true"><td colspan=${columns} .style=${`height:${rows * ROW_PX}px`}></td></tr>`;
}

function cell<T>(column: TableColumn<T>, item: T, heads: boolean): TemplateResult {
  const content = column.content?.(item) ?? column.text(item);
  if (heads) return html`<th scope="row">${content}</th>`;
  return html`<td class=${column.numeric ? "numeric" : ""}>${content}</td>`;
}

function compare(a: number | string | null, b: number | string | null, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * compareIds(String(a), String(b));
}

customElements.define("am-table", DataTable);
