import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { TaskInfo } from "../../server/contract/swarm.ts";
import { Cluster, type ClusterOptions, TIMING } from "./cluster.ts";
import { changeMembers, get, put, refusal, stored, submit, version } from "./operations.ts";

/** What a view may take before it is given up, as the agents set it. */
const VIEW_TIMEOUT_MS = TIMING.electionTimeoutMaxMs * 2;

function swarm(options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster({ size: 4, consensus: "pbft", ...options });
  cluster.run(100);
  return cluster;
}

/** All that are up have applied the same, and are the same byte for byte. */
function agree(cluster: Cluster): void {
  const indexes = () => new Set(cluster.up.map(({ id }) => cluster.agent(id).machine.index));
  cluster.until("all have applied the same", () => indexes().size === 1);
  const [first, ...others] = cluster.up.map(({ id }) => cluster.agent(id).machine.snapshot());
  for (const other of others) assert.deepEqual(other, first);
}

function task(cluster: Cluster, id: string, at: string): TaskInfo | undefined {
  const result = cluster.ask(at, { op: "tasks", consistency: "local" });
  assert.ok(result.ok && result.value.type === "tasks", JSON.stringify(result));
  return result.value.tasks.find((one) => one.id === id);
}

function untilFinished(cluster: Cluster, id: string, at: string): TaskInfo {
  cluster.until(`task ${id} is finished`, () => (task(cluster, id, at)?.finishedIndex ?? null) !== null, 30_000);
  return task(cluster, id, at) as TaskInfo;
}

function runsOf(cluster: Cluster, id: string): { readonly agent: string }[] {
  return [...cluster.nodes.values()].flatMap(({ id: agent, runs }) =>
    runs.filter(({ spec }) => spec.id === id).map(() => ({ agent })),
  );
}

function events(cluster: Cluster, kind: string) {
  return [...cluster.nodes.values()].flatMap(({ id, events }) =>
    events.filter((event) => event.kind === kind).map(({ fields }) => ({ id, fields })),
  );
}

