import { type ByteReader, type ByteWriter, MalformedBytes } from "../../core/bytes.ts";

/**
 * Any plain value (what JSON has, and bytes, undefined and every number) in binary form, so that a recording holds what clients sent and how the
 * agent was configured as it was, whatever fields a later version adds. Names come once a block: after that they are a number.
 */
const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  natural: 4,
  double: 5,
  text: 6,
  bytes: 7,
  list: 8,
  fields: 9,
} as const;

/** Deeper than anything an agent understands. What lies deeper is written as null. */
const MAX_DEPTH = 12;
export const MAX_NAMES = 4096;

/** Names, by the number they were given when they first came. */
export class NamesOut {
  readonly #numbers = new Map<string, number>();

  clear(): void {
    this.#numbers.clear();
  }

  /** The first time as 0 and text, afterwards as its number from 1. */
  write(writer: ByteWriter, name: string): void {
    const known = this.#numbers.get(name);
    writer.varint(known ?? 0);
    if (known !== undefined) return;
    writer.text(name);
    if (this.#numbers.size < MAX_NAMES) this.#numbers.set(name, this.#numbers.size + 1);
  }
}

export class NamesIn {
  readonly #names: string[] = [];

  clear(): void {
    this.#names.length = 0;
  }

  /** @throws MalformedBytes */
  read(reader: ByteReader): string {
    const number = reader.varint();
    if (number > 0) {
      const name = this.#names[number - 1];
      if (name === undefined) throw new MalformedBytes(`name ${number} of ${this.#names.length}`);
      return name;
    }
    const name = reader.text(reader.remaining);
    if (this.#names.length < MAX_NAMES) this.#names.push(name);
    return name;
  }
}

/** What is no plain value (a date, a function) is written as null. */
export function writeValue(writer: ByteWriter, names: NamesOut, value: unknown, depth = 0): void {
  switch (typeof value) {
    case "undefined":
      writer.byte(Tag.undefined);
      return;
    case "boolean":
      writer.byte(value ? Tag.true : Tag.false);
      return;
    case "number":
      if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
        writer.byte(Tag.natural);
        writer.varint(value);
      } else {
        writer.byte(Tag.double);
        writer.double(value);
      }
      return;
    case "string":
      writer.byte(Tag.text);
      writer.text(value);
      return;
    case "object":
      if (value !== null && depth < MAX_DEPTH) {
        writeObject(writer, names, value, depth);
        return;
      }
  }
  writer.byte(Tag.null);
}

function writeObject(writer: ByteWriter, names: NamesOut, value: object, depth: number): void {
  if (value instanceof Uint8Array) {
    writer.byte(Tag.bytes);
    writer.bytes(value);
    return;
  }
  if (Array.isArray(value)) {
    writer.byte(Tag.list);
    writer.varint(value.length);
    for (const item of value) writeValue(writer, names, item, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    writer.byte(Tag.null);
    return;
  }
  writer.byte(Tag.fields);
  const keys = Object.keys(value);
  writer.varint(keys.length);
  for (const key of keys) {
    names.write(writer, key);
    writeValue(writer, names, (value as Readonly<Record<string, unknown>>)[key], depth + 1);
  }
}

/** Bytes are views into what is read. @throws MalformedBytes */
export function readValue(reader: ByteReader, names: NamesIn, depth = 0): unknown {
  const tag = reader.byte();
  switch (tag) {
    case Tag.undefined:
      return undefined;
    case Tag.null:
      return null;
    case Tag.false:
      return false;
    case Tag.true:
      return true;
    case Tag.natural:
      return reader.varint();
    case Tag.double:
      return reader.double();
    case Tag.text:
      return reader.text(reader.remaining);
    case Tag.bytes:
      return reader.bytes(reader.remaining);
    case Tag.list: {
      checkDepth(depth);
      const list: unknown[] = [];
      for (let left = reader.count(reader.remaining); left > 0; left--) list.push(readValue(reader, names, depth + 1));
      return list;
    }
    case Tag.fields: {
      checkDepth(depth);
      const entries: [string, unknown][] = [];
      for (let left = reader.count(reader.remaining); left > 0; left--) {
        const key = names.read(reader);
        entries.push([key, readValue(reader, names, depth + 1)]);
      }
      return Object.fromEntries(entries);
    }
    default:
      throw new MalformedBytes(`unknown value ${tag}`);
  }
}

function checkDepth(depth: number): void {
  if (depth >= MAX_DEPTH) throw new MalformedBytes(`values nested more than ${MAX_DEPTH} deep`);
}

/** @throws MalformedBytes */
export function asFields(value: unknown, what: string, needed: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new MalformedBytes(`${what} is not what it should be`);
  for (const name of needed) if (!(name in value)) throw new MalformedBytes(`${what} has no ${name}`);
  return value as Readonly<Record<string, unknown>>;
}
