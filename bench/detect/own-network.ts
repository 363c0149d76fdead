/**
 * own-network.ts SUBJECT AGENTS SETTLE_S MEASURE_S: runs a swarm in a network namespace that is this process's own, and prints what its loopback interface
 * counted, as JSON. Nothing else is said there while it counts.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { TIMING } from "../../server/meshfile/timing.ts";
import { type BareSwarmOptions, startBareSwarm } from "../bare-swarm.ts";
import { benchFolder } from "../folder.ts";
import { withSerf } from "../peers/serf.ts";
import { type Counted, countersOf } from "./counters.ts";

/** Beyond any measurement. */
const NEVER_MS = 3_600_000;

/**
 * Gossip with its comparisons put off says nothing as long as nobody writes: what is left is the detector's. The detector does not go by `memberHeartbeatMs`.
 */
const SWARMS = {
  "detector lan": { consensus: "gossip", timing: { ...TIMING.lan, memberHeartbeatMs: NEVER_MS } },
  "detector local": { consensus: "gossip", timing: { ...TIMING.local, memberHeartbeatMs: NEVER_MS } },
  "raft lan": { consensus: "raft", timing: TIMING.lan },
} as const satisfies Readonly<Record<string, BareSwarmOptions>>;

export type Subject = keyof typeof SWARMS | "serf lan";

async function count(settleS: number, measureS: number): Promise<Counted> {
  await seconds(settleS);
  const before = counters();
  await seconds(measureS);
  const after = counters();
  return { bytes: after.bytes - before.bytes, packets: after.packets - before.packets };
}

function counters(): Counted {
  return countersOf(readFileSync("/proc/self/net/dev", "utf8"), "lo");
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

async function main([subject, agents, settleS, measureS]: readonly string[]): Promise<void> {
  if (spawnSync("ip", ["link", "set", "lo", "up"]).status !== 0) throw new Error("the loopback interface stays down");
  const counted = (): Promise<Counted> => count(Number(settleS), Number(measureS));
  if (subject === "serf lan") {
    process.stdout.write(JSON.stringify(await withSerf(Number(agents), counted)));
    return;
  }
  const folder = benchFolder();
  try {
    const swarm = await startBareSwarm(folder, Number(agents), SWARMS[subject as keyof typeof SWARMS]);
    try {
      process.stdout.write(JSON.stringify(await counted()));
    } finally {
      await swarm.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
