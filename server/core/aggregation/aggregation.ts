/**
 * What all agents together have of a number that each has of its own: how many there are, their mean, the least and the greatest. Nobody is asked centrally, and everybody comes to know it.
 *
 *   mean    push-sum (Kempe, Dobra and Gehrke, "Gossip-Based Computation of Aggregate Information", FOCS 2003, §2): push-sum.ts
 *   error   a hull that holds the mean for certain: hulls.ts
 *   count   of those whose value is in it, exactly: a bit a participant on each message
 *   min, max  spread with these bits, and are exact once all are set
 *
 *   a1 ── asks, half of its mass, what it has heard ──▶ a7      a round of a1: one participant drawn, and whoever owes an answer
 *   a1 ◀── takes it, what it has heard ──────────────── a7      lost either way: the same again in the next round, and taken once
 *
 * *Promised*, as long as nobody lies: the mean of the `count` values that are in it is within `error` of the answer, always and not only probably; all who end as `converged` after the same agents were left out
 * have the same answer. It ends, after at most `maxRounds` rounds, in O(log n + log 1/ε + log 1/δ) of them where nobody fails (their Theorem 3.1, a phase being O(log n) rounds).
 * *Not promised*: that everybody's value is in it. Whoever cannot be reached, or fails meanwhile, is left out, and the answer says who is in it. Values are of the moment at which each agent heard of the aggregate.
 * Whoever lies can make the answer anything: what is refused is only what no honest agent could say.
 *
 * Different from the papers. Messages may be lost, and agents fail: halves are acknowledged and repeated, and when somebody is left out the others begin anew, which is what Jelasity, Montresor and Babaoglu do by epochs
 * ("Gossip-Based Aggregation in Large Dynamic Networks", TOCS 2005, §4). Running sums of all that was ever sent on an edge (Hadjicostis, Vaidya and Domínguez-García, IEEE TAC 2016) or flows (Jesus, Baquero and Almeida, "Fault-Tolerant
 * Aggregation by Flow Updating", DAIS 2009) need no acknowledgements, but are not to be told from what is on its way, and so give no certain error; nor are they exact where masses become small.
 * The count is not a sum with the weight 1 at one agent (§2): that is an estimate, and the bits are needed for the error anyway. Whom to ask is drawn of all participants, with whom there is a link or not: over neighbours alone a
 * ring of n would take n² rounds (Boyd et al. 2006).
 */
import { invariant } from "../invariant.ts";
import type { Random } from "../random.ts";
import { MAX_ACTIVE } from "./limits.ts";
import { Participation } from "./participation.ts";
import type { AggregateId, AggregateMessage, AggregateResult, AggregateStart, Participant } from "./types.ts";

export interface AggregationConfig {
  /** In the roster. */
  readonly place: number;
  readonly incarnation: number;
  readonly roundMs: number;
  /** What this agent contributes; null: it has no such value, or knows no such metric. undefined: `measured` will tell. */
  readonly value: (metric: string, id: AggregateId) => number | null | undefined;
}

export interface AggregationReady {
  /** `to`: place in the roster. */
  readonly messages: readonly { readonly to: number; readonly message: AggregateMessage }[];
  readonly observations: readonly AggregationObservation[];
}

export type AggregationObservation =
  | { readonly type: "joined"; readonly id: AggregateId; readonly metric: string }
  | { readonly type: "ended"; readonly id: AggregateId; readonly result: AggregateResult };

interface Active {
  readonly part: Participation;
  nextRoundMs: number;
  told: boolean;
}

/** One agent's part in the aggregates of its swarm: at most one of each initiator, the latest. `now`: ms, never backwards. */
export class Aggregation {
  readonly #config: AggregationConfig;
  readonly #random: Random;
  /** By initiator. */
  readonly #active = new Map<number, Active>();
  /** By initiator, the latest that was heard of: what is older is over, and is not joined again. */
  readonly #latest = new Map<number, AggregateId>();
  #number = 0;
  #messages: { readonly to: number; readonly message: AggregateMessage }[] = [];
  #observations: AggregationObservation[] = [];

