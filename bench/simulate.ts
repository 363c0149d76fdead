import type { TimingProfile } from "../server/contract/mesh.ts";
import { quickMesh } from "../server/meshfile/mesh-file.ts";
import { TIMING } from "../server/meshfile/timing.ts";
import { simulate } from "../server/sim/simulate.ts";
import { type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";
import { bareEventsPerSecond, runPlain } from "./simulate-plain.ts";

const AGENTS = 12;
/** How much faster than real time each is to be. */
const PROFILES: readonly (readonly [TimingProfile, number | undefined])[] = [
  ["local", undefined],
  ["lan", 1000],
  ["seed", 5000],
];
const MESSAGES_AIM = 400_000;
const RUN_MS = 10_000;
const QUICK_RUN_MS = 1000;

/**
 * How fast meshes are simulated in one thread, by CPU time. 5 Raft agents without faults: Raft messages and frames a second, with the trace hash and the
 * checkers and without. 12 agents under chaos from the seed, clients at work, all checkers on, seed after seed after a first one that only warms
 * up: virtual to real time. Beside them the limit: an event loop with nothing in it.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const forMs = quick ? QUICK_RUN_MS : RUN_MS;
  const figures: Figure[] = [];
  for (const checked of [true, false]) {
    const what = `5 agents, checkers ${checked ? "on" : "off"}`;
    say(`simulate: ${what}`);
    figures.push(...plainFigures(what, checked, forMs));
  }
  for (const [profile, aim] of PROFILES) {
    say(`simulate: ${AGENTS} agents under chaos, timing ${profile}`);
    figures.push(...chaosFigures(profile, aim, forMs));
  }
  figures.push(measured("a bare event loop: events", bareEventsPerSecond(forMs / 10), "/s"));
  return { bench: "simulate", machine: machine(), figures };
}

function plainFigures(what: string, checked: boolean, forMs: number): Figure[] {
  const { frames, raftMessages, committed, virtualMs, cpuMs } = runPlain(checked, forMs);
  const seconds = cpuMs / 1000;
  return [
    aimed(`${what}: Raft messages delivered`, raftMessages / seconds, "/s", MESSAGES_AIM),
    measured(`${what}: frames delivered`, frames / seconds, "/s"),
    measured(`${what}: Raft messages a frame`, raftMessages / frames, ""),
    measured(`${what}: entries committed`, committed / seconds, "/s"),
    measured(`${what}: virtual to real time`, virtualMs / cpuMs, "x"),
  ];
}

function chaosFigures(profile: TimingProfile, aim: number | undefined, forMs: number): Figure[] {
  const mesh = {
    ...quickMesh({ name: "bench", agents: AGENTS, topology: "mesh", consensus: "raft" }),
    timing: TIMING[profile],
  };
  const { delivered, virtualMs, cpuMs, seeds } = measure(forMs, (seed) => simulate(mesh, seed, { chaos: true }));
  const seconds = cpuMs / 1000;
  const name = `${AGENTS} agents, ${profile}: virtual to real time`;
  return [
    aim === undefined ? measured(name, virtualMs / cpuMs, "x") : aimed(name, virtualMs / cpuMs, "x", aim),
    measured(`${AGENTS} agents, ${profile}: frames delivered`, delivered / seconds, "/s"),
    measured(`${AGENTS} agents, ${profile}: seeds`, seeds / (seconds / 60), "/min"),
  ];
}

function measured(name: string, value: number, unit: string): Figure {
  return { name, value, unit, goal: "", met: true };
}

function aimed(name: string, value: number, unit: string, aim: number): Figure {
  return { name, value, unit, goal: `at least ${aim.toLocaleString("en")}${unit}`, met: value >= aim };
}

interface Measured {
  readonly delivered: number;
  readonly virtualMs: number;
  readonly cpuMs: number;
  readonly seeds: number;
}

/** @throws Error when a seed breaks an invariant: its figures would be those of another program. */
function measure(forMs: number, simulateSeed: (seed: number) => ReturnType<typeof simulate>): Measured {
  simulateSeed(1);
  const total = { delivered: 0, virtualMs: 0, cpuMs: 0, seeds: 0 };
  const start = process.threadCpuUsage();
  for (let seed = 2; total.cpuMs < forMs; seed++) {
    const report = simulateSeed(seed);
    if (report.violation)
      throw new Error(`seed ${seed} broke ${report.violation.invariant}: ${report.violation.detail}`);
    total.delivered += report.delivered;
    total.virtualMs += report.virtualMs;
    total.seeds++;
    const { user, system } = process.threadCpuUsage(start);
    total.cpuMs = (user + system) / 1000;
  }
  return total;
}
