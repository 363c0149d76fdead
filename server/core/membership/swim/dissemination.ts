import { logarithm } from "../../real-functions.ts";

/** SWIM's lambda. */
const RETELLING = 4;

/** How often a piece of news is told among so many members that are there (SWIM, §4.1: λ log n). */
export function timesToTell(present: number): number {
  return RETELLING * Math.ceil(logarithm(present + 1) / Math.LN10);
}

/**
 * News that still has to be told, by the member it is about: what has been told least goes first, and each piece so many times (SWIM, §4.1: "λ log n", the
 * infection-style dissemination that lets everybody hear of it with high probability). Newer news of a member takes the place of the older.
 * All operations O(1) a piece.
 */
export class Dissemination {
  /** By how often it has been told, the places of those it is about; in the order in which they came there. */
  readonly #told: Set<number>[] = [];
  /** By place, how often; absent: nothing to tell of it. */
  readonly #times = new Map<number, number>();

  get size(): number {
    return this.#times.size;
  }

  /** Of whom the only piece is; undefined when there is none, or more than one. */
  get only(): number | undefined {
    return this.#times.size === 1 ? this.#times.keys().next().value : undefined;
  }

  /** There is news of the member at this place. */
  add(place: number): void {
    this.#withdraw(place);
    this.#put(place, 0);
  }

  /**
   * What to tell in one message.
   * @param most pieces. @param limit how often a piece is told. @param except news of this place stays; undefined: all may go.
   * @returns places, the least told first.
   */
  take(most: number, limit: number, except: number | undefined): number[] {
    const taken: number[] = [];
    for (const places of this.#told) {
      for (const place of places) {
        if (taken.length === most) break;
        if (place !== except) taken.push(place);
      }
    }
    for (const place of taken) {
      const times = (this.#times.get(place) as number) + 1;
      this.#withdraw(place);
      if (times < limit) this.#put(place, times);
    }
    return taken;
  }

  #put(place: number, times: number): void {
    while (this.#told.length <= times) this.#told.push(new Set());
    (this.#told[times] as Set<number>).add(place);
    this.#times.set(place, times);
  }

  #withdraw(place: number): void {
    const times = this.#times.get(place);
    if (times === undefined) return;
    (this.#told[times] as Set<number>).delete(place);
    this.#times.delete(place);
  }
}
