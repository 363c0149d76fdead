import type { LogBatch, RecoveredLog } from "../../agent/world.ts";
import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import type { Entry } from "../../core/consensus.ts";
import { decodeEntry, decodeHardState, encodeEntry, encodeHardState } from "../../core/raft/codec.ts";
import type { HardState } from "../../core/raft/types.ts";

/** Batches or entries of one record. */
const MAX_ITEMS = 10_000_000;

/** One batch of a record's payload. A payload is batches end to end. */
export function encodeBatch(writer: ByteWriter, batch: LogBatch): void {
  writer.boolean(batch.hardState !== undefined);
  if (batch.hardState !== undefined) encodeHardState(writer, batch.hardState);
  writer.varint(batch.entries.length);
  for (const entry of batch.entries) encodeEntry(writer, entry);
}

/** What the batches of all records, in order, amount to. @throws MalformedBytes; Error when entries leave a gap */
export function replay(payloads: readonly Uint8Array[]): RecoveredLog {
  let hardState: HardState = { term: 0, votedFor: "", commit: 0 };
  const entries: Entry[] = [];
  for (const payload of payloads) {
    const reader = new ByteReader(payload);
    while (reader.remaining > 0) {
      if (reader.boolean()) hardState = decodeHardState(reader);
      const count = reader.count(MAX_ITEMS);
      for (let left = count; left > 0; left--) place(entries, decodeEntry(reader));
    }
  }
  return { hardState, entries };
}

/** An entry replaces the one of its index and all behind it. */
function place(entries: Entry[], entry: Entry): void {
  if (entry.index < 1 || entry.index > entries.length + 1)
    throw new Error(`entry ${entry.index} follows entry ${entries.length}`);
  entries.length = entry.index - 1;
  entries.push(entry);
}