describe("agents that decide by PBFT", () => {
  it("take writes and reads anywhere, and tell what they are", () => {
    const cluster = swarm();
    for (const { id } of cluster.up) version(cluster.ask(id, put(id, `of ${id}`)));
    for (const { id } of cluster.up)
      for (const key of cluster.ids) assert.equal(stored(cluster.ask(id, get(key))), `of ${key}`);
    agree(cluster);
    for (const { id } of cluster.up) {
      const report = cluster.agent(id).report(cluster.now);
      assert.equal(report.role, id === "a1" ? "primary" : "backup");
      assert.equal(report.leader, "a1");
      assert.deepEqual(report.voters, cluster.ids);
      assert.equal(report.pbft?.faultsTolerated, 1);
      assert.deepEqual(report.pbft?.liars, []);
      assert.equal(report.votesGranted > 0, id !== "a1", "backups prepare what the primary proposes");
      // Each entry is one agent's to count: the sum over all is what was decided.
      assert.equal(report.committedAsLeader, id === "a1" ? 4 : 0);
      assert.equal(report.decisionLatenciesMs.length > 0, id === "a1");
    }
  });

  it("apply a write once that is asked for at all of them at the same time", () => {
    const cluster = swarm();
    const write = { ...put("k", "1"), session: "s", sequence: 1 };
    const asked = cluster.ids.map((id) => ({ id, request: cluster.send(id, write) }));
    cluster.until("all answer", () => asked.every(({ id, request }) => cluster.node(id).answers.has(request)));
    const answers = new Set(asked.map(({ id, request }) => JSON.stringify(cluster.node(id).answers.get(request))));
    assert.equal(answers.size, 1, [...answers].join());
    assert.match([...answers].join(), /written/);
  });

  it("go on without the primary: what was asked for meanwhile is answered in the next view, ordered once, and not proposed again by the agents", () => {
    const cluster = swarm();
    version(cluster.ask("a2", put("before", "1")));
    agree(cluster);
    cluster.node("a1").kill();
    const writes = ["a2", "a3", "a4"].map((id) => ({ id, request: cluster.send(id, put(id, "during")) }));
    cluster.until("the view is given up", () => cluster.agent("a2").consensusStatus.role === "viewChange");
    const late = { id: "a3", request: cluster.send("a3", put("late", "in the view change")) };
    const read = { id: "a4", request: cluster.send("a4", get("before")) };
    const all = [...writes, late, read];
    const answered = () => all.every(({ id, request }) => cluster.node(id).answers.has(request));
    const tookMs = cluster.until("all are answered", answered);
    assert.ok(tookMs < 2 * VIEW_TIMEOUT_MS, `answered ${tookMs} ms after the view was given up`);
    for (const { id, request } of all) assert.equal(cluster.node(id).answers.get(request)?.ok, true);
    assert.equal(cluster.leader, "a2");
    agree(cluster);
    cluster.run(10_000);
    assert.equal(cluster.agent("a2").machine.index, 5, "five writes, five entries");
  });

  it("let time pass, and values expire, though the primary's clock is days behind", () => {
    const cluster = swarm();
    cluster.node("a1").kill();
    cluster.node("a1").skewMs = -10 * 24 * 3_600_000;
    cluster.node("a1").start();
    for (let at = 0; at < 4 && cluster.elect() !== "a1"; at++)
      assert.ok(cluster.ask(cluster.leader as string, { op: "transferLeader" }).ok);
    assert.equal(cluster.elect(), "a1");
    assert.ok(cluster.ask("a2", { ...put("k", "v"), ttlMs: 1000 }).ok);
    assert.notEqual(cluster.leader, "a1", "what it proposed was not believed");
    cluster.run(30_000);
    assert.equal(stored(cluster.ask("a3", get("k"))), null);
    for (const id of ["a2", "a3", "a4"])
      assert.ok(
        events(cluster, "disbelieved").some((told) => told.id === id && told.fields.reason === "badTime"),
        id,
      );
  });

  it("ask for no more and more while one is cut off, and answer what still waits when it is back", () => {
    const cluster = swarm();
    cluster.passes = (from, to) => from !== "a4" && to !== "a4";
    const told = { request: 0, read: 0 };
    const asked: number[] = [];
    for (let at = 0; at < 1000; at++) {
      asked.push(cluster.send("a4", { ...get("k"), timeoutMs: at < 900 ? 100 : 60_000 }));
      cluster.run(0.5);
    }
    cluster.run(60);
    for (const { kind, message } of cluster.node("a4").events)
      if (kind === "send" && (message?.type === "read" || message?.type === "request")) told[message.type]++;
    // Each is said to three others, and again every now and then: half a second of it, in which it has not noticed that it is cut off.
    assert.ok(told.read <= 3 * 64 * 6, `${told.read} questions`);
    assert.ok(told.request <= 3 * 64 * 20, `${told.request} requests`);
    cluster.passes = () => true;
    cluster.until("all are answered", () => asked.every((request) => cluster.node("a4").answers.has(request)));
    for (const [at, request] of asked.entries())
      assert.equal(cluster.node("a4").answers.get(request)?.ok, at >= 900, `read ${at}`);
  });

  it("bring a restarted one back, which leads no more in the view it led, and has lost nothing", () => {
    const cluster = swarm();
    for (let at = 0; at < 20; at++) version(cluster.ask("a1", put(`k${at}`, `v${at}`)));
    cluster.node("a1").kill();
    for (let at = 20; at < 40; at++) version(cluster.ask("a3", put(`k${at}`, `v${at}`)));
    cluster.node("a1").start();
    agree(cluster);
    assert.equal(cluster.agent("a1").machine.memory.size, 40);
    for (let at = 40; at < 50; at++) version(cluster.ask("a1", put(`k${at}`, `v${at}`)));
    agree(cluster);
    assert.deepEqual(
      new Set(cluster.up.map(({ agent }) => agent?.report(cluster.now).pbft?.liars.join())),
      new Set([""]),
    );
  });

  it("all start again from their journals, with what was decided", () => {
    const cluster = swarm({ snapshotEveryEntries: 4, snapshotEveryBytes: 4096 });
    for (let at = 0; at < 50; at++) version(cluster.ask("a2", put(`k${at}`, "x".repeat(100))));
    cluster.run(200);
    const before = cluster.agent("a1").machine.snapshot();
    for (const node of cluster.nodes.values()) {
      assert.ok(node.snapshot !== undefined, `${node.id}'s journal was begun anew`);
      assert.ok(node.entries.length < 100, `${node.id}'s journal has ${node.entries.length} records`);
      node.kill();
    }
    cluster.run(10);
    for (const node of cluster.nodes.values()) node.start();
    cluster.run(3000);
    agree(cluster);
    assert.deepEqual(cluster.agent("a1").machine.snapshot(), before);
    for (const id of cluster.ids) version(cluster.ask(id, put(id, "after")));
    agree(cluster);
  });

  it("hand the next in line the lead when asked to, nobody else, and keep their members", () => {
    const cluster = swarm();
    assert.match(
      refusal(cluster.ask("a1", changeMembers({ remove: "a4" }))),
      /^refused: .*members of a pbft swarm are fixed/,
    );
    assert.match(refusal(cluster.ask("a1", { op: "transferLeader", to: "a3" })), /^refused: .*another one is next/);
    assert.match(refusal(cluster.ask("a2", { op: "transferLeader" })), /^unavailable: a1 leads/);
    const result = cluster.ask("a1", { op: "transferLeader" });
    assert.deepEqual(result, { ok: true, value: { type: "leader", leader: "a2", term: 1 } });
    version(cluster.ask("a1", put("k", "v")));
    agree(cluster);
  });
});

