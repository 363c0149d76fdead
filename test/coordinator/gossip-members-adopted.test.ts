// The same in a swarm by gossip, where nobody leads: one swarm, of which one coordinator after the other dies half way.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { readLife } from "../../server/live/layout.ts";
import { isRunning } from "../../server/live/process.ts";
import { until, untilView } from "./ground.ts";
import { HalfChanged } from "./half-changed.ts";

describe("a change of members by gossip whose coordinator died", function () {
  this.timeout(120_000);
  const half = new HalfChanged();

  before(() => half.start((first) => half.ground.init(first, "agents: 3\nconsensus: gossip\n")));
  after(() => half.end());

  /** What the next coordinator makes of it, before it is gone, too. */
  async function becomes(...ids: string[]): Promise<void> {
    const next: Coordinator = await half.adopted();
    const holds = ({ agents, members, health }: SwarmView): boolean =>
      agents.map(({ id }) => id).join() === ids.join() &&
      members?.voters.join() === ids.join() &&
      agents.every(({ gossip, member }) => gossip?.members === ids.length && member === "voter") &&
      health.level === "ok" &&
      health.agreement === 1;
    await untilView(next, half.swarm, `${ids.join(", ")} are one`, holds, 15_000);
    // It has written down that it is done.
    await until("nothing is under way", () =>
      half.file.agents.every(({ joining, leaving }) => joining === undefined && leaving !== true),
    );
    await next.release();
  }

  it("goes on where an agent was laid out, and nobody had been told of it", async () => {
    await half.layOut("voter");
    await becomes("a1", "a2", "a3", "a4");
  });

  it("goes on where a removal was written down, and nobody had been told of it", async () => {
    const life = readLife(half.ground.folder, half.swarm, "a4");
    assert.ok(life !== null && isRunning(life));
    half.mark("a4", { leaving: true });
    await becomes("a1", "a2", "a3");
    await until("its process has ended", () => !isRunning(life));
  });

  it("goes on where the one that leaves had said so itself, and takes no more writes", async () => {
    half.mark("a3", { leaving: true });
    await half.ask("a3", { op: "put", namespace: "n", key: "last", value: Buffer.from("words") });
    const said = await half.ask("a3", { op: "changeMembers", change: { remove: "a3" } });
    assert.deepEqual(said, { type: "members", changed: true, voters: ["a1", "a2"], learners: [] });
    const write = half.ask("a3", { op: "put", namespace: "n", key: "late", value: Buffer.from("x") });
    await assert.rejects(write, { code: "unavailable" });
    await becomes("a1", "a2");
    for (const id of ["a1", "a2"]) {
      const found = await half.ask(id, { op: "get", namespace: "n", key: "last" });
      assert.ok(found.type === "item" && Buffer.from(found.item?.value ?? []).toString() === "words", id);
    }
    const warned = half.ground.all("notice").filter(({ level }) => level !== "info");
    assert.deepEqual(warned, []);
  });
});
