import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";
import type { DurableLog, LogBatch } from "../../agent/world.ts";
import { ByteWriter } from "../../core/bytes.ts";
import type { HardState } from "../../core/raft/types.ts";
import { syncFolder } from "../durable-file.ts";
import { Samples } from "../samples.ts";
import { encodeBatch, type SnapshotReference, type StoredBatch } from "./batch-codec.ts";
import type { LogFiles } from "./log-files.ts";
import type { OpenedFolder } from "./open-folder.ts";
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, sealRecord, segmentHeader } from "./record.ts";
import { segmentPath } from "./recovery.ts";
import { realSnapshotDisk, type SnapshotDisk } from "./snapshot-file.ts";
import { SnapshotWriter, type WrittenSnapshot } from "./snapshot-writer.ts";
import { SyncChoice } from "./sync-choice.ts";

/** A segment that has reached this size is not appended to any more. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/**
 * So many zeros are written behind a record that makes the file longer. A sync of what lies within the file has only data to write; one of a file that has
 * grown waits for the file system's journal, and so for whatever else is written on the machine.
 */
const ZEROS = new Uint8Array(256 * 1024);
/** Batches are collected into one record up to this size. */
const RECORD_BYTES = 4 * 1024 * 1024;
/** A larger buffer is not kept for the next record. */
const KEPT_BUFFER_BYTES = 1024 * 1024;
const SYNC_SAMPLES = 512;
const HEADER_ROOM = new Uint8Array(RECORD_HEADER_BYTES);

/** How records reach the disk; tests put one in that fails. */
export interface LogDisk {
  /** @returns bytes written, maybe fewer than given */
  write(file: number, bytes: Uint8Array, from: number, position: number): number;
  syncInPlace(file: number): void;
  syncApart(file: number, done: (error: Error | null) => void): void;
}

export const realDisk: LogDisk = {
  write: (file, bytes, from, position) => writeSync(file, bytes, from, bytes.length - from, position),
  syncInPlace: (file) => fdatasyncSync(file),
  syncApart: (file, done) => fdatasync(file, done),
};

export interface FileLogOptions {
  readonly folder: string;
  readonly disk?: LogDisk;
  readonly snapshotDisk?: SnapshotDisk;
  readonly segmentBytes?: number;
  /** Always one way, for tests; absent: as SyncChoice chooses. */
  readonly sync?: "inPlace" | "apart";
  /** After batches became durable and their callbacks were called. */
  readonly onDurable: () => void;
  /** Once; nothing is written after it. The message is for people. */
  readonly onFailure: (error: Error) => void;
  /** What went wrong without anything being lost, in a sentence for people. */
  readonly onNote?: (line: string) => void;
}

interface Waiting {
  readonly batch: StoredBatch;
  /** The file of the snapshot that the batch begins with is not durable yet: neither this batch nor what follows may be written. */
  readonly held: boolean;
  readonly durable: () => void;
}

/**
 * The durable log: batches that are appended while a write is in flight, or in the same turn, become the next record: one write and one
 * fdatasync for all of them (group commit). After a failed write or sync nothing can be said about what is on the disk
 * (Rebello et al. 2020, "Can Applications Recover from fsync Failures?"), so nothing is tried again.
 *
 * A snapshot becomes a file of its own, and counts from the record on that refers to it. One that replaces the log (`discardLog`) holds up what follows until
 * then. Any other says nothing that the log's entries do not say, and the log keeps them until it counts: so it is written beside all else, its batch is
 * durable without it, and a disk that is too full for it costs nothing but the room that it would have made.
 */
export class FileLog implements DurableLog {
  readonly #options: FileLogOptions;
  readonly #disk: LogDisk;
  readonly #segmentBytes: number;
  readonly #syncTimes = new Samples(SYNC_SAMPLES);
  readonly #choice = new SyncChoice();
  readonly #files: LogFiles;
  readonly #snapshots: SnapshotWriter;
  #waiting: Waiting[] = [];
  #inFlight: (() => void)[] = [];
  #syncing = false;
  #ended = false;
  #writer = new ByteWriter(16 * 1024);
  #file: number;
  #number: number;
  #offset: number;
  /** Where the file ends: zeros lie between. */
  #end: number;
  #sequence: number;
  #hardState: HardState;
  #syncs = 0;

