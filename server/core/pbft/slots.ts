import { sameBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { Batch, CommitCertificate, PreparedCertificate } from "./types.ts";

/** What one replica signed for one place, the highest view's alone. */
export interface Vote {
  readonly view: number;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  /** Of another's prepare: what it says that the primary's signature of this digest is. Nobody has verified it. */
  readonly prePrepare?: Uint8Array;
}

interface KnownBatch {
  readonly digest: Uint8Array;
  readonly batch: Batch;
  /** The journal has it. */
  durable: boolean;
}

/** The pre-prepare that this replica goes by at one place. */
export interface Accepted {
  readonly view: number;
  readonly digest: Uint8Array;
  /** The primary's. */
  readonly signature: Uint8Array;
}

/** One sequence number: what was proposed for it, who said what, and how far it came. */
export class Slot {
  readonly seq: number;
  accepted: Accepted | undefined;
  /** Of the digest that was accepted or decided; absent: only its digest is known here. */
  batch: Batch | undefined;
  /** Other batches seen here, by their digest: an earlier view's may be proposed again. */
  readonly batches: KnownBatch[] = [];
  /** The digests of those that the journal has. */
  readonly journaled: Uint8Array[] = [];
  readonly prepares = new Map<AgentId, Vote>();
  readonly commits = new Map<AgentId, Vote>();
  /** Of the highest view in which it was prepared here. */
  prepared: PreparedCertificate | undefined;
  /** This replica committed in this view, and that it was prepared is durable. */
  ownCommit: Vote | undefined;
  decided: CommitCertificate | undefined;
  /** The digest the journal says was decided: enough to execute it again, nothing to show to others. */
  knownDecided: Uint8Array | undefined;

  constructor(seq: number) {
    this.seq = seq;
  }

  /** What is decided here, if anything is. */
  get decision(): Uint8Array | undefined {
    return this.decided?.digest ?? this.knownDecided;
  }

  batchOf(digest: Uint8Array): Batch | undefined {
    return this.#find(digest)?.batch;
  }

  /** What may be executed: so that a restarted replica knows up to where it may have executed before. */
  durableBatchOf(digest: Uint8Array): Batch | undefined {
    const known = this.#find(digest);
    return known?.durable === true ? known.batch : undefined;
  }

  becameDurable(digest: Uint8Array): void {
    const known = this.#find(digest);
    if (known !== undefined) known.durable = true;
  }

  keep(digest: Uint8Array, batch: Batch): void {
    if (this.batchOf(digest) === undefined) this.batches.push({ digest, batch, durable: false });
  }

  #find(digest: Uint8Array): KnownBatch | undefined {
    return this.batches.find((one) => sameBytes(one.digest, digest));
  }
}

/** The sequence numbers in flight, and those behind the stable checkpoint that others may still ask for. */
export class Slots {
  readonly #slots = new Map<number, Slot>();
  #lowest = 1;
  #highest = 0;

  get(seq: number): Slot | undefined {
    return this.#slots.get(seq);
  }

  /** @throws InvariantViolation below what was dropped. */
  at(seq: number): Slot {
    let slot = this.#slots.get(seq);
    if (slot !== undefined) return slot;
    invariant(seq >= this.#lowest, `sequence number ${seq} was dropped`);
    slot = new Slot(seq);
    this.#slots.set(seq, slot);
    this.#highest = Math.max(this.#highest, seq);
    return slot;
  }

  /** The lowest that may be asked for. */
  get lowest(): number {
    return this.#lowest;
  }

  /** The highest that anything is known of; 0 at first. */
  get highest(): number {
    return this.#highest;
  }

  /** All below `seq` are forgotten. */
  dropBelow(seq: number): void {
    for (; this.#lowest < seq; this.#lowest++) this.#slots.delete(this.#lowest);
    this.#highest = Math.max(this.#highest, seq - 1);
  }

  /** Those from `from` to `to`, both included, in order; only those that anything is known of. */
  *between(from: number, to: number): IterableIterator<Slot> {
    for (let seq = Math.max(from, this.#lowest); seq <= Math.min(to, this.#highest); seq++) {
      const slot = this.#slots.get(seq);
      if (slot !== undefined) yield slot;
    }
  }
}
