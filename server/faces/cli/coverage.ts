/** What a search met, as lines for people. */
import type { ConsensusKind } from "../../contract/consensus.ts";
import { type Coverage, FAULT_EFFECTS, transitionsOf } from "../../contract/simulation.ts";

/** What was met, and of what could have been, what never was. */
export function coverageLines({ faults, transitions }: Coverage, consensus: ConsensusKind): string[] {
  const all = transitionsOf(consensus, transitions);
  const tookEffect = Object.entries(faults).filter(([, count]) => count > 0);
  const idle = Object.keys(faults).filter((name) => faults[name] === 0);
  const never = all.filter((name) => !(name in transitions));
  return [
    `  faults met: ${list(tookEffect.map(([name, count]) => `${name} ${count.toLocaleString("en")}`))} (${tookEffect.length} of ${FAULT_EFFECTS[consensus].length} kinds)${idle.length === 0 ? "" : `; always without consequence: ${list(idle)}`}`,
    `  transitions met: ${all.length - never.length} of ${all.length}${never.length === 0 ? "" : `; never: ${list(never)}`}`,
  ];
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
