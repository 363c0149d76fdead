/**
 * Byzantine fault tolerance after Castro and Liskov (OSDI '99 and TOCS 2002): n replicas agree on one order of requests although up to f = (n-1)/3 of them lie, in whatever way, together.
 * Safe always; live once messages arrive in time.
 *
 *   request     an agent signs what it wants ordered and sends it to the primary (requests.ts)
 *   pre-prepare the primary gives a batch of requests a place and tells all         ┐
 *   prepare     the backups tell each other what they were told                     │ ordering.ts, slots.ts
 *   commit      each says that a quorum was told the same; a quorum of those decides ┘
 *   checkpoint  every K places a quorum signs the state: what led to it may go (checkpoints.ts)
 *   view-change whoever waits too long gives up on the primary; the next one shows the proof of all that may have been decided, and goes on (view-changes.ts, view-change-proof.ts)
 *   state       whoever was away fetches the state of a checkpoint and checks its digest (state-transfer.ts), or decided batches with their proof (catch-up.ts)
 *   read        without an order, behind what a quorum has prepared (reads.ts)
 *
 * Where it knowingly differs from the papers: everything is signed, nothing is a vector of MACs (a mesh's messages travel through others, and certificates are shown to third parties); what a replica signed
 * is journaled before it leaves, so that a crash is no lie; batches carry the time, checked by the backups, as the machines need one; a primary that has nothing to propose says that it is there; quorums are
 * defined for every n from 4 on; the state is transferred whole.
 */
import type { AgentId, Consensus, Entry, MemberChange, Snapshot } from "../consensus.ts";
import { EntryKind } from "../consensus.ts";
import type { Crypto } from "../crypto.ts";
import { CatchUp } from "./catch-up.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Journal, readJournal } from "./journal.ts";
import { Ordering } from "./ordering.ts";
import { Reads } from "./reads.ts";
import { decodeReplicated } from "./replicated-state.ts";
import { RequestPool } from "./requests.ts";
import { restoreRecords } from "./restore.ts";
import type { Slot } from "./slots.ts";
import { PbftState, shortDigest } from "./state.ts";
import { StateTransfer } from "./state-transfer.ts";
import type {
  Batch,
  PbftConfig,
  PbftHardState,
  PbftMessage,
  PbftObservation,
  PbftReady,
  PbftRole,
  PbftStatus,
} from "./types.ts";
import { ViewChanges } from "./view-changes.ts";

/** What a durable log gave back at start. */
export interface RestoredJournal {
  readonly hardState: PbftHardState;
  readonly snapshot?: Snapshot;
  readonly entries: readonly Entry[];
}

export class Pbft implements Consensus<PbftMessage, PbftHardState, PbftObservation, PbftStatus> {
  readonly id: AgentId;
  readonly #state: PbftState;
  readonly #requests: RequestPool;
  readonly #ordering: Ordering;
  readonly #checkpoints: Checkpoints;
  readonly #views: ViewChanges;
  readonly #reads: Reads;
  readonly #transfer: StateTransfer;
  readonly #catchUp: CatchUp;
  readonly #journal: Journal;
  readonly #initial: Snapshot | undefined;
  readonly #recovered: { commit: number; index: number };

  /** @throws MalformedBytes when the journal cannot be read. @throws InvariantViolation for fewer than 4 replicas. */
  constructor(config: PbftConfig, restored: RestoredJournal, crypto: Crypto, now: number) {
    this.id = config.id;
    const { state: replicatedBytes, records } = readJournal(restored.snapshot, restored.entries);
    const lastRecord = restored.entries.at(-1)?.index ?? restored.snapshot?.index ?? 0;
    const state = new PbftState(config, crypto, lastRecord, now);
    this.#state = state;
    this.#journal = new Journal(state);
    this.#requests = new RequestPool(state);
    this.#ordering = new Ordering(state, this.#requests, this.#journal);
    this.#checkpoints = new Checkpoints(state, this.#journal);
    this.#views = new ViewChanges(state, this.#requests, this.#ordering, this.#checkpoints, this.#journal, now);
    this.#reads = new Reads(state, this.#requests);
    this.#transfer = new StateTransfer(state, this.#checkpoints, this.#requests);
    this.#catchUp = new CatchUp(state, this.#ordering, this.#checkpoints, this.#views, this.#transfer, now);
    if (replicatedBytes !== undefined) {
      const replicated = decodeReplicated(replicatedBytes);
      const { seq, index, term, machine } = replicated;
      state.adoptReplicated(replicated);
      state.slots.dropBelow(seq + 1);
      this.#initial = { index, term, configuration: state.configuration, data: machine };
      const digest = crypto.digest(replicatedBytes);
      restoreRecords(state, restored.hardState, records);
      this.#checkpoints.restored({ seq, index, digest, bytes: replicatedBytes });
    } else {
      restoreRecords(state, restored.hardState, records);
    }
    this.#recovered = { commit: state.lastIndex, index: state.lastIndex };
    this.#goOn(now);
  }

