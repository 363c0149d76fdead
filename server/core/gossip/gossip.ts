/**
 * Gossip, as a state machine without clock, disk, network or randomness of its own: everybody's commands reach everybody, without a leader and without one order for all.
 *
 * Promised, as long as disks keep what they acknowledged: what an agent gives out as committed is on its disk, and was proposed by somebody; each command is given out once in each agent's
 * log, after all that its proposer had been given before it (causal order: Birman and Joseph 1987); nobody is told of what its teller could forget. With members that can reach each other,
 * directly or through others, at least now and then, all are given the same commands, whatever is lost, doubled or reordered.
 *
 * Not promised: that two agents are given commands that know nothing of each other in the same order, at the same place, or at about the same time. Whatever depends on that is not to
 * be had here: compare-and-set, locks, leases, linearizable reads (`read` is answered at once, of what is here). State machines above must come to the same state in
 * any causal order, as EventualMemory does.
 *
 * Members come and go: who counts (roll.ts) is changed by operations, at any member, in no order. Whoever joins gets all by anti-entropy, and takes commands once it is told that it counts. Whoever leaves says so
 * itself: that is the last of its operations, and so whoever has it has all of them, and all that they depend on (`Spread.unshared` tells when somebody does). One that others remove takes with it what only it has.
 *
 * Message flow.
 *   Spreading:     propose → an operation, numbered and stamped → [durable] given out, and rumour to `fanout` peers → each that had not heard of it: [durable] given out, and rumour on.
 *   Or, set so:    … [durable] given out, and broadcast to everybody: whoever runs the core sees to that, and steps it at the others as a rumour that its origin told.
 *   Anti-entropy:  now and then, with one peer: digest → digest, and delta of what the asker lacks → [durable] digest, and delta of what the asked one lacks → … until neither lacks any.
 *   Among many:    checksum instead of digest; where it does not explain what differs: → ranges → ranges → … down to what both have there → delta, each way → checksum.
 *   Being behind:  what a peer lacks is not kept any more → state, part by part → stateReply → … → the state is installed.
 *
 * Stories of all this, message by message: test/core/gossip/transcripts/.
 *
 * Follows: Demers et al., "Epidemic Algorithms for Replicated Database Maintenance" (PODC 1987), §1.3 (anti-entropy) and §1.4 (rumours); version vectors as in Parker et al. 1983 and
 * causal broadcast as in Birman, Schiper and Stephenson 1991; Kulkarni et al. 2014 (hybrid logical clocks); Wuu and Bernstein 1984 (what everybody has can be forgotten).
 *
 * Knowingly different:
 * - Rumours are pushed once by everybody that hears them (no counters, no answers): what this misses, one in seventeen with three peers each, anti-entropy brings.
 * - Anti-entropy compares vectors, among many by checksums (../reconciliation/), not databases, and goes around the peers instead of drawing one each time; among many rather the
 *   neighbours than others, where those are fewer than half.
 * - An operation says what it depends on by what has changed since its origin's last one. The first one after a start says all.
 * - A digest also says who is known to have as much as its sender, and what everybody has: so all learn of convergence in about as many rounds as convergence takes.
 * - What a majority has may be dropped while somebody else still lacks it; then that one is sent a snapshot with the vector that it stands for, which is installed only over what it includes.
 * - A stamp too far in the future is not taken into the clock (Kulkarni et al. leave that to the reader): its operation waits until it is not.
 *
 * The parts: state.ts (who delivers), rumours.ts, anti-entropy.ts, peer-order.ts, state-transfer.ts; vectors.ts, version-vector.ts, knowledge.ts, column.ts and member-set.ts (who has what), roll.ts (who there is, and who counts), checksums.ts, retained.ts, waiting.ts, stamps.ts; epidemic.ts (how probable agreement is); journal.ts (what is
 * logged), codec.ts, limits.ts.
 */
import {
  type AgentId,
  type ChangeRefusal,
  type Configuration,
  type Consensus,
  type Entry,
  EntryKind,
  type MemberChange,
  type ReadReady,
  type Snapshot,
  type TransferRefusal,
} from "../consensus.ts";
import { invariant, unreachable } from "../invariant.ts";
import type { Random } from "../random.ts";
import { AntiEntropy } from "./anti-entropy.ts";
import { agreementOf } from "./epidemic.ts";
import { entryOf, journalEntryOf } from "./journal.ts";
import { MAX_COMMAND_BYTES } from "./limits.ts";
import { type Change, decodeChange, encodeChange } from "./roll.ts";
import { handleRumours, spreadRumours } from "./rumours.ts";
import { GossipState, type Recovered } from "./state.ts";
import { handleStateReply, StateTransfer } from "./state-transfer.ts";
import type {
  Dependency,
  GossipConfig,
  GossipHardState,
  GossipMessage,
  GossipObservation,
  GossipReady,
  GossipStatus,
  Near,
  Spread,
} from "./types.ts";
import { VersionVector } from "./version-vector.ts";

