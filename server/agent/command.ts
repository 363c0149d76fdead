import { ByteReader, ByteWriter, MalformedBytes } from "../core/bytes.ts";
import { readMemoryCommand, writeMemoryCommand } from "../core/memory/codec.ts";
import { MAX_WRITER_BYTES } from "../core/memory/limits.ts";
import type { MemoryCommand } from "../core/memory/types.ts";
import { encodeProposalCommand, readProposalCommand } from "../core/proposals/codec.ts";
import type { ProposalCommand } from "../core/proposals/types.ts";
import { encodeTaskCommand, readTaskCommand } from "../core/tasks/codec.ts";
import type { TaskCommand } from "../core/tasks/types.ts";

/** A session's name. Bytes of UTF-8. */
export const MAX_SESSION_BYTES = MAX_WRITER_BYTES;

/** The bytes of a `command` entry: who asks (so that a retry is recognised), then what. */
export type AgentCommand =
  /** Time passes; nothing else. */
  | { readonly type: "clock" }
  /** An agent's own task command: fenced by the task's state and token, so that a repetition does no harm and needs no session. */
  | { readonly type: "task"; readonly task: TaskCommand }
  /** An agent's own vote: signed, and the first of a voter counts, so that it needs no session either. */
  | { readonly type: "proposal"; readonly proposal: ProposalCommand }
  | SessionCommand;

/** A client's write. */
export interface SessionCommand {
  readonly type: "session";
  readonly session: string;
  readonly sequence: number;
  /** The session's lowest sequence that may still be asked for; 1 while nothing of it has been answered. */
  readonly firstUnanswered: number;
  readonly command:
    | { readonly on: "memory"; readonly memory: MemoryCommand }
    | { readonly on: "task"; readonly task: TaskCommand }
    | { readonly on: "proposal"; readonly proposal: ProposalCommand };
}

const Tag = { clock: 1, task: 2, sessionMemory: 3, sessionTask: 4, proposal: 5, sessionProposal: 6 } as const;
const SESSION_TAGS = { memory: Tag.sessionMemory, task: Tag.sessionTask, proposal: Tag.sessionProposal } as const;

export function encodeClockCommand(): Uint8Array {
  return Uint8Array.of(Tag.clock);
}

/** @throws RangeError on a command beyond its limits. */
export function encodeOwnTaskCommand(command: TaskCommand): Uint8Array {
  return tagged(Tag.task, encodeTaskCommand(command));
}

/** @throws RangeError on a command beyond its limits. */
export function encodeOwnProposalCommand(command: ProposalCommand): Uint8Array {
  return tagged(Tag.proposal, encodeProposalCommand(command));
}

function tagged(tag: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = tag;
  bytes.set(body, 1);
  return bytes;
}

/**
 * Encodes clients' writes, many into one buffer: a buffer for each would cost more than the rest of the encoding. What is encoded stays as it is; it
 * keeps its neighbours in memory for as long as it lives itself, as the log does anyway.
 */
export class CommandEncoder {
  /** undefined until it is needed: most agents of many are given no writes. */
  #writer: ByteWriter | undefined;

  /** @param command within its limits (`checkMemoryCommand`, `checkTaskCommand`, `checkProposalCommand`). */
  encode({ session, sequence, firstUnanswered, command }: Omit<SessionCommand, "type">): Uint8Array {
    if (this.#writer === undefined || this.#writer.length + spaceFor(command) > SLAB_BYTES)
      this.#writer = new ByteWriter(SLAB_BYTES);
    const writer = this.#writer;
    const from = writer.length;
    writer.byte(SESSION_TAGS[command.on]);
    writer.text(session);
    writer.varint(sequence);
    writer.varint(firstUnanswered);
    if (command.on === "memory") writeMemoryCommand(writer, command.memory);
    else if (command.on === "task") writer.raw(encodeTaskCommand(command.task));
    else writer.raw(encodeProposalCommand(command.proposal));
    return writer.room().subarray(from, writer.length);
  }
}

const SLAB_BYTES = 64 * 1024;

/** About what a command takes; when it takes more, its buffer grows. */
function spaceFor(command: SessionCommand["command"]): number {
  return 512 + (command.on === "memory" && "value" in command.memory ? command.memory.value.length : 0);
}

/** The values in it may be views into `bytes`. @throws MalformedBytes */
export function decodeAgentCommand(bytes: Uint8Array): AgentCommand {
  const reader = new ByteReader(bytes);
  const tag = reader.byte();
  switch (tag) {
    case Tag.clock:
      reader.end();
      return { type: "clock" };
    case Tag.task:
      return { type: "task", task: readTaskCommand(reader) };
    case Tag.proposal:
      return { type: "proposal", proposal: readProposalCommand(reader) };
    case Tag.sessionMemory:
    case Tag.sessionTask:
    case Tag.sessionProposal: {
      const { session, sequence } = readKey(reader);
      const firstUnanswered = reader.varint();
      return { type: "session", session, sequence, firstUnanswered, command: readSessionCommand(tag, reader) };
    }
    default:
      throw new MalformedBytes(`unknown command ${tag}`);
  }
}

/** The same; undefined for what cannot be read: what one replica cannot read, none can. */
export function readAgentCommand(bytes: Uint8Array): AgentCommand | undefined {
  try {
    return decodeAgentCommand(bytes);
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

/** Whether it is an agent's own command about proposals: a vote. Nothing else is read of it. */
export function isOwnProposalCommand(bytes: Uint8Array): boolean {
  return bytes[0] === Tag.proposal;
}

function readSessionCommand(tag: number, reader: ByteReader): SessionCommand["command"] {
  switch (tag) {
    case Tag.sessionMemory:
      return { on: "memory", memory: readMemoryCommand(reader) };
    case Tag.sessionTask:
      return { on: "task", task: readTaskCommand(reader) };
    default: {
      const proposal = readProposalCommand(reader);
      // Votes are agents' own. What became of one in a session would be part of the session's state, and only whoever has the keys could tell it.
      if (proposal.type === "vote") throw new MalformedBytes("a vote as a client's write");
      return { on: "proposal", proposal };
    }
  }
}

export interface SessionKey {
  readonly session: string;
  readonly sequence: number;
}

/** Whose write it is, without reading what it does; undefined for what has no session. */
export function sessionKeyOf(bytes: Uint8Array): SessionKey | undefined {
  const reader = new ByteReader(bytes);
  const tag = reader.byte();
  const ofSession = tag === Tag.sessionMemory || tag === Tag.sessionTask || tag === Tag.sessionProposal;
  return ofSession ? readKey(reader) : undefined;
}

function readKey(reader: ByteReader): SessionKey {
  const session = reader.text(MAX_SESSION_BYTES);
  const sequence = reader.varint();
  if (session === "" || sequence === 0) throw new MalformedBytes("a write without a session or sequence");
  return { session, sequence };
}
