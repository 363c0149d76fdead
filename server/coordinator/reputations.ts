/** What agents are worth to each other, of what several of them say. */
import type { AgentReport, AgentReputation } from "../contract/swarm.ts";
import { median } from "./statistics.ts";

interface Telling {
  readonly id: string;
  readonly report: Pick<AgentReport, "reputations"> | null;
}

/**
 * Of each agent that anybody tells of. The median is what counts: one liar among the tellers says what it likes, of others as of itself (which is not asked for).
 * The lowest is shown beside it, as a lie is often proved to one agent first.
 * @param agents those whose word counts: that live
 */
export function reputationsOf(agents: readonly Telling[]): ReadonlyMap<string, AgentReputation> {
  const opinions = new Map<string, AgentReputation["lowest"][]>();
  for (const { id: by, report } of agents)
    for (const { peer, ...opinion } of report?.reputations ?? []) {
      if (peer === by) continue;
      const known = opinions.get(peer);
      if (known === undefined) opinions.set(peer, [{ by, ...opinion }]);
      else known.push({ by, ...opinion });
    }
  return new Map(
    [...opinions].map(([id, all]) => [
      id,
      {
        median: median(all.map(({ score }) => score))!,
        lowest: all.reduce((least, one) => (one.score < least.score ? one : least)),
        opinions: all.length,
      },
    ]),
  );
}
