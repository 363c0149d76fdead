import { logarithm } from "../../real-functions.ts";
import { longer, type Places, placesArray } from "./columns.ts";

/** SWIM's lambda. */
const RETELLING = 4;
/** Members that news is sent to for its own sake, at least (the seed's fanout, 3 to 5). */
const LEAST_FANOUT = 3;

/** How often a piece of news is told among so many members that are there (SWIM, §4.1: λ log n). */
export function timesToTell(present: number): number {
  return RETELLING * logarithmOf(present);
}

/**
 * How many it is sent to at once for its own sake. With so many a rumour reaches nearly all before anybody waits for the next time (Kermarrec, Massoulié and Ganesh 2003, "Probabilistic Reliable
 * Dissemination in Large-Scale Systems": log n and a constant); as each piece is told so often and no more, it is sooner told, not oftener.
 */
export function fanoutAmong(present: number): number {
  return Math.max(LEAST_FANOUT, 1 + logarithmOf(present));
}

function logarithmOf(present: number): number {
  return Math.ceil(logarithm(present + 1) / Math.LN10);
}

/**
 * News that still has to be told, by the member it is about: what has been told least goes first, and each piece so many times (SWIM, §4.1: "λ log n", the
 * infection-style dissemination that lets everybody hear of it with high probability). Newer news of a member takes the place of the older.
 * All operations O(1) a piece.
 *
 * Linked lists in columns, one list for each number of times: among thousands of members that all start, thousands of pieces wait at each.
 */
export class Dissemination {
  /** By place, how often it was told, and one more; 0: there is nothing to tell of it. */
  #told = new Uint8Array(0);
  /** By place, the place that came to its list after it, and before it, each and one more; 0: none. */
  #after: Places = new Uint16Array(0);
  #before: Places = new Uint16Array(0);
  /** By how often it was told, the ends of the list, in the same way. */
  readonly #first: number[] = [];
  readonly #last: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Of whom the only piece is; undefined when there is none, or more than one. */
  get only(): number | undefined {
    return this.#size === 1 ? (this.#first.find((link) => link !== 0) as number) - 1 : undefined;
  }

  /** There are so many members. */
  grow(members: number): void {
    this.#told = longer(this.#told, members);
    const [after, before] = [placesArray(members, members), placesArray(members, members)];
    after.set(this.#after);
    before.set(this.#before);
    this.#after = after;
    this.#before = before;
  }

  /** There is news of the member at this place. */
  add(place: number): void {
    this.delete(place);
    this.#put(place, 0);
  }

  /** There is nothing to tell of it any more. */
  delete(place: number): void {
    const told = this.#told[place] as number;
    if (told === 0) return;
    const [before, after] = [this.#before[place] as number, this.#after[place] as number];
    if (before === 0) this.#first[told - 1] = after;
    else this.#after[before - 1] = after;
    if (after === 0) this.#last[told - 1] = before;
    else this.#before[after - 1] = before;
    this.#told[place] = 0;
    this.#size--;
  }

  /**
   * What to tell in one message.
   * @param most pieces. @param limit how often a piece is told. @param except news of this place stays; undefined: all may go.
   * @returns places, the least told first.
   */
  take(most: number, limit: number, except: number | undefined): number[] {
    const taken: number[] = [];
    if (this.#size === 0) return taken;
    for (const first of this.#first)
      for (let link = first; link !== 0 && taken.length < most; link = this.#after[link - 1] as number)
        if (link - 1 !== except) taken.push(link - 1);
    for (const place of taken) {
      const times = this.#told[place] as number;
      this.delete(place);
      if (times < limit) this.#put(place, times);
    }
    return taken;
  }

  #put(place: number, times: number): void {
    while (this.#first.length <= times) {
      this.#first.push(0);
      this.#last.push(0);
    }
    const last = this.#last[times] as number;
    this.#told[place] = times + 1;
    this.#before[place] = last;
    this.#after[place] = 0;
    if (last === 0) this.#first[times] = place + 1;
    else this.#after[last - 1] = place + 1;
    this.#last[times] = place + 1;
    this.#size++;
  }
}
