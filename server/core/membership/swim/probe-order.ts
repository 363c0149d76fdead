import type { Random } from "../../random.ts";

/**
 * Whom to probe next: everybody once in each round, in an order drawn anew for each (SWIM, §4.3: a member that fails is probed within 2n - 1 periods by each
 * other one, instead of only probably). Whoever is new is put at a random place of what is left of the round.
 */
export class ProbeOrder {
  readonly #random: Random;
  #order: number[] = [];
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  admit(place: number): void {
    this.#order.splice(this.#random.int(this.#at, this.#order.length), 0, place);
  }

  /** @returns undefined when nobody is worth it. */
  next(worthIt: (place: number) => boolean): number | undefined {
    // The rest of this round, and at most all of the next.
    for (let rounds = 0; rounds < 2; rounds++) {
      while (this.#at < this.#order.length) {
        const place = this.#order[this.#at++] as number;
        if (worthIt(place)) return place;
      }
      this.#order = this.#random.shuffled(this.#order);
      this.#at = 0;
    }
    return undefined;
  }
}
