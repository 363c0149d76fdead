import { rmSync } from "node:fs";
import type { Snapshot } from "../../agent/world.ts";
import { type SnapshotDisk, snapshotPath, writeSnapshot } from "./snapshot-file.ts";

/** A snapshot's file that is whole and durable, and not referred to yet. */
export interface WrittenSnapshot {
  readonly number: number;
  readonly bytes: number;
}

export interface SnapshotWriterOptions {
  readonly folder: string;
  readonly disk: SnapshotDisk;
  /** Of the next snapshot. */
  readonly number: number;
  /** One that had to be written could not be. */
  readonly failed: (error: Error) => void;
  /** One that can be done without could not be written. */
  readonly skipped: (error: Error) => void;
}

interface Job {
  readonly snapshot: Snapshot;
  readonly written: (file: WrittenSnapshot) => void;
  /** The log cannot go on without it. */
  readonly needed: boolean;
  /** Another one has taken its place: its file is not wanted any more. */
  dropped: boolean;
}

/** Writes snapshots one after the other beside all else that the agent does. Of those that can be done without only the newest waits. */
export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions;
  #number: number;
  #current: Job | undefined;
  #waiting: Job[] = [];
  #closed = false;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    this.#number = options.number;
  }

  /** One that the log can do without: while it is not written, or when it cannot be, the entries that it stands for stay. */
  offer(snapshot: Snapshot, written: Job["written"]): void {
    this.#waiting = this.#waiting.filter(({ needed }) => needed);
    this.#add({ snapshot, written, needed: false, dropped: false });
  }

  /** One that what follows in the log stands on. It takes the place of all before it. */
  require(snapshot: Snapshot, written: Job["written"]): void {
    this.#waiting = this.#waiting.filter(({ needed }) => needed);
    if (this.#current?.needed === false) this.#current.dropped = true;
    this.#add({ snapshot, written, needed: true, dropped: false });
  }

  /** Nothing is told after it. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #add(job: Job): void {
    this.#waiting.push(job);
    if (this.#current === undefined) void this.#run();
  }

  async #run(): Promise<void> {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      this.#current = job;
      const { folder, disk, failed, skipped } = this.#options;
      const number = this.#number++;
      try {
        const bytes = await writeSnapshot(disk, folder, number, job.snapshot);
        if (this.#closed) break;
        if (job.dropped) rmSync(snapshotPath(folder, number), { force: true });
        else job.written({ number, bytes });
      } catch (error) {
        if (this.#closed) break;
        if (job.needed) failed(error as Error);
        else skipped(error as Error);
      }
    }
    this.#current = undefined;
  }
}
