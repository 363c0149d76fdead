/** How far what an agent has has spread by gossip, in words. */
import type { GossipReport } from "./swarm.ts";

/** "0.94"; "1" only where it is known: never rounded up to it. */
export function agreementText(agreement: number): string {
  return agreement === 1 ? "1" : (Math.floor(agreement * 100) / 100).toFixed(2);
}

/** "all 5 have what it has", "3 of 5 are known to have what it has"; of a newcomer that it knows of nobody yet. */
export function spreadText({ members, sameVector }: GossipReport): string {
  if (members === 0) return "it has not heard of the others yet";
  if (sameVector >= members) return members === 1 ? "it is alone" : `all ${members} have what it has`;
  return `${sameVector} of ${members} ${sameVector === 1 ? "is" : "are"} known to have what it has`;
}

/** "nothing of its own", "2 of its own writes": what not everybody is known to have. */
export function behindText({ behind }: GossipReport): string {
  return behind === 0 ? "nothing of its own" : `${behind} of its own ${behind === 1 ? "write" : "writes"}`;
}
