import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeFrame, encodeFrame } from "../../server/agent/frame.ts";
import { AGGREGATE_METRICS, type AggregateInfo } from "../../server/contract/aggregate.ts";
import type { ClientResult } from "../../server/contract/client.ts";
import { CONSENSUS_KINDS } from "../../server/contract/consensus.ts";
import { seededRandom } from "../../server/core/random.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";

function settled(options: ClusterOptions): Cluster {
  const cluster = new Cluster(options);
  // Until all have heard of all, and there is a leader where there is one.
  cluster.run(2_000);
  return cluster;
}

/** Slots differ: what an agent has of them is its number. */
function numbered(options: ClusterOptions): Cluster {
  const cluster = new Cluster(options);
  for (const [at, node] of [...cluster.nodes.values()].entries()) {
    node.kill();
    node.slots = at + 1;
    node.start();
  }
  cluster.run(2_000);
  return cluster;
}

function aggregateOf(result: ClientResult): AggregateInfo {
  ok(result.ok && result.value.type === "aggregate", JSON.stringify(result));
  return result.value.aggregate;
}

function lossy(cluster: Cluster, share: number): void {
  const random = seededRandom("loss");
  cluster.passes = () => !random.chance(share);
}

/** The slots of all but those missing, against what was answered. */
function checkSlots(cluster: Cluster, info: AggregateInfo): void {
  const values = cluster.ids.flatMap((id, at) => (info.missing.includes(id) ? [] : [at + 1]));
  const truth = values.reduce((sum, one) => sum + one, 0) / values.length;
  deepEqual(
    [info.converged, info.count, info.contributors, info.min, info.max],
    [true, values.length, values.length, values[0], values.at(-1)],
  );
  const within = Math.abs((info.mean as number) - truth);
  ok(within <= (info.error as number), `${info.mean} ± ${info.error}, and the truth is ${truth}`);
  equal(info.sum, (info.mean as number) * info.count);
}

