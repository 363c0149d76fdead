import type { AgentId, Configuration } from "../consensus.ts";
import type { Crypto } from "../crypto.ts";
import { invariant } from "../invariant.ts";
import { Effects } from "./effects.ts";
import { evidenceText } from "./evidence.ts";
import { MAX_BATCH_BYTES, MAX_WINDOW } from "./limits.ts";
import { Replicas } from "./replicas.ts";
import type { ReplicatedState } from "./replicated-state.ts";
import { RequestTable } from "./request-table.ts";
import { orderBytes } from "./signed.ts";
import { Slots } from "./slots.ts";
import type {
  Batch,
  CheckpointCertificate,
  Disbelief,
  Evidence,
  OnceSigned,
  PbftConfig,
  PbftMessage,
} from "./types.ts";

/** The state before the first request: everybody has it, and nobody needs proof of it. */
export const GENESIS: CheckpointCertificate = { seq: 0, digest: new Uint8Array(32), checkpoints: [] };

/** Proofs kept of one liar's lies; one is enough. */
const MAX_EVIDENCE_EACH = 16;

/** What the parts of a replica share. */
export class PbftState {
  readonly config: PbftConfig;
  readonly id: AgentId;
  readonly replicas: Replicas;
  readonly crypto: Crypto;
  readonly effects: Effects;
  readonly slots = new Slots();
  readonly configuration: Configuration;
  table = new RequestTable();
  view = 0;
  /** It takes part in the view; otherwise it waits for it to begin. */
  active = true;
  /** The last view of which it is durable that this replica entered it: before that it proposes nothing there, or it might propose anew after a crash. */
  durableView = 0;
  /** The highest place that the view began with: what comes after it was first proposed in this view. */
  viewFloor = 0;
  /** The highest place with a pre-prepare in this view. */
  proposed = 0;
  /** The highest place that the primary of this view says to have proposed for. */
  proposedThere = 0;
  /** All up to here are executed: their entries were given out. */
  executed = 0;
  /** The highest place where something was prepared here, in any view. */
  prepared = 0;
  /** The highest place that the journal had a batch for at the start: only up to there can anything have been executed in an earlier life. */
  recoveredSeq = 0;
  lastIndex = 0;
  lastTerm = 0;
  lastTimeMs = 0;
  stable: CheckpointCertificate = GENESIS;
  /** The index of the last entry at the stable checkpoint, as far as it is known here. */
  stableIndex = 0;
  /** When something was last executed, or a view entered, ms. */
  progressMs: number;
  readonly #evidence = new Map<AgentId, Evidence[]>();

  constructor(config: PbftConfig, crypto: Crypto, lastRecord: number, now: number) {
    this.config = config;
    this.id = config.id;
    this.crypto = crypto;
    this.replicas = new Replicas(config.replicas);
    const window = 2 * config.checkpointEvery;
    invariant(
      window >= 2 && window <= MAX_WINDOW,
      `a window of ${window} places fits a view change: ${MAX_WINDOW} at most`,
    );
    invariant(
      config.maxBatchBytes <= MAX_BATCH_BYTES / 2,
      "a batch and what it takes besides its commands fits a message",
    );
    this.effects = new Effects(lastRecord);
    this.progressMs = now;
    const voters = this.replicas.ids;
    this.configuration = { voters, outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  }

  get primary(): AgentId {
    return this.replicas.primaryOf(this.view);
  }

  /** It is the primary of a view that has begun. */
  get leads(): boolean {
    return this.active && this.primary === this.id;
  }

  /** The high watermark: nothing above it is accepted (OSDI '99, §4.2, §4.3). */
  get high(): number {
    return this.stable.seq + 2 * this.config.checkpointEvery;
  }

  /** Who was seen to lie, sorted. */
  get liars(): readonly AgentId[] {
    return this.replicas.ids.filter((id) => this.#evidence.has(id));
  }

  /** The state after it is signed by all. */
  endsInCheckpoint(seq: number): boolean {
    return seq % this.config.checkpointEvery === 0;
  }

  inWindow(seq: number): boolean {
    return seq > this.stable.seq && seq <= this.high;
  }

  /** To all others. */
  broadcast(message: PbftMessage): void {
    for (const to of this.replicas.ids) if (to !== this.id) this.effects.send(to, message);
  }

  broadcastDurably(message: PbftMessage): void {
    for (const to of this.replicas.ids) if (to !== this.id) this.effects.sendDurably(to, message);
  }

  signOrder(kind: OnceSigned, view: number, seq: number, digest: Uint8Array): Uint8Array {
    return this.crypto.sign(orderBytes(kind, view, seq, digest));
  }

  verifyOrder(kind: OnceSigned, signer: AgentId, of: Signable): boolean {
    return this.crypto.verify(signer, orderBytes(kind, of.view, of.seq, of.digest), of.signature);
  }

  digestOf(bytes: Uint8Array): Uint8Array {
    return this.crypto.digest(bytes);
  }

  /** Goes on from a state that a quorum signed. */
  adoptReplicated({ seq, index, term, timeMs, table }: ReplicatedState): void {
    this.executed = seq;
    this.proposed = Math.max(this.proposed, seq);
    this.lastIndex = index;
    this.lastTerm = term;
    this.lastTimeMs = timeMs;
    this.table = table;
  }

  /** What lies behind the stable checkpoint is kept a while, for replicas that lack no more than that. */
  trimSlots(): void {
    this.slots.dropBelow(Math.min(this.executed, this.stable.seq - this.config.checkpointEvery) + 1);
  }

  /** The view, or whether it has begun, is another: to be durable before anything is said in it. */
  viewChanged(): void {
    const votedFor = this.active ? this.primary : "";
    this.effects.hardState = { term: this.view, votedFor, commit: this.executed };
  }

  disbelieve(from: AgentId, message: PbftMessage["type"], reason: Disbelief): void {
    this.effects.observe({ type: "disbelieved", from, message, reason });
  }

  /** Somebody signed two things that contradict each other. Both signatures have been verified. */
  caught(evidence: Evidence): void {
    const known = this.#evidence.get(evidence.culprit) ?? [];
    const { culprit, kind, view, seq } = evidence;
    if (known.length >= MAX_EVIDENCE_EACH) return;
    if (known.some((one) => one.kind === kind && one.view === view && one.seq === seq)) return;
    known.push(evidence);
    this.#evidence.set(culprit, known);
    this.effects.observe({ type: "equivocation", culprit, kind, view, seq, evidence: evidenceText(evidence) });
  }
}

interface Signable {
  readonly view: number;
  readonly seq: number;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a new view puts where nothing was prepared: it orders nothing (OSDI '99, §4.4). */
export function nullBatch(view: number): Batch {
  return { view, timeMs: 0, requests: [] };
}

/** The first 8 bytes, for people. */
export function shortDigest(digest: Uint8Array): string {
  let text = "";
  for (const byte of digest.subarray(0, 8)) text += byte.toString(16).padStart(2, "0");
  return text;
}
