import { CONSENSUS, type ConsensusKind } from "../contract/consensus.ts";
import { BYZANTINE_BEHAVIOURS, type FaultKind, type FaultSpec, type Toxic } from "../contract/faults.ts";
import type { Timing } from "../contract/mesh.ts";
import { faultsToleratedBy } from "../core/pbft/replicas.ts";
import type { Random } from "../core/random.ts";
import { drawFault } from "../meshfile/faults/chaos.ts";
import type { PlanMesh } from "../meshfile/faults/presets.ts";
import type { Weather } from "./network.ts";

type Link = { readonly a: string; readonly b: string };

export interface DrawnFault {
  /** From the plan's start. */
  readonly atMs: number;
  readonly fault: FaultSpec;
}

export interface ChaosPlan {
  readonly faults: readonly DrawnFault[];
  readonly weather: Weather;
  /** Connections that break although both ends live: one every so many ms, on average; Infinity = none. */
  readonly breakEveryMs: number;
}

/**
 * Bad luck from a seed. Each seed also draws which kinds of bad luck it has at all and how much of each (swarm testing: Groce et al., 2012): runs in which only
 * one thing goes wrong, and often, reach states that an even mixture never does.
 * @param lengthMs of the whole plan; every fault heals within it.
 */
export function chaosPlan(
  random: Random,
  roster: readonly string[],
  links: readonly Link[],
  timing: Timing,
  lengthMs: number,
  consensus: ConsensusKind = "raft",
): ChaosPlan {
  const weather: Weather = {
    loss: sometimes(random, 0.5) * 0.15,
    duplication: sometimes(random, 0.5) * 0.15,
    reordering: sometimes(random, 0.5) * 0.3,
    reorderMs: random.float() * timing.electionTimeoutMinMs * 0.5,
  };
  const breakEveryMs = random.chance(0.4)
    ? timing.electionTimeoutMinMs * (0.5 + 4 * random.float())
    : Number.POSITIVE_INFINITY;
  const kinds = KINDS.filter((kind) => random.chance(0.6) && (links.length > 0 || !NEEDS_LINKS.includes(kind)));
  const faults: DrawnFault[] = [];
  // From a fault every fifth of an election timeout to one every few.
  const everyMs = timing.electionTimeoutMaxMs * (0.2 + 2.5 * random.float());
  let atMs = everyMs * random.float();
  while (kinds.length > 0 && atMs < lengthMs * 0.9) {
    const longestMs = Math.min(timing.electionTimeoutMaxMs * 4, lengthMs - atMs);
    const share = random.float();
    const forMs = Math.max(1, Math.round(longestMs * share * share));
    for (const fault of drawFaults(random, random.pick(kinds), { agents: roster, links, timing, consensus }, forMs))
      faults.push({ atMs: Math.round(atMs), fault });
    atMs += everyMs * 2 * random.float() + 1;
  }
  if (consensus === "pbft") faults.push(...drawLies(random, roster, timing, lengthMs));
  return { faults, weather, breakEveryMs };
}

/**
 * Fault kinds that a mesh of honest agents survives, a power cut (many crash at the same moment) and partitions of all shapes, also those that only one direction notices. Agents
 * that lie come with a consensus that survives them; disks that lose what they said was safe are for mesh files that ask for them.
 */
const KINDS = [
  "crash",
  "powerCut",
  "pause",
  "partition",
  "shape",
  "isolate",
  "slow",
  "lossy",
  "link",
  "message",
  "disk",
  "clock",
  "cpu",
] as const;

/** A few lies, one after the other or at the same time, of no more agents than are survived. In two runs of three somebody lies. */
function drawLies(random: Random, roster: readonly string[], timing: Timing, lengthMs: number): readonly DrawnFault[] {
  const liars = random.shuffled(roster).slice(0, random.int(0, faultsToleratedBy(roster.length)));
  if (random.chance(1 / 3)) return [];
  return liars.flatMap((agent) =>
    Array.from({ length: random.int(1, 3) }, (): DrawnFault => {
      const atMs = Math.round(random.float() * lengthMs * 0.8);
      const forMs = Math.max(
        1,
        Math.round(random.float() * Math.min(lengthMs - atMs, timing.electionTimeoutMaxMs * 12)),
      );
      return { atMs, fault: { kind: "byzantine", agent, behaviour: random.pick(BYZANTINE_BEHAVIOURS), forMs } };
    }),
  );
}

const NEEDS_LINKS: readonly string[] = [
  "partition",
  "shape",
  "slow",
  "lossy",
  "link",
  "message",
] satisfies (typeof KINDS)[number][];

/** All links of the agent, or as often a single one, of the agent where it has a name. */
function linkEnds(random: Random, agent: string, links: readonly Link[]): { readonly a: string; readonly b?: string } {
  const own = agent === "leader" ? links : links.filter(({ a, b }) => a === agent || b === agent);
  return random.chance(0.5) && own.length > 0 ? random.pick(own) : { a: agent };
}

/** 0, or with the given probability something in (0, 1). */
function sometimes(random: Random, probability: number): number {
  const strength = random.float();
  return random.chance(probability) ? strength : 0;
}

function drawFaults(random: Random, kind: (typeof KINDS)[number], mesh: PlanMesh, forMs: number): readonly FaultSpec[] {
  const { agents: roster, links, timing, consensus = "raft" } = mesh;
  // The leader is hit more often than its share: that is where it hurts. Where nobody leads, all are alike.
  const leads = CONSENSUS[consensus].leader !== "";
  const agent = leads && random.chance(0.4) ? "leader" : random.pick(roster);
  const ends = linkEnds(random, agent, links);
  const shuffled = random.shuffled(roster);
  const drawn = (kind: FaultKind): readonly FaultSpec[] => {
    const fault = drawFault({ [kind]: 1 }, forMs, mesh, random);
    return fault === undefined ? [] : [fault];
  };
  switch (kind) {
    case "crash":
    case "pause":
    case "isolate":
      return [{ kind, agent, forMs }];
    case "powerCut": {
      const hit = random.int(Math.ceil(roster.length / 2), roster.length);
      return shuffled.slice(0, hit).map((one) => ({ kind: "crash", agent: one, forMs }));
    }
    case "partition":
      return [{ kind, sides: [shuffled.slice(0, random.int(1, Math.max(1, roster.length - 1)))], forMs }];
    case "slow": {
      const delayMs = Math.round(random.float() * timing.electionTimeoutMinMs);
      return [{ kind, ...ends, delayMs, jitterMs: Math.round(delayMs / 2), forMs }];
    }
    case "lossy":
      return [{ kind, ...ends, loss: 0.05 + 0.9 * random.float(), forMs }];
    case "shape":
      return drawn("partition");
    case "link":
    case "message":
    case "disk":
    case "clock":
    case "cpu":
      return drawn(kind);
  }
}

/** What the weather would be as a fault of all links. */
export function weatherToxics({ loss, duplication, reordering, reorderMs }: Weather): readonly Toxic[] {
  return [
    ...(loss > 0 ? [{ toxic: "loss", share: loss } as const] : []),
    ...(duplication > 0 ? [{ toxic: "duplicate", share: duplication } as const] : []),
    ...(reordering > 0 ? [{ toxic: "reorder", share: reordering, byMs: Math.max(1, reorderMs) } as const] : []),
  ];
}
