import { ByteReader, ByteWriter, MalformedBytes } from "../core/bytes.ts";
import { type Entry, EntryKind } from "../core/consensus.ts";
import { invariant } from "../core/invariant.ts";
import { Memory } from "../core/memory/memory.ts";
import { TaskLedger } from "../core/tasks/ledger.ts";
import { type AgentCommand, decodeAgentCommand, type SessionCommand } from "./command.ts";
import type { MachineResult } from "./results.ts";
import { Sessions } from "./sessions.ts";

const SNAPSHOT_FORMAT = 1;
const SNAPSHOT_PART_LIMIT_BYTES = 2 ** 40;

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
 * What all agents hold in common: memory, tasks, and the sessions that make retried writes apply once. A deterministic fold over the committed entries:
 * equal entries, equal bytes of `snapshot()`. Every entry moves its time on, also one that says nothing else, or nothing that can be read:
 * what one replica cannot read, none can.
 */
export class Machine {
  memory = new Memory();
  tasks = new TaskLedger();
  #sessions = new Sessions();
  #index = 0;
  #term = 0;
  #timeMs = 0;

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
    const command = entry.kind === EntryKind.command ? readable(entry.data) : undefined;
    if (command === undefined || command.type === "clock") {
      this.#clock();
      return undefined;
    }
    if (command.type === "task") {
      this.memory.clock(this.#timeMs);
      const { task } = command;
      const result = this.tasks.apply(task, entry.index, this.#timeMs);
      const renewed = task.type === "renew" && result.type === "accepted";
      return renewed ? { type: "renewed", id: task.id, token: task.token } : undefined;
    }
    const { session, sequence } = command;
    return { type: "write", session, sequence, result: this.#applyOnce(command) };
  }

  /** The answer a client's write got, if it was applied and is remembered. */
  answerOf(session: string, sequence: number): MachineResult | undefined {
    return this.#sessions.answerOf(session, sequence);
  }

  /** The entry time (ms) at which something falls due, or Infinity. */
  deadlineMs(): number {
    return Math.min(this.memory.deadlineMs(), this.tasks.deadlineMs());
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter();
    writer.byte(SNAPSHOT_FORMAT);
    writer.varint(this.#index);
    writer.varint(this.#term);
    writer.varint(this.#timeMs);
    writer.bytes(this.memory.snapshot());
    writer.bytes(this.tasks.snapshot());
    this.#sessions.write(writer);
    return writer.finish();
  }

  /** @throws MalformedBytes unless it is what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const reader = new ByteReader(snapshot);
    if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not a snapshot of this format");
    const [index, term, timeMs] = [reader.varint(), reader.varint(), reader.varint()];
    const memory = new Memory();
    memory.restore(reader.bytes(SNAPSHOT_PART_LIMIT_BYTES));
    const tasks = new TaskLedger();
    tasks.restore(reader.bytes(SNAPSHOT_PART_LIMIT_BYTES));
    const sessions = Sessions.read(reader);
    reader.end();
    this.#index = index;
    this.#term = term;
    this.#timeMs = timeMs;
    this.memory = memory;
    this.tasks = tasks;
    this.#sessions = sessions;
  }

  #applyOnce({ session, sequence, firstUnanswered, command }: SessionCommand): MachineResult {
    const answer = this.#sessions.admit(session, sequence, firstUnanswered);
    if (answer !== undefined) {
      this.#clock();
      return answer;
    }
    let result: MachineResult;
    if (command.on === "memory") {
      this.tasks.clock(this.#timeMs);
      result = this.memory.apply(command.memory, this.#index, this.#timeMs);
    } else {
      this.memory.clock(this.#timeMs);
      result = this.tasks.apply(command.task, this.#index, this.#timeMs);
    }
    this.#sessions.record(session, sequence, result);
    return result;
  }

  #clock(): void {
    this.memory.clock(this.#timeMs);
    this.tasks.clock(this.#timeMs);
  }
}

function readable(data: Uint8Array): AgentCommand | undefined {
  try {
    return decodeAgentCommand(data);
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}