describe("an agent that is asked for an aggregate", function () {
  this.timeout(120_000);

  for (const consensus of CONSENSUS_KINDS)
    it(`comes to know it with all others, deciding by ${consensus}`, () => {
      const cluster = numbered({ size: 5, consensus });
      const info = aggregateOf(cluster.ask("a2", { op: "aggregate", metric: "slots" }));
      checkSlots(cluster, info);
      deepEqual([info.members, info.missing, info.unit], [5, [], ""]);
      cluster.run(200);
      for (const { id, events } of cluster.up) {
        const ended = events.filter(({ kind }) => kind === "aggregateEnded");
        const { metric, initiator, mean, error, count } = ended[0]?.fields ?? {};
        deepEqual(
          [ended.length, metric, initiator, mean, error, count],
          [1, "slots", "a2", info.mean, info.error, 5],
          id,
        );
      }
    });

  for (const topology of ["ring", "star", "grid", "hierarchical"] as const)
    it(`does so over a ${topology}, with a tenth of all frames lost`, () => {
      const cluster = numbered({ size: 12, topology });
      lossy(cluster, 0.1);
      const info = aggregateOf(cluster.ask("a5", { op: "aggregate", metric: "slots" }));
      checkSlots(cluster, info);
      ok(info.missing.length <= 1, info.missing.join());
    });

  it("leaves out who crashes in the middle, and says so", () => {
    const cluster = numbered({ size: 7 });
    const request = cluster.send("a1", { op: "aggregate", metric: "slots" });
    cluster.run(100);
    cluster.node("a4").kill();
    cluster.until("it answers", () => cluster.node("a1").answers.has(request));
    const info = aggregateOf(cluster.node("a1").answers.get(request) as ClientResult);
    checkSlots(cluster, info);
    deepEqual([info.missing, info.members], [["a4"], 7]);
  });

  it("does not wait for who is known to be gone", () => {
    const cluster = numbered({ size: 5 });
    cluster.node("a3").kill();
    cluster.run(5_000);
    const began = cluster.now;
    const info = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "slots" }));
    checkSlots(cluster, info);
    deepEqual(info.missing, ["a3"]);
    ok(cluster.now - began < 1_500, `${cluster.now - began} ms`);
  });

  it("waits until it has heard of all or membership has found out who is not there, and no longer than half of its time", () => {
    const young = aggregateOf(new Cluster({ size: 5 }).ask("a1", { op: "aggregate", metric: "slots" }));
    deepEqual([young.count, young.missing], [5, []]);
    const without = new Cluster({ size: 5 });
    without.node("a4").kill();
    const began = without.now;
    const found = aggregateOf(without.ask("a1", { op: "aggregate", metric: "slots", timeoutMs: 60_000 }));
    deepEqual([found.count, found.missing], [4, ["a4"]]);
    ok(without.now - began < 30_000, `${without.now - began} ms`);
    const hasty = new Cluster({ size: 5 });
    hasty.node("a4").kill();
    const early = aggregateOf(hasty.ask("a1", { op: "aggregate", metric: "slots", timeoutMs: 1_500 }));
    deepEqual(early.missing, ["a4"]);
  });

  it("has who joined in the next one", () => {
    const cluster = numbered({ size: 3 });
    cluster.join("a4").slots = 4;
    cluster.node("a4").kill();
    cluster.node("a4").start();
    cluster.run(1_000);
    deepEqual(aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "slots" })).members, 3, "no member yet");
    equal(cluster.ask(cluster.leader as string, { op: "changeMembers", change: { add: "a4" } }).ok, true);
    checkSlots(cluster, aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "slots" })));
  });

  it("takes what processes use from the world, of those that know it", () => {
    const cluster = settled({ size: 4 });
    for (const [at, node] of cluster.up.entries())
      if (at > 0) node.measurement = { rssBytes: at * 1e8, cpuSeconds: at };
    const info = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "rssBytes" }));
    deepEqual([info.count, info.contributors, info.min, info.max, info.unit], [3, 4, 1e8, 3e8, "bytes"]);
    ok(Math.abs((info.mean as number) - 2e8) <= (info.error as number));
    const cpu = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "cpu" }));
    ok(cpu.count === 3 && (cpu.max as number) < 3 && (cpu.max as number) > 0.5, JSON.stringify(cpu));
    const fsyncs = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "fsyncs" }));
    deepEqual([fsyncs.converged, fsyncs.count, fsyncs.mean, fsyncs.error, fsyncs.sum], [true, 0, null, null, null]);
  });

  it("knows every metric of the list, of each agent one that its report bears out", () => {
    const cluster = settled({ size: 3 });
    const everything = { cpuSeconds: 1, rssBytes: 2, logBytes: 3, fsyncs: 4, fsyncP99Ms: 5 };
    for (const node of cluster.up) node.measurement = everything;
    for (const { name } of AGGREGATE_METRICS) {
      const info = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: name }));
      deepEqual([info.converged, info.count], [true, 3], name);
    }
    const links = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "links" }));
    deepEqual([links.mean, links.error, links.min, links.max], [2, 0, 2, 2]);
    const alive = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "membersAlive" }));
    deepEqual([alive.mean, alive.error], [3, 0]);
    const applied = aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "applied" }));
    equal(applied.mean, cluster.agent("a2").report(cluster.now).applied);
  });

  it("refuses what nobody measures, naming all that is, and what makes no sense", () => {
    const cluster = settled({ size: 3 });
    const unknown = cluster.ask("a1", { op: "aggregate", metric: "happiness" });
    ok(!unknown.ok && unknown.code === "invalid");
    match(unknown.message, /"happiness".*one of cpu, .*, rssBytes, .*frameLatencyMs/);
    for (const metric of [undefined, 7, {}]) {
      const answer = cluster.ask("a1", { op: "aggregate", metric: metric as unknown as string });
      ok(!answer.ok && answer.code === "invalid");
    }
    const odd = cluster.ask("a1", { op: "aggregate", metric: "slots", timeoutMs: 0 });
    ok(!odd.ok && odd.code === "invalid");
  });

  it("answers those who ask for the same together, one aggregate after the other, and too many with a refusal", () => {
    const cluster = settled({ size: 3 });
    const asked = Array.from({ length: 80 }, (_, at) =>
      cluster.send("a1", { op: "aggregate", metric: at % 2 === 0 ? "slots" : "links" }),
    );
    const { answers, events } = cluster.node("a1");
    cluster.until("all are answered", () => asked.every((id) => answers.has(id)));
    const results = asked.map((id) => answers.get(id) as ClientResult);
    equal(results.filter((one) => !one.ok && one.code === "overloaded").length, 16);
    equal(results.filter((one) => one.ok).length, 64);
    const begun = events.filter(({ kind }) => kind === "aggregateBegun").map(({ fields }) => fields.metric);
    deepEqual(begun, ["slots", "links"]);
  });

  it("serves several that ask at different agents at the same time", () => {
    const cluster = numbered({ size: 6 });
    const asked = cluster.ids.map((id) => [id, cluster.send(id, { op: "aggregate", metric: "slots" })] as const);
    for (const [id, request] of asked) {
      cluster.until(`${id} answers`, () => cluster.node(id).answers.has(request));
      checkSlots(cluster, aggregateOf(cluster.node(id).answers.get(request) as ClientResult));
    }
  });

  it("says so when it stops, when time is up, and nothing to who has gone", () => {
    const cluster = settled({ size: 3 });
    const late = cluster.send("a1", { op: "aggregate", metric: "slots", timeoutMs: 20 });
    cluster.run(60);
    const timeout = cluster.node("a1").answers.get(late);
    ok(timeout?.ok === false && timeout.code === "timeout");
    const gone = cluster.send("a2", { op: "aggregate", metric: "slots" });
    cluster.agent("a2").clientGone(1);
    const stopping = cluster.send("a3", { op: "aggregate", metric: "slots" });
    cluster.agent("a3").leave(cluster.now);
    cluster.run(3_000);
    const stopped = cluster.node("a3").answers.get(stopping);
    ok(stopped?.ok === false && stopped.code === "stopping");
    equal(cluster.node("a2").answers.has(gone), false);
  });

  it("sends nothing about aggregates before somebody asks, and nothing any more some time after", () => {
    const cluster = new Cluster({ size: 4 });
    let about = 0;
    cluster.onFrame = (_from, _to, frame) => {
      about += decodeFrame(frame).packets.filter(({ kind }) => kind === "aggregate").length;
    };
    cluster.run(3_000);
    equal(about, 0);
    cluster.ask("a1", { op: "aggregate", metric: "slots" });
    ok(about > 0);
    cluster.run(200);
    about = 0;
    cluster.run(10_000);
    equal(about, 0);
  });

  it("passes over messages of a later version, and of whom it does not know", () => {
    const cluster = settled({ size: 3 });
    const { head } = decodeFrame(
      encodeFrame({ sentAtMs: cluster.now, hlc: { wallMs: cluster.now, counter: 0 }, incarnation: 1 }, []),
    );
    const packet = { kind: "aggregate", destination: 0, hops: 3, payload: Uint8Array.of(2, 1, 2, 3) } as const;
    const frame = encodeFrame(head, [
      { ...packet, origin: 1 },
      { ...packet, origin: 77 },
    ]);
    cluster.agent("a1").receive("a2", frame, cluster.now);
    cluster.run(500);
    equal(aggregateOf(cluster.ask("a1", { op: "aggregate", metric: "slots" })).count, 3);
  });
});
