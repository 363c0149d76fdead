import type { AgentReport } from "../contract/swarm.ts";
import type { MeasuredPair } from "../core/overlay/optimise.ts";

/** Reports whose medians count: a few seconds, so that one slow turn of a process does not make a slow link. */
const REPORTS_KEPT = 9;

/**
 * What links take, as agents report it: of each direction the median of the last reports' medians, of a link the mean of its two directions. Of links that are gone it keeps what they took last, for as long as
 * this coordinator lives: what was dropped for being slow is so not tried again.
 */
export class LinkLatencies {
  /** By the one that heard, then by the one that sent, ms, newest last. */
  readonly #heard = new Map<string, Map<string, number[]>>();

  heard({ agent, links }: Pick<AgentReport, "agent" | "links">): void {
    for (const { peer, latencyP50Ms } of links) {
      if (latencyP50Ms === null) continue;
      const ofAgent = this.#heard.get(agent) ?? new Map<string, number[]>();
      this.#heard.set(agent, ofAgent);
      const last = [...(ofAgent.get(peer) ?? []), latencyP50Ms];
      ofAgent.set(peer, last.slice(-REPORTS_KEPT));
    }
  }

  /** Each pair of which something was heard, once. */
  pairs(): MeasuredPair[] {
    const pairs: MeasuredPair[] = [];
    for (const [a, ofAgent] of this.#heard)
      for (const [b, there] of ofAgent) {
        const back = this.#heard.get(b)?.get(a);
        if (back !== undefined && b < a) continue;
        const ways = back === undefined ? [there] : [there, back];
        pairs.push({ a, b, latencyMs: ways.map(median).reduce((sum, ms) => sum + ms, 0) / ways.length });
      }
    return pairs;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
}
