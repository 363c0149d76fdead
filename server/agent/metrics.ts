import type { LinkReport } from "../contract/swarm.ts";
import type { AgentId } from "../core/consensus.ts";
import type { Random } from "../core/random.ts";
import type { Deciding } from "./consensus/kind.ts";
import { quantile, Samples } from "./samples.ts";

/** As the report's contract says. */
const MAX_DECISION_SAMPLES = 512;
const MAX_LATENCY_SAMPLES = 256;
/** Stretches of entries proposed here and not committed whose times are kept; beyond it the oldest are not measured. */
const MAX_OPEN_PROPOSALS = 4096;

/** One link's counters since the start, and samples since the last report. */
export class LinkMetrics {
  up = false;
  framesOut = 0;
  framesIn = 0;
  bytesOut = 0;
  bytesIn = 0;
  readonly #latencies: Samples;
  /** Of the next frames, whose latencies are not sampled. */
  #passedOver = 0;

  constructor(random: Random) {
    this.#latencies = new Samples(MAX_LATENCY_SAMPLES, random);
  }

  received(bytes: number, latencyMs: number): void {
    this.framesIn++;
    this.bytesIn += bytes;
    // The sender's clock may be ahead of this one's: then the two say nothing about the frame but that it was fast.
    if (this.#passedOver > 0) this.#passedOver--;
    else this.#passedOver = this.#latencies.add(Math.max(0, latencyMs));
  }

  sent(bytes: number): void {
    this.framesOut++;
    this.bytesOut += bytes;
  }

  /** Takes the samples. What faults did, the world knows. */
  report(peer: AgentId): LinkReport {
    const { up, framesOut, framesIn, bytesOut, bytesIn } = this;
    const latencies = this.#latencies.take();
    this.#passedOver = 0;
    return {
      peer,
      up,
      framesOut,
      framesIn,
      bytesOut,
      bytesIn,
      dropped: 0,
      delayed: 0,
      corrupted: 0,
      latencyP50Ms: quantile(latencies, 0.5),
      latencyP99Ms: quantile(latencies, 0.99),
    };
  }
}

/** What an agent counts of its deciding. Counters since the start; samples since the last report. */
export class DecisionMetrics {
  messagesOut = 0;
  messagesIn = 0;
  electionsStarted = 0;
  electionsWon = 0;
  votesGranted = 0;
  votesRefused = 0;
  committedAsLeader = 0;
  #voters: ReadonlySet<AgentId>;
  readonly #latencies: Samples;
  /** Of the next decisions, whose latencies are not sampled. */
  #passedOver = 0;
  #ackShares = 0;
  #ackCommits = 0;
  /** What was proposed here at `atMs`, up to a place, oldest first. */
  #open: { readonly upTo: number; readonly atMs: number }[] = [];

  /** @param voters of the present configuration, those that a joint phase phases out among them. */
  constructor(voters: ReadonlySet<AgentId>, random: Random) {
    this.#voters = voters;
    this.#latencies = new Samples(MAX_DECISION_SAMPLES, random);
  }

  votersChanged(voters: ReadonlySet<AgentId>): void {
    this.#voters = voters;
  }

  /** @param sinceMs when the first input of this turn came: a proposal was there no later. */
  observed(deciding: Deciding, sinceMs: number, now: number): void {
    switch (deciding.type) {
      case "campaigned":
        this.electionsStarted++;
        break;
      case "won":
        this.electionsWon++;
        this.#open = [];
        break;
      case "lost":
        this.#open = [];
        break;
      case "voted":
        this.votesGranted++;
        break;
      case "refused":
        this.votesRefused++;
        break;
      case "proposed":
        this.#open.push({ upTo: deciding.upTo, atMs: sinceMs });
        if (this.#open.length > MAX_OPEN_PROPOSALS) this.#open.shift();
        break;
      case "decided":
        this.#decided(deciding, now);
        break;
    }
  }

  /** Takes the samples. */
  takeLatenciesMs(): number[] {
    this.#passedOver = 0;
    return this.#latencies.take();
  }

  /** Acknowledging voters over voters, averaged over the commits since the last call; null without any. */
  takeAckParticipation(): number | null {
    const participation = this.#ackCommits === 0 ? null : this.#ackShares / this.#ackCommits;
    this.#ackShares = 0;
    this.#ackCommits = 0;
    return participation;
  }

  #decided({ upTo, entries, acks }: Deciding & { readonly type: "decided" }, now: number): void {
    this.committedAsLeader += entries;
    if (this.#voters.size > 0 && acks.length > 0) {
      this.#ackShares += acks.filter((id) => this.#voters.has(id)).length / this.#voters.size;
      this.#ackCommits++;
    }
    let decided = 0;
    for (; decided < this.#open.length; decided++) {
      const { upTo: proposedTo, atMs } = this.#open[decided] as { upTo: number; atMs: number };
      if (proposedTo > upTo) break;
      if (this.#passedOver > 0) this.#passedOver--;
      else this.#passedOver = this.#latencies.add(now - atMs);
    }
    if (decided > 0) this.#open = this.#open.slice(decided);
  }
}
