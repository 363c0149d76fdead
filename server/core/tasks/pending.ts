import { invariant } from "../invariant.ts";

/** Ids of waiting tasks in the order of submission. A task that lost its lease goes back to its old place, by binary search. */
export class PendingTasks {
  readonly #waiting: { readonly id: string; readonly order: number }[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(id: string, order: number): void {
    const place = this.#placeOf(order);
    invariant(this.#waiting[place]?.order !== order, "tasks: a task waits once");
    this.#waiting.splice(place, 0, { id, order });
  }

  delete(id: string, order: number): void {
    const place = this.#placeOf(order);
    invariant(this.#waiting[place]?.id === id, "tasks: a pending task waits in its place");
    this.#waiting.splice(place, 1);
  }

  *ids(): IterableIterator<string> {
    for (const { id } of this.#waiting) yield id;
  }

  #placeOf(order: number): number {
    let low = 0;
    let high = this.#waiting.length;
    const last = this.#waiting[high - 1];
    if (last === undefined || last.order < order) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle]?.order as number) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
