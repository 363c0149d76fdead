import { ByteReader, type ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import type { Entry } from "../../core/consensus.ts";
import { decodeEntry, decodeHardState, encodeEntry, encodeHardState } from "../../core/raft/codec.ts";
import type { HardState } from "../../core/raft/types.ts";

/** Batches or entries of one record. */
const MAX_ITEMS = 10_000_000;
const Holds = { hardState: 1, snapshot: 2 } as const;

/** Says that a snapshot's file (snapshot-file.ts) counts from here on. */
export interface SnapshotReference {
  readonly number: number;
  readonly index: number;
  readonly term: number;
  /** No entry of a batch before this one counts. */
  readonly discardLog: boolean;
}

/**
 * One batch of a record's payload. A payload is batches end to end:
 *
 *   byte: 1 (a hard state) + 2 (a snapshot)
 *   snapshot:   varint number, varint index, varint term, boolean discardLog
 *   hard state: varint term, text votedFor, varint commit
 *   varint count, entry ...
 */
export interface StoredBatch {
  readonly snapshot?: SnapshotReference;
  readonly hardState?: HardState;
  readonly entries: readonly Entry[];
}

export function encodeBatch(writer: ByteWriter, { snapshot, hardState, entries }: StoredBatch): void {
  writer.byte((hardState === undefined ? 0 : Holds.hardState) + (snapshot === undefined ? 0 : Holds.snapshot));
  if (snapshot !== undefined) {
    writer.varint(snapshot.number);
    writer.varint(snapshot.index);
    writer.varint(snapshot.term);
    writer.boolean(snapshot.discardLog);
  }
  if (hardState !== undefined) encodeHardState(writer, hardState);
  writer.varint(entries.length);
  for (const entry of entries) encodeEntry(writer, entry);
}

/** The batches of one record. @throws MalformedBytes */
export function decodeBatches(payload: Uint8Array): StoredBatch[] {
  const batches: StoredBatch[] = [];
  const reader = new ByteReader(payload);
  while (reader.remaining > 0) {
    const holds = reader.byte();
    if (holds > Holds.hardState + Holds.snapshot) throw new MalformedBytes(`a batch of the unknown kind ${holds}`);
    batches.push({
      ...(holds & Holds.snapshot ? { snapshot: decodeReference(reader) } : {}),
      ...(holds & Holds.hardState ? { hardState: decodeHardState(reader) } : {}),
      entries: decodeEntries(reader),
    });
  }
  return batches;
}

function decodeReference(reader: ByteReader): SnapshotReference {
  return { number: reader.varint(), index: reader.varint(), term: reader.varint(), discardLog: reader.boolean() };
}

function decodeEntries(reader: ByteReader): Entry[] {
  const entries: Entry[] = [];
  for (let left = reader.count(MAX_ITEMS); left > 0; left--) entries.push(decodeEntry(reader));
  return entries;
}
