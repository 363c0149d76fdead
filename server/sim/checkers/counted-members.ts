import type { Change } from "../../core/gossip/roll.ts";

/** Who counts by the changes that one was given, each stamped; worked out apart from the code that is judged. */
export class CountedMembers {
  readonly #came: Set<number>;
  /** With the latest time of their removal. */
  readonly #went = new Map<number, number>();

  /** @param founders so many, the first by place */
  constructor(founders: number) {
    this.#came = new Set(Array.from({ length: founders }, (_, place) => place));
  }

  apply({ kind, place }: Change, stamp: number): void {
    if (kind === "add") this.#came.add(place);
    else this.#went.set(place, Math.max(stamp, this.#went.get(place) ?? 0));
  }

  /** By place, rising. Where all went, the last that did counts on; of two that did at once the one with the greater place. */
  get counted(): readonly number[] {
    const rising = (places: readonly number[]): number[] => places.toSorted((one, other) => one - other);
    const staying = [...this.#came].filter((place) => !this.#went.has(place));
    if (staying.length > 0) return rising(staying);
    const when = (place: number): number => this.#went.get(place) as number;
    return rising([...this.#came])
      .sort((one, other) => when(one) - when(other))
      .slice(-1);
  }
}
