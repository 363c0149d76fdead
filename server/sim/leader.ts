import { leads } from "../contract/consensus.ts";
import type { SimWorld } from "./world.ts";

/** Who leads the highest term, by place. */
export function leaderAmong(worlds: readonly SimWorld[]): number | undefined {
  let leader: number | undefined;
  let highest = -1;
  for (const { agent, index, running } of worlds) {
    const status = running ? agent?.consensusStatus : undefined;
    if (status === undefined || !leads(status.role) || status.term <= highest) continue;
    leader = index;
    highest = status.term;
  }
  return leader;
}
