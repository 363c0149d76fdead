import type { AgentId, Configuration, Entry } from "../consensus.ts";
import { EntryKind } from "../consensus.ts";
import { decodeConfiguration, isJoint, membersOf, votesIn } from "./configuration.ts";
import { Progress } from "./progress.ts";
import { jointResult, majorityOf, reachedByMajority, type VoteResult, voteResult } from "./quorum.ts";
import type { RaftConfig } from "./types.ts";

interface Held {
  /** The entry from which on it holds. */
  readonly index: number;
  readonly configuration: Configuration;
}

/** One half of a joint phase, or all there is: where the others' numbers lie, and whether this agent counts. */
interface Half {
  readonly voters: readonly AgentId[];
  readonly others: readonly Progress[];
  readonly self: boolean;
  /** Room for one number a voter. */
  readonly room: Float64Array;
}

/**
 * Who the members are: the configurations that the log holds, the latest of which counts from when it is in the log, committed or not (thesis §4.1), and
 * falls back to the one before when it is truncated. What a majority of them has reached is asked here and nowhere else.
 */
export class Members {
  readonly #id: AgentId;
  readonly #config: RaftConfig;
  /** Rising; never empty. */
  readonly #held: Held[];
  readonly #byId = new Map<AgentId, Progress>();
  #incoming: Half;
  #outgoing: Half | undefined;
  /** All others that get the log, sorted by id. Meaningful while leader. */
  followers: readonly Progress[] = [];
  /** Those of them whose votes count in either half. */
  voters: readonly Progress[] = [];
  /** Whether this agent's own vote counts in either half. */
  selfVotes = false;

  constructor(config: RaftConfig, base: Configuration, baseIndex: number, entries: readonly Entry[]) {
    this.#id = config.id;
    this.#config = config;
    this.#held = [{ index: baseIndex, configuration: base }];
    this.#incoming = this.#half(base.voters);
    for (const entry of entries) if (entry.kind === EntryKind.configuration) this.#hold(entry);
    this.#settle();
  }

  get configuration(): Configuration {
    return (this.#held.at(-1) as Held).configuration;
  }

  /** The entry from which on the latest one holds; 0: from the first. */
  get index(): number {
    return (this.#held.at(-1) as Held).index;
  }

  get joint(): boolean {
    return this.#outgoing !== undefined;
  }

  /** How many votes win among the voters (the incoming ones, in a joint phase). */
  get majority(): number {
    return majorityOf(this.#incoming.voters.length);
  }

  /** A member other than this agent; undefined for a stranger. */
  peer(id: AgentId): Progress | undefined {
    return this.#byId.get(id);
  }

  /** The configuration that held after the entry at `index`, which must not lie before the oldest one kept. */
  at(index: number): Configuration {
    for (let place = this.#held.length - 1; place > 0; place--) {
      const held = this.#held[place] as Held;
      if (held.index <= index) return held.configuration;
    }
    return (this.#held[0] as Held).configuration;
  }

  /** Those that begin to hold at an index in (from, to]. */
  between(from: number, to: number): readonly Held[] {
    if (this.#held.length === 1 || this.index <= from) return NONE;
    return this.#held.slice(1).filter(({ index }) => index > from && index <= to);
  }

  /** Entries were appended. Returns whether the members changed. */
  appended(entries: readonly Entry[]): boolean {
    let changed = false;
    for (const entry of entries)
      if (entry.kind === EntryKind.configuration) {
        this.#hold(entry);
        changed = true;
      }
    if (changed) this.#settle();
    return changed;
  }

  /** `index` and all after it were removed. Returns whether the members changed. */
  truncated(index: number): boolean {
    let changed = false;
    while (this.#held.length > 1 && this.index >= index) {
      this.#held.pop();
      changed = true;
    }
    if (changed) this.#settle();
    return changed;
  }

  /** A snapshot stands for all up to `index`. */
  compacted(index: number): void {
    while (this.#held.length > 1 && (this.#held[1] as Held).index <= index) this.#held.shift();
  }

  /** A snapshot took the place of the log. */
  reset(configuration: Configuration, index: number): void {
    this.#held.length = 0;
    this.#held.push({ index, configuration });
    this.#settle();
  }

  /** The largest value that a majority has reached (see `reachedByMajority`): in a joint phase, that majorities of both have. */
  reached(ownValue: number, numberOf: (follower: Progress) => number): number {
    const incoming = reachedIn(this.#incoming, ownValue, numberOf);
    return this.#outgoing === undefined ? incoming : Math.min(incoming, reachedIn(this.#outgoing, ownValue, numberOf));
  }

  result(votes: ReadonlyMap<AgentId, boolean>): VoteResult {
    const voteOf = (voter: AgentId) => votes.get(voter);
    const incoming = voteResult(this.#incoming.voters, voteOf);
    return this.#outgoing === undefined ? incoming : jointResult(incoming, voteResult(this.#outgoing.voters, voteOf));
  }

  #hold(entry: Entry): void {
    this.#held.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
  }

  /** What was known of those that stay is kept. */
  #settle(): void {
    const { configuration } = this;
    const others = membersOf(configuration).filter((id) => id !== this.#id);
    for (const id of [...this.#byId.keys()]) if (!others.includes(id)) this.#byId.delete(id);
    for (const id of others)
      if (!this.#byId.has(id))
        this.#byId.set(id, new Progress(id, this.#config.maxInflightAppends, this.#config.maxInflightBytes));
    this.followers = others.map((id) => this.#byId.get(id) as Progress);
    for (const follower of this.followers) follower.learner = !votesIn(configuration, follower.id);
    this.voters = this.followers.filter(({ learner }) => !learner);
    this.selfVotes = votesIn(configuration, this.#id);
    this.#incoming = this.#half(configuration.voters);
    this.#outgoing = isJoint(configuration) ? this.#half(configuration.outgoing) : undefined;
  }

  #half(voters: readonly AgentId[]): Half {
    const others = voters.flatMap((id) => this.#byId.get(id) ?? []);
    return { voters, others, self: voters.includes(this.#id), room: new Float64Array(voters.length) };
  }
}

const NONE: readonly never[] = [];

function reachedIn({ others, self, room }: Half, ownValue: number, numberOf: (follower: Progress) => number): number {
  for (let at = 0; at < others.length; at++) room[at] = numberOf(others[at] as Progress);
  if (self) room[others.length] = ownValue;
  return reachedByMajority(room);
}
