import { leads } from "../../contract/consensus.ts";
import type { AgentStamp } from "../../contract/timeline.ts";

/** What faults leave of the mesh at the moment. */
export interface Reach {
  /** The process runs: neither crashed nor paused. */
  up(agent: string): boolean;
  /** There is a link, and no fault cuts it in either direction. */
  linked(a: string, b: string): boolean;
  /** Whose votes count now; absent: those of all agents. */
  voters?(): readonly string[];
}

export type Standing = Pick<AgentStamp, "role" | "term" | "leader">;

/** The longest time without a leader. */
export interface Gap {
  readonly sinceMs: number;
  readonly forMs: number;
}

function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * Measures how long a mesh is without a leader although it could have one. A leader (or primary) counts when it says so of itself, reaches a quorum, and that
 * quorum names it in the same term (or view): one that a partition has cut off still calls itself leader, and serves nobody. Time in which no quorum hangs together does
 * not count.
 */
export class LeaderWatch {
  readonly #founders: readonly string[];
  readonly #quorumOf: (voters: number) => number;
  readonly #reach: Reach;
  readonly #standing = new Map<string, Standing>();
  #sinceMs: number | undefined;
  #longest: Gap | undefined;

  /** @param quorumOf how many of so many voters decide; absent: a majority */
  constructor(agents: readonly string[], reach: Reach, quorumOf = majorityOf) {
    this.#quorumOf = quorumOf;
    this.#founders = agents;
    this.#reach = reach;
  }

  /** What an agent is after an event of its own. */
  stands(agent: string, { role, term, leader }: Standing, nowMs: number): void {
    const known = this.#standing.get(agent);
    if (known && known.role === role && known.term === term && known.leader === leader) return;
    this.#standing.set(agent, { role, term, leader });
    this.look(nowMs);
  }

  /** What was before does not count. */
  begin(nowMs: number): void {
    this.#longest = undefined;
    this.#sinceMs = undefined;
    this.look(nowMs);
  }

  /** To be called whenever a process or a link came, went, or was hit or healed, too. */
  look(nowMs: number): void {
    const missing = this.#leaderMissing();
    if (missing) this.#sinceMs ??= nowMs;
    else this.#close(nowMs);
  }

  /** undefined: there was always one. @param nowMs ends a gap that is still open, which is at least that long */
  longest(nowMs: number): Gap | undefined {
    const open = this.#sinceMs === undefined ? undefined : { sinceMs: this.#sinceMs, forMs: nowMs - this.#sinceMs };
    return open && open.forMs > (this.#longest?.forMs ?? 0) ? open : this.#longest;
  }

  #close(nowMs: number): void {
    if (this.#sinceMs === undefined) return;
    const forMs = nowMs - this.#sinceMs;
    if (forMs > (this.#longest?.forMs ?? 0)) this.#longest = { sinceMs: this.#sinceMs, forMs };
    this.#sinceMs = undefined;
  }

  /** A quorum hangs together, and nobody leads it. */
  #leaderMissing(): boolean {
    const voters = this.#reach.voters?.() ?? this.#founders;
    const agents = [...new Set([...voters, ...this.#founders])];
    const quorum = this.#quorumOf(voters.length);
    const seen = new Set<string>();
    for (const agent of voters) {
      if (seen.has(agent) || !this.#reach.up(agent)) continue;
      // Others pass messages on, and have no say.
      const part = this.#partOf(agent, agents).filter((member) => voters.includes(member));
      for (const member of part) seen.add(member);
      if (part.length >= quorum) return !part.some((leader) => this.#leads(leader, part, quorum));
    }
    return false;
  }

  #leads(agent: string, part: readonly string[], quorum: number): boolean {
    const own = this.#standing.get(agent);
    if (own === undefined || !leads(own.role)) return false;
    let followers = 0;
    for (const member of part) {
      const standing = this.#standing.get(member);
      if (standing?.leader === agent && standing.term === own.term) followers++;
    }
    return followers >= quorum;
  }

  /** All that hang together with it, through others too. */
  #partOf(agent: string, agents: readonly string[]): string[] {
    const part = [agent];
    const rest = new Set(agents.filter((other) => other !== agent && this.#reach.up(other)));
    for (const member of part)
      for (const other of rest)
        if (this.#reach.linked(member, other)) {
          rest.delete(other);
          part.push(other);
        }
    return part;
  }
}
