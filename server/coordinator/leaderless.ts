import { CONSENSUS } from "../contract/consensus.ts";
import type { FaultSpec } from "../contract/faults.ts";
import { targetsOf } from "../meshfile/faults/resolve.ts";
import type { Mesh } from "./fault-rules.ts";

/** Why a fault means nobody, as a sentence: it names the leader where consensus has none. undefined: it does not. */
export function namesNobody(
  spec: FaultSpec,
  { consensus, agents }: Pick<Mesh, "consensus" | "agents">,
): string | undefined {
  const { leader, title } = CONSENSUS[consensus];
  if (leader !== "" || !targetsOf(spec).includes("leader")) return undefined;
  return `This swarm decides by ${title}, in which nobody leads: name an agent (${agents.join(", ")}), or say one.`;
}
