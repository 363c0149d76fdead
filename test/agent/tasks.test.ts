import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { TaskInfo } from "../../server/contract/swarm.ts";
import { Cluster } from "./cluster.ts";
import { code, put, submit } from "./operations.ts";

function tasks(cluster: Cluster, id = cluster.up[0]?.id as string): readonly TaskInfo[] {
  const result = cluster.ask(id, { op: "tasks" });
  assert.ok(result.ok && result.value.type === "tasks", JSON.stringify(result));
  return result.value.tasks;
}

function task(cluster: Cluster, id: string): TaskInfo {
  return tasks(cluster).find((one) => one.id === id) as TaskInfo;
}

function untilFinished(cluster: Cluster, id: string): TaskInfo {
  cluster.until(`task ${id} is finished`, () => (task(cluster, id)?.finishedIndex ?? null) !== null, 30_000);
  return task(cluster, id);
}

function runsOf(cluster: Cluster, id: string) {
  return [...cluster.nodes.values()].flatMap(({ id: agent, runs }) =>
    runs.filter(({ spec }) => spec.id === id).map((run) => ({ agent, ...run })),
  );
}

/** How often the task's outcome was recorded, as the agent that saw it most often saw it in one of its lives. */
function completions(cluster: Cluster, id: string): number {
  const seen = new Map<string, number>();
  for (const { events } of cluster.nodes.values())
    for (const { id: eventId, kind, fields } of events) {
      if (kind !== "taskFinished" || fields.id !== id) continue;
      const life = eventId.slice(0, eventId.indexOf(":"));
      seen.set(life, (seen.get(life) ?? 0) + 1);
    }
  return Math.max(...seen.values());
}

