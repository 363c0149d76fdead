import { ByteReader, ByteWriter, joinBytes, MalformedBytes } from "../core/bytes.ts";
import { type Entry, EntryKind } from "../core/consensus.ts";
import { invariant } from "../core/invariant.ts";
import { EventualMemory } from "../core/memory/eventual.ts";
import { Memory } from "../core/memory/memory.ts";
import { prepare } from "../core/memory/preparing.ts";
import type { WriteId } from "../core/memory/write-id.ts";
import { EventualProposals } from "../core/proposals/eventual.ts";
import { Proposals } from "../core/proposals/proposals.ts";
import type { ProposalCommand, ProposalObservation, ProposalResult, VoteVerifier } from "../core/proposals/types.ts";
import { TaskLedger } from "../core/tasks/ledger.ts";
import type { TaskObservation } from "../core/tasks/types.ts";
import { readAgentCommand, type SessionCommand } from "./command.ts";
import type { MachineResult } from "./results.ts";
import { Sessions } from "./sessions.ts";

const SNAPSHOT_FORMAT = 2;
const SNAPSHOT_PART_LIMIT_BYTES = 2 ** 40;

export interface MachineOptions {
  /** Of votes that are applied; absent: who voted is believed, as where nobody lies, or where somebody has verified it before. */
  readonly verifyVote?: VoteVerifier | undefined;
  /** Everybody applies the same entries in the same order; absent: so it is. Otherwise the same ones in any causal order lead to the same memory and the same decisions. */
  readonly ordered?: boolean;
}

/** What an entry did that somebody may wait for. */
export type Applied = AppliedWrite | RenewedLease;

/** A client's write was applied here (or recognised as applied before). */
export interface AppliedWrite {
  readonly type: "write";
  readonly session: string;
  readonly sequence: number;
  readonly result: MachineResult;
}

/** A holder's renewal was accepted. The lease's end need not have moved: entry time stands still while a leader's clock is behind its predecessor's. */
export interface RenewedLease {
  readonly type: "renewed";
  readonly id: string;
  readonly token: number;
}

/**
 * What all agents hold in common: memory, tasks, proposals, and the sessions that make retried writes apply once. A deterministic fold over the committed entries:
 * equal entries, equal bytes of `snapshot()`. Every entry moves its time on, also one that says nothing else, or nothing that can be read:
 * what one replica cannot read, none can.
 */
export class Machine {
  memory: Memory | EventualMemory;
  tasks = new TaskLedger();
  proposals: Proposals | EventualProposals;
  readonly #verifyVote: VoteVerifier | undefined;
  readonly #ordered: boolean;
  #sessions = new Sessions();
  #index = 0;
  #term = 0;
  #timeMs = 0;
  /** The time of the entry that is applied: without an order it may be behind that of the machine. */
  #saidMs = 0;

  constructor({ verifyVote, ordered = true }: MachineOptions = {}) {
    this.#verifyVote = verifyVote;
    this.#ordered = ordered;
    this.memory = this.#emptyMemory();
    this.proposals = this.#emptyProposals();
  }

  /** Index of the last entry applied. */
  get index(): number {
    return this.#index;
  }

  /** Its term. */
  get term(): number {
    return this.#term;
  }

  /** Its time, ms. */
  get timeMs(): number {
    return this.#timeMs;
  }

