/** How far agents trust each other, in words. */
import type { AgentReputation } from "./swarm.ts";

/** Of a part: what is above it is not worth a word. */
const UPTIME_AS_USUAL = 0.95;
const LATENCY_AS_USUAL = 0.8;
/** Of the median: whoever is trusted less is one to look at. */
const DOUBTFUL = 0.5;

/** "0.94" */
export function scoreText(score: number): string {
  return score.toFixed(2);
}

/** "1.00"; "0.25: 2 proofs of lying"; "0.98, lowest 0.41 (a3): seen alive 41 % of late". */
export function reputationText(reputation: AgentReputation): string {
  const { median, lowest } = reputation;
  const [most, least] = [scoreText(median), scoreText(lowest.score)];
  const reasons = reasonsOf(reputation);
  return `${most}${most === least ? "" : `, lowest ${least} (${lowest.by})`}${reasons === "" ? "" : `: ${reasons}`}`;
}

/** Somebody says that it lies, or most trust it less than by half. */
export function isDoubtful({ median, lowest }: AgentReputation): boolean {
  return lowest.proofs > 0 || median < DOUBTFUL;
}

/** Why whoever trusts it least does so. */
function reasonsOf({ lowest: { uptime, latency, proofs } }: AgentReputation): string {
  return [
    ...(proofs === 0 ? [] : [`${proofs} ${proofs === 1 ? "proof" : "proofs"} of lying`]),
    ...(uptime >= UPTIME_AS_USUAL ? [] : [`seen alive ${Math.floor(100 * uptime)} % of late`]),
    ...(latency >= LATENCY_AS_USUAL ? [] : [`${(1 / latency).toFixed(1)} times as slow as the median`]),
  ].join(", ");
}
