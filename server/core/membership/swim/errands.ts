import { DeadlineQueue } from "../../deadlines.ts";
import type { Random } from "../../random.ts";
import type { SuspicionReason } from "../types.ts";

/** A helper says that it got no answer after this part of a direct ping's time (Lifeguard, §IV-A). */
export const NACK_SHARE = 0.8;
/** First sequence numbers are drawn below this. */
const SEQUENCES = 2 ** 30;

/** A probe of this member's own, until it is answered or over. */
export interface Probe {
  readonly kind: "probe";
  readonly sequence: number;
  /** Place of whom it is about. */
  readonly target: number;
  /** The life of it that was asked: a later one owes no answer. */
  readonly incarnation: number;
  /** What a suspicion is put down to when nobody answers. */
  readonly reason: SuspicionReason;
  /** When it counts as unanswered, ms. */
  endsMs: number;
  /** Others that were asked to ping, and how many of those said that they got no answer either. */
  asked: number;
  nacks: number;
}

/** A ping on behalf of another member. */
export interface Favour {
  readonly kind: "favour";
  readonly sequence: number;
  readonly target: number;
  /** Place of who asked, and the number it gave. */
  readonly origin: number;
  readonly originSequence: number;
  /** It was told that there is no answer; one that comes later is passed on all the same until this is over. */
  nacked: boolean;
}

export type Errand = Probe | Favour;

/** Pings whose answers are waited for. All operations O(log n) in how many there are. */
export class Errands {
  readonly #open = new Map<number, Errand>();
  readonly #due = new DeadlineQueue<Errand>();
  /** By place of whom they are about. */
  readonly #probes = new Map<number, Probe>();
  #sequence: number;

  /** @param random draws the first number: another one in each life, so that answers to an earlier one are not taken for this one's. */
  constructor(random: Random) {
    this.#sequence = random.int(1, SEQUENCES);
  }

  /** This member's probe of that one, if there is one on its way. */
  probeOf(target: number): Probe | undefined {
    return this.#probes.get(target);
  }

  /** All that are on their way, the longest there first. */
  probes(): Iterable<Probe> {
    return this.#probes.values();
  }

  probe(target: number, incarnation: number, reason: SuspicionReason, endsMs: number, nextMs: number): Probe {
    const sequence = this.#sequence++;
    const probe: Probe = { kind: "probe", sequence, target, incarnation, reason, endsMs, asked: 0, nacks: 0 };
    this.#probes.set(target, probe);
    this.#add(probe, nextMs);
    return probe;
  }

  favour(target: number, origin: number, originSequence: number, nackAtMs: number): Favour {
    const sequence = this.#sequence++;
    const favour: Favour = { kind: "favour", sequence, target, origin, originSequence, nacked: false };
    this.#add(favour, nackAtMs);
    return favour;
  }

  /** It is waited for until then. */
  again(errand: Errand, atMs: number): void {
    this.#due.set(errand, atMs, errand.sequence);
  }

  get(sequence: number): Errand | undefined {
    return this.#open.get(sequence);
  }

  end(errand: Errand): void {
    this.#open.delete(errand.sequence);
    this.#due.delete(errand);
    if (errand.kind === "probe") this.#probes.delete(errand.target);
  }

  /** The next one whose time has come; it stays open until `end`. */
  takeDue(now: number): Errand | undefined {
    return this.#due.takeDue(now);
  }

  earliestMs(): number {
    return this.#due.earliestMs();
  }

  /** This member did not run for so long: no time that others had to answer. */
  postpone(ms: number): void {
    for (const errand of this.#open.values()) {
      const atMs = this.#due.atMs(errand);
      if (atMs !== undefined) this.#due.set(errand, atMs + ms, errand.sequence);
      if (errand.kind === "probe") errand.endsMs += ms;
    }
  }

  #add(errand: Errand, atMs: number): void {
    this.#open.set(errand.sequence, errand);
    this.#due.set(errand, atMs, errand.sequence);
  }
}
