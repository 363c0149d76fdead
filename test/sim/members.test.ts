import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { Agent } from "../../server/agent/agent.ts";
import type { World } from "../../server/agent/world.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { AgentFactory } from "../../server/sim/world.ts";
import { meshOf } from "./meshes.ts";

const SEEDS = 100;

/** Agents as they are, and what they say of themselves, messages left out. */
function overheard(hear: (event: TimelineEvent) => void): AgentFactory {
  return (config, world, recovered, now) => {
    const between: World = {
      network: world.network,
      log: world.log,
      executor: world.executor,
      judge: world.judge,
      crypto: world.crypto,
      requestTurn: () => world.requestTurn(),
      setAlarm: (atMs) => world.setAlarm(atMs),
      measure: () => world.measure(),
      observing: (sort) => world.observing?.(sort) ?? true,
      observe: (event) => {
        hear(event);
        world.observe(event);
      },
      taskOutput: (taskId, token, stream, text) => world.taskOutput(taskId, token, stream, text),
      reply: (replies) => world.reply(replies),
    };
    return new Agent(config, between, recovered, now);
  };
}

describe("simulated members", function () {
  this.timeout(120_000);

  it(`come and go under chaos without breaking a promise, and logs are compacted: ${SEEDS} seeds`, () => {
    const met = { taken: 0, installed: 0, changes: 0, joint: 0, transfers: 0, handedOver: 0 };
    const joiners = new Set<string>();
    const count = ({ kind, fields, agent, state }: TimelineEvent): void => {
      if (kind === "snapshotTaken") met.taken++;
      if (kind === "snapshotInstalled") met.installed++;
      if (kind === "leadershipTransferStarted") met.transfers++;
      if (kind === "leadershipTransferEnded" && fields.ok === true) met.handedOver++;
      // Everybody tells of a change; its leader alone is counted.
      if (kind === "configurationChanged" && state?.role === "leader") {
        met.changes++;
        if ((fields.outgoing as readonly string[]).length > 0) met.joint++;
      }
      if (agent.startsWith("joiner") && kind === "becameLeader") joiners.add(agent);
    };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation } = simulate(meshOf(5), seed, { durationMs: 4000, createAgent: overheard(count) });
      deepEqual({ seed, violation }, { seed, violation: null });
    }
    const report = JSON.stringify(met);
    ok(met.taken > 10 * SEEDS, report);
    ok(met.installed >= SEEDS / 2, report);
    ok(met.changes >= 0.75 * SEEDS, report);
    ok(met.joint >= 0.15 * SEEDS, report);
    ok(met.transfers >= 0.15 * SEEDS && met.handedOver >= 0.1 * SEEDS, report);
    ok(joiners.size > 0, "who joined has led");
  });
});