  /** `openLog` makes one. */
  constructor(options: FileLogOptions, found: OpenedFolder) {
    this.#options = options;
    this.#disk = options.disk ?? realDisk;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#sequence = found.sequence;
    this.#number = found.number;
    this.#offset = found.offset;
    this.#end = found.offset;
    this.#hardState = found.recovered.hardState;
    this.#files = found.files;
    this.#snapshots = new SnapshotWriter({
      folder: options.folder,
      disk: options.snapshotDisk ?? realSnapshotDisk,
      number: found.nextSnapshot,
      failed: (error) => this.#fail(error),
      skipped: (error) =>
        options.onNote?.(
          `A snapshot could not be written: ${error.message}. The log is kept whole instead; it grows until the next snapshot can be.`,
        ),
    });
    if (found.number === 0) this.#file = this.#makeSegment();
    else this.#file = openSync(segmentPath(options.folder, found.number), "r+");
  }

  append({ snapshot, ...batch }: LogBatch, durable: () => void): void {
    if (snapshot?.discardLog === true) {
      const { index, term } = snapshot.snapshot;
      const held: Waiting = { batch, held: true, durable };
      this.#waiting.push(held);
      this.#snapshots.require(snapshot.snapshot, (file) => {
        const reference = { number: file.number, index, term, discardLog: true };
        this.#waiting[this.#waiting.indexOf(held)] = this.#referring(reference, file, batch, durable);
        this.flush();
      });
      return;
    }
    this.#waiting.push({ batch, held: false, durable });
    if (snapshot === undefined) return;
    const { index, term } = snapshot.snapshot;
    this.#snapshots.offer(snapshot.snapshot, (file) => {
      const reference = { number: file.number, index, term, discardLog: false };
      this.#waiting.push(this.#referring(reference, file, { entries: [] }, () => {}));
      this.flush();
    });
  }

  /** Starts to write what was appended, unless a write is in flight: then it follows that one. To be called after every turn. */
  flush(): void {
    while (this.#waiting[0]?.held === false && !this.#syncing && !this.#ended) this.#writeNext();
  }

  /** On the disk, snapshots included. */
  get bytes(): number {
    return this.#files.bytes + this.#offset;
  }

  get syncs(): number {
    return this.#syncs;
  }

  /** Of the last 512 syncs; null before the first. */
  get syncP99Ms(): number | null {
    return this.#syncTimes.quantile(0.99);
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && !this.#syncing;
  }

  /** Nothing is written after it. What is in flight may or may not become durable, and is not told. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#snapshots.close();
    // A sync in the thread pool still uses the file; its end closes it.
    if (this.#syncing) return;
    if (this.#offset < this.#end) ftruncateSync(this.#file, this.#offset);
    closeSync(this.#file);
  }

  /** A batch whose first part is a snapshot that is durable by now. */
  #referring(snapshot: SnapshotReference, file: WrittenSnapshot, batch: StoredBatch, durable: () => void): Waiting {
    const counts = (): void => {
      durable();
      try {
        this.#files.snapshotCounts(snapshot, file.bytes, this.#number);
      } catch (error) {
        this.#options.onNote?.(
          `A part of the log that is not needed any more could not be removed: ${(error as Error).message}.`,
        );
      }
    };
    return { batch: { ...batch, snapshot }, held: false, durable: counts };
  }

  #writeNext(): void {
    try {
      const { record, lastIndex } = this.#takeRecord();
      this.#rotateIfFull(record.length);
      this.#files.wrote(this.#number, lastIndex);
      this.#write(record);
      if (this.#writer.view().buffer.byteLength > KEPT_BUFFER_BYTES) this.#writer = new ByteWriter(16 * 1024);
      this.#sync(record.length);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The waiting batches, as many as fit one record; valid until the next call. */
  #takeRecord(): { readonly record: Uint8Array; readonly lastIndex: number } {
    const writer = this.#writer;
    writer.clear();
    writer.raw(HEADER_ROOM);
    let taken = 0;
    let lastIndex = 0;
    while (this.#waiting[taken]?.held === false && writer.length < RECORD_BYTES) {
      const { batch, durable } = this.#waiting[taken++] as Waiting;
      this.#hardState = batch.hardState ?? this.#hardState;
      // What lies before a snapshot's reference may be removed: the hard state must not be there alone.
      encodeBatch(writer, batch.snapshot === undefined ? batch : { ...batch, hardState: this.#hardState });
      lastIndex = Math.max(lastIndex, batch.entries.at(-1)?.index ?? 0);
      this.#inFlight.push(durable);
    }
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken);
    const record = writer.view();
    sealRecord(record, this.#sequence++);
    return { record, lastIndex };
  }

  #write(record: Uint8Array): void {
    this.#writeAll(record, this.#offset);
    this.#offset += record.length;
    if (this.#offset <= this.#end) return;
    this.#writeAll(ZEROS, this.#offset);
    this.#end = this.#offset + ZEROS.length;
  }

  #writeAll(bytes: Uint8Array, position: number): void {
    let written = 0;
    while (written < bytes.length) written += this.#disk.write(this.#file, bytes, written, position + written);
  }

  #sync(recordBytes: number): void {
    const startedAt = performance.now();
    const inPlace =
      this.#options.sync === undefined ? this.#choice.inPlace(recordBytes) : this.#options.sync === "inPlace";
    if (inPlace) {
      this.#disk.syncInPlace(this.#file);
      const tookMs = performance.now() - startedAt;
      this.#choice.tookInPlace(tookMs);
      this.#synced(tookMs);
      return;
    }
    this.#syncing = true;
    this.#disk.syncApart(this.#file, (error) => {
      this.#syncing = false;
      if (this.#ended) {
        closeSync(this.#file);
        return;
      }
      if (error !== null) {
        this.#fail(error);
        return;
      }
      this.#synced(performance.now() - startedAt);
      this.flush();
    });
  }

  #synced(tookMs: number): void {
    this.#syncs++;
    this.#syncTimes.add(tookMs);
    const durable = this.#inFlight;
    this.#inFlight = [];
    for (const call of durable) call();
    this.#options.onDurable();
  }

  #rotateIfFull(recordBytes: number): void {
    if (this.#offset === SEGMENT_HEADER_BYTES || this.#offset + recordBytes <= this.#segmentBytes) return;
    if (this.#offset < this.#end) ftruncateSync(this.#file, this.#offset);
    closeSync(this.#file);
    this.#files.filled(this.#number, this.#offset);
    // The record was counted already when it was sealed.
    this.#file = this.#makeSegment(this.#sequence - 1);
  }

  #makeSegment(firstSequence = this.#sequence): number {
    this.#number++;
    const path = segmentPath(this.#options.folder, this.#number);
    const file = openSync(path, "wx+");
    const header = segmentHeader(this.#number, firstSequence);
    writeSync(file, header);
    fsyncSync(file);
    syncFolder(this.#options.folder);
    this.#offset = header.length;
    this.#end = header.length;
    return file;
  }

  #fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#snapshots.close();
    if (!this.#syncing) closeSync(this.#file);
    this.#options.onFailure(error);
  }
}
