import type { ByteReader, ByteWriter } from "../../core/bytes.ts";
import { decodeEntry, decodeHardState, encodeEntry, encodeHardState } from "../../core/raft/codec.ts";
import type { LogBatch } from "../world.ts";
import { asFields, type NamesIn, type NamesOut, readValue, writeValue } from "./values.ts";

/** An append to the log: its entries and hard state as they travel, and whatever else it has (a snapshot) as a value. */
export function writeBatch(writer: ByteWriter, names: NamesOut, batch: LogBatch): void {
  const { entries, hardState, ...rest } = batch;
  writer.varint(entries.length);
  for (const entry of entries) encodeEntry(writer, entry);
  writer.boolean(hardState !== undefined);
  if (hardState !== undefined) encodeHardState(writer, hardState);
  writeValue(writer, names, rest);
}

/** @throws MalformedBytes */
export function readBatch(reader: ByteReader, names: NamesIn): LogBatch {
  const entries: LogBatch["entries"][number][] = [];
  for (let left = reader.count(reader.remaining); left > 0; left--) entries.push(decodeEntry(reader));
  const hardState = reader.boolean() ? decodeHardState(reader) : undefined;
  const rest = asFields(readValue(reader, names), "the rest of an append", []);
  return { ...rest, ...(hardState && { hardState }), entries };
}
