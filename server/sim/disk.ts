import type { LogBatch, LogSnapshot, RecoveredLog, Snapshot } from "../agent/world.ts";
import type { Entry } from "../core/consensus.ts";
import type { HardState } from "../core/raft/types.ts";
import type { Random } from "../core/random.ts";
import type { Schedule } from "./schedule.ts";

/** One sync takes a time drawn evenly from [min, max]; one in `stallEvery` takes up to stallMs more. */
export interface DiskSpeed {
  readonly minMs: number;
  readonly maxMs: number;
  readonly stallEvery: number;
  readonly stallMs: number;
}

interface Waiting {
  readonly batch: LogBatch;
  readonly durable: () => void;
}

/**
 * One agent's durable log. Survives its crashes: what was durable stays, what was not yet may be lost or half there.
 * Group commit: what is appended during a sync waits for the next one.
 */
export class SimDisk {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #speed: DiskSpeed;
  readonly #onDurable: (batch: LogBatch) => void;
  #snapshot: Snapshot | undefined;
  /** From the one after the snapshot on. */
  #entries: Entry[] = [];
  #hardState: HardState = { term: 0, votedFor: "", commit: 0 };
  #waiting: Waiting[] = [];
  #syncing: Waiting[] = [];
  /** Rises with every crash: a sync of an older life must not call back. */
  #life = 0;
  #syncs = 0;

  constructor(schedule: Schedule, random: Random, speed: DiskSpeed, onDurable: (batch: LogBatch) => void) {
    this.#schedule = schedule;
    this.#random = random;
    this.#speed = speed;
    this.#onDurable = onDurable;
  }

  get syncs(): number {
    return this.#syncs;
  }

  /** Highest durable index. */
  get lastIndex(): number {
    return this.#base + this.#entries.length;
  }

  /** What a start finds. */
  recover(): RecoveredLog {
    const found = { hardState: this.#hardState, entries: this.#entries.slice() };
    return this.#snapshot === undefined ? found : { ...found, snapshot: this.#snapshot };
  }

  append(batch: LogBatch, durable: () => void): void {
    this.#waiting.push({ batch, durable });
    if (this.#syncing.length === 0) this.#sync();
  }

  #sync(): void {
    const batches = this.#waiting;
    this.#waiting = [];
    this.#syncing = batches;
    this.#syncs++;
    const life = this.#life;
    const speed = this.#speed;
    let latencyMs = speed.minMs + this.#random.float() * (speed.maxMs - speed.minMs);
    if (this.#random.int(1, speed.stallEvery) === 1) latencyMs += this.#random.float() * speed.stallMs;
    this.#schedule.afterMs(latencyMs, () => {
      if (life !== this.#life) return;
      this.#syncing = [];
      for (const { batch } of batches) {
        this.#write(batch);
        this.#onDurable(batch);
      }
      if (this.#waiting.length > 0) this.#sync();
      for (const { durable } of batches) durable();
    });
  }

  /**
   * The process is killed. Of the batches being written, some number from the front reached the disk though nobody was told;
   * the one after them may be torn: its snapshot is there as a whole or not at all, and only behind that its first entries, and its hard state or
   * not. What waited for the sync never left memory.
   */
  crash(): void {
    this.#life++;
    const survivors = this.#random.int(0, this.#syncing.length);
    for (let at = 0; at < survivors; at++) {
      this.#write((this.#syncing[at] as Waiting).batch);
    }
    const torn = this.#syncing[survivors];
    if (torn && this.#random.chance(0.5)) {
      const { snapshot, hardState, entries } = torn.batch;
      const withHardState = this.#random.chance(0.7) && hardState !== undefined;
      this.#write({
        ...(snapshot !== undefined && { snapshot }),
        ...(withHardState && { hardState }),
        entries: entries.slice(0, this.#random.int(0, entries.length)),
      });
    }
    // Recovery trusts the commit hint only as far as the log reaches.
    if (this.#hardState.commit > this.lastIndex) this.#hardState = { ...this.#hardState, commit: this.lastIndex };
    this.#syncing = [];
    this.#waiting = [];
  }

  get #base(): number {
    return this.#snapshot?.index ?? 0;
  }

  #write({ snapshot, hardState, entries }: LogBatch): void {
    if (snapshot) this.#replaceSnapshot(snapshot);
    if (hardState) this.#hardState = hardState;
    const first = entries[0]?.index;
    if (first === undefined) return;
    if (first <= this.#base || first > this.lastIndex + 1)
      throw new RangeError(
        `a log of the entries ${this.#base + 1} to ${this.lastIndex} cannot go on at index ${first}`,
      );
    this.#entries.length = first - this.#base - 1;
    for (const entry of entries) this.#entries.push(entry);
  }

  #replaceSnapshot({ snapshot, discardLog }: LogSnapshot): void {
    if (snapshot.index <= this.#base)
      throw new RangeError(`a snapshot at index ${snapshot.index} after one at ${this.#base}`);
    this.#entries = discardLog ? [] : this.#entries.slice(snapshot.index - this.#base);
    this.#snapshot = snapshot;
  }
}
