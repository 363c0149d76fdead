import { isDoubtful, reputationText } from "../../server/contract/reputation.ts";
import type { AgentView } from "../../server/contract/swarm.ts";

/** How far the others trust an agent, and why not further. */
export function reputationFigure({ reputation }: Pick<AgentView, "reputation">): string {
  return reputation === undefined ? "not known" : reputationText(reputation);
}

/** What a line about it has room for: nothing of an agent that is trusted, or of one whose absence is told already. */
export function reputationPart(agent: Pick<AgentView, "reputation" | "process">): readonly string[] {
  const { reputation, process } = agent;
  if (process !== "running" || reputation === undefined || !isDoubtful(reputation)) return [];
  return [`reputation ${reputationFigure(agent)}`];
}