  apply(entry: Entry): Applied | undefined {
    invariant(entry.index === this.#index + 1, `machine: entry ${entry.index} after ${this.#index}`);
    this.#index = entry.index;
    this.#term = entry.term;
    // A leader may have a clock behind that of the one before it; machines' time only rises.
    this.#timeMs = Math.max(this.#timeMs, entry.timeMs);
    this.#saidMs = this.#ordered ? this.#timeMs : entry.timeMs;
    const command = entry.kind === EntryKind.command ? readAgentCommand(entry.data) : undefined;
    if (command === undefined || command.type === "clock") {
      this.#clock();
      return undefined;
    }
    if (command.type === "proposal") {
      this.memory.clock(this.#timeMs);
      this.tasks.clock(this.#timeMs);
      this.#applyProposal(command.proposal);
      return undefined;
    }
    if (command.type === "task") {
      this.memory.clock(this.#timeMs);
      this.proposals.clock(this.#timeMs);
      const { task } = command;
      const result = this.tasks.apply(task, entry.index, this.#timeMs);
      const renewed = task.type === "renew" && result.type === "accepted";
      return renewed ? { type: "renewed", id: task.id, token: task.token } : undefined;
    }
    const { session, sequence } = command;
    return { type: "write", session, sequence, result: this.#applyOnce(command) };
  }

  /** What a client's write becomes here, to be proposed; or a sentence that says why it cannot be. @param now the agent's clock, ms: what it shows to be over is over for whoever reads here. */
  prepare(command: SessionCommand["command"], now: number): SessionCommand["command"] | { readonly problem: string } {
    const { memory } = this;
    if (command.on !== "memory" || memory instanceof Memory) return command;
    const prepared = prepare(memory, command.memory, Math.max(memory.timeMs, Math.floor(now)));
    return "problem" in prepared ? prepared : { on: "memory", memory: prepared.command };
  }

  /** The answer a client's write got, if it was applied and is remembered. */
  answerOf(session: string, sequence: number): MachineResult | undefined {
    return this.#sessions.answerOf(session, sequence);
  }

  /** What a client's write came to, also when that is forgotten; undefined: not applied, as far as is known. */
  outcomeOf(session: string, sequence: number): MachineResult | undefined {
    return this.#sessions.outcomeOf(session, sequence);
  }

  /** The entry time (ms) at which something falls due, or Infinity. */
  deadlineMs(): number {
    return Math.min(this.memory.deadlineMs(), this.tasks.deadlineMs(), this.proposals.deadlineMs());
  }

  /** What changed in tasks and proposals since the last call, in order. Not part of the replicated state. */
  takeObservations(): readonly (TaskObservation | ProposalObservation)[] {
    const ofTasks = this.tasks.takeObservations();
    const ofProposals = this.proposals.takeObservations();
    // Most entries change neither.
    return ofProposals.length === 0 ? ofTasks : [...ofTasks, ...ofProposals];
  }

  snapshot(): Uint8Array {
    const taking = this.snapshotInSteps();
    for (;;) {
      const { done, value } = taking.next();
      if (done) return value;
    }
  }

  /**
   * What `snapshot` gives at this moment, made step by step while entries go on being applied: at once everything that is held is noted (what is
   * held is never changed, only replaced), and with every step another piece of it is written. A step takes well under a millisecond.
   */
  snapshotInSteps(): Generator<void, Uint8Array> {
    const head = new ByteWriter(32);
    head.byte(SNAPSHOT_FORMAT);
    head.varint(this.#index);
    head.varint(this.#term);
    head.varint(this.#timeMs);
    const parts = [this.memory.snapshotPieces(), this.tasks.snapshotPieces(), this.proposals.snapshotPieces()];
    return steps(head, parts, this.#sessions.snapshotPieces());
  }

  /** @throws MalformedBytes unless it is what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const reader = new ByteReader(snapshot);
    if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not a snapshot of this format");
    const [index, term, timeMs] = [reader.varint(), reader.varint(), reader.varint()];
    const memory = this.#emptyMemory();
    memory.restore(reader.bytes(SNAPSHOT_PART_LIMIT_BYTES));
    const tasks = new TaskLedger();
    tasks.restore(reader.bytes(SNAPSHOT_PART_LIMIT_BYTES));
    const proposals = this.#emptyProposals();
    proposals.restore(reader.bytes(SNAPSHOT_PART_LIMIT_BYTES));
    const sessions = Sessions.read(reader);
    reader.end();
    this.#index = index;
    this.#term = term;
    this.#timeMs = timeMs;
    this.memory = memory;
    this.tasks = tasks;
    this.proposals = proposals;
    this.#sessions = sessions;
  }

  #applyOnce({ session, sequence, firstUnanswered, command }: SessionCommand): MachineResult {
    const answer = this.#sessions.admit(session, sequence, firstUnanswered);
    if (answer !== undefined && this.#ordered) {
      this.#clock();
      return answer;
    }
    const result = this.#applyOn(command, { session, sequence });
    // Without an order a repetition may come first elsewhere: both are applied everywhere, which is why neither may do more than the other. Those of which only one may count the memory knows.
    if (answer === undefined) this.#sessions.record(session, sequence, result);
    return result;
  }

  #applyOn(command: SessionCommand["command"], id: WriteId): MachineResult {
    if (command.on !== "memory") this.memory.clock(this.#timeMs);
    if (command.on !== "task") this.tasks.clock(this.#timeMs);
    if (command.on !== "proposal") this.proposals.clock(this.#timeMs);
    if (command.on === "memory") {
      if (this.memory instanceof Memory) return this.memory.apply(command.memory, this.#index, this.#timeMs);
      return this.memory.apply(command.memory, this.#term, this.#saidMs, id);
    }
    if (command.on === "task") return this.tasks.apply(command.task, this.#index, this.#timeMs);
    return this.#applyProposal(command.proposal);
  }

  #emptyMemory(): Memory | EventualMemory {
    return this.#ordered ? new Memory() : new EventualMemory();
  }

  #emptyProposals(): Proposals | EventualProposals {
    return this.#ordered ? new Proposals(this.#verifyVote) : new EventualProposals(this.#verifyVote);
  }

  #applyProposal(command: ProposalCommand): ProposalResult {
    const { proposals } = this;
    if (proposals instanceof Proposals) return proposals.apply(command, this.#index, this.#timeMs);
    return proposals.apply(command, this.#index, this.#timeMs, this.#saidMs);
  }

  #clock(): void {
    this.memory.clock(this.#timeMs);
    this.tasks.clock(this.#timeMs);
    this.proposals.clock(this.#timeMs);
  }
}

function* steps(
  head: ByteWriter,
  parts: readonly Iterable<Uint8Array>[],
  sessions: Iterable<Uint8Array>,
): Generator<void, Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    const from = pieces.push(EMPTY);
    let length = 0;
    for (const piece of part) {
      pieces.push(piece);
      length += piece.length;
      yield;
    }
    // A part is announced by its length, which is known only now.
    head.varint(length);
    pieces[from - 1] = head.finish();
    head.clear();
  }
  for (const piece of sessions) {
    pieces.push(piece);
    yield;
  }
  return joinBytes(pieces);
}

const EMPTY = new Uint8Array(0);
