import { rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { connect, type MeshClient } from "../server/client/client.ts";
import { type BareSwarm, startBareSwarm } from "./bare-swarm.ts";
import { benchFolder } from "./folder.ts";
import { load, type Sample } from "./put-load.ts";
import { alone, type BenchOptions, type BenchReport, type Figure, loadFigure, machine, percentile } from "./report.ts";

const CLIENTS = [1, 64];
const AGENTS = 5;
const NAMESPACE = "bench";
/** Between an agent's answer and the next question: what is asked all the time slows what is measured. */
const LOOK_EVERY_MS = 1;
const BETWEEN_WRITES_MS = 20;

/** From a write's call to its being read: at whom it was asked of it is acknowledged first. */
interface Spreading {
  readonly acknowledgedMs: number;
  /** All five answered a local read with it. */
  readonly everywhereMs: number;
}

/**
 * Durable puts at one of five live agents that decide by gossip, and turn by turn through the leader of five that decide by Raft: what an order for all costs. Besides, how long it takes
 * until a write of gossip can be read at all five. The first round is while the agents' code is still being compiled, and not counted.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const seconds = quick ? 1 : 4;
  const rounds = quick ? 1 : 3;
  const writes = quick ? 50 : 200;
  const folder = benchFolder();
  const samples = { gossip: new Map<number, Sample[]>(), raft: new Map<number, Sample[]>() };
  const swarms: { gossip?: BareSwarm; raft?: BareSwarm } = {};
  const loads: number[] = [];
  let spreading: readonly Spreading[] = [];
  try {
    for (const consensus of ["gossip", "raft"] as const)
      swarms[consensus] = await startBareSwarm(join(folder, consensus), AGENTS, { consensus });
    for (let round = 0; round <= rounds; round++) {
      for (const clients of CLIENTS) {
        for (const consensus of ["gossip", "raft"] as const) {
          const measured = await measure(swarms[consensus] as BareSwarm, clients, seconds);
          const { perSecond, p50Ms, p99Ms } = measured;
          say(
            `round ${round}, ${clients} clients: ${consensus} ${Math.round(perSecond)}/s, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`,
          );
          if (round === 0) continue;
          samples[consensus].set(clients, [...(samples[consensus].get(clients) ?? []), measured]);
        }
        loads.push(loadavg()[0] as number);
      }
    }
    spreading = await spread(swarms.gossip as BareSwarm, writes);
    loads.push(loadavg()[0] as number);
  } finally {
    await swarms.gossip?.stop();
    await swarms.raft?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const figures = CLIENTS.flatMap((clients) =>
    figuresOf(clients, samples.gossip.get(clients) as Sample[], samples.raft.get(clients) as Sample[]),
  );
  for (const [share, name] of [
    [0.5, "median"],
    [0.99, "p99"],
  ] as const)
    figures.push(
      alone(
        `a write until it is acknowledged, ${name} of ${spreading.length}`,
        "ms",
        percentile(
          spreading.map(({ acknowledgedMs }) => acknowledgedMs),
          share,
        ),
      ),
      alone(
        `a write until all ${AGENTS} answer with it, ${name} of ${spreading.length}`,
        "ms",
        percentile(
          spreading.map(({ everywhereMs }) => everywhereMs),
          share,
        ),
      ),
    );
  figures.push(loadFigure(loads));
  return { bench: "gossip", machine: machine(), figures };
}

/** A connection of its own: to whoever leads, by gossip to anyone. */
async function measure(swarm: BareSwarm, clients: number, seconds: number): Promise<Sample> {
  const mesh = connect({ agents: swarm.agents, token: swarm.token, maxInFlight: 1024 });
  try {
    // Finds the leader.
    await load((key, value) => mesh.put(NAMESPACE, key, value), clients, 0.5);
    return await load((key, value) => mesh.put(NAMESPACE, key, value), clients, seconds);
  } finally {
    mesh.close();
  }
}

/** One write after the other, each at the next agent, with nothing else to do; all are asked for it from its call on, each again 1 ms after it has answered. */
async function spread(swarm: BareSwarm, writes: number): Promise<Spreading[]> {
  const at = swarm.agents.map((agent) => connect({ agents: [agent], token: swarm.token }));
  try {
    // Connects.
    await Promise.all(at.map((mesh) => mesh.get(NAMESPACE, "spread")));
    const measured: Spreading[] = [];
    for (let write = 0; write < writes; write++) {
      const value = `spread-${write}`;
      const began = performance.now();
      const acknowledged = (at[write % AGENTS] as MeshClient)
        .put(NAMESPACE, "spread", value)
        .then(() => performance.now() - began);
      const read = at.map(async (mesh) => {
        while (!isValue((await mesh.get(NAMESPACE, "spread"))?.value, value)) await pause(LOOK_EVERY_MS);
        return performance.now() - began;
      });
      measured.push({ acknowledgedMs: await acknowledged, everywhereMs: Math.max(...(await Promise.all(read))) });
      // So that the next one does not travel with what this one still has to say.
      await pause(BETWEEN_WRITES_MS);
    }
    return measured;
  } finally {
    for (const mesh of at) mesh.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isValue(bytes: Uint8Array | undefined, text: string): boolean {
  return bytes !== undefined && Buffer.from(bytes).toString() === text;
}

function figuresOf(clients: number, gossip: readonly Sample[], raft: readonly Sample[]): Figure[] {
  const beside = (name: string, unit: string, of: (measured: Sample) => number): Figure => {
    const value = percentile(gossip.map(of), 0.5);
    const peerValue = percentile(raft.map(of), 0.5);
    return {
      name: `${name}, ${clients} ${clients === 1 ? "client" : "clients"}`,
      value,
      unit,
      peer: "raft, 5 agents",
      peerValue,
      ratio: value / peerValue,
      goal: "",
      met: true,
    };
  };
  return [
    beside("puts", "/s", ({ perSecond }) => perSecond),
    beside("p50", "ms", ({ p50Ms }) => p50Ms),
    beside("p99", "ms", ({ p99Ms }) => p99Ms),
  ];
}
