import type { LogBatch } from "../agent/world.ts";
import type { Random } from "../core/random.ts";

/** As a live log writes them: a head for each record, and room for the next ones behind the last. */
const RECORD_HEADER_BYTES = 20;
const ENTRY_BYTES = 16;
const ROOM_BYTES = 512;

interface Kept {
  readonly sequence: number;
  readonly bytes: number;
  /** Of what is in it; a record without entries is kept as long as those around it. */
  readonly lastIndex: number;
}

/** Where a bit flipped. */
export type Rot =
  | { readonly in: "record"; readonly sequence: number }
  | { readonly in: "snapshot"; readonly index: number }
  /** Behind the last record: what lies there looks like one that was never finished. */
  | { readonly in: "room" };

/** What a log's file would hold, as far as it matters where in it damage strikes: one record a sync, from the snapshot's on. */
export class DiskRecords {
  #kept: Kept[] = [];
  #sequence = 0;
  #snapshot = { index: 0, bytes: 0 };

  /** One sync's batches, durable together. */
  add(batches: readonly LogBatch[]): void {
    let bytes = RECORD_HEADER_BYTES;
    let lastIndex = this.#kept.at(-1)?.lastIndex ?? 0;
    let covered = false;
    for (const { snapshot, entries } of batches) {
      covered ||= snapshot !== undefined;
      if (snapshot) this.#snapshot = { index: snapshot.snapshot.index, bytes: snapshot.snapshot.data.length };
      for (const { data } of entries) bytes += ENTRY_BYTES + data.length;
      lastIndex = entries.at(-1)?.index ?? lastIndex;
    }
    this.#kept.push({ sequence: ++this.#sequence, bytes, lastIndex });
    if (!covered) return;
    // The last record stays: it says what the snapshot is.
    const last = this.#kept.at(-1);
    this.#kept = this.#kept.filter((record) => record === last || record.lastIndex > this.#snapshot.index);
  }

  /** Any bit of it, each as likely; undefined while nothing was ever written. */
  rot(random: Random): Rot | undefined {
    if (this.#sequence === 0) return undefined;
    const recordBytes = this.#kept.reduce((sum, { bytes }) => sum + bytes, 0);
    let at = random.int(0, recordBytes + this.#snapshot.bytes + ROOM_BYTES - 1);
    for (const { sequence, bytes } of this.#kept) {
      if (at < bytes) return { in: "record", sequence };
      at -= bytes;
    }
    return at < this.#snapshot.bytes ? { in: "snapshot", index: this.#snapshot.index } : { in: "room" };
  }

  /**
   * What a start that meets the damage says; "" when it does not stop it. The rules of a live log's recovery: a record that is all there and does not hold was
   * damaged, be it the last, and what it said may be missing; what is broken behind the last whole record was never acknowledged, and is cut off.
   */
  verdict(rot: Rot): string {
    switch (rot.in) {
      case "room":
        return "";
      case "snapshot":
        return rot.index === this.#snapshot.index ? damaged(`the checksum of the snapshot at ${rot.index}`) : "";
      case "record":
        return this.#kept.some(({ sequence }) => sequence === rot.sequence)
          ? damaged(`the checksum of record ${rot.sequence} of ${this.#sequence}`)
          : "";
    }
  }
}

function damaged(what: string): string {
  return `The log is damaged: ${what} does not match. The agent does not start, so that nothing it acknowledged is lost.`;
}
