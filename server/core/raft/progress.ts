import type { AgentId } from "../consensus.ts";
import type { FollowerProgress } from "./types.ts";

/**
 * What a leader knows of one follower.
 *
 * probe: the leader does not know where the logs agree. One append at a time, then it waits for the answer (or for the answer to a
 * heartbeat, should the append be lost). replicate: it knows; it sends ahead without waiting (`next` is optimistic), up to a
 * limit of appends in flight. A refusal leads back to probe. (etcd-io/raft's tracker; thesis §10.2.1.)
 *
 * Invariant: match < next.
 */
export class Progress {
  readonly id: AgentId;
  state: "probe" | "replicate" = "probe";
  /** Highest index known to be durable there and equal to ours. */
  match = 0;
  /** The next index to send. */
  next = 1;
  /** In probe: an append is out and unanswered. */
  probeSent = false;
  /** Send an append, empty if need be: a heartbeat was answered, but not everything sent is acknowledged. It may have been lost. */
  askAgain = false;
  /** The commit index that an append has told it, as far as that append let it commit. */
  commitSent = 0;
  /** It waits for the commit of an entry up to this index: it forwarded it, or reads there. */
  awaitedIndex = 0;
  /** The latest heartbeat round it answered. */
  ackedRound = 0;
  /** How many beats of the leader had gone out when the latest append left. */
  sentAtBeat = 0;
  /** When anything of the present term was last heard from it, ms. */
  heardMs = 0;
  readonly #inflight: Inflight;

  constructor(id: AgentId, maxInflightAppends: number) {
    this.id = id;
    this.#inflight = new Inflight(maxInflightAppends);
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
    this.heardMs = now;
    this.becomeProbe(next);
  }

  becomeProbe(next: number): void {
    this.state = "probe";
    this.next = next;
    this.probeSent = false;
    this.askAgain = false;
    this.#inflight.clear();
  }

  /** An append of `count` entries from `next` has left. */
  sent(count: number, beat: number): void {
    this.askAgain = false;
    this.sentAtBeat = beat;
    if (this.state === "probe") {
      this.probeSent = true;
      return;
    }
    if (count === 0) return;
    this.next += count;
    this.#inflight.push(this.next - 1);
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
    if (this.state === "probe") {
      this.becomeProbe(index + 1);
      this.state = "replicate";
    } else {
      if (this.next <= index) this.next = index + 1;
      this.#inflight.acknowledged(index);
    }
    return news;
  }

  view(active: boolean): FollowerProgress {
    return { id: this.id, state: this.state, match: this.match, next: this.next, inflight: this.inflight, active };
  }
}

/** The last indexes of the appends in flight, oldest first: a ring of fixed size. */
class Inflight {
  readonly #ring: Float64Array;
  #start = 0;
  count = 0;

  constructor(size: number) {
    this.#ring = new Float64Array(size);
  }

  get full(): boolean {
    return this.count === this.#ring.length;
  }

  clear(): void {
    this.#start = 0;
    this.count = 0;
  }

  push(lastIndex: number): void {
    this.#ring[(this.#start + this.count) % this.#ring.length] = lastIndex;
    this.count++;
  }

  acknowledged(index: number): void {
    while (this.count > 0 && (this.#ring[this.#start] as number) <= index) {
      this.#start = (this.#start + 1) % this.#ring.length;
      this.count--;
    }
  }
}
