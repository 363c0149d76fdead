// A coordinator that died in the middle of a change of members: whatever it left, the next one goes on with it.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { AgentConnection } from "../../server/client/connection.ts";
import type { ClientOperation, ClientValue } from "../../server/contract/client.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { makeKeys } from "../../server/live/identity.ts";
import { addAgent, readLife, readSwarm, readToken, rewriteSwarm } from "../../server/live/layout.ts";
import { freePorts } from "../../server/live/ports.ts";
import { isRunning } from "../../server/live/process.ts";
import { spawnAgent } from "../../server/live/spawn.ts";
import type { RosterAgent, SwarmFile } from "../../server/live/swarm-file.ts";
import { Ground, until, untilView } from "./ground.ts";

describe("a change of members whose coordinator died", function () {
  this.timeout(60_000);
  let ground: Ground;
  let swarm: string;

  beforeEach(async () => {
    ground = new Ground();
    const first = ground.coordinator();
    swarm = (await ground.quick(first, 3)).id;
    await untilView(first, swarm, "all is well", ({ health }) => health.level === "ok");
    // As dead as can be: the agents do not know what happened to it.
    await first.release();
  });
  afterEach(async () => {
    for (const { id } of readAll()?.agents ?? []) {
      const life = readLife(ground.folder, swarm, id);
      if (life !== null && isRunning(life)) ground.rememberProcess(life.pid);
    }
    await ground.end();
  });

  const file = (): SwarmFile => readSwarm(ground.folder, swarm);
  const readAll = (): SwarmFile | undefined => {
    try {
      return file();
    } catch {
      return undefined;
    }
  };
  /** Asks one agent, as the coordinator does. */
  const ask = async (agent: string, operation: ClientOperation): Promise<ClientValue> => {
    const { port } = file().agents.find(({ id }) => id === agent) as RosterAgent;
    const connection = await AgentConnection.open({
      agent: { id: agent, port },
      token: readToken(ground.folder, swarm),
      swarm,
      signal: new AbortController().signal,
      onClosed: () => {},
    });
    try {
      return await connection.request(operation, 5_000);
    } finally {
      connection.close();
    }
  };
  const leader = (): Promise<string> =>
    until("a leader", async () => {
      const answer = await ask("a1", { op: "report" });
      return answer.type === "report" && answer.report.leader !== "" ? answer.report.leader : undefined;
    });
  const tellAll = async (): Promise<void> => {
    const { agents, links } = file();
    const roster = agents.map(({ id, port, publicKey }) => ({ id, port, publicKey }));
    for (const { id } of agents.slice(0, 3)) await ask(id, { op: "setRoster", roster, links });
  };

  // The steps of adding and of removing, as members.ts takes them.
  const layOut = async (as: "voter" | "learner"): Promise<void> => {
    const before = file();
    const { publicKey, privateKey } = makeKeys();
    const [port] = await freePorts(1, 0);
    const entry: RosterAgent = { id: "a4", port: port as number, publicKey, joined: true, joining: as };
    const links = [...before.links, ...["a1", "a2", "a3"].map((a) => ({ a, b: "a4" }))];
    addAgent({ ...before, agents: [...before.agents, entry], links }, "a4", privateKey);
  };
  const spawnIt = async (): Promise<void> => {
    await spawnAgent({ folder: ground.folder, swarm, agent: "a4" });
  };
  const mark = (id: string, more: Partial<RosterAgent>): void => {
    const before = file();
    rewriteSwarm({
      ...before,
      agents: before.agents.map((entry) => (entry.id === id ? { ...entry, ...more } : entry)),
    });
  };

  const adopted = async (): Promise<Coordinator> => {
    const next = ground.coordinator();
    await next.adopt([ground.folder]);
    return next;
  };
  const becomes = async (what: string, holds: (view: SwarmView) => boolean): Promise<SwarmView> =>
    untilView(await adopted(), swarm, what, holds, 15_000);
  const votes = (view: SwarmView): boolean =>
    view.agents.length === 4 && view.agents.every(({ member }) => member === "voter") && view.health.level === "ok";
  const gone = (view: SwarmView): boolean =>
    view.agents.length === 2 && view.agents.every(({ member }) => member === "voter") && view.health.level === "ok";

  describe("that added an agent", () => {
    it("before anybody was told of it", async () => {
      await layOut("voter");
      await becomes("a4 votes", votes);
    });

    it("before its process was started", async () => {
      await layOut("voter");
      await tellAll();
      await becomes("a4 votes", votes);
    });

    it("before it was a member", async () => {
      await layOut("voter");
      await tellAll();
      await spawnIt();
      await becomes("a4 votes", votes);
    });

    it("before it had a vote", async () => {
      await layOut("voter");
      await tellAll();
      await spawnIt();
      await ask(await leader(), { op: "changeMembers", change: { add: "a4" } });
      await becomes("a4 votes", votes);
    });

    it("as a learner, which it stays", async () => {
      await layOut("learner");
      const view = await becomes("a4 learns", ({ agents }) => agents.some(({ member }) => member === "learner"));
      assert.deepEqual(view.members?.voters, ["a1", "a2", "a3"]);
      assert.equal(file().agents[3]?.joining, undefined);
    });
  });

  describe("that removed an agent", () => {
    const removed = async (): Promise<void> => {
      const life = readLife(ground.folder, swarm, "a3");
      assert.ok(life !== null && isRunning(life));
      await becomes("a3 is gone", gone);
      await until("its process has ended", () => !isRunning(life));
      assert.deepEqual(
        file().agents.map(({ id, left }) => [id, left === true]),
        [
          ["a1", false],
          ["a2", false],
          ["a3", true],
        ],
      );
      assert.deepEqual(file().links, [{ a: "a1", b: "a2" }]);
      assert.deepEqual(
        ground.all("notice").filter(({ level }) => level !== "info"),
        [],
      );
    };

    it("before the leader had heard of it", async () => {
      mark("a3", { leaving: true });
      await removed();
    });

    it("before that was written down", async () => {
      mark("a3", { leaving: true });
      await ask(await leader(), { op: "changeMembers", change: { remove: "a3" } });
      await removed();
    });

    it("before its process had ended, and before the others were told", async () => {
      mark("a3", { leaving: true });
      await ask(await leader(), { op: "changeMembers", change: { remove: "a3" } });
      mark("a3", { leaving: false, left: true });
      rewriteSwarm({ ...file(), links: [{ a: "a1", b: "a2" }] });
      await removed();
    });
  });
});
