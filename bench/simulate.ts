import type { TimingProfile } from "../server/contract/mesh.ts";
import { quickMesh } from "../server/meshfile/mesh-file.ts";
import { TIMING } from "../server/meshfile/timing.ts";
import { simulate } from "../server/sim/simulate.ts";
import { type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";

const AGENTS = 12;
const PROFILES = ["local", "lan", "seed"] as const satisfies readonly TimingProfile[];
const RUN_MS = 10_000;
const QUICK_RUN_MS = 1000;

/**
 * How fast a whole mesh is simulated: 12 agents, every link, chaos from the seed, clients at work, all checkers on. Seed after seed for some seconds a timing
 * profile, after a first one that only warms up. A delivered message is one frame from one agent to another, however many consensus and membership
 * messages share it.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  for (const profile of PROFILES) {
    say(`simulate: ${AGENTS} agents, timing ${profile}`);
    const mesh = {
      ...quickMesh({ name: "bench", agents: AGENTS, topology: "mesh", consensus: "raft" }),
      timing: TIMING[profile],
    };
    const measured = measure(quick ? QUICK_RUN_MS : RUN_MS, (seed) => simulate(mesh, seed, { chaos: true }));
    const { delivered, virtualMs, wallMs, cpuMs, seeds } = measured;
    const plain = { goal: "", met: true };
    figures.push(
      { name: `${profile}: delivered messages a second`, value: delivered / (wallMs / 1000), unit: "1/s", ...plain },
      { name: `${profile}: delivered messages a CPU second`, value: delivered / (cpuMs / 1000), unit: "1/s", ...plain },
      { name: `${profile}: virtual to real time`, value: virtualMs / wallMs, unit: "x", ...plain },
      { name: `${profile}: seeds a minute`, value: seeds / (wallMs / 60_000), unit: "1/min", ...plain },
    );
  }
  return { bench: "simulate", machine: machine(), figures };
}

interface Measured {
  delivered: number;
  virtualMs: number;
  wallMs: number;
  cpuMs: number;
  seeds: number;
}

/** @throws Error when a seed breaks an invariant: its figures would be those of another program. */
function measure(forMs: number, simulateSeed: (seed: number) => ReturnType<typeof simulate>): Measured {
  simulateSeed(1);
  const total: Measured = { delivered: 0, virtualMs: 0, wallMs: 0, cpuMs: 0, seeds: 0 };
  const startMs = performance.now();
  const startCpu = process.threadCpuUsage();
  for (let seed = 2; total.wallMs < forMs; seed++) {
    const report = simulateSeed(seed);
    if (report.violation)
      throw new Error(`seed ${seed} broke ${report.violation.invariant}: ${report.violation.detail}`);
    total.delivered += report.delivered;
    total.virtualMs += report.virtualMs;
    total.seeds++;
    total.wallMs = performance.now() - startMs;
  }
  const cpu = process.threadCpuUsage(startCpu);
  total.cpuMs = (cpu.user + cpu.system) / 1000;
  return total;
}
