import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Cluster } from "./cluster.ts";
import { tried } from "./trial.ts";

const SEEDS = 60;

describe("gossip among faults", function () {
  this.timeout(60_000);

  it(`keeps all its promises, and converges once the faults end, in ${SEEDS} runs of faults drawn from a seed`, () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { finding, cluster } = tried(seed);
      assert.equal(finding, null, `seed ${seed}: ${finding?.detail}`);
      for (const { observation } of cluster.observations) seen.add(observation.type);
    }
    // Runs in which nothing of note happens show nothing.
    const all = ["antiEntropy", "committed", "converged", "heldBack", "issued", "rumourHeard"];
    assert.deepEqual([...seen].toSorted(), [...all, "snapshotInstalled", "snapshotSending", "snapshotTaken"]);
  });

  it("does the same for the same seed, byte for byte, and something else for another", () => {
    const transcriptOf = (seed: string): string => {
      const lines: string[] = [];
      const cluster = new Cluster({
        members: 5,
        seed,
        loss: 0.1,
        duplication: 0.1,
        snapshots: 0.1,
        config: { retainBytes: 500 },
        transcript: (line) => void lines.push(line),
      });
      for (let step = 0; step < 40; step++) {
        cluster.propose(cluster.random.pick(cluster.agents), 2);
        if (step === 20) cluster.crash(cluster.random.pick(cluster.agents));
        cluster.run(20);
      }
      cluster.heal();
      cluster.run(2000);
      return lines.join("\n");
    };
    const first = transcriptOf("one");
    assert.ok(first.length > 100_000);
    assert.equal(transcriptOf("one"), first);
    assert.notEqual(transcriptOf("another"), first);
  });

  it("brings everything to everybody by anti-entropy alone, when every rumour is lost, and each has asked each", () => {
    const antiEntropyMs = 50;
    const members = 8;
    const cluster = new Cluster({ members, seed: "late", loss: 1, config: { antiEntropyMs } });
    for (const agent of cluster.agents) cluster.propose(agent, 10);
    cluster.run(100);
    cluster.loss = 0;
    // In n - 1 rounds, of one and a half times the mean at most, each has asked each; the last answers take some more.
    assert.ok(cluster.run((members - 1) * 1.5 * antiEntropyMs + 50, () => cluster.equal));
  });

  it("takes nobody to have converged with whom it cannot speak", () => {
    const cluster = new Cluster({ members: 4, seed: "away", config: { antiEntropyMs: 20 } });
    const [away] = cluster.ids;
    cluster.run(500);
    cluster.partition([away as string]);
    const [, there] = cluster.agents;
    assert.ok(there !== undefined);
    cluster.propose(there);
    cluster.run(1000);
    const { sameVector, behind, agreement, members } = there.subject?.status().gossip ?? {};
    assert.deepEqual(
      { sameVector, behind, agreement, members },
      { sameVector: 3, behind: 1, agreement: 0, members: 4 },
    );
    cluster.heal();
    assert.ok(cluster.run(1000, () => cluster.converged));
  });
});