describe("tasks of agents that decide by PBFT", () => {
  it("run once each, spread over the agents, and their outcome is known to all", () => {
    const cluster = swarm();
    for (let at = 0; at < 8; at++) assert.ok(cluster.ask("a3", submit(`t${at}`)).ok);
    for (let at = 0; at < 8; at++) {
      assert.equal(untilFinished(cluster, `t${at}`, "a4").state, "completed");
      assert.equal(runsOf(cluster, `t${at}`).length, 1);
    }
    assert.ok(new Set(events(cluster, "taskStarted").map(({ id }) => id)).size > 1);
    agree(cluster);
  });

  it("are taken over when their holder is killed, also when that is the primary, and not run again by it", () => {
    const cluster = swarm();
    for (const node of cluster.up) node.taskMs = 3000;
    assert.ok(cluster.ask("a2", submit("t", { agent: "" })).ok);
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    const first = runsOf(cluster, "t")[0]?.agent as string;
    assert.equal(first, "a1", "of those with equally much to do the first, who is the primary");
    cluster.node(first).kill();
    cluster.until("another runs it", () => runsOf(cluster, "t").length === 2);
    const done = untilFinished(cluster, "t", "a2");
    assert.equal(done.state, "completed");
    assert.notEqual(done.agent, first);
    cluster.node(first).start();
    cluster.run(5000);
    assert.equal(runsOf(cluster, "t").length, 2, "the restarted agent does not run it again");
    agree(cluster);
  });

  it("are given back by an agent that finds itself their holder after a restart", () => {
    const cluster = swarm({ taskLeaseMs: 60_000 });
    for (const node of cluster.up) node.taskMs = 5000;
    assert.ok(cluster.ask("a2", submit("t", { agent: "a3" })).ok);
    cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    cluster.node("a3").kill();
    cluster.run(20);
    cluster.node("a3").start();
    cluster.until("it runs anew", () => runsOf(cluster, "t").length === 2);
    const done = untilFinished(cluster, "t", "a1");
    assert.deepEqual([done.state, done.leases], ["completed", 2]);
  });

  it("are given out by others where the primary gives out none", () => {
    const cluster = new Cluster({ size: 4, consensus: "pbft" });
    cluster.node("a1").kill();
    cluster.node("a1").slots = 0;
    cluster.node("a1").start();
    // It led the first view before it was restarted: three views later it leads again.
    for (let at = 0; at < 4 && cluster.elect() !== "a1"; at++) {
      const leader = cluster.leader as string;
      assert.ok(cluster.ask(leader, { op: "transferLeader" }).ok);
    }
    assert.equal(cluster.elect(), "a1");
    assert.ok(cluster.ask("a3", submit("t")).ok);
    const tookMs = cluster.until("it runs", () => runsOf(cluster, "t").length === 1);
    assert.ok(tookMs >= VIEW_TIMEOUT_MS, `the primary was given time: ${tookMs} ms`);
    assert.equal(untilFinished(cluster, "t", "a4").state, "completed");
    assert.equal(cluster.leader, "a1", "it does all that PBFT asks of it");
    assert.equal(runsOf(cluster, "t").length, 1);
  });
});

