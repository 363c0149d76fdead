import type { World } from "./world.ts";

/**
 * When an agent has its next turn: after whatever came in, and at its earliest deadline. Also what it has to do then: on a topology of few links most of what comes is for others and is passed on, and
 * nothing but that has to be done before the next deadline.
 */
export class Waking {
  readonly #world: Pick<World, "requestTurn" | "setAlarm">;
  #asked = false;
  #moreToDo = true;
  /** NaN: none is set. */
  #alarmMs = Number.NaN;
  /** When the first input since the last turn came, ms; NaN: none did. */
  #firstInputMs = Number.NaN;

  constructor(world: Pick<World, "requestTurn" | "setAlarm">) {
    this.#world = world;
  }

  /** There is something to do. */
  wake(): void {
    this.#moreToDo = true;
    this.#ask();
  }

  /** Something came in. @param forOthers it is to be passed on, and nothing of it concerns this agent */
  input(now: number, forOthers = false): void {
    if (Number.isNaN(this.#firstInputMs)) this.#firstInputMs = now;
    if (forOthers) this.#ask();
    else this.wake();
  }

  /** The alarm rings. */
  alarm(now: number): void {
    this.#alarmMs = Number.NaN;
    this.input(now);
  }

  /** A turn begins. @returns whether there is more to do in it than to pass on what came for others */
  begins(now: number): boolean {
    this.#asked = false;
    const more = this.#moreToDo || !(now < this.#alarmMs);
    this.#moreToDo = false;
    return more;
  }

  /** @param atMs the earliest deadline; absent: it is as it was. */
  ends(now: number, atMs?: number): void {
    this.#firstInputMs = Number.NaN;
    if (atMs === undefined) return;
    // Due already: the consensus has more to send than one turn takes, say.
    if (atMs <= now) this.wake();
    if (atMs <= now || atMs === this.#alarmMs) return;
    this.#alarmMs = atMs;
    this.#world.setAlarm(atMs);
  }

  /** Since when what this turn does was to be done, ms. */
  sinceMs(now: number): number {
    return Number.isNaN(this.#firstInputMs) ? now : this.#firstInputMs;
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#world.requestTurn();
  }
}
