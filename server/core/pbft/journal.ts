import { ByteReader, ByteWriter, MalformedBytes, sameBytes } from "../bytes.ts";
import type { Entry, Snapshot } from "../consensus.ts";
import { DIGEST_BYTES, MAX_SIGNATURE_BYTES } from "../crypto.ts";
import {
  decodeBatch,
  decodeCheckpointCertificate,
  decodePreparedCertificate,
  encodeBatch,
  encodeCheckpointCertificate,
  encodePreparedCertificate,
} from "./codec.ts";
import { MAX_STATE_BYTES } from "./limits.ts";
import type { Slot } from "./slots.ts";
import type { PbftState } from "./state.ts";
import type { Batch, CheckpointCertificate, PreparedCertificate } from "./types.ts";

const Tag = { view: 1, accepted: 2, prepared: 3, decided: 4, stable: 5, batch: 6 } as const;
/** Larger than any record; a snapshot's records are as large as the journal they stand for. */
const RECORD_LIMIT_BYTES = MAX_STATE_BYTES;

/** What a replica said and knows, in the order it came to it: enough to go on after a crash without contradicting itself. */
export type JournalRecord =
  /** It entered this view. */
  | { readonly type: "view"; readonly view: number; readonly floor: number }
  | {
      readonly type: "accepted";
      readonly view: number;
      readonly seq: number;
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
    }
  | { readonly type: "batch"; readonly seq: number; readonly digest: Uint8Array; readonly batch: Batch }
  | { readonly type: "prepared"; readonly certificate: PreparedCertificate }
  /** It was executed: it need not be decided again after a restart. */
  | { readonly type: "decided"; readonly seq: number; readonly digest: Uint8Array }
  | { readonly type: "stable"; readonly certificate: CheckpointCertificate };

/** Writes records as they come, and the whole anew when it has grown. */
export class Journal {
  readonly #state: PbftState;
  readonly #writer = new ByteWriter(16 * 1024);

  constructor(state: PbftState) {
    this.#state = state;
  }

  viewEntered(): void {
    const { view, viewFloor } = this.#state;
    this.#add({ type: "view", view, floor: viewFloor });
  }

  /** What a slot goes by now, with its batch where the journal does not have it. */
  accepted(slot: Slot): void {
    const { accepted, seq } = slot;
    if (accepted === undefined) return;
    const batch = slot.batchOf(accepted.digest);
    if (batch !== undefined) this.batch(slot, accepted.digest, batch);
    this.#add({ type: "accepted", seq, ...accepted });
  }

  batch(slot: Slot, digest: Uint8Array, batch: Batch): void {
    if (slot.journaled.some((one) => sameBytes(one, digest))) return;
    slot.journaled.push(digest);
    this.#add({ type: "batch", seq: slot.seq, digest, batch });
    this.#state.effects.whenDurable(() => slot.becameDurable(digest));
  }

  prepared(certificate: PreparedCertificate): void {
    this.#add({ type: "prepared", certificate });
  }

