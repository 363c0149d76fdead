import { ByteReader, ByteWriter, MalformedBytes } from "../core/bytes.ts";
import { decodeMemoryCommand, writeMemoryCommand } from "../core/memory/codec.ts";
import type { MemoryCommand } from "../core/memory/types.ts";
import { decodeTaskCommand, encodeTaskCommand } from "../core/tasks/codec.ts";
import type { TaskCommand } from "../core/tasks/types.ts";

/** A session's name. Bytes of UTF-8. */
export const MAX_SESSION_BYTES = 128;

/** The bytes of a `command` entry: who asks (so that a retry is recognised), then what. */
export type AgentCommand =
  /** Time passes; nothing else. */
  | { readonly type: "clock" }
  /** An agent's own task command: fenced by the task's state and token, so that a repetition does no harm and needs no session. */
  | { readonly type: "task"; readonly task: TaskCommand }
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
    | { readonly on: "task"; readonly task: TaskCommand };
}

const Tag = { clock: 1, task: 2, sessionMemory: 3, sessionTask: 4 } as const;

export function encodeClockCommand(): Uint8Array {
  return Uint8Array.of(Tag.clock);
}

/** @throws RangeError on a command beyond its limits. */
export function encodeOwnTaskCommand(command: TaskCommand): Uint8Array {
  const body = encodeTaskCommand(command);
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = Tag.task;
  bytes.set(body, 1);
  return bytes;
}

/**
 * Encodes clients' writes, many into one buffer: a buffer for each would cost more than the rest of the encoding. What is encoded stays as it is; it
 * keeps its neighbours in memory for as long as it lives itself, as the log does anyway.
 */
export class CommandEncoder {
  #writer = new ByteWriter(SLAB_BYTES);

  /** @param command within its limits (`checkMemoryCommand`, `checkTaskCommand`). */
  encode({ session, sequence, firstUnanswered, command }: Omit<SessionCommand, "type">): Uint8Array {
    if (this.#writer.length + spaceFor(command) > SLAB_BYTES) this.#writer = new ByteWriter(SLAB_BYTES);
    const writer = this.#writer;
    const from = writer.length;
    writer.byte(command.on === "memory" ? Tag.sessionMemory : Tag.sessionTask);
    writer.text(session);
    writer.varint(sequence);
    writer.varint(firstUnanswered);
    if (command.on === "memory") writeMemoryCommand(writer, command.memory);
    else writer.raw(encodeTaskCommand(command.task));
    return writer.view().subarray(from);
  }
}

const SLAB_BYTES = 64 * 1024;

/** About what a command takes; when it takes more, its buffer grows. */
function spaceFor(command: SessionCommand["command"]): number {
  const value = command.on === "memory" && command.memory.type !== "delete" ? command.memory.value.length : 0;
  return value + 512;
}

/** The values in it are views into `bytes`. @throws MalformedBytes */
export function decodeAgentCommand(bytes: Uint8Array): AgentCommand {
  const reader = new ByteReader(bytes);
  const tag = reader.byte();
  switch (tag) {
    case Tag.clock:
      reader.end();
      return { type: "clock" };
    case Tag.task:
      return { type: "task", task: decodeTaskCommand(reader.raw(reader.remaining)) };
    case Tag.sessionMemory:
    case Tag.sessionTask: {
      const { session, sequence } = readKey(reader);
      const firstUnanswered = reader.varint();
      const body = reader.raw(reader.remaining);
      const command =
        tag === Tag.sessionMemory
          ? ({ on: "memory", memory: decodeMemoryCommand(body) } as const)
          : ({ on: "task", task: decodeTaskCommand(body) } as const);
      return { type: "session", session, sequence, firstUnanswered, command };
    }
    default:
      throw new MalformedBytes(`unknown command ${tag}`);
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
  return tag === Tag.sessionMemory || tag === Tag.sessionTask ? readKey(reader) : undefined;
}

function readKey(reader: ByteReader): SessionKey {
  const session = reader.text(MAX_SESSION_BYTES);
  const sequence = reader.varint();
  if (session === "" || sequence === 0) throw new MalformedBytes("a write without a session or sequence");
  return { session, sequence };
}
