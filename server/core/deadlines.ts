/**
 * Things that fall due, earliest first: a binary heap that knows where each item lies (Cormen et al., "Introduction to Algorithms", ch. 6.5), so that
 * an item set anew moves instead of leaving a dead twin behind. Bounded by the number of items, whatever happens to them. All operations O(log n).
 */
export class DeadlineQueue<Item> {
  readonly #heap: Due<Item>[] = [];
  readonly #places = new Map<Item, Due<Item>>();

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline in ms, or Infinity. */
  earliestMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Sets or moves an item's deadline.
   * @param tie orders items that fall due in the same ms, lowest first; unique, so that the order never depends on what happened before.
   */
  set(item: Item, atMs: number, tie: number): void {
    this.delete(item);
    const due: Due<Item> = { item, atMs, tie, place: this.#heap.length };
    this.#heap.push(due);
    this.#places.set(item, due);
    this.#rise(due);
  }

  /** When the item is due, ms; undefined when it is not in here. */
  atMs(item: Item): number | undefined {
    return this.#places.get(item)?.atMs;
  }

  delete(item: Item): boolean {
    const due = this.#places.get(item);
    if (due === undefined) return false;
    this.#places.delete(item);
    const last = this.#heap.pop() as Due<Item>;
    if (last !== due) {
      this.#put(last, due.place);
      this.#rise(last);
      this.#sink(last);
    }
    return true;
  }

  /** Removes and returns the earliest item that is due at `timeMs`, or undefined. */
  takeDue(timeMs: number): Item | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > timeMs) return undefined;
    this.delete(first.item);
    return first.item;
  }

  #put(due: Due<Item>, place: number): void {
    this.#heap[place] = due;
    due.place = place;
  }

  #rise(due: Due<Item>): void {
    while (due.place > 0) {
      const parentPlace = (due.place - 1) >> 1;
      const parent = this.#heap[parentPlace] as Due<Item>;
      if (!before(due, parent)) return;
      this.#put(parent, due.place);
      this.#put(due, parentPlace);
    }
  }

  #sink(due: Due<Item>): void {
    for (;;) {
      const left = this.#heap[due.place * 2 + 1];
      const right = this.#heap[due.place * 2 + 2];
      const child = left !== undefined && right !== undefined && before(right, left) ? right : left;
      if (child === undefined || !before(child, due)) return;
      const childPlace = child.place;
      this.#put(child, due.place);
      this.#put(due, childPlace);
    }
  }
}

interface Due<Item> {
  readonly item: Item;
  readonly atMs: number;
  readonly tie: number;
  place: number;
}

function before<Item>(a: Due<Item>, b: Due<Item>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie);
}
