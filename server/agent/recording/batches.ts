import { type ByteReader, type ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import type { Entry, EntryKind } from "../../core/consensus.ts";
import { decodeHardState, encodeHardState } from "../../core/raft/codec.ts";
import { makeEntry } from "../../core/raft/log.ts";
import type { LogBatch } from "../world.ts";
import type { RecentFrames } from "./frames.ts";
import { asFields, type NamesIn, type NamesOut, readValue, writeValue } from "./values.ts";

/** An append to the log: its entries, their data by reference where a received frame has it, its hard state, and whatever else it has (a snapshot) as a value. */
export function writeBatch(writer: ByteWriter, names: NamesOut, frames: RecentFrames, batch: LogBatch): void {
  const { entries, hardState, ...rest } = batch;
  writer.varint(entries.length);
  for (const { index, term, kind, timeMs, data } of entries) {
    writer.varint(index);
    writer.varint(term);
    writer.byte(kind);
    writer.varint(timeMs);
    const back = frames.find(data);
    const frame = frames.get(back);
    writer.varint(back);
    if (frame === undefined) {
      writer.bytes(data);
    } else {
      writer.varint(data.byteOffset - frame.byteOffset);
      writer.varint(data.length);
    }
  }
  writer.boolean(hardState !== undefined);
  if (hardState !== undefined) encodeHardState(writer, hardState);
  writeValue(writer, names, rest);
}

/** @throws MalformedBytes */
export function readBatch(reader: ByteReader, names: NamesIn, frames: RecentFrames): LogBatch {
  const entries: Entry[] = [];
  for (let left = reader.count(reader.remaining); left > 0; left--) {
    const [index, term, kind, timeMs] = [reader.varint(), reader.varint(), reader.byte(), reader.varint()];
    entries.push(makeEntry(index, term, kind as EntryKind, timeMs, readData(reader, frames)));
  }
  const hardState = reader.boolean() ? decodeHardState(reader) : undefined;
  const rest = asFields(readValue(reader, names), "the rest of an append", []);
  return { ...rest, ...(hardState && { hardState }), entries };
}

function readData(reader: ByteReader, frames: RecentFrames): Uint8Array {
  const back = reader.varint();
  if (back === 0) return reader.bytes(reader.remaining);
  const frame = frames.get(back);
  if (frame === undefined) throw new MalformedBytes(`an entry lies in frame ${back} of those before it`);
  const start = reader.count(frame.length);
  return frame.subarray(start, start + reader.count(frame.length - start));
}
