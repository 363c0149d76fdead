import { CONSENSUS, type ConsensusKind } from "../../contract/consensus.ts";
import { type FaultTarget, GROUP_TARGETS, type GroupTarget, ZONE_TARGET } from "../../contract/faults.ts";
import type { Zones } from "../../core/overlay/zones.ts";
import type { Random } from "../../core/random.ts";
import { zoneNames } from "../zones-section.ts";
import { FaultRefusal } from "./refusal.ts";

/** The mesh that a fault hits, at the moment it does. */
export interface FaultGround {
  /** In roster order. */
  readonly agents: readonly string[];
  readonly links: readonly { readonly a: string; readonly b: string }[];
  readonly leader: string | null;
  /** Absent: one with a leader. */
  readonly consensus?: ConsensusKind;
  /** Whose process runs: groups are drawn from them, so that a fault hits somebody. Absent, or none: from all. */
  readonly alive?: readonly string[];
  /** Who votes: what a minority or majority is of. Absent, or none: all agents. */
  readonly voters?: readonly string[];
  /** Absent: there are none. */
  readonly zones?: Zones;
}

export function isGroupTarget(target: FaultTarget): target is GroupTarget {
  return (GROUP_TARGETS as readonly string[]).includes(target);
}

/** The zone that a target means as a whole; undefined: it means none. */
export function zoneTarget(target: FaultTarget): string | undefined {
  return target.startsWith(ZONE_TARGET) ? target.slice(ZONE_TARGET.length) : undefined;
}

/** Why there is no such zone, and which there are. */
export function noSuchZone(zone: string, zones: Zones | undefined): string {
  const names = zoneNames(zones);
  return names.length === 0
    ? `There is no zone "${zone}": the mesh file says nothing of zones.`
    : `There is no zone "${zone}". The zones are ${names.join(", ")}.`;
}

/** What is wrong with a fault for the leader of a swarm that never has one. */
export const NOBODY_LEADS = "Nobody leads a swarm that decides by gossip: name an agent, or `one` for any of them.";

export function isLeaderless(consensus: ConsensusKind = "raft"): boolean {
  return CONSENSUS[consensus].leader === "";
}

/** The smallest number of agents that is more than half. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** As many as can fail without losing the quorum. */
export function minorityOf(count: number): number {
  return Math.floor((count - 1) / 2);
}

/** The most that is less than a third. */
export function minorityThirdOf(count: number): number {
  return Math.floor((count - 1) / 3);
}

/**
 * The agents that a target means now, in roster order. Minorities and majorities are of those that vote; each is as large as it is of all of them, as far as they
 * are alive.
 * @throws FaultRefusal unknownAgent, noLeader, notPossibleHere (nobody ever leads), tooFew
 */
export function resolveTarget(target: FaultTarget, ground: FaultGround, random: Random): readonly string[] {
  const { agents, leader } = ground;
  const zone = zoneTarget(target);
  if (zone !== undefined) {
    const inside = agents.filter((agent) => ground.zones?.get(agent) === zone);
    if (inside.length === 0) throw new FaultRefusal("unknownAgent", noSuchZone(zone, ground.zones));
    return aliveOf(inside, ground);
  }
  if (!isGroupTarget(target)) return [known(target, agents)];
  if (target === "leader") {
    if (isLeaderless(ground.consensus)) throw new FaultRefusal("notPossibleHere", NOBODY_LEADS);
    if (leader === null)
      throw new FaultRefusal("noLeader", "There is no leader now. Wait for the election to end, or name an agent.");
    return [known(leader, agents)];
  }
  if (target === "everyone") return aliveOf(agents, ground);
  const voters = agents.filter((agent) => ground.voters?.includes(agent) ?? true);
  const group = target === "one" || voters.length === 0 ? agents : voters;
  const size = groupSize(target, group.length);
  if (size === 0)
    throw new FaultRefusal(
      "tooFew",
      `There is no ${target === "minority" ? "minority" : "minority of less than a third"} of ${group.length} ${group.length < agents.length ? "voters" : "agents"}.`,
    );
  const drawn = random.shuffled(aliveOf(group, ground)).slice(0, size);
  return agents.filter((agent) => drawn.includes(agent));
}

/** Those of them whose process runs, or all where none does. */
function aliveOf(group: readonly string[], ground: FaultGround): readonly string[] {
  const alive = group.filter((agent) => ground.alive?.includes(agent) ?? true);
  return alive.length === 0 ? group : alive;
}

function groupSize(target: Exclude<GroupTarget, "leader" | "everyone">, count: number): number {
  switch (target) {
    case "one":
      return 1;
    case "minority":
      return minorityOf(count);
    case "minorityThird":
      return minorityThirdOf(count);
    case "majority":
      return majorityOf(count);
  }
}

function known(agent: string, agents: readonly string[]): string {
  if (agents.includes(agent)) return agent;
  throw new FaultRefusal("unknownAgent", `There is no agent ${agent}. The agents are ${agents.join(", ")}.`);
}
