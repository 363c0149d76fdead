import type { LogBatch, LogSnapshot, RecoveredLog, Snapshot } from "../agent/world.ts";
import type { DiskTrouble } from "../contract/faults.ts";
import type { Entry } from "../core/consensus.ts";
import type { HardState } from "../core/raft/types.ts";
import type { Random } from "../core/random.ts";
import { DiskRecords, type Rot } from "./disk-records.ts";
import { DiskTroubles } from "./disk-troubles.ts";
import type { Schedule } from "./schedule.ts";

/** One sync takes a time drawn evenly from [min, max]; one in `stallEvery` takes up to stallMs more. */
export interface DiskSpeed {
  readonly minMs: number;
  readonly maxMs: number;
  readonly stallEvery: number;
  readonly stallMs: number;
}

/** Who is told what the disk does. */
export interface DiskWitness {
  durable(batch: LogBatch): void;
  /** A write failed: what was being written may be there or not, and nobody is called back. */
  failed(why: string): void;
  /** A trouble has changed what came of a sync, a start or a crash. */
  tookEffect?(trouble: DiskTrouble): void;
}

/** What a start finds. */
export interface OpenedDisk {
  /** Why the agent must not start from it; "": it may. */
  readonly refused: string;
  readonly recovered: RecoveredLog;
}

/** What is at rest at a moment. */
interface Contents {
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
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
  readonly #witness: DiskWitness;
  readonly #troubles = new DiskTroubles();
  readonly #records = new DiskRecords();
  readonly #rot = new Map<DiskTrouble, Rot>();
  /** What really reached the disk, while it lies about its syncs. */
  #reached: Contents | undefined;
  #snapshot: Snapshot | undefined;
  /** From the one after the snapshot on. */
  #entries: Entry[] = [];
  #hardState: HardState = { term: 0, votedFor: "", commit: 0 };
  #waiting: Waiting[] = [];
  #syncing: Waiting[] = [];
  /** Rises with every crash: a sync of an older life must not call back. */
  #life = 0;
  #syncs = 0;

  constructor(schedule: Schedule, random: Random, speed: DiskSpeed, witness: DiskWitness) {
    this.#schedule = schedule;
    this.#random = random;
    this.#speed = speed;
    this.#witness = witness;
  }

  get syncs(): number {
    return this.#syncs;
  }

  /** Highest durable index. */
  get lastIndex(): number {
    return this.#base + this.#entries.length;
  }

  /** Replaces all troubles; the same object is the same trouble. A disk that no longer lies has written what it said it had; what had rotted is as it was. */
  trouble(troubles: readonly DiskTrouble[]): void {
    for (const trouble of this.#troubles.set(troubles)) {
      if (trouble.trouble !== "bitRot") continue;
      const rot = this.#records.rot(this.#random);
      if (rot !== undefined) this.#rot.set(trouble, rot);
    }
    for (const trouble of this.#rot.keys()) if (!this.#troubles.has(trouble)) this.#rot.delete(trouble);
    if (!this.#troubles.lies) this.#reached = undefined;
    else this.#reached ??= this.#contents();
  }

  /** What a start finds. */
  open(): OpenedDisk {
    const found = { hardState: this.#hardState, entries: this.#entries.slice() };
    const recovered = this.#snapshot === undefined ? found : { ...found, snapshot: this.#snapshot };
    const { unwritable } = this.#troubles;
    if (unwritable !== "") this.#tell("failing", "full");
    let damage: string | undefined;
    for (const [trouble, rot] of this.#rot) {
      const verdict = this.#records.verdict(rot);
      if (verdict === "") continue;
      damage ??= verdict;
      this.#witness.tookEffect?.(trouble);
    }
    // A start writes: it cuts off what is half there.
    return { refused: damage ?? unwritable, recovered };
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
    const { slowMs } = this.#troubles;
    if (slowMs > 0) this.#tell("slow");
    this.#schedule.afterMs(latencyMs + slowMs, () => {
      if (life !== this.#life) return;
      const { unwritable } = this.#troubles;
      if (unwritable !== "") {
        this.#tell("failing", "full");
        this.#witness.failed(unwritable);
        return;
      }
      this.#syncing = [];
      this.#records.add(batches.map(({ batch }) => batch));
      for (const { batch } of batches) {
        this.#write(batch);
        this.#witness.durable(batch);
      }
      if (this.#waiting.length > 0) this.#sync();
      for (const { durable } of batches) durable();
    });
  }

  /**
   * The process is killed. Of the batches being written, some number from the front reached the disk though nobody was told;
   * the one after them may be torn: its snapshot is there as a whole or not at all, and only behind that its first entries, and its hard state or
   * not. What waited for the sync never left memory. With a torn tail none of it is whole; a disk that lied has none of what it wrote since.
   */
  crash(): void {
    this.#life++;
    if (this.#troubles.tearsTail) {
      if (this.#syncing.length > 0) this.#tell("tornTail");
      this.#syncing = [];
    }
    if (this.#reached !== undefined) {
      if (this.#differsFrom(this.#reached)) this.#tell("lostSyncs");
      this.#entries = this.#reached.entries.slice();
      this.#snapshot = this.#reached.snapshot;
      this.#hardState = this.#reached.hardState;
      this.#syncing = [];
    }
    const written = this.#syncing;
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
    if (written.length > 0) this.#records.add(written.slice(0, survivors + 1).map(({ batch }) => batch));
    this.#syncing = [];
    this.#waiting = [];
  }

  #tell(...names: readonly DiskTrouble["trouble"][]): void {
    for (const name of names) for (const trouble of this.#troubles.of(name)) this.#witness.tookEffect?.(trouble);
  }

  #differsFrom({ snapshot, entries, hardState }: Contents): boolean {
    const last = entries.at(-1);
    return (
      hardState !== this.#hardState ||
      snapshot !== this.#snapshot ||
      entries.length !== this.#entries.length ||
      last !== this.#entries.at(-1)
    );
  }

  #contents(): Contents {
    return { snapshot: this.#snapshot, entries: this.#entries.slice(), hardState: this.#hardState };
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
    const kept = first - this.#base - 1;
    if (kept < this.#entries.length) this.#entries.length = kept;
    for (const entry of entries) this.#entries.push(entry);
  }

  #replaceSnapshot({ snapshot, discardLog }: LogSnapshot): void {
    if (snapshot.index <= this.#base)
      throw new RangeError(`a snapshot at index ${snapshot.index} after one at ${this.#base}`);
    this.#entries = discardLog ? [] : this.#entries.slice(snapshot.index - this.#base);
    this.#snapshot = snapshot;
  }
}
