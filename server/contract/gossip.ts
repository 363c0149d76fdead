/** How far what an agent has has spread by gossip, in words. */
import type { GossipReport } from "./swarm.ts";

/** "0.94"; "1" only where it is known: never rounded up to it. */
export function agreementText(agreement: number): string {
  return agreement === 1 ? "1" : (Math.floor(agreement * 100) / 100).toFixed(2);
}

/** "all 5 have what it has", "3 of 5 are known to have what it has"; of one that is not counted that it is not. */
export function spreadText({ members, sameVector, counted }: GossipReport): string {
  if (!counted) return "it does not count: it has not heard yet that it does, or leaves";
  if (sameVector >= members) return members === 1 ? "it is alone" : `all ${members} have what it has`;
  return `${sameVector} of ${members} ${sameVector === 1 ? "is" : "are"} known to have what it has`;
}

/** "nothing of its own", "2 of its own writes": what not everybody is known to have. */
export function behindText({ behind }: GossipReport): string {
  return behind === 0 ? "nothing of its own" : `${behind} of its own ${behind === 1 ? "write" : "writes"}`;
}
