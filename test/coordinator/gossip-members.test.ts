// Agents that come to a running swarm by gossip and leave it: real processes, three at first, and the coordinator that changes who they are.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { CoordinatorMethod, CoordinatorRequests } from "../../server/contract/coordinator.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { readLife } from "../../server/live/layout.ts";
import { isRunning, kill } from "../../server/live/process.ts";
import { Ground, isTaken, until, untilView } from "./ground.ts";

describe("the members of a swarm by gossip", function () {
  this.timeout(120_000);
  const ground = new Ground();
  let coordinator: Coordinator;
  let swarm: string;

  before(async () => {
    coordinator = ground.coordinator();
    swarm = (await ground.init(coordinator, "agents: 3\nconsensus: gossip\n")).id;
  });
  after(async () => {
    for (const id of ["a4", "a5", "a6", "guest", "late"]) {
      const life = swarm === undefined ? null : readLife(ground.folder, swarm, id);
      if (life !== null && isRunning(life)) ground.rememberProcess(life.pid);
    }
    await ground.end();
  });

  const ask = <M extends CoordinatorMethod>(
    method: M,
    params: Omit<CoordinatorRequests[M]["params"], "swarm">,
  ): Promise<CoordinatorRequests[M]["result"]> =>
    coordinator.handle(method, { swarm, ...params } as CoordinatorRequests[M]["params"]);
  const add = (agent?: string) =>
    ask("changeMembers", { change: { kind: "add", learner: false, ...(agent && { agent }) } });
  const remove = (agent: string) => ask("changeMembers", { change: { kind: "remove", agent } });
  const put = async (agent: string, key: string, text: string): Promise<void> => {
    const answer = await ask("memory", { op: "put", namespace: "n", key, text, agent } as never);
    assert.equal(answer.type, "written");
  };
  const got = async (agent: string, key: string): Promise<string | undefined> => {
    const answer = await ask("memory", { op: "get", namespace: "n", key, agent } as never);
    return answer.type === "item" ? answer.item?.text : undefined;
  };
  const seen = (what: string, holds: (view: SwarmView) => boolean): Promise<SwarmView> =>
    untilView(coordinator, swarm, what, holds, 15_000);
  /** All that are there count the same, and know that all have the same. */
  const whole = async (...ids: string[]): Promise<SwarmView> =>
    seen(`${ids.join(", ")} are one`, ({ agents, health, members }) => {
      const same = agents.every(({ gossip, member }) => gossip?.members === ids.length && member === "voter");
      const all = agents.map(({ id }) => id).join() === ids.join() && members?.voters.join() === ids.join();
      return all && same && health.level === "ok" && health.agreement === 1;
    });

  it("take one in at once, which gets what was written before it came, and counts everywhere", async () => {
    for (let at = 0; at < 30; at++) await put(`a${(at % 3) + 1}`, `k${at}`, `v${at}`);
    assert.deepEqual(await add(), {
      agent: "a4",
      members: { voters: ["a1", "a2", "a3", "a4"], outgoing: [], learners: [] },
    });
    await until("a4 has it all", async () => {
      for (let at = 0; at < 30; at++) if ((await got("a4", `k${at}`)) !== `v${at}`) return false;
      return true;
    });
    await put("a4", "own", "of a4");
    for (const agent of ["a1", "a2", "a3"])
      await until(`${agent} has what a4 took`, async () => (await got(agent, "own")) === "of a4");
    const { links, health } = await whole("a1", "a2", "a3", "a4");
    assert.deepEqual([links.length, health.quorum], [6, 1]);
  });

  it("come and go while clients count, of whom none is refused, and each count counts once", async () => {
    let acknowledged = 0;
    let counting = true;
    const count = async (): Promise<void> => {
      while (counting) {
        const answer = await ask("memory", { op: "increment", namespace: "n", key: "count", by: 1 } as never);
        assert.equal(answer.type, "counted");
        acknowledged++;
      }
    };
    const clients = Promise.all([count(), count(), count()]);
    await add("guest");
    await until("some more are counted", () => acknowledged > 50);
    await remove("guest");
    counting = false;
    await clients;
    await whole("a1", "a2", "a3", "a4");
    for (const agent of ["a1", "a2", "a3", "a4"]) assert.equal(await got(agent, "count"), String(acknowledged), agent);
  });

  it("let one go that runs, and lose nothing of what it alone had taken", async () => {
    const { pid, port } = (await whole("a1", "a2", "a3", "a4")).agents.find(({ id }) => id === "a2") as {
      readonly pid: number;
      readonly port: number;
    };
    // Nobody hears of these for as long as a2 is cut off; it is asked to go while they are on their way.
    const cut = await ask("injectFault", { fault: { kind: "isolate", agent: "a2" } });
    for (let at = 0; at < 20; at++) await put("a2", `last${at}`, `l${at}`);
    const removing = remove("a2");
    await seen("a2 leaves", ({ agents }) => agents.some(({ id, member }) => id === "a2" && member === "leaving"));
    await assert.rejects(add("other"), /a2 is just being removed; members change one at a time/);
    assert.equal(await got("a1", "last0"), undefined, "it is known to a2 alone");
    await ask("healFault", { fault: cut.id });
    assert.deepEqual(await removing, {
      agent: "a2",
      members: { voters: ["a1", "a3", "a4"], outgoing: [], learners: [] },
    });
    assert.ok(!isRunning({ pid, startTime: "" }), "its process has ended");
    assert.equal(await isTaken(port), false);
    const { links } = await whole("a1", "a3", "a4");
    assert.equal(links.length, 3);
    for (const agent of ["a1", "a3", "a4"])
      for (let at = 0; at < 20; at++) assert.equal(await got(agent, `last${at}`), `l${at}`, `${agent} last${at}`);
    const judged = (await ask("expectations", {})).find(({ name }) => name === "convergence");
    assert.deepEqual([judged?.held, judged?.measured], [true, "3 agents with one memory and the same proposals"]);
    await assert.rejects(add("a2"), /a2 was removed from this swarm; ids are not used twice/);
  });

  it("let one go that crashed, say what may be lost, and come to the same without it", async () => {
    await ask("injectFault", { fault: { kind: "isolate", agent: "a3" } });
    await put("a3", "unheard", "x");
    await put("a1", "meanwhile", "y");
    await ask("injectFault", { fault: { kind: "crash", agent: "a3" } });
    await seen("a3 is down", ({ agents }) => agents.some(({ id, process }) => id === "a3" && process === "crashed"));
    const { members, warning } = await remove("a3");
    assert.deepEqual(members.voters, ["a1", "a4"]);
    assert.equal(warning, "a3 was down when it was removed: what it had acknowledged and told nobody is lost with it.");
    const { faults } = await whole("a1", "a4");
    assert.deepEqual(faults, []);
    assert.deepEqual([await got("a4", "meanwhile"), await got("a4", "unheard")], ["y", undefined]);
  });

  it("change by whoever hears of it where the one that is asked first is cut off", async () => {
    const { id } = await ask("injectFault", { fault: { kind: "isolate", agent: "a1" } });
    assert.deepEqual((await add("late")).members.voters, ["a1", "a4", "late"]);
    await ask("injectFault", { fault: { kind: "crash", agent: "late" } });
    await seen("it is down", ({ agents }) => agents.some(({ process }) => process === "crashed"));
    assert.deepEqual((await remove("late")).members.voters, ["a1", "a4"]);
    await until("a4 has heard of it", async () =>
      (await ask("swarm", {})).agents.every(({ gossip }) => gossip?.members === 2),
    );
    await ask("healFault", { fault: id });
    await whole("a1", "a4");
  });

  it("refuse what would lose something, in a sentence, and nothing has changed", async () => {
    await ask("injectFault", { fault: { kind: "pause", agent: "a4" } });
    await seen("a4 is paused", ({ agents }) => agents.some(({ id, process }) => id === "a4" && process === "paused"));
    await assert.rejects(remove("a4"), /a4 is paused, and cannot tell what it alone has\. Heal it first/);
    await assert.rejects(remove("a1"), /None of the others runs: what a1 alone has would be lost with it/);
    await ask("healAll", {});
    await whole("a1", "a4");
  });

  it("take in one that is killed while it joins, and one that was down meanwhile, once they are started again", async () => {
    await ask("injectFault", { fault: { kind: "crash", agent: "a1" } });
    await put("a4", "a1 is down", "z");
    const adding = add();
    await seen("a5 runs", ({ agents }) => agents.some(({ id, process }) => id === "a5" && process === "running"));
    const life = readLife(ground.folder, swarm, "a5");
    assert.ok(life !== null);
    kill(life);
    await seen("a5 is seen to be gone", ({ faults }) => faults.some(({ agents }) => agents.includes("a5")));
    await ask("healAll", {});
    assert.deepEqual((await adding).members.voters, ["a1", "a4", "a5"]);
    await whole("a1", "a4", "a5");
    assert.deepEqual([await got("a5", "meanwhile"), await got("a1", "a1 is down")], ["y", "z"]);
  });

  it("may be one alone, which stays, and have come and gone for good on a restart", async () => {
    await remove("a5");
    await remove("a1");
    await whole("a4");
    await assert.rejects(remove("a4"), /a4 is the only voter/);
    await ask("injectFault", { fault: { kind: "crash", agent: "a4" } });
    await ask("healAll", {});
    await whole("a4");
    assert.deepEqual(
      [await got("a4", "own"), await got("a4", "last19"), await got("a4", "k7")],
      ["of a4", "l19", "v7"],
    );
    await add();
    await whole("a4", "a6");
    await until("a6 has all", async () => (await got("a6", "last19")) === "l19");
    // What was recorded reaches the files a moment later.
    for (const agent of ["a4", "a6"])
      await until(`${agent} is recomputed from its recording`, async () => {
        const place = { folder: ground.folder, swarm, kept: false, agent, operation: agent };
        const { text } = await coordinator.handle("replayRecording", place);
        return text.includes("all 2 have what it has, agreement 1, ") && text.includes("all equal");
      });
    await ask("stopSwarm", { operation: "stop" });
    assert.deepEqual(ground.left, []);
  });
});
