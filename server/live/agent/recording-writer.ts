import { closeSync, openSync, writeSync, writev } from "node:fs";

/** How bytes reach a file: `done` hears how many did. */
export type WriteBytes = (
  file: number,
  parts: readonly Uint8Array[],
  position: number,
  done: (error: Error | null, written: number) => void,
) => void;

const writeToFile: WriteBytes = (file, parts, position, done) =>
  void writev(file, parts, position, (error, written) => done(error, written));

/** So much is written at a time: every write wakes two threads. */
const WRITE_BYTES = 512 * 1024;

/** A block fits, mostly; so many lie ready at most. Memory that is used again costs no garbage collection, of which every MiB here would bring some. */
const ROOM_BYTES = 96 * 1024;
const MAX_ROOMS = 64;

interface Job {
  readonly file: number;
  /** Where in the file. */
  readonly position: number;
  /** undefined: the file is complete and is closed. */
  readonly bytes: Uint8Array | undefined;
}

/** Writes files one after the other, in order, in the thread pool. Every write has its place, so that what is under way at the end can be done once more. */
export class RecordingWriter {
  readonly #write: WriteBytes;
  readonly #failed: (error: Error) => void;
  #jobs: Job[] = [];
  #busy = false;
  #file: number | undefined;
  #position = 0;
  #waitingBytes = 0;
  readonly #rooms: ArrayBufferLike[] = [];
  #flushAgain = false;
  #ended = false;

  /** @param failed once; nothing is written after it. */
  constructor(failed: (error: Error) => void, writeBytes: WriteBytes = writeToFile) {
    this.#failed = failed;
    this.#write = writeBytes;
  }

  /** Bytes that have not reached the operating system. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Memory for what is to be appended next; it is the writer's again once that is written. */
  roomFor(bytes: number): Uint8Array {
    if (bytes > ROOM_BYTES) return new Uint8Array(bytes);
    return new Uint8Array(this.#rooms.pop() ?? new ArrayBuffer(ROOM_BYTES), 0, bytes);
  }

  /** Begins another file. @throws the file system's error */
  open(path: string): void {
    const before = this.#file;
    this.#file = openSync(path, "wx", 0o600);
    if (before !== undefined) this.#jobs.push({ file: before, position: 0, bytes: undefined });
    this.#position = 0;
  }

  /** To the file that was opened last. It is written once there is more, or with the next `flush`. */
  append(bytes: Uint8Array): void {
    if (this.#file === undefined || this.#ended) return;
    this.#waitingBytes += bytes.length;
    this.#jobs.push({ file: this.#file, position: this.#position, bytes });
    this.#position += bytes.length;
    if (this.#waitingBytes >= WRITE_BYTES) this.flush();
  }

  /** Begins to write what waits, unless a write is under way: then it follows that one. */
  flush(): void {
    if (this.#busy) this.#flushAgain = true;
    else this.#next();
  }

  /** Writes all that waits in place, that which is under way too. For the end of the process. @throws the file system's error */
  finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { file, position, bytes } of this.#jobs)
      if (bytes !== undefined)
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, position + at);
  }

  /** Gives up what waits. */
  abandon(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#busy) this.#closeAll();
  }

  #next(): void {
    while (this.#jobs[0] !== undefined && this.#jobs[0].bytes === undefined) {
      closeSync(this.#jobs[0].file);
      this.#jobs.shift();
    }
    const [first] = this.#jobs;
    if (first === undefined) return;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (const job of this.#jobs) {
      if (job.file !== first.file || job.bytes === undefined || bytes >= WRITE_BYTES) break;
      parts.push(job.bytes);
      bytes += job.bytes.length;
    }
    this.#busy = true;
    this.#write(first.file, parts, first.position, (error, written) => {
      const stuck = error === null && written === 0 ? new Error("a write wrote nothing") : error;
      this.#wrote(stuck, written, bytes);
    });
  }

  #wrote(error: Error | null, written: number, given: number): void {
    this.#busy = false;
    if (this.#ended) {
      // What was abandoned waited for this write with its files.
      this.#closeAll();
    } else if (error !== null) {
      this.#ended = true;
      this.#closeAll();
      this.#failed(error);
    } else {
      this.#waitingBytes -= written;
      this.#taken(written);
      const goOn = written < given || this.#flushAgain || this.#waitingBytes >= WRITE_BYTES;
      this.#flushAgain = false;
      if (goOn) this.#next();
    }
  }

  /** So many bytes of the first jobs are written. */
  #taken(written: number): void {
    let left = written;
    for (;;) {
      const [job] = this.#jobs;
      if (job?.bytes === undefined) return;
      if (job.bytes.length > left) {
        this.#jobs[0] = { file: job.file, position: job.position + left, bytes: job.bytes.subarray(left) };
        return;
      }
      left -= job.bytes.length;
      this.#jobs.shift();
      const { buffer } = job.bytes;
      if (buffer.byteLength === ROOM_BYTES && this.#rooms.length < MAX_ROOMS) this.#rooms.push(buffer);
    }
  }

  #closeAll(): void {
    const files = new Set(this.#jobs.map(({ file }) => file));
    if (this.#file !== undefined) files.add(this.#file);
    this.#file = undefined;
    this.#jobs = [];
    for (const file of files) closeSync(file);
  }
}
