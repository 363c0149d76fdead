import { Aggregation } from "../server/core/aggregation/aggregation.ts";
import { AggregateCodec } from "../server/core/aggregation/codec.ts";
import type { Participation } from "../server/core/aggregation/participation.ts";
import { sameSet } from "../server/core/aggregation/place-set.ts";
import type { AggregateMessage, AggregateResult } from "../server/core/aggregation/types.ts";
import { type Random, seededRandom } from "../server/core/random.ts";
import { Schedule } from "../server/sim/schedule.ts";

export const ROUND_MS = 30;
/** One way. */
const LATENCY_MS = { min: 0.5, max: 5 };
const US_PER_MS = 1000;

export interface GroupOptions {
  readonly size: number;
  readonly seed: string;
  /** Shares of all messages. */
  readonly loss?: number;
  readonly duplication?: number;
  /** Of each agent; null: it has none. */
  readonly value: (place: number) => number | null;
  /** Messages pass through bytes: slower, and closer to what agents do. */
  readonly encoded?: boolean;
  /** What an agent makes of itself, for broken ones. */
  readonly create?: (place: number, make: () => Aggregation) => Aggregation;
}

export interface Ended {
  readonly place: number;
  readonly result: AggregateResult;
  readonly atMs: number;
}

/** Agents that are nothing but their part in an aggregate, in virtual time, with messages that are lost and doubled. Place 0 begins. */
export class AggregationGroup {
  readonly cores: Aggregation[];
  readonly ended: Ended[] = [];
  /** Sees every message before it leaves; false: it is lost. */
  passes: (from: number, to: number, message: AggregateMessage) => boolean = () => true;
  /** Before each message is taken. */
  onStep: () => void = () => {};
  messages = 0;
  bytes = 0;
  crashes = 0;
  readonly #options: GroupOptions;
  readonly #schedule = new Schedule();
  readonly #random: Random;
  readonly #codec = new AggregateCodec();
  readonly #incarnations: number[];
  readonly #down = new Set<number>();
  readonly #ringing: number[];

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#random = seededRandom(`${options.seed}/network`);
    this.#incarnations = Array.from({ length: options.size }, () => 1);
    this.#ringing = this.#incarnations.map(() => Number.POSITIVE_INFINITY);
    this.cores = this.#incarnations.map((_, place) => this.#make(place));
  }

  get nowMs(): number {
    return this.#schedule.nowMs;
  }

  /** Of place 0. @param without who is known not to be there */
  begin(metric = "load", without: readonly number[] = []): void {
    const participants = this.#incarnations.flatMap((incarnation, place) =>
      without.includes(place) ? [] : [{ place, incarnation }],
    );
    this.#step(0, (core, now) => core.begin(metric, participants, now));
  }

  /** As SIGKILL does. @param noticeMs after which the others' failure detectors say so; absent: never */
  crash(place: number, noticeMs?: number): void {
    this.#down.add(place);
    this.crashes++;
    if (noticeMs === undefined) return;
    this.#schedule.afterMs(noticeMs, () => {
      for (let other = 0; other < this.#options.size; other++)
        if (other !== place) this.#step(other, (core) => core.gone(place));
    });
  }

  /** Another life, which knows of nothing. */
  restart(place: number): void {
    this.#down.delete(place);
    this.#incarnations[place] = (this.#incarnations[place] as number) + 1;
    this.cores[place] = this.#make(place);
    this.#ringing[place] = Number.POSITIVE_INFINITY;
  }

  after(delayMs: number, happen: () => void): void {
    this.#schedule.afterMs(delayMs, happen);
  }

  run(forMs: number, until: () => boolean = () => false): void {
    this.#schedule.runUntil(this.#schedule.nowUs + forMs * US_PER_MS, until);
  }

  get #up(): number {
    return this.#options.size - this.#down.size;
  }

  isUp(place: number): boolean {
    return !this.#down.has(place);
  }

  /** Until all that are up know the result, or have given up. */
  runToEnd(withinMs = 60_000): void {
    // Who crashed may have ended before; it is looked more closely only when so many have ended as are up.
    this.run(withinMs, () => this.ended.length >= this.#up && this.parts.every(({ part }) => part?.ended === true));
  }

  /** Of those that are up. */
  get parts(): { readonly place: number; readonly part: Participation | undefined }[] {
    return this.cores.flatMap((core, place) => (this.isUp(place) ? [{ place, part: core.partIn(0) }] : []));
  }

  /** What all have that work on the same masses as `part`, with what is on its way between them. */
  massWith(part: Participation): {
    readonly sum: number;
    readonly weight: number;
    readonly members: readonly number[];
  } {
    const alike = new Map<number, Participation>();
    for (const { part: other } of this.parts)
      if (other !== undefined && sameSet(other.gone, part.gone)) alike.set(other.self, other);
    let [sum, weight] = [0, 0];
    for (const one of alike.values()) {
      sum += one.masses.mass.sum;
      weight += one.masses.mass.weight;
      for (let to = 0; to < one.start.participants.length; to++) {
        const parcel = one.masses.sentTo(to);
        if (parcel === undefined || alike.get(to)?.masses.hasTaken(one.self, parcel.seq)) continue;
        sum += parcel.sum;
        weight += parcel.weight;
      }
    }
    return { sum, weight, members: [...alike.keys()].map((at) => part.start.participants[at]?.place as number) };
  }

  #make(place: number): Aggregation {
    const incarnation = this.#incarnations[place] as number;
    const { seed, value, create = (_, make) => make() } = this.#options;
    const config = { place, incarnation, roundMs: ROUND_MS, value: () => value(place) };
    return create(place, () => new Aggregation(config, seededRandom(`${seed}/${place}.${incarnation}`)));
  }

  #step(place: number, take: (core: Aggregation, now: number) => void): void {
    const core = this.cores[place] as Aggregation;
    if (!this.isUp(place)) return;
    const now = this.nowMs;
    take(core, now);
    for (let ready = core.take(); ready !== undefined; ready = core.take()) {
      for (const observation of ready.observations)
        if (observation.type === "ended") this.ended.push({ place, result: observation.result, atMs: now });
      for (const { to, message } of ready.messages) this.#send(place, to, message);
    }
    const ringMs = core.deadline();
    if (ringMs >= (this.#ringing[place] as number)) return;
    this.#ringing[place] = ringMs;
    const happen = (): void => {
      if (this.cores[place] !== core) return;
      this.#ringing[place] = Number.POSITIVE_INFINITY;
      this.#step(place, (one, at) => one.tick(at));
    };
    this.#schedule.after(Math.max(0, Math.ceil((ringMs - now) * US_PER_MS)), { happen });
  }

  #send(from: number, to: number, message: AggregateMessage): void {
    this.messages++;
    const { loss = 0, duplication = 0, encoded = false } = this.#options;
    const bytes = encoded ? this.#codec.encode(message) : undefined;
    this.bytes += bytes?.length ?? 0;
    if (!this.passes(from, to, message)) return;
    const copies = this.#random.chance(loss) ? 0 : this.#random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = LATENCY_MS.min + this.#random.float() * (LATENCY_MS.max - LATENCY_MS.min);
      this.#schedule.afterMs(delayMs, () => {
        this.onStep();
        const arrived = bytes === undefined ? message : this.#codec.decode(bytes);
        if (arrived !== undefined) this.#step(to, (core, now) => core.heard(from, arrived, now));
      });
    }
  }
}