const NOBODY_NEAR: Near = { linked: [], meanHops: 1 };

export class Gossip implements Consensus<GossipMessage, GossipHardState, GossipObservation, GossipStatus> {
  readonly id: AgentId;
  readonly #state: GossipState;
  readonly #antiEntropy: AntiEntropy;
  readonly #transfer: StateTransfer;
  readonly #recovered: { readonly commit: number; readonly index: number };
  /** What this agent's last operation says that it depends on, in all. Nothing, before the first of this life. */
  readonly #depended: VersionVector;
  /** Places up to which the log was handed out to be written, is durable, and was given out as committed. */
  #handedOut: number;
  #durable: number;
  #givenOut: number;
  #nextBatch = 1;
  #writing: { readonly id: number; readonly lastIndex: number }[] = [];
  #reads: number[] = [];
  #converged: boolean;
  #convergedAtMs: number | null = null;

  /**
   * @param now ms since the epoch. @param near absent: nobody is nearer than others.
   * @throws RangeError on a configuration that cannot work, or a log of other members.
   * @throws MalformedBytes on a log that is not of gossip. @throws InvariantViolation on one with gaps.
   */
  constructor(
    config: GossipConfig,
    recovered: Recovered,
    random: Random,
    now: number,
    near: () => Near = () => NOBODY_NEAR,
  ) {
    this.id = config.id;
    const state = new GossipState(config, recovered, random, now, near);
    this.#state = state;
    this.#antiEntropy = new AntiEntropy(state);
    this.#transfer = new StateTransfer(state);
    const index = state.lastIndex;
    this.#recovered = { commit: index, index };
    this.#depended = new VersionVector(state.members.length);
    this.#handedOut = index;
    this.#durable = index;
    this.#givenOut = state.base?.index ?? 0;
    this.#converged = state.knowledge.settled;
  }

  initial(): Snapshot | undefined {
    return this.#state.initial;
  }

  recovered(): { readonly commit: number; readonly index: number } {
    return this.#recovered;
  }

