import type { AgentId, ReadReady } from "../consensus.ts";
import { MAX_READ_REQUESTS } from "./limits.ts";
import { driftBound, type RaftState } from "./state.ts";
import type { RaftMessage } from "./types.ts";

type MessageOf<Type extends RaftMessage["type"]> = Extract<RaftMessage, { readonly type: Type }>;

interface RemoteRead {
  readonly to: AgentId;
  readonly readIds: readonly number[];
}

/** Reads that one round of heartbeats confirms together. */
interface Round {
  readonly number: number;
  readonly index: number;
  readonly local: readonly number[];
  readonly remote: readonly RemoteRead[];
}

/**
 * ReadIndex (thesis §6.4): a leader that has committed in its term notes its commit index, makes sure by a round of heartbeats that
 * it is still the leader, and only then lets the read be served at that index. A follower asks the leader.
 *
 * All reads of a turn share one round; a follower's reads of a turn travel as one request.
 */
export class Reads {
  /** Answers for the local caller, emptied by `Raft.take`. */
  ready: ReadReady[] = [];
  failed: number[] = [];

  #round = 0;
  #local: number[] = [];
  #remote: RemoteRead[] = [];
  readonly #held = new Map<AgentId, number>();
  readonly #rounds: Round[] = [];

  #toAsk: number[] = [];
  readonly #asked = new Map<number, { readonly readIds: readonly number[]; readonly deadline: number }>();
  #nextRequest: number;

  /**
   * @param life a number that differs from one life of the agent to the next: requests are numbered from it, so that an answer to an
   * earlier life cannot be taken for one to this.
   */
  constructor(life: number) {
    this.#nextRequest = life * 0x10_0000;
  }

  /** The round that heartbeats carry now. */
  get round(): number {
    return this.#round;
  }

  read(state: RaftState, readId: number): void {
    if (state.role === "leader") this.#local.push(readId);
    else if (state.leader !== "") this.#toAsk.push(readId);
    else this.failed.push(readId);
  }

  /** Leader, once a turn: begins a round for all reads that came. */
  startRound(state: RaftState): void {
    if (this.#local.length === 0 && this.#remote.length === 0) return;
    // Until an entry of its own term is committed, a leader does not know what is (§6.4, step 1).
    if (state.log.termAt(state.commit) !== state.term) return;
    if (state.config.reads === "lease" && this.#leased(state)) {
      for (const readId of this.#local) this.ready.push({ readId, index: state.commit });
      for (const { to, readIds } of this.#remote) this.#answer(state, to, readIds, state.commit);
      this.#local = [];
      this.#remote = [];
      return;
    }
    this.#round++;
    this.#rounds.push({ number: this.#round, index: state.commit, local: this.#local, remote: this.#remote });
    this.#local = [];
    this.#remote = [];
    // Where no other vote is needed, it is confirmed as it is.
    this.confirm(state);
    if (this.#rounds.length > 0) state.heartbeatDue = true;
  }

  /** Leases count from a round of their own: each beat needs a number, so that its answers tell when it left. */
  nextBeat(state: RaftState): void {
    if (state.config.reads === "lease") this.#round++;
  }

  /**
   * Whether nobody else can lead yet: a majority answered heartbeats that left less than the shortest election timeout ago, by the slowest clock, and hears no
   * candidate until then (thesis §6.4.1, §4.2.3).
   */
  #leased(state: RaftState): boolean {
    if (state.leaseVoid || state.transfer !== undefined) return false;
    const sinceMs = state.reached(state.now, (follower) => follower.ackedBeatMs);
    return state.now - sinceMs < state.config.electionTimeoutMinMs / driftBound(state.config);
  }

  /** Leader: answers every round that a majority has acknowledged, itself included. */
  confirm(state: RaftState): void {
    if (this.#rounds.length === 0) return;
    const confirmed = state.reached(this.#round, (follower) => follower.ackedRound);
    while (this.#rounds.length > 0 && (this.#rounds[0] as Round).number <= confirmed) {
      const { index, local, remote } = this.#rounds.shift() as Round;
      for (const readId of local) this.ready.push({ readId, index });
      for (const { to, readIds } of remote) this.#answer(state, to, readIds, index);
    }
  }

  handleReadIndex(state: RaftState, from: AgentId, message: MessageOf<"readIndex">): void {
    const held = this.#held.get(from) ?? 0;
    const readIds = message.readIds;
    if (state.role !== "leader" || held + readIds.length > MAX_READ_REQUESTS) {
      state.send(from, { type: "readIndexReply", term: state.term, readIds, index: 0 });
      return;
    }
    this.#held.set(from, held + readIds.length);
    this.#remote.push({ to: from, readIds });
  }

  /** Follower, once a turn. */
  ask(state: RaftState): void {
    if (this.#toAsk.length === 0) return;
    const request = this.#nextRequest++;
    this.#asked.set(request, { readIds: this.#toAsk, deadline: state.now + state.config.electionTimeoutMaxMs });
    this.#toAsk = [];
    state.send(state.leader, { type: "readIndex", term: state.term, readIds: [request] });
  }

  handleReadIndexReply(message: MessageOf<"readIndexReply">): void {
    for (const request of message.readIds) {
      const asked = this.#asked.get(request);
      if (asked === undefined) continue;
      this.#asked.delete(request);
      for (const readId of asked.readIds) {
        if (message.index === 0) this.failed.push(readId);
        else this.ready.push({ readId, index: message.index });
      }
    }
  }

  /** When the oldest request to a leader is given up, ms: it or its answer was lost. */
  deadline(): number {
    for (const { deadline } of this.#asked.values()) return deadline;
    return Number.POSITIVE_INFINITY;
  }

  expire(now: number): void {
    for (const [request, { readIds, deadline }] of this.#asked) {
      if (deadline > now) return;
      this.#asked.delete(request);
      for (const readId of readIds) this.failed.push(readId);
    }
  }

  /** The role, the term or the leader changes: nothing that is under way can be confirmed. */
  failAll(state: RaftState): void {
    for (const readId of this.#local) this.failed.push(readId);
    for (const { to, readIds } of this.#remote) this.#answer(state, to, readIds, 0);
    for (const { local, remote } of this.#rounds) {
      for (const readId of local) this.failed.push(readId);
      for (const { to, readIds } of remote) this.#answer(state, to, readIds, 0);
    }
    for (const readId of this.#toAsk) this.failed.push(readId);
    for (const { readIds } of this.#asked.values()) for (const readId of readIds) this.failed.push(readId);
    this.#local = [];
    this.#remote = [];
    this.#rounds.length = 0;
    this.#toAsk = [];
    this.#asked.clear();
  }

  #answer(state: RaftState, to: AgentId, readIds: readonly number[], index: number): void {
    this.#held.set(to, (this.#held.get(to) ?? 0) - readIds.length);
    state.send(to, { type: "readIndexReply", term: state.term, readIds, index });
    const peer = state.peer(to);
    if (peer !== undefined) peer.awaitedIndex = Math.max(peer.awaitedIndex, index);
  }
}
