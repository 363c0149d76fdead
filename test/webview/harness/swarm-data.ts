/** Swarms to show: made up, but whole and consistent, as a coordinator would describe them. */
import type { ActiveFault, Toxic } from "../../../server/contract/faults.ts";
import type { TopologyName } from "../../../server/contract/mesh.ts";
import type {
  AgentReputation,
  AgentView,
  GossipReport,
  LinkView,
  RoleName,
  SwarmHealth,
  SwarmView,
} from "../../../server/contract/swarm.ts";
import { buildLinks } from "../../../server/core/overlay/topology.ts";

export const STARTED_AT_MS = Date.UTC(2026, 4, 12, 9, 30, 0);

export interface SwarmOptions {
  readonly agents: number;
  readonly topology?: TopologyName | "links";
  /** For `links`: how many, beside a chain through all agents. */
  readonly links?: number;
  /** So many of the last agents only learn. */
  readonly learners?: number;
  /** Over which the agents are dealt out in runs; absent: none. */
  readonly zones?: readonly string[];
  readonly leader?: string | null;
  readonly faults?: readonly ActiveFault[];
  readonly revision?: number;
}

/** The same number for the same i, evenly spread in [0, 1). */
export function spread(i: number): number {
  const x = Math.sin(i * 12.9898 + 78.233) * 43_758.5453;
  return x - Math.floor(x);
}

export function makeSwarm(options: SwarmOptions): SwarmView {
  const ids = Array.from({ length: options.agents }, (_, i) => `a${i + 1}`);
  const topology = options.topology ?? "mesh";
  const leader = options.leader === undefined ? "a2" : options.leader;
  const faults = options.faults ?? [];
  const links = pairsOf(topology, ids, options.links ?? 0).map(([a, b], i) => makeLink(a, b, i, faults));
  const voters = ids.slice(0, ids.length - (options.learners ?? 0));
  const learners = ids.slice(voters.length);
  const agents = ids.map(
    (id, i): AgentView => ({
      ...makeAgent(id, i, leader, links, faults),
      member: learners.includes(id) ? "learner" : "voter",
      ...(options.zones && { zone: options.zones[Math.floor((i * options.zones.length) / ids.length)] ?? "" }),
    }),
  );
  const quorum = Math.floor(voters.length / 2) + 1;
  return {
    id: "swarm-1",
    name: "first-swarm",
    file: "/projects/examples/first.mesh.yaml",
    folder: "/projects/examples",
    phase: "running",
    problem: "",
    topology,
    consensus: "raft",
    detached: false,
    startedAtMs: STARTED_AT_MS,
    health: makeHealth(agents, links, leader, quorum),
    members: { voters, outgoing: [], learners },
    agents,
    links,
    faults,
    tasks: [],
    revision: options.revision ?? 1,
  };
}

const TRUSTED: AgentReputation = {
  median: 0.99,
  lowest: { by: "a4", score: 0.99, uptime: 0.99, latency: 1, honesty: 1, proofs: 0 },
  opinions: 3,
};
const CAUGHT: AgentReputation = {
  median: 0.5,
  lowest: { by: "a4", score: 0.24, uptime: 0.96, latency: 1, honesty: 0.25, proofs: 2 },
  opinions: 3,
};

/** Four agents that decide by PBFT: a2 is the primary, a3 was caught lying, a4 has given up on the view and one other with it. */
export function pbftSwarm(): SwarmView {
  const swarm = makeSwarm({ agents: 4 });
  const roles: Readonly<Record<string, RoleName>> = { a2: "primary", a4: "viewChange" };
  const agents = swarm.agents.map(
    (agent): AgentView => ({
      ...agent,
      role: roles[agent.id] ?? "backup",
      reputation: agent.id === "a3" ? CAUGHT : TRUSTED,
      ...(agent.id === "a4" ? { votes: 2 } : {}),
      ...(agent.id === "a3" ? { provenLiarBy: ["a4"], lies: ["a3 signed two prepares for view 3, sequence 41"] } : {}),
    }),
  );
  const summary = "4/4 agents, primary a2, view 3, a3 lies";
  const health: SwarmHealth = { ...swarm.health, level: "degraded", summary, quorum: 3, faultsTolerated: 1 };
  return { ...swarm, consensus: "pbft", agents, health };
}

