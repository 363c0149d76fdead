import type { AgentId, FollowerProgress, Snapshot } from "../consensus.ts";
import type { ProgressState } from "./types.ts";

/**
 * What a leader knows of one follower.
 *
 * probe: the leader does not know where the logs agree. One append at a time, then it waits for the answer (or for the answer to a
 * heartbeat, should the append be lost). replicate: it knows; it sends ahead without waiting (`next` is optimistic), up to a
 * limit of appends and bytes in flight. A refusal leads back to probe. snapshot: it lacks what the log no longer has; a snapshot goes there part by part, and
 * nothing else. (etcd-io/raft's tracker; thesis §10.2.1.)
 *
 * Invariant: match < next.
 */
export class Progress {
  readonly id: AgentId;
  learner = false;
  state: ProgressState = "probe";
  /** Highest index known to be durable there and equal to ours. */
  match = 0;
  /** The next index to send. */
  next = 1;
  /** In probe: an append is out and unanswered. In snapshot: a part is. */
  probeSent = false;
  /** Send an append, empty if need be: a heartbeat was answered, but not everything sent is acknowledged. It may have been lost. */
  askAgain = false;
  /** The commit index that an append has told it, as far as that append let it commit. */
  commitSent = 0;
  /** It waits for the commit of an entry up to this index: it forwarded it, or reads there. */
  awaitedIndex = 0;
  /** The latest heartbeat round it answered. */
  ackedRound = 0;
  /** When the latest heartbeat that it answered had left, ms (thesis §6.4.1). */
  ackedBeatMs = Number.NEGATIVE_INFINITY;
  /** How many beats of the leader had gone out when the latest append left. */
  sentAtBeat = 0;
  /** When anything of the present term was last heard from it, ms. */
  heardMs = 0;
  /** In snapshot: the one that is being sent, also when a later one has been taken meanwhile, and how much of it is there. */
  snapshot: Snapshot | undefined;
  snapshotOffset = 0;
  readonly #inflight: Inflight;
  /** As it was when it was last looked at: mostly it still is. */
  #seen: FollowerProgress | undefined;

  constructor(id: AgentId, maxInflightAppends: number, maxInflightBytes = Number.POSITIVE_INFINITY) {
    this.id = id;
    this.#inflight = new Inflight(maxInflightAppends, maxInflightBytes);
  }

  get inflight(): number {
    return this.#inflight.count;
  }

  get inflightFull(): boolean {
    return this.#inflight.full;
  }

  /** For a new leadership: nothing is known yet. */
  reset(next: number, now: number): void {
    this.match = 0;
    this.commitSent = 0;
    this.awaitedIndex = 0;
    this.ackedRound = 0;
    this.ackedBeatMs = Number.NEGATIVE_INFINITY;
    this.heardMs = now;
    this.becomeProbe(next);
  }

  becomeProbe(next: number): void {
    this.state = "probe";
    this.next = next;
    this.probeSent = false;
    this.askAgain = false;
    this.snapshot = undefined;
    this.snapshotOffset = 0;
    this.#inflight.clear();
  }

  becomeSnapshot(snapshot: Snapshot): void {
    this.becomeProbe(this.match + 1);
    this.state = "snapshot";
    this.snapshot = snapshot;
  }

  /** An append of `count` entries from `next` has left. */
  sent(count: number, bytes: number, beat: number): void {
    this.askAgain = false;
    this.sentAtBeat = beat;
    if (this.state === "probe") {
      this.probeSent = true;
      return;
    }
    if (count === 0) return;
    this.next += count;
    this.#inflight.push(this.next - 1, bytes);
  }

  /** A part of the snapshot has left. */
  sentPart(beat: number): void {
    this.probeSent = true;
    this.sentAtBeat = beat;
  }

  /** In replicate: it has not been told of all that it may commit. In probe it is not told before the logs agree. */
  lacksCommit(commit: number): boolean {
    return this.state === "replicate" && this.commitSent < Math.min(commit, this.next - 1);
  }

  /** It has everything up to `index` durably. Returns whether that is news. */
  acknowledged(index: number): boolean {
    if (index < this.match) return false;
    const news = index > this.match;
    this.match = index;
    if (this.state === "replicate") {
      if (this.next <= index) this.next = index + 1;
      this.#inflight.acknowledged(index);
    } else if (this.state === "probe" || index >= (this.snapshot as Snapshot).index) {
      this.becomeProbe(index + 1);
      this.state = "replicate";
    } else this.next = index + 1;
    return news;
  }

  view(active: boolean): FollowerProgress {
    const { id, learner, state, match, next, inflight } = this;
    const seen = this.#seen;
    const same = seen?.match === match && seen.next === next && seen.inflight === inflight && seen.state === state;
    if (same && seen.learner === learner && seen.active === active) return seen;
    this.#seen = { id, learner, state, match, next, inflight, active };
    return this.#seen;
  }
}

/** The last indexes of the appends in flight and their payload bytes, oldest first: a ring of fixed size. */
class Inflight {
  readonly #ring: Float64Array;
  readonly #bytes: Float64Array;
  readonly #maxBytes: number;
  #start = 0;
  #total = 0;
  count = 0;

  constructor(size: number, maxBytes: number) {
    this.#ring = new Float64Array(size);
    this.#bytes = new Float64Array(size);
    this.#maxBytes = maxBytes;
  }

  get full(): boolean {
    return this.count === this.#ring.length || this.#total >= this.#maxBytes;
  }

  clear(): void {
    this.#start = 0;
    this.#total = 0;
    this.count = 0;
  }

  push(lastIndex: number, bytes: number): void {
    const at = (this.#start + this.count) % this.#ring.length;
    this.#ring[at] = lastIndex;
    this.#bytes[at] = bytes;
    this.#total += bytes;
    this.count++;
  }

  acknowledged(index: number): void {
    while (this.count > 0 && (this.#ring[this.#start] as number) <= index) {
      this.#total -= this.#bytes[this.#start] as number;
      this.#start = (this.#start + 1) % this.#ring.length;
      this.count--;
    }
  }
}
