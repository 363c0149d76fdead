// Agents that cannot hear each other, each in its own world, as the coordinator's faults make it.

import type { HeldEffect } from "../../server/contract/faults.ts";
import type { TestClient } from "./client.ts";

/** Nothing passes between this agent and the others, in its own world alone. */
export function cutFrom(agent: string, others: readonly string[]): HeldEffect[] {
  const toxic = { toxic: "loss", share: 1 } as const;
  return others.flatMap((peer) => [
    { id: `out/${peer}`, effect: { on: "link", from: agent, to: peer, toxic }, untilMs: null },
    { id: `in/${peer}`, effect: { on: "link", from: peer, to: agent, toxic }, untilMs: null },
  ]);
}

/** Nothing passes between the sides. */
export async function part(
  sides: readonly [readonly string[], readonly string[]],
  at: (id: string) => TestClient,
): Promise<void> {
  const [one, other] = sides;
  for (const id of one) await at(id).ask({ op: "setEffects", effects: cutFrom(id, other) });
  for (const id of other) await at(id).ask({ op: "setEffects", effects: cutFrom(id, one) });
}