describe("checkpoints of agents that decide by PBFT", () => {
  /** Enough items that a snapshot takes some turns. */
  function large(cluster: Cluster): void {
    const requests = Array.from({ length: 1000 }, (_, at) => cluster.send("a2", put(`k${at}`, "x".repeat(400))));
    cluster.until("all is written", () => requests.every((request) => cluster.node("a2").answers.has(request)), 60_000);
  }

  /** How often an agent had executed more by the time it had taken a checkpoint. */
  function overtaken(cluster: Cluster, id: string): number {
    let [executed, times] = [0, 0];
    for (const { kind, fields } of cluster.node(id).events) {
      if (kind === "committed") executed = Number(fields.seq);
      else if (kind === "checkpointTaken" && Number(fields.seq) < executed) times++;
    }
    return times;
  }

  it("are of the same state at all, also where one is asked for while another is being made", () => {
    const cluster = swarm({ snapshotEveryEntries: 1 });
    large(cluster);
    // Others take theirs at once: here it takes several batches' time.
    cluster.node("a4").turnMs = 1;
    const requests = Array.from({ length: 60 }, (_, at) => {
      cluster.run(1);
      const id = cluster.ids[at % 4] as string;
      return { id, request: cluster.send(id, put(`after ${at}`, "y")) };
    });
    cluster.run(2000);
    for (const { id, request } of requests) assert.equal(cluster.node(id).answers.get(request)?.ok, true);
    assert.ok(overtaken(cluster, "a4") > 10, `${overtaken(cluster, "a4")} were asked for while another was being made`);
    const digests = new Map<unknown, Set<unknown>>();
    for (const { fields } of events(cluster, "checkpointTaken"))
      digests.set(fields.seq, (digests.get(fields.seq) ?? new Set()).add(fields.digest));
    for (const [seq, found] of digests) assert.equal(found.size, 1, `one digest after ${seq}`);
    for (const { id } of cluster.up) {
      const { stableSeq, executedSeq } = cluster.agent(id).report(cluster.now).pbft ?? { stableSeq: 0, executedSeq: 0 };
      assert.equal(stableSeq, executedSeq);
      assert.deepEqual(
        events(cluster, "checkpointTaken").flatMap(({ id: by, fields }) => (by === id ? [fields.seq] : [])),
        Array.from({ length: executedSeq }, (_, at) => at + 1),
        `${id} took each, in order`,
      );
    }
    agree(cluster);
  });

  it("bring one that was away the state of others, and it goes on from there", () => {
    const cluster = swarm({ snapshotEveryEntries: 1, snapshotChunkBytes: 64 * 1024 });
    large(cluster);
    const installed = () => events(cluster, "stateInstalled").length;
    for (let time = 1; time <= 3; time++) {
      cluster.passes = (_from, to) => to !== "a4";
      const request = cluster.send("a4", put("of a4", `${time}`));
      for (let write = 0; write < 8; write++) version(cluster.ask("a2", put(`k${write}`, `v${time}`)));
      cluster.passes = () => true;
      cluster.until("a4 has the state", () => installed() === time);
      cluster.until("its write is answered", () => cluster.node("a4").answers.has(request));
      assert.equal(stored(cluster.ask("a4", get("k7"))), `v${time}`);
      agree(cluster);
    }
    assert.deepEqual(new Set(events(cluster, "stateInstalled").map(({ id }) => id)), new Set(["a4"]));
  });
});
