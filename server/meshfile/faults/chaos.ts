/** One fault drawn at random: its kind by the given weights, whom and how much by what hurts a mesh of this timing. */
import { CONSENSUS } from "../../contract/consensus.ts";
import {
  type DiskTrouble,
  FAULT_KINDS,
  type FaultKind,
  type FaultSpec,
  PARTITION_SHAPES,
  type Toxic,
} from "../../contract/faults.ts";
import { BROADCAST_MESSAGE_TYPES, type MessageType } from "../../contract/timeline.ts";
import type { Random } from "../../core/random.ts";
import { FEWEST_AGENTS } from "./partitions.ts";
import type { PlanMesh } from "./presets.ts";
import { minorityOf } from "./targets.ts";

/** The leader is hit more often than its share: that is where it hurts. */
const LEADER_SHARE = 0.4;
const GROUP_SHARE = 0.2;

/** Kinds that hit somebody in this mesh, in the order of the contract. */
export function chaosKinds(
  weights: Readonly<Partial<Record<FaultKind, number>>>,
  mesh: PlanMesh,
): readonly { readonly kind: FaultKind; readonly weight: number }[] {
  const needLinks: readonly FaultKind[] = ["slow", "lossy", "link", "partition", "isolate", "message"];
  return FAULT_KINDS.filter((kind) => mesh.links.length > 0 || !needLinks.includes(kind))
    .map((kind) => ({ kind, weight: weights[kind] ?? 0 }))
    .filter(({ weight }) => weight > 0);
}

/** undefined when no kind is left to draw. */
export function drawFault(
  weights: Readonly<Partial<Record<FaultKind, number>>>,
  longestMs: number,
  mesh: PlanMesh,
  random: Random,
): FaultSpec | undefined {
  const kinds = chaosKinds(weights, mesh);
  let left = random.float() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = kinds.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  const kind = (drawn ?? kinds.at(-1))?.kind;
  if (kind === undefined) return undefined;
  return faultOf(kind, Math.max(1, Math.round(longestMs * random.float())), mesh, random);
}

function faultOf(kind: FaultKind, forMs: number, mesh: PlanMesh, random: Random): FaultSpec {
  const { agents, links, timing } = mesh;
  const agent = drawTarget(mesh, random);
  const ends: { readonly a: string; readonly b?: string } =
    random.chance(0.5) && links.length > 0 ? random.pick(links) : { a: agent };
  const delayMs = () => Math.max(1, Math.round(random.float() * timing.electionTimeoutMinMs));
  const share = () => 0.05 + 0.9 * random.float();
  switch (kind) {
    case "crash":
    case "pause":
    case "isolate":
      return { kind, agent, forMs };
    case "partition":
      return {
        kind,
        sides: [],
        shape: random.pick(PARTITION_SHAPES.filter((shape) => FEWEST_AGENTS[shape] <= agents.length)),
        forMs,
      };
    case "slow":
      return { kind, ...ends, delayMs: delayMs(), jitterMs: delayMs(), forMs };
    case "lossy":
      return { kind, ...ends, loss: share(), forMs };
    case "link": {
      const direction = random.pick(["both", "out", "in"] as const);
      return { kind, ...ends, direction, toxics: [drawToxic(delayMs, share, random)], forMs };
    }
    case "message": {
      const type = random.pick(messageTypes(mesh));
      const action = random.pick([
        { action: "drop" },
        { action: "delay", delayMs: delayMs() },
        { action: "duplicate", copies: 1 },
        { action: "corrupt" },
      ] as const);
      return { kind, match: { types: [type] }, action, probability: share(), forMs };
    }
    case "disk":
      return { kind, agent, disk: drawDisk(mesh, delayMs, random), forMs };
    case "clock":
      return {
        kind,
        agent,
        skewMs: random.int(-timing.electionTimeoutMinMs, timing.electionTimeoutMinMs),
        driftPpm: random.int(-50_000, 50_000),
        forMs,
      };
    case "cpu":
      return { kind, agent, slowdown: 1 + random.int(1, 9), forMs };
    case "byzantine":
      return { kind, agent: "one", behaviour: random.pick(CONSENSUS[mesh.consensus ?? "raft"].behaviours), forMs };
  }
}

/** Where writes are broadcast, the messages of that, too. */
function messageTypes({ agents, links, consensus = "raft" }: PlanMesh): readonly MessageType[] {
  const own = CONSENSUS[consensus].messageTypes;
  const spread = consensus === "gossip" && links.length < (agents.length * (agents.length - 1)) / 2;
  return spread ? [...own, ...BROADCAST_MESSAGE_TYPES] : own;
}

function drawTarget({ agents, consensus = "raft" }: PlanMesh, random: Random): string {
  const share = random.float();
  if (share < LEADER_SHARE) return CONSENSUS[consensus].leader === "" ? "one" : "leader";
  return share < LEADER_SHARE + GROUP_SHARE && minorityOf(agents.length) > 0 ? "minority" : "one";
}

function drawToxic(delayMs: () => number, share: () => number, random: Random): Toxic {
  return random.pick<() => Toxic>([
    () => ({ toxic: "latency", delay: { shape: "normal", ms: delayMs(), spread: delayMs() / 2 } }),
    () => ({ toxic: "latency", delay: { shape: "pareto", ms: delayMs() / 4, spread: 1.5 } }),
    () => ({ toxic: "duplicate", share: share() }),
    () => ({ toxic: "reorder", share: share(), byMs: delayMs() }),
    () => ({ toxic: "corrupt", share: share() / 4 }),
    () => ({ toxic: "bandwidth", bytesPerSecond: random.int(2_000, 50_000) }),
    () => ({ toxic: "reset", afterMs: delayMs() }),
    () => ({ toxic: "flap", upMs: delayMs(), downMs: delayMs() }),
  ])();
}

/** What an agent that is to survive can recover from. */
function drawDisk({ realDisks = false }: PlanMesh, delayMs: () => number, random: Random): DiskTrouble {
  const troubles: readonly (() => DiskTrouble)[] = [
    () => ({ trouble: "slow", delayMs: delayMs() }),
    () => ({ trouble: "failing" }),
    () => ({ trouble: "full" }),
    () => ({ trouble: "tornTail" }),
  ];
  return random.pick(realDisks ? troubles.slice(0, -1) : troubles)();
}
