import type { ClientResult } from "../contract/client.ts";
import { sideSentence } from "../contract/partition.ts";
import type { PartitionReport } from "../contract/swarm.ts";
import type { AgentId, ConsensusStatus, ReadReady } from "../core/consensus.ts";
import type { Membership } from "../core/membership/membership.ts";
import { type LastHeard, Partition, type PartitionObservation } from "../core/membership/partition.ts";
import type { Member, MembershipObservation } from "../core/membership/types.ts";
import type { AgentConsensus, ConsensusKind } from "./consensus/kind.ts";
import type { Roster } from "./roster.ts";
import { partitionConfig } from "./settings.ts";
import type { AgentConfig } from "./types.ts";
import type { ClientReply } from "./world.ts";

export interface SideParts {
  readonly config: AgentConfig;
  readonly roster: Roster;
  readonly kind: ConsensusKind;
  readonly consensus: AgentConsensus;
  readonly membership: Membership;
  readonly status: () => ConsensusStatus;
  /** The last entry that is applied here. */
  readonly applied: () => number;
}

/** Barriers of its own, beyond all that clients' reads are given. */
const FIRST_BARRIER = 2 ** 40;

/**
 * Which side of a partition this agent is on: looks where membership and consensus have news, finds out when it has caught up after healing, and marks every answer of an agent that is cut off.
 *
 * Caught up is, where there is one order for all: a linearizable read that was asked for after healing could be served; so all that was decided anywhere before it healed is applied here (ReadIndex, Ongaro's thesis,
 * §6.4; by PBFT its reads). By gossip: everybody who came back has said since what it has, and all of that is applied here.
 */
export class Side {
  readonly #parts: SideParts;
  readonly #partition: Partition;
  readonly #decidesForMs: number;
  readonly #retryMs: number;
  /** Those that membership holds anything but alive, as far as it has said so: of many members mostly nobody. */
  readonly #absent = new Set<AgentId>();
  #stale = true;
  #stopped = false;
  #decidedMs = Number.NEGATIVE_INFINITY;
  #decidesUntilMs = Number.POSITIVE_INFINITY;
  #barriers = 0;
  /** The one that is under way; 0: none is. */
  #asked = 0;
  #askAtMs = Number.NEGATIVE_INFINITY;
  /** All up to this entry is to be applied; undefined: it is not known yet. */
  #goal: number | undefined;

  constructor(parts: SideParts, now: number) {
    const { config } = parts;
    this.#parts = parts;
    this.#partition = new Partition(partitionConfig(config), now);
    this.#decidesForMs = config.timing.electionTimeoutMaxMs;
    this.#retryMs = config.timing.heartbeatMs;
  }

  /** Membership says how a peer is. */
  noticed({ type, member }: MembershipObservation): void {
    if (type === "memberAlive") this.#absent.delete(member);
    else this.#absent.add(member);
    this.changed();
  }

  /** The roster, the configuration or the leader has changed. */
  changed(): void {
    this.#stale = !this.#stopped;
  }

  /** The agent says goodbye: whether others do so, too, is not looked at any more. */
  stop(): void {
    this.#stopped = true;
    this.#stale = false;
  }

  /** A frame came from a neighbour. Whoever is back is greeted as over a link that opens: membership would find it out later. @returns whether anything came of it */
  heard(from: LastHeard, now: number): boolean {
    const back = this.#partition.heard(from, now);
    if (back) this.#parts.membership.linkUp(from.peer, now);
    const { alone } = this.#partition;
    if (alone) this.changed();
    return back || alone;
  }

