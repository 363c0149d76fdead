import {
  type AgentId,
  type DroppedProposal,
  type Entry,
  EVERYBODY,
  type Outgoing,
  type Snapshot,
} from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { Random } from "../random.ts";
import { checkConfig, checkLater, sortedMembers, withDefaults } from "./config.ts";
import type { Rounds } from "./epidemic.ts";
import { decodeState, encodeState, operationIn, type State } from "./journal.ts";
import { Knowledge } from "./knowledge.ts";
import { bytesOf, Retained } from "./retained.ts";
import { type Change, decodeChange, Roll } from "./roll.ts";
import { Stamps } from "./stamps.ts";
import type {
  Count,
  GossipConfig,
  GossipHardState,
  GossipMessage,
  GossipObservation,
  Near,
  Operation,
  Rumour,
} from "./types.ts";
import { rosterOf, sumOf } from "./vectors.ts";
import { VersionVector } from "./version-vector.ts";
import { type Arrived, Waiting } from "./waiting.ts";

/** What a durable log gave back at start: a journal, see journal.ts. */
export interface Recovered {
  readonly hardState: GossipHardState;
  readonly snapshot?: Snapshot;
  readonly entries: readonly Entry[];
}

/** The latest snapshot, and what it stands for. */
interface Base {
  readonly index: number;
  readonly term: number;
  readonly roll: Roll;
  readonly have: VersionVector;
  /** What `encodeState` gave. */
  readonly data: Uint8Array;
}

/** All that an agent knows, and what it wants of its world, for the parts that it is made of: who delivers is here. */
export class GossipState {
  readonly id: AgentId;
  #roll: Roll;
  /** Whom it tells what is new, itself possibly among them; undefined: all others. */
  #peers: Uint16Array | undefined;
  /** Its own place among those. */
  #selfAt = -1;
  readonly #near: () => Near;
  /** Its place. */
  readonly self: number;
  readonly roster: number;
  readonly config: Required<GossipConfig>;
  readonly random: Random;
  now: number;
  readonly knowledge: Knowledge;
  readonly waiting: Waiting;
  readonly stamps: Stamps;
  retained: Retained;
  base: Base | undefined;
  /** The state machine's snapshot that the log began with. */
  readonly initial: Snapshot | undefined;
  /** Delivered after the base, in order. */
  since: Operation[] = [];
  #sinceBytes = 0;
  /** To be told to others, once each. */
  hot: Rumour[] = [];
  /** Who counts by what was given out, which is durable; and the place in the log of the last of it that changed that, 0: there is none. */
  given: { readonly roll: Roll; readonly changedAt: number };
  /**
   * So many of its own operations another one has said to have that counts, and knows of the same comings and goings: one that has not left, and whose own last operation, if it leaves, depends on them.
   */
  shared = 0;
  /** How far the newest operation is known to have come. */
  rounds: Rounds = { rumour: 0, antiEntropy: 0 };
  /** When an operation from a clock too far ahead is to be looked at again, ms. */
  heldUntilMs = Number.POSITIVE_INFINITY;
  wantsCheckpoint = false;
  installed: Snapshot | undefined;
  snapshotToPersist: { readonly snapshot: Snapshot; readonly discardLog: boolean } | undefined;
  dropped: DroppedProposal[] = [];
  observations: GossipObservation[] = [];
  #messages: Outgoing<GossipMessage>[] = [];

  /** `knowledge` had risen so often, and no more, when it was last looked what can be dropped. */
  #trimmedAt = -1;

