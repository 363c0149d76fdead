/** What the agents of a swarm by gossip tell: a write that spreads, writes on both sides of a partition, and what heals brings. Made by the agents themselves, in virtual time. */
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { utf8 } from "../../../server/core/bytes.ts";
import { Cluster } from "../../agent/cluster.ts";

export interface ToldByGossip {
  readonly events: readonly TimelineEvent[];
  /** When the first write was, when the sides were cut, and when they were joined again. */
  readonly writtenMs: number;
  readonly cutMs: number;
  readonly healedMs: number;
}

export function toldByGossip(): ToldByGossip {
  const cluster = new Cluster({ size: 5, consensus: "gossip" });
  const put = (at: string, key: string, value: string): void => {
    cluster.send(at, { op: "put", namespace: "n", key, value: utf8(value) });
  };
  const ways = ["a1", "a2"].flatMap((a) => ["a3", "a4", "a5"].map((b) => [a, b] as const));
  cluster.run(1000);
  const writtenMs = cluster.now;
  put("a3", "k", "v");
  cluster.run(1500);
  const cutMs = cluster.now;
  for (const [a, b] of ways) cluster.cut(a, b);
  cluster.run(300);
  put("a1", "k", "left");
  put("a4", "k", "right");
  cluster.run(1500);
  const healedMs = cluster.now;
  for (const [a, b] of ways) cluster.mend(a, b);
  cluster.run(2500);
  const events = cluster.ids.flatMap((id) => cluster.node(id).events);
  // The recorder's clock has whole milliseconds and counts within them; what is told is kept as it is.
  events.sort((a, b) => a.hlc.wallMs - b.hlc.wallMs || a.hlc.counter - b.hlc.counter);
  return { events, writtenMs, cutMs, healedMs };
}
