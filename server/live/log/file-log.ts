import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import type { DurableLog, LogBatch, RecoveredLog } from "../../agent/world.ts";
import { ByteWriter } from "../../core/bytes.ts";
import { syncFolder } from "../durable-file.ts";
import { Samples } from "../samples.ts";
import { encodeBatch, replay } from "./batch-codec.ts";
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, sealRecord, segmentHeader } from "./record.ts";
import { LogDamaged, type RecoveredSegments, recoverSegments, segmentPath } from "./recovery.ts";
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
  readonly segmentBytes?: number;
  /** Always one way, for tests; absent: as SyncChoice chooses. */
  readonly sync?: "inPlace" | "apart";
  /** After batches became durable and their callbacks were called. */
  readonly onDurable: () => void;
  /** Once; nothing is written after it. The message is for people. */
  readonly onFailure: (error: Error) => void;
}

interface Waiting {
  readonly batch: LogBatch;
  readonly durable: () => void;
}

/** Recovers what the folder holds, and goes on from there. @throws LogDamaged; the file system's error */
export function openLog(options: FileLogOptions): { log: FileLog; recovered: RecoveredLog; notes: readonly string[] } {
  mkdirSync(options.folder, { recursive: true });
  const found = recoverSegments(options.folder);
  const recovered = replayed(options.folder, found.payloads);
  return { log: new FileLog(options, found), recovered, notes: found.notes };
}

/**
 * The durable log: batches that are appended while a write is in flight, or in the same turn, become the next record: one write and one
 * fdatasync for all of them (group commit). After a failed write or sync nothing can be said about what is on the disk
 * (Rebello et al. 2020, "Can Applications Recover from fsync Failures?"), so nothing is tried again.
 */
export class FileLog implements DurableLog {
  readonly #options: FileLogOptions;
  readonly #disk: LogDisk;
  readonly #segmentBytes: number;
  readonly #syncTimes = new Samples(SYNC_SAMPLES);
  readonly #choice = new SyncChoice();
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
  #earlierBytes: number;
  #syncs = 0;

  /** `openLog` makes one. */
  constructor(options: FileLogOptions, found: RecoveredSegments) {
    this.#options = options;
    this.#disk = options.disk ?? realDisk;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#sequence = found.sequence;
    this.#number = found.number;
    this.#offset = found.offset;
    this.#end = found.offset;
    this.#earlierBytes = found.totalBytes - found.offset;
    if (found.number === 0) this.#file = this.#makeSegment();
    else this.#file = openSync(segmentPath(options.folder, found.number), "r+");
  }

  append(batch: LogBatch, durable: () => void): void {
    this.#waiting.push({ batch, durable });
  }

  /** Starts to write what was appended, unless a write is in flight: then it follows that one. To be called after every turn. */
  flush(): void {
    while (this.#waiting.length > 0 && !this.#syncing && !this.#ended) this.#writeNext();
  }

  get bytes(): number {
    return this.#earlierBytes + this.#offset;
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
    // A sync in the thread pool still uses the file; its end closes it.
    if (this.#syncing) return;
    if (this.#offset < this.#end) ftruncateSync(this.#file, this.#offset);
    closeSync(this.#file);
  }

  #writeNext(): void {
    try {
      const record = this.#takeRecord();
      this.#rotateIfFull(record.length);
      this.#write(record);
      if (this.#writer.view().buffer.byteLength > KEPT_BUFFER_BYTES) this.#writer = new ByteWriter(16 * 1024);
      this.#sync(record.length);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The waiting batches, as many as fit one record; valid until the next call. */
  #takeRecord(): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.raw(HEADER_ROOM);
    let taken = 0;
    while (taken < this.#waiting.length && writer.length < RECORD_BYTES) {
      const { batch, durable } = this.#waiting[taken++] as Waiting;
      encodeBatch(writer, batch);
      this.#inFlight.push(durable);
    }
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken);
    const record = writer.view();
    sealRecord(record, this.#sequence++);
    return record;
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
    this.#earlierBytes += this.#offset;
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
    if (!this.#syncing) closeSync(this.#file);
    this.#options.onFailure(error);
  }
}

function replayed(folder: string, payloads: readonly Uint8Array[]): RecoveredLog {
  try {
    return replay(payloads);
  } catch (error) {
    // Every checksum held, so this is what was written: by another version, or by a mistake.
    throw new LogDamaged(
      `The log in ${folder} cannot be understood: ${(error as Error).message}. Its checksums hold; it may come from another version.`,
    );
  }
}