  /** @throws RangeError on a configuration that cannot work. @throws MalformedBytes on a journal that is none. */
  constructor(config: GossipConfig, { snapshot, entries }: Recovered, random: Random, now: number, near: () => Near) {
    checkConfig(config);
    this.id = config.id;
    const founders = sortedMembers(config);
    this.#roll = Roll.of(founders).grown(config.later ?? []);
    this.#near = near;
    this.self = this.#roll.placeOf(config.id) as number;
    this.roster = rosterOf(founders);
    this.config = withDefaults(config);
    this.random = random;
    this.now = now;
    const state = snapshot === undefined ? undefined : this.#stateIn(snapshot);
    const nothing = new VersionVector(this.members.length);
    const have = state === undefined ? nothing : VersionVector.of(state.have);
    have.grow(this.members.length);
    if (state !== undefined && snapshot !== undefined) {
      const { index, term, data } = snapshot;
      this.#roll = this.#roll.changed(state.changes);
      this.base = { index, term, roll: this.#roll, have, data };
      this.initial = { ...snapshot, data: state.machine };
    }
    this.given = { roll: this.#roll, changedAt: this.#roll.unchanged ? 0 : (this.base?.index ?? 0) };
    this.knowledge = new Knowledge(this.#roll, this.self, have);
    this.#findPeers();
    this.waiting = new Waiting(this.config.maxWaitingBytes);
    this.stamps = new Stamps(state?.lastStamp ?? 0, this.config.maxAheadMs);
    this.retained = retainedIn(state, state === undefined ? nothing : VersionVector.of(state.dropped));
    for (const [at, entry] of entries.entries()) {
      invariant(entry.index === (snapshot?.index ?? 0) + at + 1, "gossip: a journal has no gaps");
      const operation = operationIn(entry);
      invariant(this.isOfMembers(operation) && this.#follows(operation), "gossip: a journal is in causal order");
      this.#take(operation);
    }
  }

  /** Who there is, and who counts. */
  get roll(): Roll {
    return this.#roll;
  }

  /** By place. */
  get members(): readonly AgentId[] {
    return this.#roll.ids;
  }

  /** Whether this agent counts. */
  get counted(): boolean {
    return this.#roll.counts(this.self);
  }

  /** How many operations were delivered: the place of the last one. */
  get lastIndex(): number {
    return (this.base?.index ?? 0) + this.since.length;
  }

  /** All can be said of them at once, and no way between two is long. */
  get few(): boolean {
    return this.members.length <= this.config.listedMembers;
  }

  /** How many peers it has: all others who count; as long as it does not count itself, all others who may. */
  get others(): number {
    if (this.#peers === undefined) return this.members.length - 1;
    return this.#peers.length - (this.#selfAt < 0 ? 0 : 1);
  }

  /** The place of one of them, who are numbered from 0 on. */
  peerAt(other: number): number {
    if (this.#peers === undefined) return other < this.self ? other : other + 1;
    return this.#peers[this.#selfAt < 0 || other < this.#selfAt ? other : other + 1] as number;
  }

  /** With whom it compares itself: all others who were not removed, as far as it knows. One that was, and has not heard of it, may count nobody any more who is there; somebody else of the roster tells it. */
  isCompared(place: number): boolean {
    return place !== this.self && !this.#roll.isGone(place);
  }

  /** Whether there is anybody like that. */
  get comparesItself(): boolean {
    const roll = this.#roll;
    return roll.unchanged ? this.members.length > 1 : roll.present.some((place) => place !== this.self);
  }

  get have(): VersionVector {
    return this.knowledge.have;
  }

  placeOf(id: AgentId): number | undefined {
    return this.#roll.placeOf(id);
  }

  /**
   * Among many, peers that messages to go no way round, by place, where those are fewer than half of them; else none. Whoever does not count yet may know of many that are gone: it takes any that are near. And how
   * many links one to any peer crosses.
   */
  nearPeers(): { readonly near: readonly number[]; readonly meanHops: number } {
    const { counted } = this;
    if (this.few && counted) return { near: [], meanHops: 1 };
    const near: number[] = [];
    const { linked, meanHops } = this.#near();
    for (const id of linked) {
      const place = this.placeOf(id);
      if (place !== undefined && this.isCompared(place)) near.push(place);
    }
    return { near: near.length * 2 < this.others || !counted ? near : [], meanHops };
  }

  nameOf(member: number): AgentId {
    return this.members[member] as AgentId;
  }

  /** Its numbers are places that this agent knows: others may know more. */
  isOfMembers({ origin, deps, data, changes }: Operation): boolean {
    const count = this.members.length;
    if (origin >= count || deps.some(({ member }) => member >= count)) return false;
    return !changes || decodeChange(data).place < count;
  }

  /** @param later all that came after the founders. @throws RangeError unless they begin with those that are known */
  grow(later: readonly AgentId[]): void {
    const roll = this.#roll.grown(later);
    if (roll === this.#roll) return;
    checkLater(this.config.members, later);
    this.retained.dropped.grow(roll.ids.length);
    this.given = { ...this.given, roll: this.given.roll.grown(later) };
    this.#adopt(roll);
  }

  /** Every message tells what is on disk, or will be when it leaves. */
  send(to: number, message: GossipMessage): void {
    this.#messages.push({ to: this.nameOf(to), message });
  }

  broadcast(message: GossipMessage): void {
    this.#messages.push({ to: EVERYBODY, message });
  }

  takeMessages(): readonly Outgoing<GossipMessage>[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  /** One that this agent issues. */
  issue(operation: Operation): void {
    this.#deliver({ operation, hops: 0, from: this.self });
    this.hot.push({ operation, hops: 1 });
  }

  /**
   * One that a peer sent. Delivered when all that it depends on is; each once.
   * @returns how many were delivered because of it.
   */
  arrive(arrived: Arrived): number {
    const { operation, from, broadcast } = arrived;
    // How far a broadcast has come says nothing of how many have heard of it.
    const hops = broadcast === true ? 0 : arrived.hops;
    const { origin, seq } = operation;
    const delivered = this.have.get(origin);
    this.knowledge.heard(from, origin, seq);
    if (seq <= delivered) {
      if (operation.stamp === this.since.at(-1)?.stamp && hops > this.rounds.rumour)
        this.rounds = { ...this.rounds, rumour: hops };
      return 0;
    }
    this.#remembers(origin === this.self ? seq : 0);
    if (!this.#deliverable(operation)) {
      const known = this.waiting.has(operation);
      if (!known && this.waiting.add(arrived, delivered)) this.#hold(operation);
      return 0;
    }
    // It may have come before, and waited for its clock.
    this.waiting.forgetOne(operation);
    this.#deliver(arrived);
    return 1 + this.deliverWaiting();
  }

  /** Those whose turn has come. @returns how many. */
  deliverWaiting(): number {
    this.heldUntilMs = Number.POSITIVE_INFINITY;
    if (this.waiting.size === 0) return 0;
    let delivered = 0;
    for (let more = true; more; ) {
      more = false;
      this.heldUntilMs = Number.POSITIVE_INFINITY;
      for (const origin of this.waiting.origins())
        for (let next = this.waiting.next(origin, this.have); next !== undefined; ) {
          if (!this.#follows(next.operation)) break;
          const believedAtMs = this.stamps.believedAtMs(next.operation.stamp);
          if (believedAtMs > this.now) {
            this.heldUntilMs = Math.min(this.heldUntilMs, believedAtMs);
            break;
          }
          this.waiting.take(next);
          this.#deliver(next);
          delivered++;
          more = true;
          next = this.waiting.next(origin, this.have);
        }
    }
    return delivered;
  }

  /** Of this agent's own operations somebody has so many. @throws InvariantViolation if it never issued them, as far as it knows. */
  checkOwn(have: VersionVector): void {
    this.#remembers(have.get(this.self));
  }

  /** A peer has so many of a member's, and knows that everybody has so many of them. @throws InvariantViolation as `checkOwn` and `checkEverywhere` do */
  heardCount(from: number, member: number, { have, everywhere }: Count): void {
    if (member === this.self) {
      this.#remembers(have);
      this.heardShared(from, have);
    }
    if (this.counted) invariant(everywhere <= this.have.get(member), this.#forgot);
    this.knowledge.heard(from, member, have);
    this.knowledge.heardEverywhere(member, everywhere);
  }

  /** One that counts, and knows the same of who came and went, says that it has so many of this agent's own. */
  heardShared(from: number, own: number): void {
    if (this.#roll.counts(from)) this.shared = Math.max(this.shared, own);
  }

  /** All who count, this agent among them, are known to have had so many. @throws InvariantViolation if it has not: nobody may keep them for it any more. */
  checkEverywhere(everywhere: VersionVector): void {
    if (!this.counted) return;
    invariant(this.have.covers(everywhere), this.#forgot);
  }

  /** The state machine's snapshot takes the place of the log up to there. */
  compact(index: number, machine: Uint8Array): void {
    const before = this.base?.index ?? 0;
    if (index <= before) return;
    const have = this.base?.have.copy() ?? new VersionVector(0);
    have.grow(this.members.length);
    let roll = this.base?.roll ?? Roll.of(sortedMembers(this.config));
    if (!this.#roll.unchanged) roll = roll.grown(this.#roll.later);
    this.#trimmedAt = -1;
    const covered = this.since.splice(0, index - before);
    for (const operation of covered) {
      have.set(operation.origin, operation.seq);
      if (operation.changes) roll = roll.with(decodeChange(operation.data), operation.stamp);
      this.#sinceBytes -= bytesOf(operation);
    }
    const term = covered.at(-1)?.stamp ?? 0;
    this.retained.drop(have.least(this.knowledge.everywhere()));
    const data = encodeState({
      roster: this.roster,
      changes: roll.changes,
      have: have.listed(),
      dropped: this.retained.dropped.listed(),
      lastTerm: term,
      lastStamp: this.stamps.last,
      retained: [...this.retained.upTo(have)],
      machine,
    });
    this.base = { index, term, roll, have, data };
    this.snapshotToPersist = {
      snapshot: this.#snapshotOf(this.base),
      discardLog: this.snapshotToPersist?.discardLog ?? false,
    };
    this.observations.push({ type: "snapshotTaken", term: 0, index, bytes: machine.length });
    this.trim();
  }

  /** Another's state takes the place of this agent's: whatever this one has, that one has. */
  install(state: State, data: Uint8Array, from: number): void {
    const index = sumOf(state.have);
    const have = VersionVector.of(state.have);
    have.grow(this.members.length);
    this.checkOwn(have);
    const roll = this.#roll.changed(state.changes);
    this.base = { index, term: state.lastTerm, roll, have, data };
    this.since = [];
    this.#sinceBytes = 0;
    this.knowledge.installed(have);
    if (roll !== this.#roll) this.#adopt(roll);
    if (roll !== this.given.roll) this.given = { roll, changedAt: index };
    this.knowledge.heardAll(from, have);
    this.waiting.forget(this.have);
    this.stamps.heard(state.lastStamp);
    this.retained = retainedIn(state, VersionVector.of(state.dropped));
    this.#trimmedAt = -1;
    this.hot = this.hot.filter(({ operation }) => operation.seq > this.retained.dropped.get(operation.origin));
    this.rounds = { rumour: 0, antiEntropy: 0 };
    const snapshot = this.#snapshotOf(this.base);
    this.snapshotToPersist = { snapshot, discardLog: true };
    this.installed = { ...snapshot, data: state.machine };
    this.observations.push({ type: "snapshotInstalled", term: 0, from: this.nameOf(from), index });
    this.deliverWaiting();
  }

  /**
   * Operations that everybody has are dropped once the snapshot stands for them; where too many are left, also those that a majority has. One and the same majority has all that an agent
   * ever dropped: with another one for each operation, three members could each lack for good what the two others have dropped. So, of any two such majorities somebody is in both, and
   * of those that have dropped what somebody lacks one has all of it, and can send its state.
   */
  trim(): void {
    const { rises } = this.knowledge;
    if (rises === this.#trimmedAt && this.retained.bytes <= this.config.retainBytes) return;
    this.#trimmedAt = rises;
    const have = this.base?.have ?? new VersionVector(this.members.length);
    this.retained.drop(have.least(this.knowledge.everywhere()));
    const { retainBytes } = this.config;
    if (this.retained.bytes <= retainBytes) return;
    const line = this.knowledge.atMajority(this.retained.dropped);
    if (line === undefined) return;
    this.retained.dropOldest(have.least(line), retainBytes);
    // What the snapshot does not stand for yet could go with a newer one.
    if (this.retained.bytes > retainBytes && this.#sinceBytes > retainBytes / 2) this.wantsCheckpoint = true;
  }

  get #forgot(): string {
    return `gossip: ${this.id}'s disk has forgotten what everybody is known to have`;
  }

  #snapshotOf({ index, term, roll, data }: Base): Snapshot {
    return { index, term, configuration: roll.configuration, data };
  }

  #stateIn({ index, data }: Snapshot): State {
    const state = decodeState(data);
    if (state.roster !== this.roster || state.have.length > this.members.length)
      throw new RangeError(`gossip: ${this.id}'s log is of other members than ${this.members.join(", ")}`);
    invariant(sumOf(state.have) === index, "gossip: a snapshot's place is how many operations it stands for");
    return state;
  }

  #remembers(ownSeq: number): void {
    invariant(
      ownSeq <= this.have.get(this.self),
      `gossip: ${this.id}'s disk has forgotten operation ${ownSeq} that others have of it`,
    );
  }

  #follows({ origin, seq, deps }: Operation): boolean {
    const have = this.have;
    if (seq !== have.get(origin) + 1) return false;
    return deps.every((dependency) => dependency.seq <= have.get(dependency.member));
  }

  #deliverable(operation: Operation): boolean {
    return this.#follows(operation) && this.stamps.believedAtMs(operation.stamp) <= this.now;
  }

  #hold({ origin, seq, stamp }: Operation): void {
    const believedAtMs = this.stamps.believedAtMs(stamp);
    if (believedAtMs <= this.now) return;
    this.heldUntilMs = Math.min(this.heldUntilMs, believedAtMs);
    const aheadMs = Math.round(stamp / 1000 - this.now);
    this.observations.push({ type: "heldBack", origin: this.nameOf(origin), seq, aheadMs });
  }

  #deliver({ operation, hops, from, broadcast = false }: Arrived): void {
    const { origin, seq, deps } = operation;
    this.#take(operation);
    this.knowledge.heard(from, origin, seq);
    this.knowledge.heard(origin, origin, seq);
    for (const dependency of deps) this.knowledge.heard(origin, dependency.member, dependency.seq);
    this.rounds = { rumour: broadcast ? 0 : hops, antiEntropy: 0 };
    if (hops > 0 && !broadcast) this.hot.push({ operation, hops: hops + 1 });
  }

  #take(operation: Operation): void {
    this.knowledge.delivered(operation.origin);
    this.stamps.heard(operation.stamp);
    this.retained.add(operation);
    this.since.push(operation);
    this.#sinceBytes += bytesOf(operation);
    if (operation.changes) this.#change(decodeChange(operation.data), operation.stamp);
  }

  #change(change: Change, stamp: number): void {
    const roll = this.#roll.with(change, stamp);
    if (roll !== this.#roll) this.#adopt(roll);
  }

  #adopt(roll: Roll): void {
    this.#roll = roll;
    this.shared = 0;
    this.knowledge.recount(roll);
    this.#trimmedAt = -1;
    this.#findPeers();
  }

  #findPeers(): void {
    const roll = this.#roll;
    if (roll.unchanged) return;
    this.#peers = this.counted ? roll.counted : roll.present;
    this.#selfAt = this.#peers.indexOf(this.self);
  }
}

function retainedIn(state: State | undefined, dropped: VersionVector): Retained {
  const retained = new Retained(dropped);
  for (const operation of state?.retained ?? []) retained.add(operation);
  return retained;
}
