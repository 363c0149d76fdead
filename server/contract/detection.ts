/** How an agent finds out who is alive, in words that all views share. */
import type { DetectorReport } from "./swarm.ts";

/** "by probing", "by probing, 3 of 8 unwell: it waits 4 times as long; 2 suspicions were wrong". */
export function detectionText({ kind, localHealth, refuted }: DetectorReport): string {
  const how = kind === "swim" ? "by probing" : "by heartbeats";
  const health = localHealth === 0 ? "" : `, ${localHealth} of 8 unwell: it waits ${localHealth + 1} times as long`;
  const wrong = refuted === 0 ? "" : `; ${refuted} ${refuted === 1 ? "suspicion was" : "suspicions were"} wrong`;
  return `${how}${health}${wrong}`;
}
