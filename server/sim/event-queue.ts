/**
 * What is to happen, by time and then by the order in which it was put in: two runs of one seed take the same things out in the same order.
 * A binary min-heap over parallel arrays, so that comparing touches no object.
 */
export class EventQueue<Item> {
  #times: Float64Array;
  #sequences: Float64Array;
  readonly #items: Item[] = [];
  #size = 0;
  #nextSequence = 0;

  constructor(initialCapacity = 1024) {
    this.#times = new Float64Array(initialCapacity);
    this.#sequences = new Float64Array(initialCapacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Time of the next item; Infinity when there is none. */
  get nextTime(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  push(time: number, item: Item): void {
    if (this.#size === this.#times.length) this.#grow();
    const sequence = this.#nextSequence++;
    const times = this.#times;
    const sequences = this.#sequences;
    const items = this.#items;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      // A new item has the highest sequence: it never passes one of the same time.
      if ((times[parent] as number) <= time) break;
      times[hole] = times[parent] as number;
      sequences[hole] = sequences[parent] as number;
      items[hole] = items[parent] as Item;
      hole = parent;
    }
    times[hole] = time;
    sequences[hole] = sequence;
    items[hole] = item;
  }

  /** Takes out the earliest item; undefined when there is none. */
  pop(): Item | undefined {
    if (this.#size === 0) return undefined;
    const items = this.#items;
    const first = items[0] as Item;
    const last = --this.#size;
    // An array of its own length is not made shorter and longer again for every item.
    const item = items.pop() as Item;
    if (last > 0) this.#sink(this.#times[last] as number, this.#sequences[last] as number, item);
    return first;
  }

  /** Puts an item in at the root and moves it down to where it belongs. */
  #sink(time: number, sequence: number, item: Item): void {
    const times = this.#times;
    const sequences = this.#sequences;
    const items = this.#items;
    const size = this.#size;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size) {
        const leftTime = times[child] as number;
        const rightTime = times[right] as number;
        if (
          rightTime < leftTime ||
          (rightTime === leftTime && (sequences[right] as number) < (sequences[child] as number))
        )
          child = right;
      }
      const childTime = times[child] as number;
      if (childTime > time || (childTime === time && (sequences[child] as number) > sequence)) break;
      times[hole] = childTime;
      sequences[hole] = sequences[child] as number;
      items[hole] = items[child] as Item;
      hole = child;
    }
    times[hole] = time;
    sequences[hole] = sequence;
    items[hole] = item;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
    const sequences = new Float64Array(this.#sequences.length * 2);
    sequences.set(this.#sequences);
    this.#sequences = sequences;
  }
}
