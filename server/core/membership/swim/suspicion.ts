import { DeadlineQueue } from "../../deadlines.ts";
import { logarithm } from "../../real-functions.ts";
import type { SwimConfig } from "../types.ts";
import { lifeguardOf } from "./config.ts";

/** Independent confirmations after which a suspicion does not become shorter (Lifeguard's K). */
const CONFIRMATIONS = 3;
/** The longest suspicion in relation to the shortest (Lifeguard's beta). */
const LONGEST = 6;

export interface SuspicionTimes {
  readonly minMs: number;
  readonly maxMs: number;
  /** Confirmations that make it as short as it can be. */
  readonly wanted: number;
}

/** How long a suspect has to refute among so many members that are there. */
export function suspicionTimes(
  present: number,
  config: Pick<SwimConfig, "suspicionMultiplier" | "probeIntervalMs" | "lifeguard">,
): SuspicionTimes {
  const { suspicionMultiplier, probeIntervalMs } = config;
  const minMs = suspicionMultiplier * Math.max(1, logarithm(Math.max(1, present)) / Math.LN10) * probeIntervalMs;
  // Neither the suspect nor who suspects first confirms.
  const wanted = Math.max(0, Math.min(CONFIRMATIONS, present - 2));
  return { minMs, maxMs: lifeguardOf(config).dogpile && wanted > 0 ? minMs * LONGEST : minMs, wanted };
}

/**
 * A suspicion that becomes shorter with each member that reaches it by itself: one that is slow, and alone in suspecting others, waits longer (Lifeguard,
 * §IV-B, "dogpile": max - (max - min) log(c + 1) / log(K + 1)).
 */
export class Suspicion {
  readonly times: SuspicionTimes;
  /** Places of those who suspect, the first of them first. */
  readonly #by: number[];
  #sinceMs: number;

  constructor(times: SuspicionTimes, by: number, now: number) {
    this.times = times;
    this.#by = [by];
    this.#sinceMs = now;
  }

  /** Who came to suspect it last. */
  get lastBy(): number {
    return this.#by[this.#by.length - 1] as number;
  }

  /** @returns whether that is another one, and one that counts. */
  confirm(by: number): boolean {
    if (this.#by.length > this.times.wanted || this.#by.includes(by)) return false;
    this.#by.push(by);
    return true;
  }

  /** The suspector did not run for so long: no time that the suspect had. */
  postpone(ms: number): void {
    this.#sinceMs += ms;
  }

  /** When it runs out, ms. */
  get untilMs(): number {
    const { minMs, maxMs, wanted } = this.times;
    if (wanted === 0 || maxMs === minMs) return this.#sinceMs + minMs;
    const share = logarithm(this.#by.length) / logarithm(wanted + 1);
    return this.#sinceMs + Math.max(minMs, maxMs - (maxMs - minMs) * share);
  }
}

/** Those of all suspects, by their places. */
export class Suspicions {
  readonly #all = new Map<number, Suspicion>();
  readonly #due = new DeadlineQueue<number>();

  of(place: number): Suspicion | undefined {
    return this.#all.get(place);
  }

  begin(place: number, suspicion: Suspicion): void {
    this.#all.set(place, suspicion);
    this.#due.set(place, suspicion.untilMs, place);
  }

  /** @returns whether that makes a difference. */
  confirm(place: number, by: number): boolean {
    const suspicion = this.#all.get(place);
    if (suspicion?.confirm(by) !== true) return false;
    this.#due.set(place, suspicion.untilMs, place);
    return true;
  }

  end(place: number): void {
    if (this.#all.delete(place)) this.#due.delete(place);
  }

  /** The suspector did not run for so long. */
  postpone(ms: number): void {
    for (const [place, suspicion] of this.#all) {
      suspicion.postpone(ms);
      this.#due.set(place, suspicion.untilMs, place);
    }
  }

  /** The place of the next one whose suspicion ran out; it stays one until `end`. */
  takeDue(now: number): number | undefined {
    return this.#due.takeDue(now);
  }

  earliestMs(): number {
    return this.#due.earliestMs();
  }
}