  recovered(): { readonly commit: number; readonly index: number } {
    return this.#recovered;
  }

  /** The state machine's state to begin with; what was executed after it comes as committed once more. */
  initial(): Snapshot | undefined {
    return this.#initial;
  }

  step(from: AgentId, message: PbftMessage, now: number): void {
    const state = this.#state;
    if (from === this.id) return;
    if (!state.replicas.has(from)) {
      state.disbelieve(from, message.type, "notReplica");
      return;
    }
    switch (message.type) {
      case "request":
        if (!this.#requests.received(message.request, message.request.origin === from, now))
          state.disbelieve(from, "request", "badSignature");
        break;
      case "prePrepare":
        if (from === state.primary && message.view === state.view && state.active) this.#views.heardPrimary(now);
        this.#ordering.prePrepare(from, message, now);
        break;
      case "prepare":
        this.#ordering.prepare(from, message);
        break;
      case "commit":
        this.#ordering.commit(from, message);
        break;
      case "checkpoint":
        this.#checkpoints.received(from, message);
        break;
      case "viewChange":
        this.#views.viewChange(from, message.viewChange, now);
        break;
      case "newView":
        this.#views.newView(from, message, now);
        break;
      case "status":
        this.#catchUp.status(from, message, now);
        break;
      case "fetchBatch":
        this.#catchUp.fetchBatch(from, message);
        break;
      case "batch":
        this.#catchUp.batch(message);
        break;
      case "fetchViewChange":
        this.#views.fetch(from, message);
        break;
      case "decided":
        this.#ordering.decided(from, message.certificate, message.batch);
        break;
      case "fetchState":
        this.#transfer.asked(from, message);
        break;
      case "stateChunk":
        this.#transfer.received(from, message, now);
        break;
      case "read":
        this.#reads.asked(from, message);
        break;
      case "readReply":
        this.#reads.replied(from, message);
        break;
    }
  }

  tick(now: number): void {
    this.#views.tick(now);
    this.#requests.tick(now);
    this.#reads.tick(now);
    this.#transfer.tick(now);
    this.#catchUp.tick(now);
  }

  propose(commands: readonly Uint8Array[], now: number): void {
    this.#requests.propose(commands, now);
  }

  read(readId: number): void {
    this.#reads.read(readId);
  }

  persisted(batchId: number): void {
    this.#state.effects.persisted(batchId);
  }

  /** The snapshot that a Ready's `checkpoint` asked for. */
  compact({ index, data }: { readonly index: number; readonly data: Uint8Array }): void {
    this.#checkpoints.taken(index, data);
  }

  /** The replicas are fixed: who may lie is counted against them. */
  changeMembers(_change: MemberChange): { readonly ok: false; readonly reason: "fixedMembers" } {
    return { ok: false, reason: "fixedMembers" };
  }

  /** The primary leaves: the next in line takes over. @param to that one, or undefined. */
  transferLeadership(
    to: AgentId | undefined,
    now: number,
  ):
    | { readonly ok: true; readonly to: AgentId }
    | { readonly ok: false; readonly reason: "notLeader" | "alreadyLeader" | "notVoter" | "notNext" } {
    const { leads, replicas, view } = this.#state;
    if (!leads) return { ok: false, reason: "notLeader" };
    if (to === this.id) return { ok: false, reason: "alreadyLeader" };
    if (to !== undefined && !replicas.has(to)) return { ok: false, reason: "notVoter" };
    const next = replicas.primaryOf(view + 1);
    if (to !== undefined && to !== next) return { ok: false, reason: "notNext" };
    this.#views.start(view + 1, "asked", now);
    return { ok: true, to: next };
  }

  configuration(): PbftStatus["configuration"] {
    return this.#state.configuration;
  }

  deadline(): number {
    return Math.min(
      this.#views.deadline(),
      this.#requests.deadline(),
      this.#reads.deadline(),
      this.#transfer.deadline(),
      this.#catchUp.deadline(),
    );
  }

  take(now: number): PbftReady | undefined {
    const { effects } = this.#state;
    this.#execute(now);
    if (this.#ordering.propose(now)) this.#catchUp.said(now);
    this.#reads.step(now);
    return effects.pending ? effects.take() : undefined;
  }

  status(): PbftStatus {
    const { id, view, active, primary, configuration, lastIndex, lastTerm, stableIndex, replicas } = this.#state;
    const { liars, stable, executed, proposed, viewFloor } = this.#state;
    return {
      id,
      role: this.#role,
      term: view,
      leader: active ? primary : "",
      commit: lastIndex,
      lastIndex,
      lastTerm,
      durableIndex: lastIndex,
      configuration,
      configurationIndex: 0,
      snapshotIndex: stableIndex,
      firstIndex: stableIndex + 1,
      transferringTo: "",
      followers: [],
      settled: executed >= viewFloor,
      faultsTolerated: replicas.faulty,
      liars,
      stableSeq: stable.seq,
      executedSeq: executed,
      proposedSeq: proposed,
    };
  }

  get #role(): PbftRole {
    if (!this.#state.active) return "viewChange";
    return this.#state.leads ? "primary" : "backup";
  }

  /** After a start: what was said before may not have been heard. */
  #goOn(now: number): void {
    const state = this.#state;
    if (!state.active) this.#views.resume(now);
    // Pre-prepares leave before they are durable: it may have made some that it does not know of.
    else if (state.primary === this.id && state.config.incarnation > 1)
      this.#views.start(state.view + 1, "restart", now);
    else this.#ordering.resume();
  }

  /** Gives out what is decided, in order, up to the next checkpoint at most: its state is taken before anything else is applied. */
  #execute(now: number): void {
    const state = this.#state;
    const before = state.executed;
    while (state.effects.checkpoint === undefined) {
      const slot = state.slots.get(state.executed + 1);
      const digest = slot?.decision;
      const batch = digest && slot?.durableBatchOf(digest);
      if (slot === undefined || digest === undefined || batch === undefined) break;
      if (slot.knownDecided === undefined) this.#journal.decided(slot.seq, digest);
      this.#executeBatch(slot, batch);
    }
    if (state.executed === before) return;
    state.progressMs = now;
    state.proposed = Math.max(state.proposed, state.executed);
    state.trimSlots();
    this.#views.progressed();
  }

  #executeBatch(slot: Slot, batch: Batch): void {
    const state = this.#state;
    const { effects } = state;
    const fromIndex = state.lastIndex;
    state.lastTimeMs = Math.max(state.lastTimeMs, batch.timeMs);
    for (const request of batch.requests) {
      const admitted = state.table.admit(request);
      this.#requests.executed(request);
      if (!admitted) continue;
      for (const data of request.commands) {
        const index = ++state.lastIndex;
        state.lastTerm = batch.view;
        effects.committed.push({ index, term: batch.view, kind: EntryKind.command, timeMs: state.lastTimeMs, data });
      }
    }
    state.executed = slot.seq;
    if (slot.seq <= state.recoveredSeq) this.#recovered.index = state.lastIndex;
    if (slot.knownDecided !== undefined) this.#recovered.commit = state.lastIndex;
    const acks = slot.decided?.commits.map(({ replica }) => replica) ?? [];
    const { seq } = slot;
    const digest = shortDigest(slot.decision as Uint8Array);
    effects.observe({ type: "committed", term: state.view, seq, digest, fromIndex, toIndex: state.lastIndex, acks });
    if (this.#checkpoints.executed(seq)) effects.checkpoint = state.lastIndex;
  }
}
