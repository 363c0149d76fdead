import { rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { connect, type MeshClient } from "../server/client/client.ts";
import { CONSENSUS_KINDS } from "../server/contract/consensus.ts";
import { type BareSwarm, startBareSwarm } from "./bare-swarm.ts";
import { benchFolder } from "./folder.ts";
import { alone, type BenchOptions, type BenchReport, type Figure, loadFigure, machine, percentile } from "./report.ts";

const PROPOSERS = [1, 16];
const AGENTS = 4;
/** Between an answer and the next question how a proposal stands. */
const LOOK_EVERY_MS = 2;
const BODY = JSON.stringify({ version: "1.4", stage: "production", notes: "x".repeat(200) });

/** Of one proposer's proposals: from the call to its being known to be decided, ms. */
interface Measured {
  readonly tookMs: readonly number[];
  readonly perSecond: number;
}

/**
 * Proposals of some 250 bytes, each put to the vote of all four live agents, which approve: from asking to knowing that it is decided, by each kind of consensus in turn. A vote is signed
 * (Ed25519) and, by PBFT and gossip, verified by every agent.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const seconds = quick ? 2 : 8;
  const folder = benchFolder();
  const figures: Figure[] = [];
  const loads: number[] = [];
  try {
    for (const consensus of CONSENSUS_KINDS) {
      const swarm = await startBareSwarm(join(folder, consensus), AGENTS, { consensus });
      try {
        // The agents' code is compiled meanwhile.
        await measure(swarm, 4, 1);
        for (const proposers of PROPOSERS) {
          const { tookMs, perSecond } = await measure(swarm, proposers, seconds);
          const name = `${consensus}, ${proposers} ${proposers === 1 ? "proposer" : "proposers"}`;
          say(`${name}: ${perSecond.toFixed(1)}/s, p50 ${percentile(tookMs, 0.5).toFixed(1)} ms`);
          figures.push(
            alone(`decided, ${name}`, "/s", perSecond),
            alone(`p50, ${name}`, "ms", percentile(tookMs, 0.5)),
            alone(`p99, ${name}`, "ms", percentile(tookMs, 0.99)),
          );
          loads.push(loadavg()[0] as number);
        }
      } finally {
        await swarm.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  figures.push(loadFigure(loads));
  return { bench: "proposals", machine: machine(), figures };
}

/** Each proposer makes its next proposal when it knows that the last one is decided. */
async function measure(swarm: BareSwarm, proposers: number, seconds: number): Promise<Measured> {
  const mesh = connect({ agents: swarm.agents, token: swarm.token });
  try {
    const tookMs: number[] = [];
    const began = performance.now();
    const endMs = began + seconds * 1000;
    await Promise.all(
      Array.from({ length: proposers }, async () => {
        while (performance.now() < endMs) tookMs.push(await decide(mesh));
      }),
    );
    return { tookMs, perSecond: (tookMs.length / (performance.now() - began)) * 1000 };
  } finally {
    mesh.close();
  }
}

/** @throws Error for one that is not approved: everybody does */
async function decide(mesh: MeshClient): Promise<number> {
  const began = performance.now();
  const { proposalId } = await mesh.propose({ subject: "deploy 1.4", body: BODY });
  for (;;) {
    const proposal = await mesh.proposal(proposalId, { consistency: "local" });
    if (proposal?.state === "approved") return performance.now() - began;
    if (proposal !== null && proposal.state !== "open") throw new Error(`${proposalId} is ${proposal.state}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
