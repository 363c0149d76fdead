import { type ByteReader, type ByteWriter, MalformedBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { DIGEST_BYTES, MAX_SIGNATURE_BYTES } from "../crypto.ts";
import { invariant } from "../invariant.ts";
import { MAX_ID_BYTES } from "./limits.ts";

/** What PBFT's binary forms are made of, with the rules that hold wherever it stands. Every decoder throws MalformedBytes for what breaks one. */

export function encodeDigest(writer: ByteWriter, digest: Uint8Array): void {
  invariant(digest.length === DIGEST_BYTES, "a digest has 32 bytes");
  writer.raw(digest);
}

export function decodeDigest(reader: ByteReader): Uint8Array {
  return reader.rawOrCopy(DIGEST_BYTES);
}

export function encodeSignature(writer: ByteWriter, signature: Uint8Array): void {
  invariant(signature.length <= MAX_SIGNATURE_BYTES, "a signature has at most 64 bytes");
  writer.bytes(signature);
}

export function decodeSignature(reader: ByteReader): Uint8Array {
  return reader.bytesOrCopy(MAX_SIGNATURE_BYTES);
}

export function decodeId(reader: ByteReader): AgentId {
  const id = reader.text(MAX_ID_BYTES);
  if (id === "") throw new MalformedBytes("an agent without an id");
  return id;
}

export function encodeMany<Item>(
  writer: ByteWriter,
  items: readonly Item[],
  encode: (writer: ByteWriter, item: Item) => void,
): void {
  writer.varint(items.length);
  for (const item of items) encode(writer, item);
}

/** Every item takes a byte at least, so that a count beyond what is there is refused before anything is made. */
export function decodeMany<Item>(
  reader: ByteReader,
  limit: number,
  decode: (reader: ByteReader) => Item,
): readonly Item[] {
  const count = reader.count(Math.min(limit, reader.remaining));
  const items: Item[] = [];
  for (let at = 0; at < count; at++) items.push(decode(reader));
  return items;
}

/** A replica counts once towards a quorum: nobody may be in a list of them twice. */
export function eachOnce<Item extends { readonly replica: AgentId }>(items: readonly Item[]): readonly Item[] {
  const seen = new Set<AgentId>();
  for (const { replica } of items) {
    if (seen.has(replica)) throw new MalformedBytes("the same replica twice");
    seen.add(replica);
  }
  return items;
}

export function rising<Item extends { readonly seq: number }>(items: readonly Item[], above: number): readonly Item[] {
  let last = above;
  for (const { seq } of items) {
    if (seq <= last) throw new MalformedBytes(`sequence number ${seq} behind ${last}`);
    last = seq;
  }
  return items;
}

export function within(bytes: number, limitBytes: number, what: string): void {
  if (bytes > limitBytes) throw new MalformedBytes(`${what} of ${bytes} bytes where at most ${limitBytes} are allowed`);
}
