import { rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { connect } from "../server/client/client.ts";
import { type BareSwarm, startBareSwarm } from "./bare-swarm.ts";
import { benchFolder } from "./folder.ts";
import { load, type Sample } from "./put-load.ts";
import { type BenchOptions, type BenchReport, type Figure, loadFigure, machine, percentile } from "./report.ts";
import { consensusUse, reportsOf, type Use } from "./swarm-reports.ts";

const CLIENTS = [1, 16, 64, 256];
const AGENTS = 4;
const MOST_CLIENTS = 256;
const GOAL_PER_SECOND = 3000;

interface Measured extends Sample {
  readonly use: Use;
}

/**
 * Durable puts through four live agents that decide by PBFT, and turn by turn through four that decide by Raft: what it costs that one of them may lie. The first round is
 * while the agents' code is still being compiled, and not counted.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const seconds = quick ? 1 : 4;
  const rounds = quick ? 1 : 3;
  const folder = benchFolder();
  const samples = { pbft: new Map<number, Measured[]>(), raft: new Map<number, Measured[]>() };
  const swarms: { pbft?: BareSwarm; raft?: BareSwarm } = {};
  const loads: number[] = [];
  try {
    for (const consensus of ["pbft", "raft"] as const)
      swarms[consensus] = await startBareSwarm(join(folder, consensus), AGENTS, { consensus });
    for (let round = 0; round <= rounds; round++) {
      for (const clients of CLIENTS) {
        for (const consensus of ["pbft", "raft"] as const) {
          const measured = await measure(swarms[consensus] as BareSwarm, clients, seconds);
          const { perSecond, p50Ms, p99Ms, use } = measured;
          const batches = use.batches > 0 ? `, ${(measured.puts / use.batches).toFixed(1)} puts a batch` : "";
          say(
            `round ${round}, ${clients} clients: ${consensus} ${Math.round(perSecond)}/s, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms${batches}`,
          );
          if (round === 0) continue;
          samples[consensus].set(clients, [...(samples[consensus].get(clients) ?? []), measured]);
        }
        loads.push(loadavg()[0] as number);
      }
    }
  } finally {
    await swarms.pbft?.stop();
    await swarms.raft?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const figures = CLIENTS.flatMap((clients) =>
    figuresOf(clients, samples.pbft.get(clients) as Measured[], samples.raft.get(clients) as Measured[]),
  );
  figures.push(loadFigure(loads));
  return { bench: "pbft", machine: machine(), figures };
}

/** A connection of its own, to whoever leads; what it cost is told by all agents. */
async function measure(swarm: BareSwarm, clients: number, seconds: number): Promise<Measured> {
  const mesh = connect({ agents: swarm.agents, token: swarm.token, maxInFlight: 1024 });
  try {
    // Finds the leader.
    await load((key, value) => mesh.put("bench", key, value), clients, 0.5);
    const before = await reportsOf(swarm);
    const sample = await load((key, value) => mesh.put("bench", key, value), clients, seconds);
    return { ...sample, use: consensusUse(before, await reportsOf(swarm)) };
  } finally {
    mesh.close();
  }
}

function figuresOf(clients: number, pbft: readonly Measured[], raft: readonly Measured[]): Figure[] {
  const beside = (name: string, unit: string, of: (measured: Measured) => number, aim = Number.NaN): Figure => {
    const value = percentile(pbft.map(of), 0.5);
    const peerValue = percentile(raft.map(of), 0.5);
    const aimed = !Number.isNaN(aim);
    return {
      name: `${name}, ${clients} clients`,
      value,
      unit,
      peer: "raft, 4 agents",
      peerValue,
      ratio: value / peerValue,
      goal: aimed ? `at least ${aim}${unit}` : "",
      met: !aimed || value >= aim,
    };
  };
  const alone = (name: string, unit: string, of: (measured: Measured) => number): Figure => ({
    name: `${name}, ${clients} clients`,
    value: percentile(pbft.map(of), 0.5),
    unit,
    goal: "",
    met: true,
  });
  const perBatch = (of: (use: Use) => number) => (measured: Measured) => of(measured.use) / measured.use.batches;
  const perPut = (of: (use: Use) => number) => (measured: Measured) => of(measured.use) / measured.puts;
  return [
    beside("puts", "/s", ({ perSecond }) => perSecond, clients === MOST_CLIENTS ? GOAL_PER_SECOND : Number.NaN),
    beside("p50", "ms", ({ p50Ms }) => p50Ms),
    beside("p99", "ms", ({ p99Ms }) => p99Ms),
    alone("puts a batch", "", ({ puts, use }) => puts / use.batches),
    alone(
      "messages a batch, all agents",
      "",
      perBatch(({ messages }) => messages),
    ),
    alone(
      "signatures made a batch, all agents",
      "",
      perBatch(({ signed }) => signed),
    ),
    alone(
      "signatures verified a batch, all agents",
      "",
      perBatch(({ verified }) => verified),
    ),
    alone(
      "signatures found known a batch, all agents",
      "",
      perBatch(({ known }) => known),
    ),
    beside(
      "messages a put, all agents",
      "",
      perPut(({ messages }) => messages),
    ),
    alone(
      "signatures made a put, all agents",
      "",
      perPut(({ signed }) => signed),
    ),
    alone(
      "signatures verified a put, all agents",
      "",
      perPut(({ verified }) => verified),
    ),
    beside(
      "CPU of all agents a put",
      "us",
      perPut(({ cpuSeconds }) => cpuSeconds * 1e6),
    ),
  ];
}
