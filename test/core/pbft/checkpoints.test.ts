import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { type Agent, Cluster } from "./cluster.ts";

type Taken = Parameters<NonNullable<Agent["subject"]>["compact"]>[0];

describe("a snapshot that was asked for", () => {
  it("and is finished after another replica's state came in its place is ignored, and later ones are not", () => {
    const cluster = new Cluster({ replicas: 4, seed: "late snapshot" });
    const [first, , , away] = cluster.agents as [Agent, Agent, Agent, Agent];
    const { subject } = away;
    assert.ok(subject !== undefined);
    const unfinished: Taken[] = [];
    const handOver = subject.compact.bind(subject);
    subject.compact = (snapshot) => void unfinished.push(snapshot);
    const decide = (count: number) => {
      for (let at = 0; at < count; at++) {
        cluster.propose(first, 1);
        assert.ok(cluster.run(1000, () => first.applied === at + 1 + before));
      }
      before += count;
    };
    let before = 0;
    decide(8);
    assert.ok(cluster.run(1000, () => unfinished.length === 1));
    for (const { id } of cluster.agents) cluster.block(id, away.id);
    decide(40);
    cluster.blocked.clear();
    assert.ok(cluster.run(5000, () => away.applied === first.applied));
    assert.ok(
      cluster.observations.some(({ id, observation }) => id === away.id && observation.type === "stateInstalled"),
    );
    for (const snapshot of unfinished.splice(0)) handOver(snapshot);
    subject.compact = handOver;
    decide(16);
    assert.ok(cluster.run(5000, () => subject.status().stableSeq >= 64));
    assert.ok(
      cluster.observations.some(
        ({ id, observation }) => id === away.id && observation.type === "checkpointTaken" && observation.seq === 64,
      ),
    );
  });

  it("is the only one that is taken", () => {
    const cluster = new Cluster({ replicas: 4, seed: "unasked snapshot" });
    const [first] = cluster.agents as [Agent];
    cluster.propose(first, 1);
    assert.ok(cluster.run(1000, () => first.applied === 1));
    assert.throws(() => first.subject?.compact({ index: 1, data: new Uint8Array(0) }), InvariantViolation);
  });
});
