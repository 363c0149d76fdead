import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { readSwarm, readToken, rewriteSwarm, swarmPaths } from "../../server/live/layout.ts";
import type { ItemInfo } from "../../server/peer/join-swarm.ts";
import { isTaken, until, untilTask } from "../coordinator/ground.ts";
import { PeerGround } from "./peer-ground.ts";

const textOf = (item: ItemInfo | null): string | undefined => item?.value && Buffer.from(item.value).toString();

describe("an agent of another program", function () {
  this.timeout(120_000);
  let peers: PeerGround;

  beforeEach(async () => {
    peers = new PeerGround();
  });
  afterEach(() => peers.end());

  /** All files below a folder. */
  const filesIn = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile());

  it("joins through a seed that does not lead, votes, serves the memory, and leaves nothing when it leaves", async () => {
    await peers.start(3);
    await peers.decides("before");
    const { health } = await peers.view();
    const seed = ["a1", "a2", "a3"].find((id) => id !== health.leader) as string;
    const dir = peers.dir();
    const helper = await peers.join({ id: "helper", seed, dir });
    assert.equal(textOf(await helper.mesh.get("still", "before")), "here");
    await helper.mesh.put("from", "helper", "hello");
    const read = { swarm: peers.swarm, op: "get", namespace: "from", key: "helper" } as const;
    const answer = await peers.coordinator.handle("memory", read);
    assert.ok(answer.type === "item" && answer.item?.text === "hello", JSON.stringify(answer));
    const view = await peers.until("the helper votes and has its links", ({ agents, members }) => {
      const shown = agents.find(({ id }) => id === "helper");
      return members?.voters.includes("helper") === true && shown?.linksUp === 3 && shown.process === "running";
    });
    const shown = view.agents.find(({ id }) => id === "helper");
    assert.deepEqual([shown?.foreign, shown?.pid, shown?.port], [true, null, helper.port]);
    assert.equal(view.health.level, "ok");
    assert.deepEqual(
      (await peers.events("joinAccepted")).map(({ agent, fields }) => [agent, (fields as { agent: string }).agent]),
      [[seed, "helper"]],
    );

    await helper.leave();
    assert.equal((await helper.ended).by, "coordinator");
    const after = await peers.until("it is gone", ({ agents }) => agents.length === 3);
    assert.deepEqual([after.members?.voters, after.departed], [["a1", "a2", "a3"], ["helper"]]);
    assert.deepEqual(readdirSync(dir), []);
    assert.equal(await isTaken(helper.port), false);
    await peers.decides("after");
  });

  it("never has the control token, and the join secret is only the owner's to read, in no output and no other file", async () => {
    await peers.start(3);
    const dir = peers.dir();
    const notes: string[] = [];
    await peers.join({ id: "helper", dir, note: (line) => notes.push(line) });
    const token = readToken(peers.ground.folder, peers.swarm);
    const { secret } = peers;
    assert.ok(filesIn(dir).length >= 3);
    for (const path of filesIn(dir)) assert.equal(readFileSync(path).includes(token), false, path);
    const paths = swarmPaths(peers.ground.folder, peers.swarm);
    assert.equal(statSync(paths.join).mode & 0o777, 0o600);
    for (const path of [...filesIn(paths.root), ...filesIn(dir)])
      assert.equal(readFileSync(path).includes(secret), path === paths.join, path);
    for (const line of notes) assert.ok(!line.includes(secret) && !line.includes(token), line);
  });

  it("does tasks with a function of its own, as a learner without a vote", async () => {
    await peers.start(3);
    const helper = await peers.join({
      id: "helper",
      learner: true,
      executor: async ({ id, command, args, output }) => {
        output(`${id} `);
        if (command === "fail") throw new Error("it cannot be done");
        return args.join("+");
      },
    });
    assert.deepEqual(helper.report().learners, ["helper"]);
    const submit = (id: string, command: string, args: string[] = []) =>
      helper.mesh.submitTask({ id, command, args, agent: "helper", maxAttempts: 1 });
    await submit("adding", "sum", ["1", "2"]);
    const done = await untilTask(peers.coordinator, peers.swarm, "adding", ({ state }) => state === "completed");
    assert.deepEqual([done.agent, done.exitCode, done.outputTail], ["helper", 0, "adding 1+2"]);
    await submit("failing", "fail");
    const failed = await untilTask(peers.coordinator, peers.swarm, "failing", ({ state }) => state === "failed");
    assert.deepEqual([failed.exitCode, failed.error], [1, "it cannot be done"]);
  });

  it("that ended without leaving is unreachable, and comes back by its id with its log and its vote", async () => {
    await peers.start(3);
    const dir = peers.dir();
    const first = await peers.join({ id: "helper", dir });
    const { incarnation } = first.report();
    assert.equal((await first.stop()).by, "itself");
    await peers.until("it is missed", ({ agents }) => agents.some(({ process }) => process === "unreachable"));
    await peers.decides("meanwhile");
    const again = await peers.join({ id: "helper", dir, seed: "a2" });
    assert.deepEqual([again.port, again.report().incarnation], [first.port, incarnation + 1]);
    await peers.until("all are there", ({ health, agents }) => health.agentsAlive === 4 && agents.length === 4);
    assert.equal(textOf(await again.mesh.get("still", "meanwhile")), "here");
    assert.equal(readSwarm(peers.ground.folder, peers.swarm).agents.length, 4);
  });

  it("is found again by the next coordinator, and is a seed itself", async () => {
    await peers.start(3);
    await peers.join({ id: "helper" });
    await peers.coordinator.release();
    peers.coordinator = peers.ground.coordinator();
    await peers.coordinator.adopt([peers.ground.folder]);
    await peers.until("it is there", ({ health }) => health.agentsAlive === 4);
    const second = await peers.join({ id: "second", seed: "helper" });
    assert.ok(second.report().voters.includes("helper"));
    await peers.until("five vote", ({ members }) => members?.voters.length === 5);
  });

  it("is taken in to the end by the next coordinator, when the one that began it died", async () => {
    await peers.start(3);
    const helper = await peers.join({ id: "helper", learner: true });
    await peers.coordinator.release();
    // As it stood before the helper had its vote.
    const file = readSwarm(peers.ground.folder, peers.swarm);
    const agents = file.agents.map((agent) =>
      agent.id === "helper" ? { ...agent, joining: "voter" as const } : agent,
    );
    rewriteSwarm({ ...file, agents });
    peers.coordinator = peers.ground.coordinator();
    await peers.coordinator.adopt([peers.ground.folder]);
    await peers.until("it votes", ({ members }) => members?.voters.includes("helper") === true);
    await until("it knows", () => helper.report().voters.includes("helper"));
  });

  it("ends when the swarm is stopped, which waits for nobody else's process", async () => {
    await peers.start(3);
    const dir = peers.dir();
    const helper = await peers.join({ id: "helper", dir });
    await peers.coordinator.handle("stopSwarm", { swarm: peers.swarm, operation: "stop" });
    assert.equal((await helper.ended).by, "coordinator");
    assert.equal(existsSync(join(dir, ".agent-mesh")), false);
    assert.deepEqual(peers.ground.left, []);
  });

  it("is beyond what a coordinator can crash or pause, which says so, and is isolated like any other", async () => {
    await peers.start(3);
    const helper = await peers.join({ id: "helper" });
    for (const kind of ["crash", "pause"] as const)
      await assert.rejects(
        peers.coordinator.handle("injectFault", { swarm: peers.swarm, fault: { kind, agent: "helper" } }),
        /helper joined from elsewhere: its process is not the coordinator's to (crash|pause)/,
      );
    const everyone = { kind: "pause", agent: "everyone" } as const;
    const paused = await peers.coordinator.handle("injectFault", { swarm: peers.swarm, fault: everyone });
    assert.deepEqual(paused.agents, ["a1", "a2", "a3"]);
    await peers.coordinator.handle("healFault", { swarm: peers.swarm, fault: paused.id });
    const fault = { kind: "isolate", agent: "helper" } as const;
    const { id } = await peers.coordinator.handle("injectFault", { swarm: peers.swarm, fault });
    await until("it misses the others", () => helper.report().members.some(({ state }) => state !== "alive"), 15_000);
    await peers.decides("without it");
    await peers.coordinator.handle("healFault", { swarm: peers.swarm, fault: id });
    await until("it has caught up", async () => (await helper.mesh.get("still", "without it")) ?? undefined, 20_000);
  });
});
