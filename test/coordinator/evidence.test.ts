// A live primary that tells different agents different things is caught, and what proves it outlives the coordinator.

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { HeldEvidence } from "../../server/contract/evidence.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { verifyProofs } from "../../server/live/proofs/verify.ts";
import { Ground, until, untilView } from "./ground.ts";

describe("a primary that equivocates, live", function () {
  this.timeout(60_000);
  const ground = new Ground();
  let coordinator: Coordinator;
  let swarm: SwarmView;
  let held: readonly HeldEvidence[];
  before(async () => {
    coordinator = ground.coordinator();
    swarm = await ground.init(coordinator, "agents: 4\nconsensus: pbft\n");
    const liar = swarm.health.leader as string;
    const fault = { kind: "byzantine", agent: liar, behaviour: "equivocate" } as const;
    await coordinator.handle("injectFault", { swarm: swarm.id, fault });
    await until(
      "it is caught",
      async () => {
        const put = { swarm: swarm.id, op: "put", namespace: "demo", key: "k", text: "v" } as const;
        await coordinator.handle("memory", put).catch((error: unknown) => {
          // A primary that lies may not get it decided in time; the next one does.
          assert.match(String(error), /not|time|unavailable/i);
        });
        held = await coordinator.handle("evidence", { swarm: swarm.id });
        return held.length > 0;
      },
      40_000,
    );
  });
  after(() => ground.end());

  const path = (): string => join(ground.folder, ".agent-mesh", swarm.id, "evidence.jsonl");

  it("is shown with what is proved of it; nobody else is", async () => {
    const liar = swarm.health.leader as string;
    // The liar's own core sees, too, that what it is answered is not what it said.
    const foundByOthers = (view: SwarmView): boolean =>
      view.agents.some(({ provenLiarBy = [] }) => provenLiarBy.some((by) => by !== liar));
    const { agents, health } = await untilView(coordinator, swarm.id, "another agent has proof", foundByOthers);
    assert.deepEqual(
      agents.filter(({ lies }) => lies !== undefined).map(({ id }) => id),
      [liar],
    );
    const { lies } = agents.find(({ id }) => id === liar) ?? {};
    assert.match(
      lies?.[0] ?? "",
      new RegExp(`^${liar} signed two (pre-prepares|prepares|commits) for view \\d+, sequence \\d+$`),
    );
    assert.match(health.summary, new RegExp(`, ${liar} lies`));
  });

  it("is proved in a file that verifies by itself, and against the swarm's keys", async () => {
    assert.equal(statSync(path()).mode & 0o777, 0o600);
    const text = readFileSync(path(), "utf8");
    for (const { problem, key } of verifyProofs(text, () => undefined))
      assert.deepEqual([problem, key], [undefined, "itself"]);
    const held = await coordinator.handle("verify", { text });
    for (const { problem, key, culprit } of held)
      assert.deepEqual([problem, key, culprit], [undefined, "swarm", swarm.health.leader]);
    const [digits] = await coordinator.handle("verify", { text: JSON.parse(text.split("\n")[0] as string).evidence });
    assert.match(digits?.problem ?? "", /carry no public key/);
    const [named] = await coordinator.handle("verify", {
      text: (JSON.parse(text.split("\n")[0] as string) as HeldEvidence).evidence,
      swarm: swarm.id,
    });
    assert.deepEqual([named?.problem, named?.key], [undefined, "swarm"]);
  });

  it("is still known to the next coordinator, before any agent has told it", async () => {
    const before = await coordinator.handle("evidence", { swarm: swarm.id });
    await coordinator.release();
    const next = ground.coordinator();
    await next.adopt([ground.folder]);
    const after = await next.handle("evidence", { swarm: swarm.id });
    assert.deepEqual(after.slice(0, before.length), before);
    const view = await next.handle("swarm", { swarm: swarm.id });
    assert.deepEqual(
      view.agents.filter(({ lies }) => lies !== undefined).map(({ id }) => id),
      [swarm.health.leader],
    );
  });
});
