import { closeSync, openSync, write, writeSync } from "node:fs";

/** How bytes reach a file: `done` hears how many did. */
export type WriteBytes = (
  file: number,
  bytes: Uint8Array,
  position: number,
  done: (error: Error | null, written: number) => void,
) => void;

const writeToFile: WriteBytes = (file, bytes, position, done) =>
  void write(file, bytes, 0, bytes.length, position, (error, written) => done(error, written));

interface Job {
  readonly file: number;
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

  /** Begins another file. @throws the file system's error */
  open(path: string): void {
    const before = this.#file;
    this.#file = openSync(path, "wx", 0o600);
    if (before !== undefined) this.#add({ file: before, position: 0, bytes: undefined });
    this.#position = 0;
  }

  /** To the file that was opened last. */
  append(bytes: Uint8Array): void {
    if (this.#file === undefined || this.#ended) return;
    this.#waitingBytes += bytes.length;
    this.#add({ file: this.#file, position: this.#position, bytes });
    this.#position += bytes.length;
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

  #add(job: Job): void {
    this.#jobs.push(job);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const [job] = this.#jobs;
    if (job === undefined) return;
    if (job.bytes === undefined) {
      closeSync(job.file);
      this.#jobs.shift();
      this.#next();
    } else {
      this.#busy = true;
      this.#writeFrom(job, job.bytes);
    }
  }

  #writeFrom(job: Job, bytes: Uint8Array): void {
    const left = bytes.length;
    this.#write(job.file, bytes, job.position, (error, written) => {
      if (this.#ended) {
        // What was abandoned waited for this write with its files.
        this.#busy = false;
        this.#closeAll();
      } else if (error !== null) {
        this.#busy = false;
        this.#ended = true;
        this.#closeAll();
        this.#failed(error);
      } else {
        this.#waitingBytes -= written;
        if (written < left) {
          const rest = { ...job, position: job.position + written, bytes: bytes.subarray(written) };
          this.#jobs[0] = rest;
          this.#writeFrom(rest, rest.bytes);
          return;
        }
        this.#busy = false;
        this.#jobs.shift();
        this.#next();
      }
    });
  }

  #closeAll(): void {
    const files = new Set(this.#jobs.map(({ file }) => file));
    if (this.#file !== undefined) files.add(this.#file);
    this.#file = undefined;
    this.#jobs = [];
    for (const file of files) closeSync(file);
  }
}