/** Five agents that decide by gossip. Cut in two: a1 and a2 have something that the others have not heard of yet. */
export function gossipSwarm(cut = false): SwarmView {
  const sides = [
    ["a1", "a2"],
    ["a3", "a4", "a5"],
  ];
  const partition = makeFault(
    "f1",
    { kind: "partition", sides },
    ["a1", "a2", "a3", "a4", "a5"],
    "a1, a2 | a3, a4, a5",
  );
  const swarm = makeSwarm({ agents: 5, leader: null, faults: cut ? [partition] : [] });
  const agents = swarm.agents.map((agent): AgentView => {
    const behind = cut && agent.id === "a1" ? 2 : 0;
    const news = cut && (sides[0] as string[]).includes(agent.id);
    const gossip: GossipReport = {
      members: 5,
      counted: true,
      sameVector: news ? 2 : 5,
      behind,
      unshared: 0,
      waiting: 0,
      convergedAtMs: agent.id === "a5" ? null : STARTED_AT_MS + 4000,
      agreement: news ? 0.9412 : 1,
    };
    const health = news ? "failed" : agent.health;
    return { ...agent, role: "peer", term: null, leader: null, health, tasksRunning: 0, gossip };
  });
  const { term: _, ...health } = swarm.health;
  const summary = cut ? "5/5 agents, agreement 0.94, 2 of 5 known to have it all, 4/10 links" : "5/5 agents, converged";
  return {
    ...swarm,
    consensus: "gossip",
    agents,
    health: { ...health, level: cut ? "degraded" : "ok", summary, quorum: 1, leader: null, term: null },
  };
}

function makeHealth(
  agents: readonly AgentView[],
  links: readonly LinkView[],
  leader: string | null,
  quorum: number,
): SwarmHealth {
  const alive = agents.filter((agent) => agent.process === "running").length;
  const level = alive < quorum || leader === null ? "noQuorum" : alive < agents.length ? "degraded" : "ok";
  const who = leader === null ? "no leader" : `leader ${leader}`;
  return {
    level,
    summary: `${alive}/${agents.length} agents, ${who}, term 3`,
    agentsAlive: alive,
    agentsTotal: agents.length,
    quorum,
    leader,
    term: 3,
    linksUp: links.filter((link) => link.state === "up").length,
    linksTotal: links.length,
  };
}

function makeAgent(
  id: string,
  i: number,
  leader: string | null,
  links: readonly LinkView[],
  faults: readonly ActiveFault[],
): Omit<AgentView, "member"> {
  const own = faults.filter((fault) => fault.agents.includes(id));
  const crashed = own.some((fault) => fault.spec.kind === "crash");
  const paused = own.some((fault) => fault.spec.kind === "pause");
  const mine = links.filter((link) => link.a === id || link.b === id);
  return {
    id,
    process: crashed ? "crashed" : paused ? "paused" : "running",
    pid: crashed ? null : 40_000 + i,
    port: 7400 + i,
    observed: !crashed,
    role: id === leader ? "leader" : "follower",
    term: 3,
    leader: leader ?? "",
    commit: 1284 - (i % 3),
    applied: 1284 - (i % 3),
    lastIndex: 1285,
    health: crashed ? "failed" : paused ? "suspected" : "alive",
    suspectedBy: paused ? ["a1", "a2"] : [],
    cpu: crashed ? null : 0.04 + 0.2 * spread(i),
    rssBytes: crashed ? null : (70 + 12 * spread(i)) * 1024 * 1024,
    linksUp: mine.filter((link) => link.state === "up").length,
    linksTotal: mine.length,
    tasksRunning: i % 4 === 0 ? 1 : 0,
    slots: 2,
    faults: own.map((fault) => fault.id),
  };
}

