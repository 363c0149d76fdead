import { MAX_NEWS } from "../news.ts";
import type { SwimConfig } from "../types.ts";
import { Dissemination, timesToTell } from "./dissemination.ts";
import { Starts } from "./starts.ts";
import type { SwimRoll } from "./views.ts";

/** What a message tells of starts where there are many. */
export interface ManyStarts {
  readonly life: number;
  /** Bit `place mod 8`, lowest first, of byte `floor(place / 8)`. */
  readonly members: Uint8Array;
}

/**
 * All news that still has to be told. Among as many as fit a message each piece is news like any other; among more, where a whole swarm starts, starts are told apart, all of them in one message.
 * Where no news leaves for its own sake, they are not: there is no such message.
 */
export class Untold {
  readonly #roll: SwimRoll;
  readonly #spreads: boolean;
  readonly #news = new Dissemination();
  readonly #starts = new Starts();

  constructor(roll: SwimRoll, { spreadIntervalMs }: Pick<SwimConfig, "spreadIntervalMs">) {
    this.#roll = roll;
    this.#spreads = spreadIntervalMs !== Number.POSITIVE_INFINITY;
  }

  grow(): void {
    this.#news.grow(this.#roll.size);
    this.#starts.grow(this.#roll.size);
  }

  get size(): number {
    return this.#news.size + this.#starts.size;
  }

  /** Of whom the only piece is; undefined when there is none, or more than one. */
  get only(): number | undefined {
    if (this.#starts.size === 0) return this.#news.only;
    return this.size === 1 ? this.#starts.places()[0] : undefined;
  }

  /** There is news of the member at this place: what is known of it now. */
  add(place: number): void {
    if (!this.#spreads || this.#roll.size <= MAX_NEWS) {
      this.#news.add(place);
      return;
    }
    const started = this.#roll.isAlive(place) && this.#roll.heartbeatOf(place) === 1;
    if (started && this.#starts.add(place, this.#roll.incarnationOf(place))) {
      this.#news.delete(place);
    } else {
      this.#starts.delete(place);
      this.#news.add(place);
    }
  }

  /**
   * What to tell in one message: starts, where they all fit, and then what has been told least.
   * @param most pieces. @param except news of this place stays; undefined: all may go. @returns places
   */
  take(most: number, except: number | undefined): number[] {
    const limit = timesToTell(this.#roll.present);
    if (this.#starts.size === 0 || this.#starts.size > most) return this.#news.take(most, limit, except);
    const started = this.#starts.places().filter((place) => place !== except);
    if (started.length > 0) this.#starts.tell(limit);
    return [...started, ...this.#news.take(most - started.length, limit, except)];
  }

  /** Of those whose bit is set, by place, the ones for whom a start in this life may be news. */
  unstarted({ members, life }: ManyStarts): number[] {
    return this.#starts.others(members, life).filter((place) => {
      if (place >= this.#roll.size) return false;
      const incarnation = this.#roll.incarnationOf(place);
      return incarnation < life || (incarnation === life && this.#roll.heartbeatOf(place) === 0);
    });
  }

  /** What to tell in a message that leaves for its own sake, beside other news; undefined unless there are more starts than fit as news. */
  takeStarts(most: number): ManyStarts | undefined {
    if (this.#starts.size <= most) return undefined;
    const starts = { life: this.#starts.life, members: this.#starts.bits() };
    this.#starts.tell(timesToTell(this.#roll.present));
    return starts;
  }
}