describe("tasks", () => {
  it("run once, on one agent, and their outcome is known to all", () => {
    const cluster = new Cluster({ size: 3 });
    const follower = cluster.follower();
    assert.deepEqual(cluster.ask(follower, submit("t")), {
      ok: true,
      value: { type: "task", taskId: "t", created: true },
    });
    const done = untilFinished(cluster, "t");
    assert.equal(done.state, "completed");
    assert.equal(done.exitCode, 0);
    assert.equal(done.outputTail, "done");
    const runs = runsOf(cluster, "t");
    assert.equal(runs.length, 1);
    assert.equal(done.agent, runs[0]?.agent);
    for (const { id } of cluster.up) assert.deepEqual(tasks(cluster, id), [done]);
    assert.deepEqual(cluster.ask("a1", submit("t")), {
      ok: true,
      value: { type: "task", taskId: "t", created: false },
    });
    assert.equal(code(cluster.ask("a1", submit("t", { command: "false" }))), "refused");
  });

  it("are spread over the agents, and none runs more than its slots", () => {
    const cluster = new Cluster({ size: 3, slots: 2 });
    cluster.elect();
    for (const node of cluster.up) node.taskMs = 400;
    for (let at = 0; at < 9; at++) cluster.send("a1", submit(`t${at}`));
    cluster.run(200);
    for (const { id, agent } of cluster.up) assert.equal(agent?.report(cluster.now).tasksRunning, 2, id);
    for (let at = 0; at < 9; at++) assert.equal(untilFinished(cluster, `t${at}`).state, "completed");
    for (let at = 0; at < 9; at++) assert.equal(runsOf(cluster, `t${at}`).length, 1);
  });

  it("are run again by another agent when the one that runs them is killed, and completed exactly once", () => {
    const cluster = new Cluster({ size: 5 });
    cluster.elect();
    for (const node of cluster.up) node.taskMs = 3000;
    cluster.ask("a1", submit("t"));
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    const [first] = runsOf(cluster, "t");
    cluster.run(500);
    cluster.node(first?.agent as string).kill();
    const tookMs = cluster.until("another runs it", () => runsOf(cluster, "t").length === 2);
    assert.ok(
      tookMs < 2000,
      `taken over after ${tookMs} ms, without waiting for more than the failure and an election`,
    );
    const done = untilFinished(cluster, "t");
    assert.equal(done.state, "completed");
    assert.notEqual(done.agent, first?.agent);
    cluster.node(first?.agent as string).start();
    cluster.run(3000);
    assert.equal(runsOf(cluster, "t").length, 2, "the restarted agent does not run it again");
    assert.equal(completions(cluster, "t"), 1);
  });

  it("are stopped by a holder that is cut off, before another may hold the lease", () => {
    const cluster = new Cluster({ size: 5, taskLeaseMs: 2000 });
    const leader = cluster.elect();
    const holder = cluster.ids.find((id) => id !== leader) as string;
    for (const node of cluster.up) node.taskMs = 20_000;
    cluster.ask(leader, submit("t", { agent: holder }));
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    cluster.run(3000);
    assert.equal(runsOf(cluster, "t").length, 1, "its lease was renewed");
    cluster.passes = (from, to) => from !== holder && to !== holder;
    const tookMs = cluster.until("the holder stops it", () => runsOf(cluster, "t")[0]?.stopped === true);
    assert.ok(tookMs <= 2000, `stopped ${tookMs} ms after it was cut off; the lease is 2000 ms`);
  });

  it("are given back by an agent that finds itself holder after a restart", () => {
    const cluster = new Cluster({ size: 3, taskLeaseMs: 60_000 });
    const leader = cluster.elect();
    const holder = cluster.ids.find((id) => id !== leader) as string;
    for (const node of cluster.up) node.taskMs = 5000;
    cluster.ask(leader, submit("t", { agent: holder }));
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    cluster.run(100);
    cluster.node(holder).kill();
    cluster.run(20);
    cluster.node(holder).start();
    const tookMs = cluster.until("it runs again", () => runsOf(cluster, "t").length === 2);
    assert.ok(tookMs < 2000, `${tookMs} ms; the lease would have lasted 60 s`);
    assert.equal(untilFinished(cluster, "t").state, "completed");
    assert.equal(completions(cluster, "t"), 1);
  });

  it("that fail are tried again as often as allowed", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    const outcome = { exitCode: 1, signal: "", error: "", outputTail: "no", durationMs: 5 };
    for (const node of cluster.up) node.outcome = outcome;
    cluster.ask("a1", submit("t", { maxAttempts: 3 }));
    const done = untilFinished(cluster, "t");
    assert.equal(done.state, "failed");
    assert.equal(done.failures, 3);
    assert.equal(done.exitCode, 1);
    assert.equal(runsOf(cluster, "t").length, 3);
  });

  it("that are cancelled are stopped", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    for (const node of cluster.up) node.taskMs = 60_000;
    cluster.ask("a1", submit("t"));
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    assert.deepEqual(cluster.ask("a2", { op: "cancelTask", taskId: "t" }), { ok: true, value: { type: "done" } });
    cluster.until("it is stopped", () => runsOf(cluster, "t")[0]?.stopped === true);
    assert.equal(task(cluster, "t").state, "cancelled");
    assert.equal(code(cluster.ask("a2", { op: "cancelTask", taskId: "none" })), "refused");
  });

  it("are not completed twice by a holder that comes back late", () => {
    const cluster = new Cluster({ size: 5, taskLeaseMs: 1000 });
    const leader = cluster.elect();
    const holder = cluster.ids.find((id) => id !== leader) as string;
    for (const node of cluster.up) node.taskMs = 2500;
    cluster.ask(leader, submit("t"));
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    const [first] = runsOf(cluster, "t");
    const cutOff = first?.agent ?? holder;
    cluster.passes = (from, to) => from !== cutOff && to !== cutOff;
    cluster.until("another runs it", () => runsOf(cluster, "t").length === 2);
    cluster.passes = () => true;
    const done = untilFinished(cluster, "t");
    assert.equal(done.state, "completed");
    cluster.run(5000);
    assert.equal(completions(cluster, "t"), 1);
    assert.deepEqual(tasks(cluster), [done]);
  });

  for (const skewMs of [-5000, 5000]) {
    it(`run once although the holder's clock is ${skewMs} ms off and a lease takes 1000`, () => {
      const cluster = new Cluster({ size: 3, taskLeaseMs: 1000 });
      const leader = cluster.elect();
      const holder = cluster.ids.find((id) => id !== leader) as string;
      cluster.node(holder).kill();
      cluster.node(holder).skewMs = skewMs;
      cluster.node(holder).start();
      cluster.run(1000);
      for (const node of cluster.up) node.taskMs = 4000;
      assert.equal(code(cluster.ask(cluster.elect(), submit("t", { agent: holder }))), "ok");
      assert.equal(untilFinished(cluster, "t").state, "completed");
      assert.equal(runsOf(cluster, "t").length, 1);
      assert.equal(task(cluster, "t").leases, 1);
    });
  }

  it("run on under a leader whose clock is far behind the one before", () => {
    const cluster = new Cluster({ size: 1, taskLeaseMs: 1000 });
    const node = cluster.node("a1");
    node.kill();
    node.skewMs = 60_000;
    node.start();
    cluster.elect();
    assert.equal(code(cluster.ask("a1", put("k", "v"))), "ok");
    node.kill();
    node.skewMs = 0;
    node.start();
    cluster.elect();
    node.taskMs = 5000;
    assert.equal(code(cluster.ask("a1", submit("t"))), "ok");
    assert.equal(untilFinished(cluster, "t").state, "completed");
    assert.ok(cluster.agent("a1").machine.timeMs > cluster.now + 50_000, "entry time has stood still");
    assert.equal(task(cluster, "t").leases, 1, "its renewals counted all the same");
  });
});