  /** Something was decided, which takes a quorum. */
  decided(now: number): void {
    this.#decidedMs = now;
    if (this.#partition.state === "readOnly") this.changed();
  }

  /** Looks around where there is cause to. */
  look(now: number): readonly PartitionObservation[] {
    const partition = this.#partition;
    if (this.#stopped) return [];
    if (this.#stale || this.#lookMs <= now) {
      this.#stale = false;
      const { kind, roster } = this.#parts;
      const status = this.#parts.status();
      const untilMs = this.#decidedMs + this.#decidesForMs;
      const hears = kind.hearsQuorum(status);
      const { configuration } = status;
      const absent = this.#membersAbsent();
      partition.look({ roster: roster.ids, absent, configuration, decides: hears || now < untilMs }, now);
      const { voters, quorum } = partition.counts;
      const onTrust = !hears && now < untilMs && voters < quorum;
      this.#decidesUntilMs = onTrust ? untilMs : Number.POSITIVE_INFINITY;
    }
    if (partition.state === "recovering") this.#recover(now);
    else this.#forget();
    return partition.takeObservations();
  }

  /** A barrier to ask for now. Only to be called where it would not be in vain. */
  takeBarrier(now: number): number | undefined {
    if (now < this.#barrierMs) return undefined;
    this.#asked = FIRST_BARRIER + ++this.#barriers;
    return this.#asked;
  }

  barriers(ready: readonly ReadReady[], failed: readonly number[], now: number): void {
    if (this.#asked === 0) return;
    for (const { readId, index } of ready) if (readId === this.#asked) this.#goal = index;
    if (!failed.includes(this.#asked)) return;
    this.#asked = 0;
    this.#askAtMs = now + this.#retryMs;
  }

  /** When it is to be looked around again, ms. @param may whether barriers can be asked for */
  deadline(may: boolean): number {
    if (this.#stopped) return Number.POSITIVE_INFINITY;
    if (this.#stale) return Number.NEGATIVE_INFINITY;
    return Math.min(this.#lookMs, may ? this.#barrierMs : Number.POSITIVE_INFINITY);
  }

  /** Why nothing can be decided here, for whoever asks; undefined: it can, as far as is known. */
  refusal(): string | undefined {
    const { state } = this.#partition;
    return state === "readOnly" ? sideSentence(this.#parts.config.id, { ...this.#partition.reach, state }) : undefined;
  }

  /** Answers as they leave: who is cut off says so in each. */
  marked(replies: readonly ClientReply[]): readonly ClientReply[] {
    const { state, sinceMs, counts } = this.#partition;
    if (state !== "apart" && state !== "readOnly") return replies;
    const side = { state, sinceMs, ...counts };
    return replies.map((reply) => ({ ...reply, result: { ...reply.result, side } satisfies ClientResult }));
  }

  report(now: number): PartitionReport {
    const { state, sinceMs, counts } = this.#partition;
    const answering = state === "whole" ? [] : this.#partition.reach.answering;
    return { state, sinceMs, ...counts, answering, ...this.#partition.figures(now) };
  }

  #membersAbsent(): Member[] {
    const { membership } = this.#parts;
    const absent: Member[] = [];
    for (const id of this.#absent) {
      const member = membership.member(id);
      if (member !== undefined && member.state !== "alive") absent.push(member);
    }
    return absent;
  }

  get #lookMs(): number {
    return Math.min(this.#partition.deadline(), this.#decidesUntilMs);
  }

  get #barrierMs(): number {
    const wanted = this.#partition.state === "recovering" && this.#parts.kind.ordered;
    return wanted && this.#asked === 0 && this.#goal === undefined ? this.#askAtMs : Number.POSITIVE_INFINITY;
  }

  #recover(now: number): void {
    const { kind, consensus, status, applied } = this.#parts;
    const partition = this.#partition;
    if (!kind.ordered && this.#goal === undefined) {
      const said = partition.returned().every((peer) => (consensus.comparedAtMs?.(peer) ?? 0) >= partition.sinceMs);
      if (said) this.#goal = status().lastIndex;
    }
    if (this.#goal !== undefined && applied() >= this.#goal) partition.caughtUp(now);
  }

  #forget(): void {
    this.#asked = 0;
    this.#goal = undefined;
    this.#askAtMs = Number.NEGATIVE_INFINITY;
  }
}
