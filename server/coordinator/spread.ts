/** How far gossip has spread, of what several agents say of themselves. */
import type { ProposalInfo, ProposalSpread } from "../contract/proposals.ts";
import type { AgentReport, GossipReport } from "../contract/swarm.ts";

interface Telling {
  readonly id: string;
  readonly report: AgentReport | null;
}

/** The one that is the least sure that everybody has all that it has; undefined where nobody tells. What all are sure of, all have. */
export function leastSure(
  agents: readonly Telling[],
): { readonly agent: string; readonly gossip: GossipReport } | undefined {
  let least: { readonly agent: string; readonly gossip: GossipReport } | undefined;
  for (const { id, report } of agents) {
    const gossip = report?.gossip;
    // Who has just come, or goes, speaks for nobody.
    if (gossip === undefined || !gossip.counted) continue;
    const { agreement, sameVector } = least?.gossip ?? { agreement: Number.POSITIVE_INFINITY, sameVector: 0 };
    if (gossip.agreement < agreement || (gossip.agreement === agreement && gossip.sameVector < sameVector))
      least = { agent: id, gossip };
  }
  return least;
}

/**
 * How far what a proposal stands at has spread: only of what agents said after the last that happened to it, as what they said before is of something else.
 * undefined: nobody has said anything since, or consensus is another one.
 */
export function spreadOf(
  { submittedAtMs, decidedAtMs, votes }: Pick<ProposalInfo, "submittedAtMs" | "decidedAtMs" | "votes">,
  agents: readonly Telling[],
): ProposalSpread | undefined {
  const lastMs = Math.max(submittedAtMs, decidedAtMs ?? 0, ...votes.map(({ atMs }) => atMs));
  const least = leastSure(agents.filter(({ report }) => report !== null && report.atMs > lastMs));
  if (least === undefined) return undefined;
  const { agreement, sameVector, members } = least.gossip;
  return { agent: least.agent, agreement, sameVector, members };
}
