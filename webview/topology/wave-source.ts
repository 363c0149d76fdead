/** Keeps the newest write that spreads by gossip: asks the timeline for the few kinds of events that tell of it, one small question at a time. */
import {
  EVENT_KINDS,
  type EventKind,
  MESSAGE_TYPES,
  type TimelineQuery,
  type TimelineWindow,
} from "../../server/contract/timeline.ts";
import { prefersReducedMotion } from "../theme.ts";
import { type Rumour, rumoursOf, type Spread, spreadAt } from "./wave.ts";

const WANTED: readonly EventKind[] = ["issued", "rumourHeard", "converged"];
const HIDDEN = [...EVENT_KINDS.filter((kind) => !WANTED.includes(kind)), ...MESSAGE_TYPES];

/** How far back it looks, ms: less where that would be more events than it takes. */
const SPAN_MS = 20_000;
const SPAN_LEAST_MS = 250;
const EVENTS_MAX = 5000;
/** Least time between two questions, ms. */
const EVERY_MS = 400;
/** What takes some ms is drawn over this long, ms. */
export const DRAWN_MS = 2200;
/** A write stays lit for so long after it was shown whole, ms. */
const LIT_MS = 20_000;

export interface WaveShown {
  readonly rumour: Rumour;
  readonly spread: Spread;
  /** All that is known of it is lit. */
  readonly whole: boolean;
}

export class WaveSource {
  readonly #ask: (query: TimelineQuery) => Promise<TimelineWindow>;
  readonly #changed: (shown: WaveShown | null) => void;
  #swarm = "";
  #lastMs = 0;
  #spanMs = SPAN_MS;
  #asking = false;
  #grown = false;
  #timer = 0;
  #frame = 0;
  #shown: Rumour | null = null;
  #startedAt = 0;
  #next: Rumour | null = null;
  #fading = 0;

  constructor(ask: (query: TimelineQuery) => Promise<TimelineWindow>, changed: (shown: WaveShown | null) => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  /** From now on of this swarm; "" for none. */
  follow(swarm: string, nowMs: number): void {
    if (swarm === this.#swarm) return;
    this.stop();
    this.#swarm = swarm;
    this.#lastMs = nowMs;
    if (swarm !== "") this.#pump();
  }

  grew(swarm: string, lastMs: number): void {
    if (swarm !== this.#swarm) return;
    this.#lastMs = lastMs;
    this.#pump();
  }

  stop(): void {
    window.clearTimeout(this.#timer);
    window.clearTimeout(this.#fading);
    cancelAnimationFrame(this.#frame);
    this.#timer = 0;
    this.#frame = 0;
    this.#swarm = "";
    this.#shown = null;
    this.#next = null;
    this.#changed(null);
  }

  #pump(): void {
    if (this.#asking || this.#timer !== 0) {
      this.#grown = true;
      return;
    }
    void this.#fetch(this.#swarm);
  }

  async #fetch(swarm: string): Promise<void> {
    this.#asking = true;
    this.#grown = false;
    const fromMs = this.#lastMs - this.#spanMs;
    const query = { swarm, fromMs, toMs: this.#lastMs + 1, hiddenKinds: HIDDEN, maxEvents: EVENTS_MAX, buckets: 1 };
    try {
      const answer = await this.#ask(query);
      if (swarm === this.#swarm) this.#take(answer);
    } catch (error) {
      // The swarm ended meanwhile, or the coordinator is starting again: the next news asks again.
      console.info(`What spreads is not known: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#asking = false;
    if (this.#swarm === "") return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      if (this.#grown) this.#pump();
    }, EVERY_MS);
  }

  #take(answer: TimelineWindow): void {
    if (answer.total > EVENTS_MAX) {
      this.#spanMs = Math.max(SPAN_LEAST_MS, this.#spanMs / 4);
      this.#grown = true;
      return;
    }
    const rumours = rumoursOf(answer.events);
    const shown = this.#shown;
    const again = rumours.find((one) => one.origin === shown?.origin && one.seq === shown.seq);
    if (again !== undefined) this.#shown = again;
    const newest = rumours.at(-1);
    if (newest !== undefined && newest !== again && newest.issuedAtMs > (shown?.issuedAtMs ?? 0)) this.#next = newest;
    if (this.#frame === 0) this.#play();
  }

  /** Shows one after the other: each to its end, then the newest there is by then. */
  #play(): void {
    if (this.#next !== null) {
      this.#shown = this.#next;
      this.#next = null;
      this.#startedAt = performance.now();
      window.clearTimeout(this.#fading);
      this.#fading = window.setTimeout(() => this.#fade(), LIT_MS);
    }
    if (this.#shown === null) return;
    const step = (now: number): void => {
      this.#frame = 0;
      const rumour = this.#shown;
      if (rumour === null) return;
      const share = prefersReducedMotion() ? 1 : Math.min(1, (now - this.#startedAt) / DRAWN_MS);
      this.#changed({ rumour, spread: spreadAt(rumour, share), whole: share >= 1 });
      if (share < 1) this.#frame = requestAnimationFrame(step);
      else if (this.#next !== null) this.#play();
    };
    step(performance.now());
  }

  #fade(): void {
    this.#shown = null;
    this.#changed(null);
  }
}
