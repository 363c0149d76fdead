import { rmSync } from "node:fs";
import type { SnapshotReference } from "./batch-codec.ts";
import { segmentPath } from "./recovery.ts";
import { snapshotPath } from "./snapshot-file.ts";

/** A segment that is not appended to any more. */
export interface FullSegment {
  readonly number: number;
  readonly bytes: number;
}

/** Which files a log consists of besides the segment that is appended to; removes those that a snapshot has made superfluous. */
export class LogFiles {
  readonly #folder: string;
  /** Oldest first. */
  #full: FullSegment[];
  /** The last entry that each segment holds; absent: none. */
  readonly #lastIndex: Map<number, number>;
  #snapshots: number[];
  #snapshotBytes: number;

  constructor(
    folder: string,
    full: readonly FullSegment[],
    lastIndex: ReadonlyMap<number, number>,
    snapshots: readonly number[],
    snapshotBytes: number,
  ) {
    this.#folder = folder;
    this.#full = [...full];
    this.#lastIndex = new Map(lastIndex);
    this.#snapshots = [...snapshots];
    this.#snapshotBytes = snapshotBytes;
  }

  get bytes(): number {
    return this.#full.reduce((sum, { bytes }) => sum + bytes, this.#snapshotBytes);
  }

  wrote(segment: number, lastIndex: number): void {
    this.#lastIndex.set(segment, Math.max(lastIndex, this.#lastIndex.get(segment) ?? 0));
  }

  filled(number: number, bytes: number): void {
    this.#full.push({ number, bytes });
  }

  /**
   * The record that refers to a snapshot is durable: what only stood for what it stands for now is removed, oldest first, so that a crash leaves
   * no gap. Segments whose last entry is before the snapshot's; all of them when it replaced the log.
   */
  snapshotCounts({ number, index, discardLog }: SnapshotReference, bytes: number, segment: number): void {
    const before = this.#full.filter((full) => full.number < segment);
    const needed = discardLog ? -1 : before.findIndex((full) => (this.#lastIndex.get(full.number) ?? 0) > index);
    const superfluous = needed < 0 ? before : before.slice(0, needed);
    for (const full of superfluous) {
      rmSync(segmentPath(this.#folder, full.number), { force: true });
      this.#lastIndex.delete(full.number);
    }
    this.#full = this.#full.filter((full) => !superfluous.includes(full));
    for (const older of this.#snapshots) rmSync(snapshotPath(this.#folder, older), { force: true });
    this.#snapshots = [number];
    this.#snapshotBytes = bytes;
  }
}
