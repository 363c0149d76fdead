import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect, type MeshClient } from "../../server/client/client.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { biconnected } from "../../server/core/overlay/graph.ts";
import { readLife, readSwarm, readToken } from "../../server/live/layout.ts";
import { isRunning, kill } from "../../server/live/process.ts";
import { spawnAgent } from "../../server/live/spawn.ts";
import { Ground, isTaken, until, untilView } from "./ground.ts";

const MANY = 14_000;
const KEYS = 7;

describe("the members of a running swarm", function () {
  this.timeout(120_000);
  let ground: Ground;
  let coordinator: Coordinator;
  let swarm: string;
  const clients: MeshClient[] = [];

  beforeEach(() => {
    ground = new Ground();
    coordinator = ground.coordinator();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const { id } of swarm === undefined ? [] : readRoster()) rememberLife(id);
    await ground.end();
  });

  const readRoster = () => {
    try {
      return readSwarm(ground.folder, swarm).agents;
    } catch {
      // It was stopped, and nothing of it is left.
      return [];
    }
  };
  const rememberLife = (id: string): void => {
    const life = readLife(ground.folder, swarm, id);
    if (life !== null && isRunning(life)) ground.rememberProcess(life.pid);
  };
  const start = async (agents = 3): Promise<void> => {
    swarm = (await ground.quick(coordinator, agents)).id;
  };
  const view = (): Promise<SwarmView> => coordinator.handle("swarm", { swarm });
  const client = async (): Promise<MeshClient> => {
    const { agents } = await view();
    const made = connect({
      agents: agents.map(({ id, port }) => ({ id, port })),
      token: readToken(ground.folder, swarm),
      timeoutMs: 30_000,
    });
    clients.push(made);
    return made;
  };
  const add = (agent?: string, learner = false) =>
    coordinator.handle("changeMembers", { swarm, change: { kind: "add", learner, ...(agent && { agent }) } });
  const remove = (agent: string) => coordinator.handle("changeMembers", { swarm, change: { kind: "remove", agent } });
  const promote = (agent: string) => coordinator.handle("changeMembers", { swarm, change: { kind: "promote", agent } });
  const leader = async (): Promise<string> =>
    until("a leader", async () => (await view()).health.leader ?? undefined) as Promise<string>;
  const seen = async (text: string): Promise<readonly string[]> => {
    const { events } = await coordinator.handle("timelineSearch", { swarm, text: `kind:${text}`, limit: 1000 });
    return events.map(({ kind, agent }) => `${kind} ${agent}`);
  };
  /** Unlike any other, so that nothing of it can be made up from another. */
  const large = (at: number): Uint8Array => Buffer.alloc(3 * 1024, `${at} `);
  /** More entries than a leader keeps for those that are behind, and more bytes than what a snapshot is taken after. */
  const fill = async (mesh: MeshClient): Promise<void> => {
    const writes = Array.from({ length: MANY }, (_, at) => mesh.put("large", `k${at % KEYS}`, large(at)));
    await Promise.all(writes);
    await until("all have taken a snapshot", async () => (await seen("compacted")).length >= 3, 20_000);
  };

  it("take one in that catches up by a snapshot and then votes; the old leader leaves; nothing acknowledged is lost, on a restart neither", async () => {
    await start(3);
    const mesh = await client();
    await fill(mesh);
    const acknowledged: number[] = [];
    let writing = true;
    const writer = (async () => {
      for (let at = 1; writing; at++) {
        await mesh.put("count", `c${at}`, String(at));
        acknowledged.push(at);
      }
    })();
    const oldLeader = await leader();
    const added = await add();
    assert.deepEqual(added, {
      agent: "a4",
      members: { voters: ["a1", "a2", "a3", "a4"], outgoing: [], learners: [] },
    });
    await until("a4 installed a snapshot", async () =>
      (await seen("snapshotInstalled")).includes("snapshotInstalled a4"),
    );
    const whole = await untilView(coordinator, swarm, "a4 votes", ({ agents, health }) => {
      return agents.find(({ id }) => id === "a4")?.member === "voter" && health.level === "ok";
    });
    assert.equal(whole.health.quorum, 3);
    assert.equal(whole.links.length, 6);

    const port = whole.agents.find(({ id }) => id === oldLeader)?.port as number;
    const pid = whole.agents.find(({ id }) => id === oldLeader)?.pid as number;
    const stayed = ["a1", "a2", "a3", "a4"].filter((id) => id !== oldLeader);
    assert.deepEqual((await remove(oldLeader)).members.voters, stayed);
    assert.ok(!isRunning({ pid, startTime: "" }), "its process has ended");
    assert.equal(await isTaken(port), false);
    const rest = await untilView(coordinator, swarm, "the others decide", ({ agents, health, links }) => {
      return agents.length === 3 && health.leader !== null && health.level === "ok" && links.length === 3;
    });
    assert.deepEqual(
      rest.agents.map(({ id, member }) => [id, member]),
      stayed.map((id) => [id, "voter"]),
    );
    assert.equal(rest.health.quorum, 2);
    assert.deepEqual(
      ground.all("notice").filter(({ level }) => level !== "info"),
      [],
    );

    writing = false;
    await writer;
    assert.ok(acknowledged.length > 10, `${acknowledged.length} writes`);
    const all = await client();
    const check = async (): Promise<void> => {
      const { items } = await all.list("count", { limit: 10_000 });
      const kept = new Set(items.map(({ key }) => key));
      assert.deepEqual(
        acknowledged.filter((at) => !kept.has(`c${at}`)),
        [],
      );
      for (let at = MANY - KEYS; at < MANY; at++)
        assert.deepEqual(Buffer.from((await all.get("large", `k${at % KEYS}`))?.value ?? []), large(at));
    };
    await check();

    // All at once, and again from what is on their disks.
    await Promise.all(
      stayed.map((agent) => coordinator.handle("injectFault", { swarm, fault: { kind: "crash", agent } })),
    );
    assert.equal((await view()).health.level, "down");
    await coordinator.handle("healAll", { swarm });
    const again = await untilView(coordinator, swarm, "all are back", ({ health }) => health.level === "ok", 15_000);
    assert.deepEqual(again.members, { voters: stayed, outgoing: [], learners: [] });
    await check();
    await coordinator.handle("stopSwarm", { swarm, operation: "stop" });
    assert.deepEqual(ground.left, []);
  });

  it("take a learner in that has no vote until it is promoted, and that a leader can hand over to then", async () => {
    await start(3);
    assert.deepEqual((await add("helper", true)).members, {
      voters: ["a1", "a2", "a3"],
      outgoing: [],
      learners: ["helper"],
    });
    const learning = await untilView(coordinator, swarm, "it learns", ({ agents }) =>
      agents.some(({ id, member }) => id === "helper" && member === "learner"),
    );
    assert.equal(learning.health.quorum, 2);
    await assert.rejects(coordinator.handle("transferLeader", { swarm, to: "helper" }), /no vote, so it cannot lead/);
    assert.deepEqual((await promote("helper")).members.voters, ["a1", "a2", "a3", "helper"]);
    const { leader: now, term } = await coordinator.handle("transferLeader", { swarm, to: "helper" });
    assert.equal(now, "helper");
    const led = await untilView(coordinator, swarm, "it leads", ({ health }) => health.leader === "helper");
    assert.equal(led.health.term, term);
    const before = await leader();
    const chosen = await coordinator.handle("transferLeader", { swarm });
    assert.notEqual(chosen.leader, before);
  });

  it("refuse what makes no sense, in a sentence", async () => {
    await start(3);
    const refusals: readonly [Promise<unknown>, RegExp][] = [
      [add("a2"), /has an agent a2 already/],
      [add("../x"), /An agent's id is letters/],
      [add("leader"), /An agent cannot be called leader: faults use that word for a group/],
      [add("everyone", true), /An agent cannot be called everyone/],
      [promote("a1"), /a1 votes already/],
      [promote("a9"), /has no agent a9\. It has a1, a2, a3/],
      [remove("a9"), /has no agent a9/],
      [coordinator.handle("transferLeader", { swarm, to: await leader() }), /leads already/],
    ];
    for (const [asked, message] of refusals) await assert.rejects(asked, message);
    await coordinator.handle("injectFault", { swarm, fault: { kind: "crash", agent: "a3" } });
    await assert.rejects(remove("a2"), /Without a2 there are 2 voters, which need 2 of them to run; 1 do/);
    // The one that is down can go: nobody heals it then.
    await remove("a3");
    const rest = await untilView(coordinator, swarm, "a3 is gone", ({ agents }) => agents.length === 2);
    assert.deepEqual(rest.faults, []);
    await assert.rejects(add("a3"), /a3 was removed from this swarm; ids are not used twice/);
    await remove("a2");
    await assert.rejects(remove("a1"), /a1 is the only voter/);
    // And a removed one starts no more, whoever tries.
    await assert.rejects(spawnAgent({ folder: ground.folder, swarm, agent: "a3" }), /a3 was removed from swarm quick/);
  });

  it("take in one that is killed while it joins, once it is started again", async () => {
    await start(3);
    const mesh = await client();
    await fill(mesh);
    const adding = add();
    await untilView(coordinator, swarm, "a4 runs", ({ agents }) =>
      agents.some(({ id, process, member }) => id === "a4" && process === "running" && member === "joining"),
    );
    const life = readLife(ground.folder, swarm, "a4");
    assert.ok(life !== null);
    kill(life);
    await untilView(coordinator, swarm, "a4 is seen to be gone", ({ faults }) =>
      faults.some(({ agents }) => agents.includes("a4")),
    );
    await coordinator.handle("healAll", { swarm });
    assert.deepEqual((await adding).members.voters, ["a1", "a2", "a3", "a4"]);
    await untilView(coordinator, swarm, "all is well", ({ health }) => health.level === "ok");
  });

  it("come and go in a ring: the newcomer stands between two, and the ring is closed again behind one that goes", async () => {
    swarm = (await ground.init(coordinator, "agents: 4\ntopology: ring\n")).id;
    const ends = ({ links }: SwarmView): string[] => links.map(({ a, b }) => `${a}-${b}`).toSorted();
    assert.deepEqual((await add()).members.voters, ["a1", "a2", "a3", "a4", "a5"]);
    const ring = ["a1-a2", "a1-a4", "a2-a3", "a3-a4"];
    const grown = await untilView(coordinator, swarm, "all links are up", ({ health }) => health.linksUp === 6);
    assert.deepEqual(ends(grown), [...ring, "a1-a5", "a4-a5"].toSorted());
    await coordinator.handle("transferLeader", { swarm, ...((await leader()) === "a5" ? {} : { to: "a5" }) });
    await remove("a2");
    const left = await untilView(coordinator, swarm, "all is well", ({ agents, health }) => {
      return agents.length === 4 && health.level === "ok";
    });
    assert.deepEqual(ends(left), ["a1-a3", "a1-a4", "a1-a5", "a3-a4", "a4-a5"]);
    const mesh = await client();
    await mesh.put("ring", "k", "v");
    assert.equal(Buffer.from((await mesh.get("ring", "k"))?.value ?? []).toString(), "v");
  });

  it("come and go in a k-regular swarm: the newcomer gets as many links as the file says, and whoever goes next cuts nobody off", async () => {
    swarm = (await ground.init(coordinator, "agents: 5\ntopology: { kind: k-regular, degree: 3 }\n")).id;
    const ids = ({ agents }: SwarmView): string[] => agents.map(({ id }) => id);
    const ends = ({ links }: SwarmView): string[] => links.map(({ a, b }) => `${a}-${b}`).toSorted();
    await add();
    // 8 links of 5 agents, one of which has four, and three of the newcomer.
    const grown = await untilView(coordinator, swarm, "all links are up", ({ health }) => health.linksUp === 11);
    assert.equal(ends(grown).filter((link) => link.includes("a6")).length, 3);
    assert.ok(biconnected(ids(grown), grown.links));
    await coordinator.handle("transferLeader", { swarm, ...((await leader()) === "a6" ? {} : { to: "a6" }) });
    await remove("a2");
    const left = await untilView(
      coordinator,
      swarm,
      "all is well",
      ({ agents, health, links }) => agents.length === 5 && health.level === "ok" && health.linksUp === links.length,
    );
    const kept = ends(grown).filter((link) => !link.includes("a2"));
    assert.deepEqual(kept.filter((link) => !ends(left).includes(link)), []); // biome-ignore format: one rule
    for (const id of ids(left)) assert.ok(left.links.filter(({ a, b }) => a === id || b === id).length >= 3, id);
    const mesh = await client();
    await mesh.put("k-regular", "k", "v");
    assert.equal(Buffer.from((await mesh.get("k-regular", "k"))?.value ?? []).toString(), "v");
  });

  it("change no more once the swarm is stopped, and one that was being added leaves nothing", async () => {
    await start(3);
    for (const agent of ["a2", "a3"])
      await coordinator.handle("injectFault", { swarm, fault: { kind: "pause", agent } });
    const adding = add("a7").catch((error: Error) => error.message);
    await coordinator.handle("stopSwarm", { swarm, operation: "stop" });
    assert.match(String(await adding), /given up: the swarm is/);
    assert.deepEqual(ground.left, []);
    assert.deepEqual(ground.runningPids, []);
  });

  it("change one at a time, but one that is being added can be removed", async () => {
    await start(3);
    // Two of three, so that nothing can be decided.
    for (const agent of ["a2", "a3"])
      await coordinator.handle("injectFault", { swarm, fault: { kind: "pause", agent } });
    const adding = add("a7").catch((error: Error) => error.message);
    await untilView(coordinator, swarm, "a7 runs", ({ agents }) =>
      agents.some(({ id, process, member }) => id === "a7" && process === "running" && member === "joining"),
    );
    await assert.rejects(add("a8"), /a7 is just being added; members change one at a time/);
    const removing = remove("a7");
    assert.match(String(await adding), /given up: it is removed/);
    await coordinator.handle("healAll", { swarm });
    assert.deepEqual((await removing).members, { voters: ["a1", "a2", "a3"], outgoing: [], learners: [] });
    await untilView(
      coordinator,
      swarm,
      "a7 is gone",
      ({ agents, health }) => agents.length === 3 && health.level === "ok",
    );
  });
});
