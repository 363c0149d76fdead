import { MAX_TIMEOUT_MS } from "../agent/requests.ts";
import type { AggregateInfo } from "../contract/aggregate.ts";
import type { Swarm } from "./swarm.ts";

/** Rounds are half a heartbeat each; these are more than an aggregate ever takes among a thousand agents. */
const HEARTBEATS = 160;
/** And for one that another client asked for before. */
const MARGIN_MS = 5_000;

/** What all agents together have of a metric, as the agent says that is asked. @throws MeshError */
export function askAggregate(swarm: Swarm, metric: string): Promise<AggregateInfo> {
  const timeoutMs = Math.min(swarm.file.timing.heartbeatMs * HEARTBEATS + MARGIN_MS, MAX_TIMEOUT_MS);
  return swarm.client.aggregate(metric, { timeoutMs });
}
