import { rmSync } from "node:fs";
import { join } from "node:path";
import { connect, type MeshClient } from "../server/client/client.ts";
import { RECORDED_BY_DEFAULT } from "../server/meshfile/recording-section.ts";
import { startBareSwarm } from "./bare-swarm.ts";
import { benchFolder } from "./folder.ts";
import { load } from "./put-load.ts";
import { type BenchOptions, type Figure, percentile } from "./report.ts";

/** At this many clients, what recording costs is measured. */
const RECORDED_CLIENTS = 64;
/** Both ways in turn, so often: neighbouring measurements meet the same machine. */
const RECORDED_ROUNDS = 16;
const RECORDED_SECONDS = 1.5;
const RECORDED_SHARE = 0.9;

/** The same load on two swarms in turn: one that records itself as mesh files have it by default, one that does not. */
export async function recordedFigure({ say, quick }: BenchOptions): Promise<Figure> {
  const folder = benchFolder();
  const plain = await startBareSwarm(join(folder, "plain"), 3);
  const recorded = await startBareSwarm(join(folder, "recorded"), 3, { recording: RECORDED_BY_DEFAULT });
  const swarms = [plain, recorded].map(({ agents, token }) => connect({ agents, token, maxInFlight: 1024 }));
  const rates: [number[], number[]] = [[], []];
  const seconds = quick ? 1 : RECORDED_SECONDS;
  try {
    for (const mesh of swarms) await load((key, value) => mesh.put("bench", key, value), RECORDED_CLIENTS, 1);
    for (let round = 0; round < (quick ? 1 : RECORDED_ROUNDS); round++) {
      // Who comes first changes, so that neither has the better part of every round.
      for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const mesh = swarms[which] as MeshClient;
        const sample = await load((key, value) => mesh.put("bench", key, value), RECORDED_CLIENTS, seconds);
        rates[which].push(sample.perSecond);
      }
      say(
        `round ${round + 1}, ${RECORDED_CLIENTS} clients: ${Math.round(rates[0].at(-1) ?? 0)}/s, recorded ${Math.round(rates[1].at(-1) ?? 0)}/s`,
      );
    }
  } finally {
    for (const mesh of swarms) mesh.close();
    await plain.stop();
    await recorded.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const shares = rates[1].map((rate, round) => rate / (rates[0][round] as number));
  const share = percentile(shares, 0.5);
  return {
    name: `puts while recorded, ${RECORDED_CLIENTS} clients`,
    value: share,
    unit: "of those while not",
    goal: `>= ${RECORDED_SHARE}`,
    met: share >= RECORDED_SHARE,
  };
}