  /**
   * Not worth a sync of its own: where it is lost, others still have the proof, or it is decided again as it was prepared. But for the last one before a checkpoint: a place up to a stable
   * checkpoint is never decided again, so that who signs one must be able to come to its state by itself.
   */
  decided(seq: number, digest: Uint8Array): void {
    const record = { type: "decided", seq, digest } as const;
    if (this.#state.endsInCheckpoint(seq)) this.#add(record);
    else this.#state.effects.journalInPassing(this.#encode(record), this.#state.view);
  }

  stable(certificate: CheckpointCertificate): void {
    this.#add({ type: "stable", certificate });
  }

  /** The state of the stable checkpoint takes the place of all that led to it. @param state what `encodeReplicated` gave. */
  beginAnew(state: Uint8Array): void {
    const { stable, slots, view, active, viewFloor, configuration, effects } = this.#state;
    const records: JournalRecord[] = [{ type: "stable", certificate: stable }];
    // Of a view that has not begun there is nothing to say.
    if (active) records.push({ type: "view", view, floor: viewFloor });
    for (const slot of slots.between(stable.seq + 1, slots.highest)) records.push(...recordsOf(slot));
    const writer = new ByteWriter(state.length + 64 * 1024);
    writer.bytes(state);
    writer.varint(records.length);
    for (const record of records) writer.bytes(this.#encode(record));
    effects.journalAnew(writer.finish(), view, configuration);
  }

  #add(record: JournalRecord): void {
    this.#state.effects.journal(this.#encode(record), this.#state.view);
  }

  #encode(record: JournalRecord): Uint8Array {
    this.#writer.clear();
    writeRecord(this.#writer, record);
    return this.#writer.finish();
  }
}

/** What a journal begins with, if it was ever begun anew: the replicated state of a stable checkpoint, and then the records in order. */
export interface ReadJournal {
  readonly state: Uint8Array | undefined;
  readonly records: readonly JournalRecord[];
}

/** @throws MalformedBytes */
export function readJournal(snapshot: Snapshot | undefined, entries: readonly Entry[]): ReadJournal {
  const records: JournalRecord[] = [];
  let state: Uint8Array | undefined;
  if (snapshot !== undefined) {
    const reader = new ByteReader(snapshot.data);
    state = reader.bytes(MAX_STATE_BYTES);
    for (let left = reader.count(RECORD_LIMIT_BYTES); left > 0; left--)
      records.push(readRecord(reader.bytes(RECORD_LIMIT_BYTES)));
    reader.end();
  }
  for (const { data } of entries) records.push(readRecord(data));
  return { state, records };
}

function recordsOf(slot: Slot): JournalRecord[] {
  const { seq, accepted, prepared, decision } = slot;
  const records: JournalRecord[] = slot.batches.map(({ digest, batch }) => ({ type: "batch", seq, digest, batch }));
  if (accepted !== undefined) records.push({ type: "accepted", seq, ...accepted });
  if (prepared !== undefined) records.push({ type: "prepared", certificate: prepared });
  if (decision !== undefined) records.push({ type: "decided", seq, digest: decision });
  return records;
}

function writeRecord(writer: ByteWriter, record: JournalRecord): void {
  writer.byte(Tag[record.type]);
  switch (record.type) {
    case "view":
      writer.varint(record.view);
      writer.varint(record.floor);
      break;
    case "accepted":
      writer.varint(record.view);
      writer.varint(record.seq);
      writer.raw(record.digest);
      writer.bytes(record.signature);
      break;
    case "batch":
      writer.varint(record.seq);
      writer.raw(record.digest);
      encodeBatch(writer, record.batch);
      break;
    case "prepared":
      encodePreparedCertificate(writer, record.certificate);
      break;
    case "decided":
      writer.varint(record.seq);
      writer.raw(record.digest);
      break;
    case "stable":
      encodeCheckpointCertificate(writer, record.certificate);
      break;
  }
}

function readRecord(data: Uint8Array): JournalRecord {
  const reader = new ByteReader(data);
  const record = decodeRecord(reader);
  reader.end();
  return record;
}

function decodeRecord(reader: ByteReader): JournalRecord {
  const tag = reader.byte();
  switch (tag) {
    case Tag.view:
      return { type: "view", view: reader.varint(), floor: reader.varint() };
    case Tag.accepted: {
      const [view, seq] = [reader.varint(), reader.varint()];
      const digest = reader.raw(DIGEST_BYTES);
      return { type: "accepted", view, seq, digest, signature: reader.bytes(MAX_SIGNATURE_BYTES) };
    }
    case Tag.batch: {
      const seq = reader.varint();
      const digest = reader.raw(DIGEST_BYTES);
      return { type: "batch", seq, digest, batch: decodeBatch(reader) };
    }
    case Tag.prepared:
      return { type: "prepared", certificate: decodePreparedCertificate(reader) };
    case Tag.decided:
      return { type: "decided", seq: reader.varint(), digest: reader.raw(DIGEST_BYTES) };
    case Tag.stable:
      return { type: "stable", certificate: decodeCheckpointCertificate(reader) };
    default:
      throw new MalformedBytes(`no record of the journal has the tag ${tag}`);
  }
}
