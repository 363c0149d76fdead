import { compareText } from "../text.ts";
import type { MemoryItem } from "./types.ts";

/**
 * The items of one namespace. Keys are kept sorted for `list`, but only brought up to date when somebody lists: appending the new keys to the
 * sorted ones and sorting again is one merge, because the sort finds the run that is in order already.
 */
export class Namespace<Item extends { readonly key: string } = MemoryItem> {
  readonly #items = new Map<string, Item>();
  #sorted: string[] = [];
  /** Keys put since `#sorted` was made; some may be in it, from before they were deleted. */
  #added: string[] = [];
  #deletedSome = false;

  get size(): number {
    return this.#items.size;
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  set(item: Item): void {
    const isNew = !this.#items.has(item.key);
    // Before sorting, which keeps only the keys that are there.
    this.#items.set(item.key, item);
    if (!isNew) return;
    this.#added.push(item.key);
    // Keys that come and go between two lists must not pile up.
    if (this.#added.length > 1024 && this.#added.length > 2 * this.#items.size) this.#sort();
  }

  delete(key: string): void {
    if (this.#items.delete(key)) this.#deletedSome = true;
  }

  /** In no order. */
  all(): Item[] {
    return [...this.#items.values()];
  }

  list(prefix: string, limit: number): Item[] {
    const found: Item[] = [];
    for (const item of this.from(prefix, "")) {
      if (found.length >= limit) break;
      found.push(item);
    }
    return found;
  }

  /** Those whose key starts with `prefix` and comes after `after`, in order. To be gone through before the namespace changes. */
  *from(prefix: string, after: string): IterableIterator<Item> {
    this.#sort();
    // No key lies between one and the same with a NUL behind it.
    const least = after === "" || after < prefix ? prefix : `${after}\0`;
    for (let at = lowerBound(this.#sorted, least); at < this.#sorted.length; at++) {
      const key = this.#sorted[at] as string;
      if (!key.startsWith(prefix)) return;
      yield this.#items.get(key) as Item;
    }
  }

  #sort(): void {
    if (this.#added.length === 0 && !this.#deletedSome) return;
    const keys = this.#sorted.concat(this.#added.sort(compareText)).sort(compareText);
    this.#sorted = keys.filter((key, at) => key !== keys[at - 1] && this.#items.has(key));
    this.#added = [];
    this.#deletedSome = false;
  }
}

/** Where the first key >= `least` is. */
function lowerBound(sorted: readonly string[], least: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