  step(from: AgentId, message: GossipMessage, now: number): void {
    const state = this.#state;
    state.now = now;
    const peer = state.placeOf(from);
    if (peer === undefined || peer === state.self || message.roster !== state.roster) return;
    this.#antiEntropy.heard(peer);
    switch (message.type) {
      case "rumour":
        handleRumours(
          state,
          peer,
          message.rumours.filter(({ operation }) => state.isOfMembers(operation)),
          message.passedOnBy,
        );
        break;
      case "digest":
        this.#antiEntropy.handleDigest(peer, message);
        break;
      case "checksum":
        this.#antiEntropy.handleChecksum(peer, message);
        break;
      case "ranges":
        this.#antiEntropy.handleRanges(peer, message);
        break;
      case "delta":
        this.#antiEntropy.handleDelta(
          peer,
          message.operations.filter((operation) => state.isOfMembers(operation)),
        );
        break;
      case "state":
        this.#transfer.handlePart(peer, message);
        this.#skipInstalled();
        break;
      case "stateReply":
        handleStateReply(state, peer, message);
        break;
      default:
        unreachable(message, "message");
    }
  }

  tick(now: number): void {
    this.#state.now = now;
    this.#antiEntropy.tick();
    if (now >= this.#state.heldUntilMs) this.#state.deliverWaiting();
  }

  propose(commands: readonly Uint8Array[], now: number): void {
    const state = this.#state;
    state.now = now;
    const { self, lastIndex } = state;
    const fromSeq = state.have.get(self);
    for (const command of commands) {
      if (!state.counted) state.dropped.push({ command, reason: "notMember" });
      else if (command.length > MAX_COMMAND_BYTES) state.dropped.push({ command, reason: "tooLarge" });
      else if (this.#transfer.active || state.retained.bytes > 2 * state.config.retainBytes)
        state.dropped.push({ command, reason: "tooManyUncommitted" });
      else this.#issue(command);
    }
    const toSeq = state.have.get(self);
    if (toSeq === fromSeq) return;
    const toIndex = state.lastIndex;
    state.observations.push({ type: "issued", fromSeq, toSeq, fromIndex: lastIndex, toIndex });
  }

  /** Answered with what is here: not linearizable. Whoever wrote through this agent reads what it wrote. */
  read(readId: number, now: number): void {
    this.#state.now = now;
    this.#reads.push(readId);
  }

  persisted(batchId: number, now: number): void {
    this.#state.now = now;
    invariant(batchId < this.#nextBatch, "gossip: only batches that were taken become durable");
    for (const { id, lastIndex } of this.#writing)
      if (id <= batchId) this.#durable = Math.max(this.#durable, lastIndex);
    this.#writing = this.#writing.filter(({ id }) => id > batchId);
  }

  compact({ index, data }: { readonly index: number; readonly data: Uint8Array }, now: number): void {
    this.#state.now = now;
    invariant(index <= this.#givenOut, "gossip: only what was given out as committed is compacted");
    this.#state.compact(index, data);
  }

  /**
   * Takes effect here at once, and elsewhere when it gets there; an observation tells when it is durable here. One that counts may remove itself: that is the last that it issues.
   * @returns the place in this agent's log
   */
  changeMembers(
    asked: MemberChange,
    now: number,
  ): { readonly ok: true; readonly index: number } | { readonly ok: false; readonly reason: ChangeRefusal } {
    const state = this.#state;
    state.now = now;
    const change = this.#changeOf(asked);
    if (typeof change === "string") return { ok: false, reason: change };
    const { self, lastIndex } = state;
    // It has come from elsewhere, and is not durable here yet.
    if (state.roll.counts(change.place) === (change.kind === "add")) return { ok: true, index: lastIndex };
    const fromSeq = state.have.get(self);
    this.#issue(encodeChange(change), true);
    const index = state.lastIndex;
    state.observations.push({ type: "issued", fromSeq, toSeq: fromSeq + 1, fromIndex: lastIndex, toIndex: index });
    return { ok: true, index };
  }

  /** More have come. @param later all that came after those that the swarm began with, in their order. @throws RangeError unless they begin with those that are known */
  grow(later: readonly AgentId[], now: number): void {
    this.#state.now = now;
    this.#state.grow(later);
  }

  transferLeadership(): { readonly ok: false; readonly reason: TransferRefusal } {
    return { ok: false, reason: "notLeader" };
  }

  configuration(): Configuration {
    return this.#state.given.roll.configuration;
  }

  deadline(): number {
    const { hot, now, heldUntilMs } = this.#state;
    // More than one message's: the rest goes with the next turn.
    if (hot.length > 0) return now;
    return Math.min(this.#antiEntropy.dueMs, heldUntilMs);
  }

  take(now: number): GossipReady | undefined {
    const state = this.#state;
    state.now = now;
    spreadRumours(state);
    this.#antiEntropy.speak();
    this.#noticeConvergence();
    const persist = this.#persist();
    const install = state.installed;
    state.installed = undefined;
    const committed = this.#commit();
    const { observations, dropped: droppedProposals } = state;
    const messagesAfterPersist = state.takeMessages();
    const reads: readonly ReadReady[] = this.#reads.map((readId) => ({ readId, index: this.#givenOut }));
    const wantsCheckpoint = state.wantsCheckpoint && this.#givenOut > (state.base?.index ?? 0);
    if (
      persist === undefined &&
      !wantsCheckpoint &&
      committed.length + messagesAfterPersist.length + reads.length + droppedProposals.length + observations.length ===
        0
    )
      return undefined;
    state.observations = [];
    state.dropped = [];
    this.#reads = [];
    if (wantsCheckpoint) state.wantsCheckpoint = false;
    return {
      ...(persist !== undefined && { persist }),
      messages: [],
      messagesAfterPersist,
      ...(install !== undefined && { install }),
      committed,
      ...(wantsCheckpoint && { checkpoint: this.#givenOut }),
      reads,
      failedReads: [],
      droppedProposals,
      observations,
    };
  }

  comparedAtMs(peer: AgentId): number {
    const place = this.#state.placeOf(peer);
    return place === undefined ? Number.NEGATIVE_INFINITY : this.#antiEntropy.comparedAtMs(place);
  }

  status(): GossipStatus {
    const { id, lastIndex, base, since, given } = this.#state;
    return {
      id,
      role: "peer",
      term: 0,
      leader: "",
      commit: this.#durable,
      lastIndex,
      lastTerm: since.at(-1)?.stamp ?? base?.term ?? 0,
      durableIndex: this.#durable,
      configuration: given.roll.configuration,
      configurationIndex: given.changedAt,
      snapshotIndex: base?.index ?? 0,
      firstIndex: (base?.index ?? 0) + 1,
      transferringTo: "",
      followers: [],
      gossip: this.#spread(),
    };
  }

  #spread(): Spread {
    const { roll, counted, knowledge, self, rounds, config, have, waiting, shared } = this.#state;
    const members = roll.count;
    const unknown = members - knowledge.complete;
    // An agent asks for its status in every turn: all members are looked at only where something spreads.
    const someLack = unknown > 0 && this.#antiEntropy.someLack;
    return {
      members,
      counted,
      sameVector: knowledge.complete,
      behind: have.get(self) - knowledge.leastOf(self),
      unshared: have.get(self) - shared,
      waiting: waiting.size,
      convergedAtMs: this.#convergedAtMs,
      agreement: agreementOf(members, config.fanout, rounds, { unknown, someLack }),
    };
  }

  /** What is asked for, or why that cannot be. */
  #changeOf(asked: MemberChange): Change | ChangeRefusal {
    const { roll, counted, given } = this.#state;
    if ("voters" in asked) return "oneByOne";
    const kind = "remove" in asked ? "remove" : "add";
    const id = "remove" in asked ? asked.remove : "add" in asked ? asked.add : asked.promote;
    const place = roll.placeOf(id);
    if (place === undefined) return "unknownMember";
    if ("promote" in asked) return roll.counts(place) ? "alreadyVoter" : "noLearners";
    if (kind === "add" && roll.isGone(place)) return "gone";
    if (kind === "add" && given.roll.counts(place)) return "alreadyMember";
    if (kind === "remove" && !given.roll.counts(place)) return "unknownMember";
    if (roll.counts(place) === (kind === "add")) return { kind, place };
    if (kind === "remove" && roll.count === 1) return "noVoterLeft";
    if (!counted) return "notMember";
    return this.#transfer.active ? "catchingUp" : { kind, place };
  }

  #issue(data: Uint8Array, changes?: true): void {
    const state = this.#state;
    const deps: Dependency[] = [];
    state.have.visit((member, seq) => {
      if (member === state.self) return;
      if (seq > this.#depended.get(member)) deps.push({ member, seq });
      this.#depended.set(member, seq);
    });
    const seq = state.have.get(state.self) + 1;
    const operation = { origin: state.self, seq, stamp: state.stamps.next(state.now), deps, data };
    state.issue(changes ? { ...operation, changes } : operation);
  }

  #noticeConvergence(): void {
    const { knowledge, roll, now, lastIndex, observations } = this.#state;
    const converged = knowledge.settled;
    if (converged && !this.#converged) {
      this.#convergedAtMs = now;
      observations.push({ type: "converged", members: roll.count, operations: lastIndex });
    }
    this.#converged = converged;
  }

  #persist(): GossipReady["persist"] {
    const state = this.#state;
    const snapshot = state.snapshotToPersist;
    const { lastIndex } = state;
    if (snapshot === undefined && lastIndex === this.#handedOut) return undefined;
    const before = state.base?.index ?? 0;
    const entries = state.since
      .slice(this.#handedOut - before)
      .map((operation, at) => journalEntryOf(operation, this.#handedOut + at + 1));
    const id = this.#nextBatch++;
    state.snapshotToPersist = undefined;
    this.#handedOut = lastIndex;
    this.#writing.push({ id, lastIndex });
    return { id, ...(snapshot !== undefined && { snapshot }), entries };
  }

  /** All that is durable and was not given out. */
  #commit(): readonly Entry[] {
    const state = this.#state;
    const fromIndex = this.#givenOut;
    if (this.#durable <= fromIndex) return [];
    const before = state.base?.index ?? 0;
    const committed = state.since
      .slice(fromIndex - before, this.#durable - before)
      .map((operation, at) => entryOf(operation, fromIndex + at + 1));
    this.#givenOut = this.#durable;
    state.observations.push({ type: "committed", term: 0, fromIndex, toIndex: this.#givenOut, acks: [this.id] });
    for (const { kind, index, term, data } of committed) {
      if (kind !== EntryKind.configuration) continue;
      const roll = state.given.roll.with(decodeChange(data), term);
      state.given = { roll, changedAt: index };
      const { voters } = roll.configuration;
      state.observations.push({ type: "configurationChanged", term: 0, index, voters, outgoing: [], learners: [] });
    }
    return committed;
  }

  /** What a state that was installed stands for is neither written nor given out one by one. */
  #skipInstalled(): void {
    const index = this.#state.installed?.index;
    if (index === undefined) return;
    this.#handedOut = Math.max(this.#handedOut, index);
    this.#givenOut = Math.max(this.#givenOut, index);
  }
}