  constructor(config: AggregationConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  /** An aggregate of this agent's is not ended. */
  get busy(): boolean {
    return this.#active.get(this.#config.place)?.part.ended === false;
  }

  /** The part that this agent has in the latest one of an initiator, for checkers; undefined: none. */
  partIn(initiator: number): Participation | undefined {
    return this.#active.get(initiator)?.part;
  }

  /** Begins an aggregate over these, itself among them. Only when not `busy`. */
  begin(metric: string, participants: readonly Participant[], now: number): AggregateId {
    invariant(!this.busy, "aggregation: an agent begins one at a time");
    const { place, incarnation } = this.#config;
    const id = { initiator: place, incarnation, number: ++this.#number };
    this.#active.delete(place);
    const part = this.#join({ id, metric, participants }, now);
    invariant(part !== undefined, "aggregation: its initiator takes part in it");
    return id;
  }

  /** The value that was wanted; what is asked for no more is ignored. */
  measured(id: AggregateId, value: number | null): void {
    const active = this.#active.get(id.initiator);
    if (active === undefined || !sameAggregate(active.part.start.id, id) || active.part.ended) return;
    active.part.contribute(value);
    this.#look(id.initiator, active);
  }

  /** @param from place in the roster. */
  heard(from: number, message: AggregateMessage, now: number): void {
    const { id, participants } = message.start;
    const active = this.#known(message.start, now);
    if (active === undefined) return;
    const sender = participants.findIndex(({ place }) => place === from);
    if (sender < 0 || sender === active.part.self) return;
    if ((participants[sender] as Participant).incarnation !== message.incarnation) active.part.exclude(sender);
    else this.#say(active, active.part.heard(sender, message));
    this.#look(id.initiator, active);
  }

  /** An agent failed or left, or is in another life than `incarnation`; undefined: in none. */
  gone(place: number, incarnation?: number): void {
    for (const [initiator, active] of this.#active) {
      const at = active.part.start.participants.findIndex((one) => one.place === place);
      if (at < 0 || active.part.start.participants[at]?.incarnation === incarnation) continue;
      active.part.exclude(at);
      this.#look(initiator, active);
    }
  }

  tick(now: number): void {
    for (const [initiator, active] of this.#active) {
      if (active.nextRoundMs > now) continue;
      // Rounds that were missed are not made up for: the others' answers take their time, too.
      active.nextRoundMs = now + this.#config.roundMs;
      for (const told of active.part.tick()) this.#say(active, told);
      this.#look(initiator, active);
      if (active.part.over) this.#active.delete(initiator);
    }
  }

  /** When `tick` has something to do, ms. */
  deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { nextRoundMs } of this.#active.values()) earliest = Math.min(earliest, nextRoundMs);
    return earliest;
  }

  /** `take` has something to give. */
  get ready(): boolean {
    return this.#messages.length > 0 || this.#observations.length > 0;
  }

  /** What has to leave and what happened since the last call, or undefined. */
  take(): AggregationReady | undefined {
    if (!this.ready) return undefined;
    const ready = { messages: this.#messages, observations: this.#observations };
    this.#messages = [];
    this.#observations = [];
    return ready;
  }

  /** The aggregate that a message is of, joined if it is new. */
  #known(start: AggregateStart, now: number): Active | undefined {
    const { initiator } = start.id;
    const active = this.#active.get(initiator);
    if (active !== undefined && sameAggregate(active.part.start.id, start.id))
      return sameStart(active.part.start, start) ? active : undefined;
    const latest = this.#latest.get(initiator);
    if (latest !== undefined && !isLater(start.id, latest)) return undefined;
    if (active === undefined && this.#active.size >= MAX_ACTIVE && !this.#makeRoom()) return undefined;
    this.#active.delete(initiator);
    this.#join(start, now);
    return this.#active.get(initiator);
  }

  /** Ends to tell of the result that has been known for longest; false: all are under way. */
  #makeRoom(): boolean {
    for (const [initiator, { part }] of this.#active) if (part.ended) return this.#active.delete(initiator);
    return false;
  }

  #join(start: AggregateStart, now: number): Participation | undefined {
    const { id, metric, participants } = start;
    const { place, incarnation, roundMs, value } = this.#config;
    const self = participants.findIndex((one) => one.place === place && one.incarnation === incarnation);
    // Of another life, or of a time before it came: it would count twice, or not at all.
    if (self < 0) return undefined;
    this.#latest.set(id.initiator, id);
    const random = this.#random.fork(`${id.initiator} ${id.incarnation} ${id.number}`);
    const part = new Participation(start, self, random);
    const firstMs = now + (id.initiator === place ? 0 : roundMs * (0.5 + random.float() / 2));
    const active = { part, nextRoundMs: firstMs, told: false };
    this.#active.set(id.initiator, active);
    this.#observations.push({ type: "joined", id, metric });
    const own = value(metric, id);
    if (own !== undefined) part.contribute(own);
    this.#look(id.initiator, active);
    return part;
  }

  #say({ part }: Active, told: { readonly to: number; readonly message: AggregateMessage } | undefined): void {
    if (told === undefined) return;
    const { place } = part.start.participants[told.to] as Participant;
    this.#messages.push({ to: place, message: told.message });
  }

  #look(initiator: number, active: Active): void {
    if (!active.part.ended || active.told || this.#active.get(initiator) !== active) return;
    active.told = true;
    this.#observations.push({ type: "ended", id: active.part.start.id, result: active.part.result() });
  }
}

function sameAggregate(one: AggregateId, other: AggregateId): boolean {
  return one.initiator === other.initiator && one.incarnation === other.incarnation && one.number === other.number;
}

function isLater(one: AggregateId, other: AggregateId): boolean {
  return one.incarnation === other.incarnation ? one.number > other.number : one.incarnation > other.incarnation;
}

/** Two that claim to be the same. */
function sameStart(one: AggregateStart, other: AggregateStart): boolean {
  if (one === other || one.participants === other.participants) return true;
  if (one.metric !== other.metric || one.participants.length !== other.participants.length) return false;
  return one.participants.every((participant, at) => {
    const { place, incarnation } = other.participants[at] as Participant;
    return participant.place === place && participant.incarnation === incarnation;
  });
}
