import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import { unreachable } from "../invariant.ts";
import {
  checkMemoryCommand,
  MAX_ELEMENT_BYTES,
  MAX_KEY_BYTES,
  MAX_NAMESPACE_BYTES,
  MAX_REPLACED,
  MAX_VALUE_BYTES,
} from "./limits.ts";
import { readId, writeId } from "./once.ts";
import type { MemoryCommand } from "./types.ts";
import type { WriteId } from "./write-id.ts";

const Tag = { put: 1, delete: 2, compareAndSet: 3, increment: 4, add: 5, remove: 6 } as const;

/** @throws RangeError with the sentence of `checkMemoryCommand`: what no replica could read must not reach the log. */
export function encodeMemoryCommand(command: MemoryCommand): Uint8Array {
  const problem = checkMemoryCommand(command);
  if (problem !== undefined) throw new RangeError(problem);
  const writer = new ByteWriter(command.namespace.length + command.key.length + 64);
  writeMemoryCommand(writer, command);
  return writer.finish();
}

/** The same into a caller's writer. Only for what `checkMemoryCommand` lets pass. */
export function writeMemoryCommand(writer: ByteWriter, command: MemoryCommand): void {
  writer.byte(Tag[command.type]);
  writer.text(command.namespace);
  writer.text(command.key);
  switch (command.type) {
    case "put":
      break;
    case "compareAndSet":
      writer.varint(command.expectedVersion);
      break;
    case "delete":
      return;
    case "increment":
      writer.boolean(command.by < 0);
      writer.varint(Math.abs(command.by));
      return;
    case "add":
    case "remove":
      writer.text(command.element);
      writer.varint(command.replaces.length);
      for (const id of command.replaces) writeId(writer, id);
      return;
    default:
      unreachable(command, "memory command");
  }
  writer.varint(command.ttlMs);
  writer.bytes(command.value);
}

/** The value may be a view into `bytes`. @throws MalformedBytes */
export function decodeMemoryCommand(bytes: Uint8Array): MemoryCommand {
  return readMemoryCommand(new ByteReader(bytes));
}

/** The same of all that is left to read. */
export function readMemoryCommand(reader: ByteReader): MemoryCommand {
  const command = readCommand(reader);
  reader.end();
  const problem = checkMemoryCommand(command);
  if (problem !== undefined) throw new MalformedBytes(problem);
  return command;
}

function readCommand(reader: ByteReader): MemoryCommand {
  const tag = reader.byte();
  const namespace = reader.text(MAX_NAMESPACE_BYTES);
  const key = reader.text(MAX_KEY_BYTES);
  switch (tag) {
    case Tag.put: {
      const ttlMs = reader.varint();
      return { type: "put", namespace, key, value: reader.bytesOrCopy(MAX_VALUE_BYTES), ttlMs };
    }
    case Tag.delete:
      return { type: "delete", namespace, key };
    case Tag.compareAndSet: {
      const expectedVersion = reader.varint();
      const ttlMs = reader.varint();
      const value = reader.bytesOrCopy(MAX_VALUE_BYTES);
      return { type: "compareAndSet", namespace, key, expectedVersion, value, ttlMs };
    }
    case Tag.increment: {
      const down = reader.boolean();
      const by = reader.varint();
      return { type: "increment", namespace, key, by: down ? -by : by };
    }
    case Tag.add:
    case Tag.remove: {
      const element = reader.text(MAX_ELEMENT_BYTES);
      const replaces: WriteId[] = [];
      for (let left = reader.count(MAX_REPLACED); left > 0; left--) replaces.push(readId(reader));
      return { type: tag === Tag.add ? "add" : "remove", namespace, key, element, replaces };
    }
    default:
      throw new MalformedBytes(`unknown memory command ${tag}`);
  }
}
