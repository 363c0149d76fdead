import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";
import { withSwarm } from "./swarms.ts";

const AGENTS = 12;
const START_GOAL_MS = 3000;
const MEMORY_GOAL_MB = 20;

/** From the command to "a leader is known by all and all links are up", and the memory an agent takes above a bare Node process with one ws server. */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const starts: number[] = [];
  const resident: number[] = [];
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    say(`bringing up ${AGENTS} agents, round ${round + 1}`);
    await withSwarm(
      { name: "bench", agents: AGENTS, topology: "mesh", consensus: "raft" },
      async (_, swarm, startMs) => {
        starts.push(startMs);
        for (const agent of swarm.agents) if (agent.pid !== null) resident.push(residentMb(agent.pid));
      },
    );
  }
  const bare = await bareServerMb();
  const start = percentile(starts, 0.5);
  const above = percentile(resident, 0.5) - bare;
  const figures: Figure[] = [
    {
      name: `${AGENTS} agents up (median of ${starts.length})`,
      value: start,
      unit: "ms",
      goal: `at most ${START_GOAL_MS} ms`,
      met: start <= START_GOAL_MS,
    },
    { name: `${AGENTS} agents up (slowest)`, value: Math.max(...starts), unit: "ms", goal: "", met: true },
    {
      name: "RSS of an agent above a bare Node process with a ws server (median)",
      value: above,
      unit: "MB",
      peer: "bare",
      peerValue: bare,
      goal: `at most ${MEMORY_GOAL_MB} MB`,
      met: above <= MEMORY_GOAL_MB,
    },
  ];
  return { bench: "startup", machine: machine(), figures };
}

/** Resident memory as the kernel tells it. @throws where there is no /proc. */
function residentMb(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (!found) throw new Error(`/proc/${pid}/status tells no VmRSS`);
  return Number(found[1]) / 1024;
}

async function bareServerMb(): Promise<number> {
  const source =
    'const { WebSocketServer } = require("ws"); new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => console.log("up"));';
  const child = spawn(process.execPath, ["-e", source], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    return residentMb(child.pid as number);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}
