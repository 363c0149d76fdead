import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { CoordinatorError } from "../../server/contract/coordinator.ts";
import { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { identityOf, isRunning } from "../../server/live/process.ts";
import { Ground, isTaken, until, untilTask, untilView } from "./ground.ts";

describe("a swarm's life", function () {
  this.timeout(30_000);
  let ground: Ground;
  beforeEach(() => {
    ground = new Ground();
  });
  afterEach(() => ground.end());

  it("comes up with real processes, a leader known by all and all links up, naming each stage", async () => {
    const coordinator = ground.coordinator();
    const swarm = await ground.quick(coordinator, 5);
    assert.equal(swarm.phase, "running");
    assert.equal(swarm.health.level, "ok", swarm.health.summary);
    assert.equal(new Set(swarm.agents.map(({ pid }) => pid)).size, 5);
    assert.equal(ground.runningPids.length, 5);
    const { leader } = swarm.health;
    assert.ok(swarm.agents.every((agent) => agent.leader === leader && agent.linksUp === 4));
    assert.ok(swarm.links.every(({ state }) => state === "up"));
    await until("all stages told", () => ground.all("progress").some(({ stage }) => stage === "Electing a leader"));
    const stages = new Set(ground.all("progress").map(({ stage }) => stage));
    assert.deepEqual(
      [...stages],
      ["Checking the mesh", "Choosing ports and making keys", "Starting agents", "Linking", "Electing a leader"],
    );
  });

  it("keeps memory and answers reads of it", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.quick(coordinator, 3);
    const item = { swarm, namespace: "n", key: "k" };
    const first = await coordinator.handle("memory", { ...item, op: "put", text: "grün" });
    assert.equal(first.type, "written");
    const version = first.type === "written" ? first.version : 0;
    assert.deepEqual(await coordinator.handle("memory", { ...item, op: "get" }), {
      type: "item",
      item: { namespace: "n", key: "k", text: "grün", encoding: "utf8", version, expiresAtMs: null },
    });
    const conflict = await coordinator.handle("memory", {
      ...item,
      op: "compareAndSet",
      text: "x",
      expectedVersion: 0,
    });
    assert.deepEqual(conflict, { type: "conflict", version });
    assert.deepEqual(await coordinator.handle("memory", { ...item, op: "delete" }), { type: "deleted", existed: true });
    assert.deepEqual(await coordinator.handle("memory", { ...item, op: "get" }), { type: "item", item: null });
  });

  it("leaves no process, no port, no lock and no file when it is stopped", async () => {
    const coordinator = ground.coordinator();
    const swarm = await ground.quick(coordinator, 4);
    await coordinator.handle("subscribe", { swarms: true, timeline: false, metrics: false });
    const pids = swarm.agents.map(({ pid }) => pid);
    const { ended } = await coordinator.handle("stopSwarm", { swarm: swarm.id, operation: "stop" });
    assert.deepEqual([...ended].sort(), pids.sort());
    assert.deepEqual(ground.runningPids, []);
    assert.deepEqual(ground.left, []);
    for (const { port } of swarm.agents) assert.equal(await isTaken(port), false, `port ${port}`);
    await until("stopped is told", () => ground.all("swarmChanged").at(-1)?.phase === "stopped");
    assert.deepEqual(await coordinator.handle("swarms", {}), []);
    await refused(coordinator.handle("swarm", { swarm: swarm.id }), "unknownSwarm");
  });

  for (const stage of ["Checking the mesh", "Choosing ports and making keys", "Starting agents", "Linking"]) {
    it(`leaves nothing when starting it is cancelled while ${stage.toLowerCase()}`, async () => {
      const pids: number[] = [];
      let cancel: Promise<{ readonly cancelled: boolean }> | undefined;
      const coordinator = new Coordinator({
        notify: (name, params) => {
          if (name !== "progress" || !("stage" in params) || params.stage !== stage || cancel !== undefined) return;
          cancel = coordinator.handle("cancel", { operation: "init" });
        },
      });
      await coordinator.handle("subscribe", { swarms: true, timeline: false, metrics: false });
      const watching = setInterval(async () => {
        for (const swarm of await coordinator.handle("swarms", {}))
          for (const { pid } of swarm.agents) if (pid !== null && !pids.includes(pid)) pids.push(pid);
      }, 10);
      try {
        for (;;) {
          const begun = coordinator.handle("initSwarm", {
            quick: { name: "q", agents: 5, topology: "mesh", consensus: "raft" },
            folder: ground.folder,
            operation: "init",
          });
          const [outcome] = await Promise.allSettled([begun]);
          // Progress is told a moment later: a swarm may be ready before anybody can cancel it, and then it is there.
          if (outcome?.status === "rejected") {
            await refused(begun, "cancelled");
            break;
          }
          assert.deepEqual(await cancel, { cancelled: false });
          cancel = undefined;
          await coordinator.handle("stopSwarm", { swarm: (await begun).id, operation: "stop" });
        }
        assert.deepEqual(await cancel, { cancelled: true });
        assert.deepEqual(ground.left, []);
        assert.deepEqual(
          pids.filter((pid) => isRunning(identityOf(pid))),
          [],
        );
        assert.deepEqual(await coordinator.handle("swarms", {}), []);
      } finally {
        clearInterval(watching);
        await coordinator.dispose();
      }
    });
  }

  it("starts nothing from a mesh file with errors, and names line and column", async () => {
    const coordinator = ground.coordinator();
    const error = await refused(ground.init(coordinator, "agents: 3\ntopologie: ring\n"), "invalidMesh");
    assert.match(error.message, /test\.mesh\.yaml:2:1: /);
    assert.deepEqual(ground.left, []);
    const diagnostics = await coordinator.handle("check", { file: join(ground.folder, "test.mesh.yaml") });
    assert.equal(diagnostics[0]?.line, 2);
    await refused(
      coordinator.handle("initSwarm", { file: join(ground.folder, "none.yaml"), operation: "o" }),
      "invalidMesh",
    );
  });

  it("says which port is taken, and leaves nothing", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    try {
      const mesh = `agents: 2\nbasePort: ${Math.min(port, 65_000)}\n`;
      const error = await refused(ground.init(ground.coordinator(), mesh), "failed");
      assert.match(error.message, new RegExp(`Port ${port} .* taken`));
      assert.deepEqual(ground.left, []);
    } finally {
      taken.close();
    }
  });

  it("refuses a plan that a real disk would not survive, with a sentence, and starts nothing", async () => {
    const mesh = "agents: 3\nfaults:\n  - { at: 1s, disk: { agent: a1, trouble: bitRot } }\n";
    const error = await refused(ground.init(ground.coordinator(), mesh), "invalidMesh");
    assert.match(error.message, /its plan cannot run live\. bitRot would destroy/);
    assert.deepEqual(ground.left, []);
  });

  it("refuses the same mesh file twice", async () => {
    const coordinator = ground.coordinator();
    await ground.init(coordinator, "agents: 1\n");
    const error = await refused(ground.init(ground.coordinator(), "agents: 1\n"), "alreadyRunning");
    assert.match(error.message, new RegExp(`process ${process.pid}`));
  });

  it("says that its folder cannot be made, and where", async () => {
    writeFileSync(join(ground.folder, ".agent-mesh"), "in the way");
    const error = await refused(ground.quick(ground.coordinator(), 1), "failed");
    assert.ok(error.message.includes(`The swarms of ${ground.folder} cannot be listed`), error.message);
  });

  it("runs a task, brings its output, tells its end once", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.quick(coordinator, 3);
    const { taskId } = await coordinator.handle("submitTask", {
      swarm,
      task: { command: process.execPath, args: ["-e", "console.log('one'); console.error('two'); process.exit(3)"] },
    });
    const task = await untilTask(coordinator, swarm, taskId, ({ state }) => state === "failed");
    assert.equal(task.exitCode, 3);
    const output = (stream: string) =>
      ground
        .all("taskOutput")
        .filter((one) => one.taskId === taskId && one.stream === stream)
        .map(({ text }) => text)
        .join("");
    await until("stdout", () => output("stdout") === "one\n");
    await until("stderr", () => output("stderr") === "two\n");
    await until("the end", () => ground.all("taskFinished").length > 0);
    await coordinator.handle("tasks", { swarm });
    assert.deepEqual(
      ground.all("taskFinished").map(({ task: { id, state } }) => [id, state]),
      [[taskId, "failed"]],
    );
    await refused(coordinator.handle("cancelTask", { swarm, taskId: "nobody" }), "refused");
  });

  it("runs a task again elsewhere when the agent that runs it is killed, and records one completion", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.quick(coordinator, 5);
    const { taskId } = await coordinator.handle("submitTask", {
      swarm,
      task: { command: process.execPath, args: ["-e", "setTimeout(() => console.log('done'), 1500)"] },
    });
    const { agent: first } = await untilTask(coordinator, swarm, taskId, ({ state }) => state === "leased");
    await until("it runs", async () =>
      (await coordinator.handle("swarm", { swarm })).agents.some(
        ({ id, tasksRunning }) => id === first && tasksRunning > 0,
      ),
    );
    await coordinator.handle("injectFault", { swarm, fault: { kind: "crash", agent: first } });
    const done = await untilTask(coordinator, swarm, taskId, ({ state }) => state === "completed", 15_000);
    assert.notEqual(done.agent, first);
    assert.ok(done.leases >= 2);
    await coordinator.handle("healAll", { swarm });
    await untilView(coordinator, swarm, "all well", ({ health }) => health.level === "ok");
    const { events } = await coordinator.handle("timelineSearch", {
      swarm,
      text: `kind:taskFinished ${taskId}`,
      limit: 100,
    });
    const perAgent = new Set(events.map(({ agent }) => agent));
    assert.ok(events.length > 0 && events.length === perAgent.size, "each agent applied one completion");
    assert.equal(new Set(events.map(({ fields }) => fields.token)).size, 1, "the same one");
    assert.equal(ground.all("taskFinished").length, 1);
  });

  it("submits a mesh file's tasks, and injects and heals its planned faults", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.init(
      coordinator,
      `agents: 3
tasks:
  - id: hello
    run: [${JSON.stringify(process.execPath)}, --version]
faults:
  - at: 200ms
    isolate: a2
    for: 800ms
`,
    );
    const isolated = await untilView(coordinator, swarm, "isolated", ({ faults }) => faults.length === 1);
    assert.equal(isolated.faults[0]?.source, "plan");
    assert.equal(isolated.faults[0]?.title, "a2 isolated");
    await untilView(
      coordinator,
      swarm,
      "healed by itself",
      ({ faults, health }) => faults.length === 0 && health.level === "ok",
    );
    const task = await untilTask(coordinator, swarm, "hello", ({ state }) => state === "completed");
    assert.match(task.outputTail, /^v\d+/);
  });

  it("follows a plan that waits for events: each new leader is hunted, however many its rounds say", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.init(
      coordinator,
      `agents: 5
faults:
  - { at: 0s, preset: leaderHunt, hit: isolate, every: 100ms, for: 600ms, times: 2 }
  - { on: steppedDown, nth: 1, partition: ring, for: 200ms }
`,
    );
    const injected = () =>
      coordinator
        .handle("timelineSearch", { swarm, text: "kind:faultInjected", limit: 100 })
        .then(({ events }) => events.map(({ fields }) => String(fields.title)));
    const titles = await until("three faults", async () => {
      const found = await injected();
      return found.length === 3 ? found : null;
    });
    const hunted = titles.filter((title) => /^a\d isolated$/.test(title));
    assert.equal(new Set(hunted).size, 2, titles.join("; "));
    assert.ok(titles.some((title) => title.endsWith("partitioned in a ring")));
    await untilView(
      coordinator,
      swarm,
      "well again",
      ({ faults, health }) => faults.length === 0 && health.level === "ok",
    );
    assert.equal((await injected()).length, 3);
  });

  it("ends with its coordinator, except where it is detached", async () => {
    const coordinator = ground.coordinator();
    await ground.init(coordinator, "agents: 2\n");
    await coordinator.dispose();
    assert.deepEqual(ground.runningPids, []);
    assert.deepEqual(ground.left, []);

    const second = ground.coordinator();
    const detached = await ground.init(second, "agents: 2\ndetached: true\n");
    await second.dispose();
    assert.equal(ground.runningPids.length, 2);
    const third = ground.coordinator();
    await third.adopt([ground.folder]);
    const [found] = await third.handle("swarms", {});
    assert.equal(found?.id, detached.id);
    await third.handle("stopSwarm", { swarm: detached.id, operation: "stop" });
    assert.deepEqual(ground.runningPids, []);
    assert.deepEqual(ground.left, []);
  });

  it("notices an agent that dies by itself, does not start it behind one's back, and heals it when told", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm, agents } = await ground.quick(coordinator, 3);
    process.kill(agents[1]!.pid!, "SIGKILL");
    const seen = await untilView(coordinator, swarm, "crashed", (view) => view.agents[1]?.process === "crashed");
    assert.deepEqual(
      seen.faults.map(({ title, source }) => [title, source]),
      [["a2 crashed by itself", "itself"]],
    );
    const notice = await until("a notice", () => ground.all("notice").find(({ level }) => level === "warning"));
    assert.match(notice.message, new RegExp(`Agent a2 \\(process ${agents[1]!.pid}\\) ended`));
    await coordinator.handle("healAll", { swarm });
    const healed = await untilView(coordinator, swarm, "well again", ({ health }) => health.level === "ok");
    ground.remember(healed);
    assert.notEqual(healed.agents[1]?.pid, agents[1]!.pid);
    assert.deepEqual(healed.faults, []);
  });

  it("runs nothing without trust", async () => {
    const coordinator = new Coordinator({ notify: () => {}, trusted: false });
    const init = {
      quick: { name: "q", agents: 1, topology: "mesh", consensus: "raft" } as const,
      folder: ground.folder,
    };
    await refused(coordinator.handle("initSwarm", { ...init, operation: "o" }), "untrusted");
    assert.ok(!existsSync(join(ground.folder, ".agent-mesh")));
    assert.deepEqual(readdirSync(ground.folder), []);
    await coordinator.dispose();
  });

  it("refuses what it is not, from outside", async () => {
    const coordinator = ground.coordinator();
    await refused(coordinator.handleUnchecked("shutdown", {}), "refused");
    await refused(coordinator.handleUnchecked("__proto__", {}), "refused");
    await refused(coordinator.handleUnchecked("swarm", { swarm: 7 }), "refused");
    await refused(
      coordinator.handleUnchecked("timeline", { swarm: "x", fromMs: 5, toMs: 1, maxEvents: 1, buckets: 1 }),
      "refused",
    );
    await refused(coordinator.handleUnchecked("initSwarm", []), "refused");
  });
});

async function refused(promise: Promise<unknown>, reason: keyof typeof CoordinatorError): Promise<Refusal> {
  const error = await promise.then(
    () => assert.fail(`expected to be refused: ${reason}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Refusal, String(error));
  assert.equal(error.reason, reason, error.message);
  assert.equal(error.code, CoordinatorError[reason]);
  return error;
}