function makeLink(a: string, b: string, i: number, faults: readonly ActiveFault[]): LinkView {
  const out = faults.filter(({ spec }) => touches(spec, a, b) && hitsWay(spec, a, b));
  const back = faults.filter(({ spec }) => touches(spec, a, b) && hitsWay(spec, b, a));
  const own = faults.filter((fault) => out.includes(fault) || back.includes(fault));
  const down = faults.some(({ spec, agents }) => spec.kind === "crash" && (agents.includes(a) || agents.includes(b)));
  const cut = own.some(({ spec }) => spec.kind === "partition" || spec.kind === "isolate");
  const lossy = own.map(({ spec }) => (spec.kind === "lossy" ? spec.loss : 0));
  const slow = own.map(({ spec }) => (spec.kind === "slow" ? spec.delayMs : 0));
  const state = cut ? "cut" : down ? "down" : "up";
  return {
    a,
    b,
    state,
    framesPerSecond: state === "up" ? 10 ** (3 * spread(i)) : 0,
    bytesPerSecond: state === "up" ? 200 * 10 ** (3 * spread(i)) : 0,
    latencyP50Ms: state === "up" ? Math.max(0.2 + 0.6 * spread(i + 7), ...slow) : null,
    loss: Math.max(0, ...lossy),
    delayed: slow.some((ms) => ms > 0) ? 1 : 0,
    corrupted: Math.max(0, ...own.map(({ spec }) => (spec.kind === "link" ? damage(spec.toxics) : 0))),
    faults: own.map(({ id }) => id),
    faultsOut: out.map(({ id }) => id),
    faultsIn: back.map(({ id }) => id),
  };
}

/** Whether a fault on a link befalls what one of its ends sends to the other. */
function hitsWay(spec: ActiveFault["spec"], from: string, to: string): boolean {
  if (spec.kind === "message")
    return [from, undefined].includes(spec.match.from) && [to, undefined].includes(spec.match.to);
  if (spec.kind !== "link" || spec.direction === undefined || spec.direction === "both") return true;
  return (spec.direction === "out") === (spec.a === from);
}

function damage(toxics: readonly Toxic[]): number {
  return Math.max(0, ...toxics.map((one) => (one.toxic === "corrupt" ? one.share : 0)));
}

function touches(spec: ActiveFault["spec"], a: string, b: string): boolean {
  switch (spec.kind) {
    case "partition": {
      const sideOf = (agent: string): number => spec.sides.findIndex((side) => side.includes(agent));
      return sideOf(a) !== sideOf(b);
    }
    case "isolate":
      return spec.agent === a || spec.agent === b;
    case "slow":
    case "lossy":
    case "link":
      if (spec.b === undefined) return spec.a === a || spec.a === b;
      return (spec.a === a && spec.b === b) || (spec.a === b && spec.b === a);
    case "message":
      return true;
    default:
      return false;
  }
}

function pairsOf(topology: string, ids: readonly string[], extra: number): readonly (readonly [string, string])[] {
  const at = (i: number): string => ids[i % ids.length] ?? "";
  const count = ids.length;
  switch (topology) {
    case "ring":
      return ids.map((id, i) => [id, at(i + 1)]);
    case "star":
      return ids.slice(1).map((id) => [at(0), id]);
    case "hierarchical":
      return ids.slice(1).map((id, i) => [at(Math.floor(i / 3)), id]);
    case "grid": {
      const columns = Math.ceil(Math.sqrt(count));
      const right = ids.flatMap((id, i) =>
        (i + 1) % columns !== 0 && i + 1 < count ? [[id, at(i + 1)] as const] : [],
      );
      const below = ids.flatMap((id, i) => (i + columns < count ? [[id, at(i + columns)] as const] : []));
      return [...right, ...below];
    }
    case "k-regular":
    case "small-world":
      return buildLinks(topology, ids).map(({ a, b }) => [a, b]);
    case "links": {
      const pairs = new Map<string, readonly [string, string]>();
      const add = (i: number, j: number): void => {
        const [low, high] = i < j ? [i, j] : [j, i];
        if (low !== high) pairs.set(`${low}-${high}`, [at(low), at(high)]);
      };
      for (let i = 1; i < count; i++) add(i - 1, i);
      for (let i = 0; pairs.size < count - 1 + extra && i < 20 * extra; i++) {
        const from = Math.floor(spread(i) * count);
        add(from, (from + 2 + Math.floor(spread(i + 0.5) ** 3 * 40)) % count);
      }
      return [...pairs.values()];
    }
    default:
      return ids.flatMap((id, i) => ids.slice(i + 1).map((other) => [id, other] as const));
  }
}

export function makeFault(
  id: string,
  spec: ActiveFault["spec"],
  agents: readonly string[],
  title: string,
): ActiveFault {
  return { id, spec, agents, title, sinceMs: STARTED_AT_MS, untilMs: null, source: "person" };
}
