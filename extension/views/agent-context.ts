import { leads } from "../../server/contract/consensus.ts";
import type { AgentView } from "../../server/contract/swarm.ts";

/** By what the menus of package.json tell one agent in the tree from another. */
export function agentContext(agent: Pick<AgentView, "process" | "faults" | "lies" | "member" | "role">): string {
  const faulty = agent.faults.length > 0 ? ".faulty" : "";
  const liar = isProvenLiar(agent) ? ".liar" : "";
  return `agent.${agent.process}${faulty}${liar}.${agent.member}${leads(agent.role) ? ".leader" : ""}`;
}

export function isProvenLiar({ lies = [] }: Pick<AgentView, "lies">): boolean {
  return lies.length > 0;
}
