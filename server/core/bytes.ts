/**
 * The binary form of everything that crosses a link or reaches a disk: unsigned varints (LEB128, up to 2^53 − 1), IEEE 754 doubles
 * (little endian), length-prefixed UTF-8 and byte strings. Reading checks every length against what is there and a caller's limit,
 * so bytes from outside can at worst lead to a MalformedBytes.
 */
export class MalformedBytes extends Error {
  override readonly name = "MalformedBytes";
}

/** Engines keep so short an array in their own heap, until somebody makes a view of it. */
const CHEAP_COPY_BYTES = 64;

/** The buffer that is being filled by what does not live long, and how far it is. No byte of it is written twice. */
const SHARED_BYTES = 8192;
let shared = new Uint8Array(SHARED_BYTES);
let sharedAt = 0;

const SCRATCH = new DataView(new ArrayBuffer(8));

export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = new Uint8Array(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** @throws RangeError unless value is an integer in [0, 2^53). */
  varint(value: number): void {
    if (value >= 0 && value < 0x80 && (value | 0) === value) {
      this.byte(value);
      return;
    }
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER && Number.isInteger(value)))
      throw new RangeError(`not a varint: ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    SCRATCH.setFloat64(0, value, true);
    for (let at = 0; at < 8; at++) this.#buffer[this.#length++] = SCRATCH.getUint8(at);
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  /** Length-prefixed bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** Bytes without a length: the reader must know it. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** What another one has written. */
  allOf(other: ByteWriter): void {
    const length = other.#length;
    this.#reserve(length);
    if (length > CHEAP_COPY_BYTES) this.#buffer.set(other.#buffer.subarray(0, length), this.#length);
    else for (let at = 0; at < length; at++) this.#buffer[this.#length + at] = other.#buffer[at] as number;
    this.#length += length;
  }

  /** Length-prefixed UTF-8; a lone surrogate is written as U+FFFD. */
  text(value: string): void {
    const before = this.#length;
    this.varint(value.length);
    this.#reserve(value.length);
    const buffer = this.#buffer;
    const from = this.#length;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code >= 0x80) {
        this.#length = before;
        this.bytes(utf8(value));
        return;
      }
      buffer[from + at] = code;
    }
    this.#length = from + value.length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const length = this.#length;
    if (length > CHEAP_COPY_BYTES) return this.#buffer.slice(0, length);
    const copy = new Uint8Array(length);
    for (let at = 0; at < length; at++) copy[at] = this.#buffer[at] as number;
    return copy;
  }

  /**
   * A copy of what was written, for what does not live long: few bytes share a buffer with others that were written at about the same time, as a buffer
   * of their own costs more than they do. Whoever keeps one keeps that.
   */
  finishShortLived(): Uint8Array {
    const length = this.#length;
    if (length <= CHEAP_COPY_BYTES || length > SHARED_BYTES / 8) return this.finish();
    if (sharedAt + length > SHARED_BYTES) {
      shared = new Uint8Array(SHARED_BYTES);
      sharedAt = 0;
    }
    for (let at = 0; at < length; at++) shared[sharedAt + at] = this.#buffer[at] as number;
    sharedAt += length;
    return shared.subarray(sharedAt - length, sharedAt);
  }

  /** What was written, without a copy: valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** The same with what lies behind it, which means nothing: no view has to be made. */
  room(): Uint8Array {
    return this.#buffer;
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

export class ByteReader {
  readonly #buffer: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(buffer: Uint8Array, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#end) throw new MalformedBytes("ends too early");
    return this.#buffer[this.#at++] as number;
  }

  varint(): number {
    const first = this.#buffer[this.#at] as number;
    if (this.#at < this.#end && first < 0x80) {
      this.#at++;
      return first;
    }
    let result = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const next = this.byte();
      result += (next & 0x7f) * scale;
      if (next < 0x80) {
        if (result > Number.MAX_SAFE_INTEGER) throw new MalformedBytes("varint beyond 2^53 - 1");
        return result;
      }
      scale *= 128;
    }
    throw new MalformedBytes("varint longer than 8 bytes");
  }

  double(): number {
    if (this.remaining < 8) throw new MalformedBytes("ends too early");
    for (let at = 0; at < 8; at++) SCRATCH.setUint8(at, this.#buffer[this.#at++] as number);
    return SCRATCH.getFloat64(0, true);
  }

  boolean(): boolean {
    const value = this.byte();
    if (value > 1) throw new MalformedBytes(`not a boolean: ${value}`);
    return value === 1;
  }

  /** Length-prefixed bytes, as a view into the buffer. */
  bytes(limitBytes: number): Uint8Array {
    return this.raw(this.count(limitBytes));
  }

  /** Length-prefixed bytes: a copy where that is cheaper than a view, which it is for few. */
  bytesOrCopy(limitBytes: number): Uint8Array {
    return this.rawOrCopy(this.count(limitBytes));
  }

  /** The same without a length before it. */
  rawOrCopy(length: number): Uint8Array {
    if (length > CHEAP_COPY_BYTES || length > this.remaining) return this.raw(length);
    const copy = new Uint8Array(length);
    for (let at = 0; at < length; at++) copy[at] = this.#buffer[this.#at++] as number;
    return copy;
  }

  raw(length: number): Uint8Array {
    if (length > this.remaining) throw new MalformedBytes(`${length} bytes announced, ${this.remaining} there`);
    const result = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return result;
  }

  text(limitBytes: number): string {
    const length = this.count(limitBytes);
    if (length > RECENT_CHARACTERS || length > this.remaining) return asciiOrUtf8(this.raw(length));
    const buffer = this.#buffer;
    const from = this.#at;
    let slot = length;
    for (let at = from; at < from + length; at++) slot = (Math.imul(slot, 31) + (buffer[at] as number)) | 0;
    slot &= RECENT_TEXTS - 1;
    const recent = RECENT[slot] as string;
    if (isText(buffer, from, length, recent)) {
      this.#at = from + length;
      return recent;
    }
    const result = asciiOrUtf8(this.raw(length));
    if (result.length === length) RECENT[slot] = result;
    return result;
  }

  /** A count or length that may not exceed the limit. */
  count(limit: number): number {
    const value = this.varint();
    if (value > limit) throw new MalformedBytes(`${value} announced where at most ${limit} are allowed`);
    return value;
  }

  /** @throws MalformedBytes if anything is left. */
  end(): void {
    if (this.#at !== this.#end) throw new MalformedBytes(`${this.remaining} bytes too many`);
  }
}

/** The parts, end to end. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * One piece after another of something too long to be written at once: what `write` does for each item, cut wherever a piece has grown to `pieceBytes`.
 * The writer may hold something already, and is empty after the last piece.
 */
export function* writePieces<Item>(
  writer: ByteWriter,
  items: Iterable<Item>,
  write: (item: Item) => void,
  pieceBytes = PIECE_BYTES,
): Generator<Uint8Array, void> {
  for (const item of items) {
    write(item);
    if (writer.length < pieceBytes) continue;
    yield writer.finish();
    writer.clear();
  }
  if (writer.length === 0) return;
  yield writer.finish();
  writer.clear();
}

/** Written in well under a millisecond. */
const PIECE_BYTES = 64 * 1024;

/**
 * Texts that were read lately. Most are read again and again (ids, keys, sessions): the same string need not be made anew, and a table that is asked for it
 * need neither hash nor compare its characters. Which ones are in here makes no difference but in time.
 */
const RECENT_TEXTS = 1024;
const RECENT_CHARACTERS = 48;
const RECENT: string[] = new Array<string>(RECENT_TEXTS).fill("");

/** Whether these bytes are that text, in ASCII. */
function isText(bytes: Uint8Array, from: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let at = 0; at < length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false;
  return true;
}

function asciiOrUtf8(bytes: Uint8Array): string {
  let result = "";
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return fromUtf8(bytes);
    result += String.fromCharCode(byte);
  }
  return result;
}

/** UTF-8 of a text (RFC 3629). */
export function utf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const symbol of text) {
    let code = symbol.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return Uint8Array.from(out);
}

/** @throws MalformedBytes when the bytes are not UTF-8: a bad continuation, an overlong form, a surrogate, beyond U+10FFFF. */
export function fromUtf8(bytes: Uint8Array): string {
  let result = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at++] as number;
    if (first < 0x80) {
      result += String.fromCharCode(first);
      continue;
    }
    const extra = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) throw new MalformedBytes("not UTF-8");
    let code = first & (0x3f >> extra);
    for (let count = 0; count < extra; count++) {
      const next = at < bytes.length ? (bytes[at++] as number) : 0;
      if ((next & 0xc0) !== 0x80) throw new MalformedBytes("not UTF-8");
      code = (code << 6) | (next & 0x3f);
    }
    const least = extra === 1 ? 0x80 : extra === 2 ? 0x800 : 0x10000;
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new MalformedBytes("not UTF-8");
    result += String.fromCodePoint(code);
  }
  return result;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** The order of bytes, one by one; of two of which one begins with the other the shorter comes first. Negative: the first one does. */
export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const difference = (one[at] as number) - (other[at] as number);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
