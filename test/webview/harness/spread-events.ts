/** What agents by gossip tell of one write that spreads. Made by the agents themselves, in virtual time. */
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { utf8 } from "../../../server/core/bytes.ts";
import type { TopologyKind } from "../../../server/core/overlay/types.ts";
import { Cluster } from "../../agent/cluster.ts";

export interface ToldOfSpread {
  readonly events: readonly TimelineEvent[];
  readonly writtenMs: number;
  readonly lastMs: number;
}

/** @param latencyMs of a frame; 1 unless it says otherwise */
export function toldOfSpread(
  size: number,
  origin: string,
  topology: TopologyKind = "mesh",
  latencyMs: (from: string, to: string) => number = () => 1,
): ToldOfSpread {
  const cluster = new Cluster({ size, consensus: "gossip", topology });
  cluster.latencyMs = latencyMs;
  cluster.run(1000);
  const writtenMs = cluster.now;
  cluster.send(origin, { op: "put", namespace: "n", key: "k", value: utf8("v") });
  cluster.run(2500);
  const events = cluster.ids.flatMap((id) => cluster.node(id).events);
  events.sort((a, b) => a.hlc.wallMs - b.hlc.wallMs || a.hlc.counter - b.hlc.counter);
  return { events, writtenMs, lastMs: cluster.now };
}
