import type { LogBatch, RecoveredLog } from "../agent/world.ts";
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
  get length(): number {
    return this.#entries.length;
  }

  /** What a start finds. */
  recover(): RecoveredLog {
    return { hardState: this.#hardState, entries: this.#entries.slice() };
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
        this.#write(batch.hardState, batch.entries, batch.entries.length);
        this.#onDurable(batch);
      }
      if (this.#waiting.length > 0) this.#sync();
      for (const { durable } of batches) durable();
    });
  }

  /**
   * The process is killed. Of the batches being written, some number from the front reached the disk though nobody was told;
   * the one after them may be torn: its first entries are there, and its hard state or not. What waited for the sync never left memory.
   */
  crash(): void {
    this.#life++;
    const survivors = this.#random.int(0, this.#syncing.length);
    for (let at = 0; at < survivors; at++) {
      const { batch } = this.#syncing[at] as Waiting;
      this.#write(batch.hardState, batch.entries, batch.entries.length);
    }
    const torn = this.#syncing[survivors];
    if (torn && this.#random.chance(0.5)) {
      const hardState = this.#random.chance(0.7) ? torn.batch.hardState : undefined;
      this.#write(hardState, torn.batch.entries, this.#random.int(0, torn.batch.entries.length));
    }
    // Recovery trusts the commit hint only as far as the log reaches.
    if (this.#hardState.commit > this.#entries.length)
      this.#hardState = { ...this.#hardState, commit: this.#entries.length };
    this.#syncing = [];
    this.#waiting = [];
  }

  #write(hardState: HardState | undefined, entries: readonly Entry[], count: number): void {
    if (hardState) this.#hardState = hardState;
    if (count === 0) return;
    const first = (entries[0] as Entry).index;
    if (first > this.#entries.length + 1)
      throw new RangeError(`a log of ${this.#entries.length} entries cannot go on at index ${first}`);
    this.#entries.length = first - 1;
    for (let at = 0; at < count; at++) this.#entries.push(entries[at] as Entry);
  }
}
