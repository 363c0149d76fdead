import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { FaultSpec } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { connectCoordinator } from "../../server/coordinator/control-client.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { Ground, until, untilView } from "./ground.ts";

describe("faults on a running swarm", function () {
  this.timeout(30_000);
  let ground: Ground;
  let coordinator: Coordinator;
  let swarm: string;
  let before: SwarmView;

  beforeEach(() => {
    ground = new Ground();
  });
  afterEach(() => ground.end());

  async function up(agents: number): Promise<void> {
    coordinator = ground.coordinator();
    before = await ground.quick(coordinator, agents);
    swarm = before.id;
  }

  const inject = (fault: FaultSpec) => coordinator.handle("injectFault", { swarm, fault });

  it("kills the leader, sees another one elected, loses no acknowledged write, and heals it from its own disk", async () => {
    await up(5);
    for (let at = 0; at < 20; at++)
      await coordinator.handle("memory", { swarm, op: "put", namespace: "n", key: `k${at}`, text: `${at}` });
    const fault = await inject({ kind: "crash", agent: "leader" });
    assert.deepEqual(fault.agents, [before.health.leader]);
    assert.equal(fault.title, `${before.health.leader} crashed`);
    const elected = await untilView(
      coordinator,
      swarm,
      "a new leader",
      ({ health }) => health.leader !== null && health.leader !== before.health.leader,
    );
    assert.equal(elected.health.level, "degraded");
    assert.equal(elected.agents.find(({ id }) => id === fault.agents[0])?.process, "crashed");
    for (let at = 0; at < 20; at++) {
      const answer = await coordinator.handle("memory", { swarm, op: "get", namespace: "n", key: `k${at}` });
      assert.equal(answer.type === "item" && answer.item?.text, `${at}`);
    }
    const { healed } = await coordinator.handle("healFault", { swarm, fault: fault.id });
    assert.deepEqual(healed, [fault.id]);
    const well = await untilView(
      coordinator,
      swarm,
      "caught up",
      ({ health, agents }) => health.level === "ok" && new Set(agents.map(({ commit }) => commit)).size === 1,
    );
    ground.remember(well);
    const { landmarks } = await coordinator.handle("timeline", {
      swarm,
      fromMs: 0,
      toMs: 1e15,
      maxEvents: 1,
      buckets: 1,
    });
    const kinds = landmarks.map(({ kind }) => kind);
    assert.ok(kinds.indexOf("faultInjected") < kinds.lastIndexOf("becameLeader"));
    assert.ok(kinds.includes("faultHealed"));
  });

  it("cuts a minority off, shows the links cut, and heals", async () => {
    await up(5);
    const minority = [before.health.leader!, before.agents.find(({ id }) => id !== before.health.leader)!.id];
    const fault = await inject({ kind: "partition", sides: [minority] });
    const cut = await untilView(
      coordinator,
      swarm,
      "the majority elects",
      ({ health }) => health.leader !== null && !minority.includes(health.leader),
    );
    assert.equal(cut.links.filter(({ state }) => state === "cut").length, 6);
    assert.ok(cut.links.every(({ state, faults }) => (state === "cut") === faults.includes(fault.id)));
    const write = await coordinator.handle("memory", { swarm, op: "put", namespace: "n", key: "k", text: "majority" });
    assert.equal(write.type, "written");
    await coordinator.handle("healAll", { swarm });
    await untilView(
      coordinator,
      swarm,
      "one swarm again",
      ({ health, faults }) => health.level === "ok" && faults.length === 0,
    );
  });

  it("says that there is no quorum when two of three are gone, and refuses what makes no sense", async () => {
    await up(3);
    await inject({ kind: "crash", agent: "a1" });
    await inject({ kind: "crash", agent: "a2" });
    const view = await untilView(coordinator, swarm, "no quorum", ({ health }) => health.level === "noQuorum");
    assert.match(view.health.summary, /^1\/3 agents, no quorum \(2 needed\)/);
    await refuses(inject({ kind: "crash", agent: "leader" }), /no leader now/);
    await refuses(inject({ kind: "crash", agent: "a1" }), /a1 has crashed already/);
    await refuses(inject({ kind: "pause", agent: "a1" }), /a1 has crashed already/);
    await refuses(inject({ kind: "crash", agent: "a9" }), /no agent a9\. The agents are a1, a2, a3/);
    await refuses(inject({ kind: "partition", sides: [["a1"], ["a1", "a2"]] }), /a1 is named on two sides/);
    await refuses(inject({ kind: "partition", sides: [["a1", "a2", "a3"]] }), /at least two sides/);
    await refuses(inject({ kind: "lossy", a: "a1", loss: 0 }), /above 0/);
    await refuses(
      inject({ kind: "byzantine", agent: "a3", behaviour: "badProof" }),
      /only PBFT has what badProof lies about/,
    );
    await refuses(coordinator.handle("healFault", { swarm, fault: "f99" }), /no active fault f99/);
    const { healed } = await coordinator.handle("healAll", { swarm });
    assert.deepEqual([...healed].sort(), ["f1", "f2"]);
    ground.remember(await untilView(coordinator, swarm, "well", ({ health }) => health.level === "ok"));
  });

  it("pauses an agent, shows who suspects it, and lets it go on by itself when its time is over", async () => {
    await up(3);
    const follower = before.agents.find(({ id }) => id !== before.health.leader)!.id;
    const pause = await inject({ kind: "pause", agent: follower, forMs: 1500 });
    assert.ok(pause.untilMs !== null);
    const paused = await coordinator.handle("swarm", { swarm });
    assert.equal(paused.agents.find(({ id }) => id === follower)?.process, "paused");
    await refuses(inject({ kind: "pause", agent: follower }), /paused already/);
    await untilView(
      coordinator,
      swarm,
      "others suspect it",
      ({ agents }) => (agents.find(({ id }) => id === follower)?.suspectedBy.length ?? 0) === 2,
    );
    await untilView(
      coordinator,
      swarm,
      "goes on",
      ({ health, faults }) => faults.length === 0 && health.level === "ok",
    );
  });

  it("slows one link down and leaves the others as fast as they were", async () => {
    await up(3);
    await inject({ kind: "slow", a: "a1", b: "a2", delayMs: 250 });
    const slow = await untilView(coordinator, swarm, "slow", ({ links }) => (links[0]?.latencyP50Ms ?? 0) > 200);
    // A busy machine slows the others too, but by far less.
    const others = slow.links.slice(1).map(({ latencyP50Ms }) => latencyP50Ms ?? 0);
    assert.ok(
      others.every((ms) => ms < 150),
      `the other links: ${others.join(", ")} ms`,
    );
    await coordinator.handle("healAll", { swarm });
    await untilView(coordinator, swarm, "fast again", ({ links }) => (links[0]?.latencyP50Ms ?? 999) < 150);
  });

  describe("when the coordinator is killed", () => {
    const doomed = new Set<ChildProcess>();
    afterEach(() => {
      for (const child of doomed) child.kill("SIGKILL");
      doomed.clear();
    });

    async function startDoomed(mesh: string, faults: FaultSpec[]): Promise<{ child: ChildProcess; view: SwarmView }> {
      const file = ground.mesh(mesh);
      const script = join(import.meta.dirname, "doomed-coordinator.ts");
      const child = spawn(process.execPath, [script, file, JSON.stringify(faults)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      doomed.add(child);
      let line = "";
      for await (const chunk of child.stdout!) {
        line += chunk;
        if (line.endsWith("\n")) break;
      }
      const view = JSON.parse(line) as SwarmView;
      ground.remember(view);
      return { child, view };
    }

    async function killed(child: ChildProcess): Promise<void> {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }

    it("the agents go on, the next one finds them with their faults, and Heal All undoes all of them", async () => {
      const { child, view } = await startDoomed("agents: 5\n", [
        { kind: "crash", agent: "a1" },
        { kind: "pause", agent: "a2" },
        { kind: "slow", a: "a3", delayMs: 30 },
      ]);
      await killed(child);
      coordinator = ground.coordinator();
      await coordinator.adopt([ground.folder]);
      swarm = view.id;
      const found = await coordinator.handle("swarm", { swarm });
      assert.deepEqual(
        found.faults.map(({ title }) => title),
        ["a1 crashed", "a2 paused", "All links of a3 slow by 30 ms"],
      );
      await untilView(coordinator, swarm, "still decides", ({ health }) => health.leader !== null);
      const write = await coordinator.handle("memory", { swarm, op: "put", namespace: "n", key: "k", text: "on" });
      assert.equal(write.type, "written");
      const { healed } = await coordinator.handle("healAll", { swarm });
      assert.deepEqual([...healed].sort(), ["f1", "f2", "f3"]);
      const well = await untilView(
        coordinator,
        swarm,
        "all well",
        ({ health, faults }) => health.level === "ok" && faults.length === 0,
      );
      ground.remember(well);
      for (const agent of well.agents)
        assert.equal(agent.pid === view.agents.find(({ id }) => id === agent.id)?.pid, agent.id !== "a1");
      const journal = JSON.parse(readFileSync(join(ground.folder, ".agent-mesh", swarm, "faults.json"), "utf8"));
      assert.deepEqual(journal.active, []);
      await coordinator.handle("stopSwarm", { swarm, operation: "stop" });
      assert.deepEqual(ground.runningPids, []);
      assert.deepEqual(ground.left, []);
    });

    it("the next one goes on with the mesh file's plan", async () => {
      const mesh = `agents: 3
faults:
  - { at: 3s, isolate: a2, for: 300ms }
  - { on: faultInjected, nth: 1, after: 50ms, slow: { a: a3, delay: 7ms } }
`;
      const { child, view } = await startDoomed(mesh, []);
      await killed(child);
      coordinator = ground.coordinator();
      await coordinator.adopt([ground.folder]);
      swarm = view.id;
      const planned = await untilView(coordinator, swarm, "all of the plan", ({ faults }) => faults.length === 2);
      assert.deepEqual(
        planned.faults.map(({ title, source }) => [title, source]),
        [
          ["a2 isolated", "plan"],
          ["All links of a3 slow by 7 ms", "plan"],
        ],
      );
      await untilView(coordinator, swarm, "healed by itself", ({ faults }) => faults.length === 1);
      await coordinator.handle("stopSwarm", { swarm, operation: "stop" });
    });

    it("agents that nobody takes over end after the grace period, also a paused one, and what they left is removed", async () => {
      const { child, view } = await startDoomed("agents: 3\ngrace: 1s\n", [{ kind: "pause", agent: "a2" }]);
      await killed(child);
      await until("all ended", () => ground.runningPids.length === 0, 10_000);
      assert.deepEqual(ground.left, [view.id]);
      coordinator = ground.coordinator();
      await coordinator.adopt([ground.folder]);
      assert.deepEqual(await coordinator.handle("swarms", {}), []);
      assert.deepEqual(ground.left, []);
    });

    it("a terminal stands in for it, and leaves the agents as they were", async () => {
      const { child, view } = await startDoomed("agents: 3\ngrace: 20s\n", []);
      await killed(child);
      const standIn = await connectCoordinator(ground.folder, () => {});
      assert.equal(standIn.remote, false);
      const [found] = await standIn.handle("swarms", {});
      assert.equal(found?.id, view.id);
      await standIn.close();
      assert.equal(ground.runningPids.length, 3);
      assert.ok(!existsSync(join(ground.folder, ".agent-mesh", view.id, "coordinator.lock")));
    });

    it("a living one is not replaced: a second coordinator leaves its swarm alone and names it", async () => {
      const { child, view } = await startDoomed("agents: 2\n", []);
      coordinator = ground.coordinator();
      await coordinator.adopt([ground.folder]);
      assert.deepEqual(await coordinator.handle("swarms", {}), []);
      const notice = await until("a notice", () => ground.all("notice")[0]);
      assert.match(notice.message, new RegExp(`run by another coordinator, process ${child.pid}`));
      const reached = await connectCoordinator(ground.folder, () => {});
      assert.equal(reached.remote, true);
      const [seen] = await reached.handle("swarms", {});
      assert.equal(seen?.id, view.id);
      const { ended } = await reached.handle("stopSwarm", { swarm: view.id, operation: "stop" });
      assert.equal(ended.length, 2);
      await reached.close();
      assert.deepEqual(ground.runningPids, []);
      assert.deepEqual(ground.left, []);
    });
  });
});

async function refuses(promise: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.match(error.message, message);
    return true;
  });
}
