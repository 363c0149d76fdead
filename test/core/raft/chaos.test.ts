import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "mocha";
import { runChaos } from "./chaos.ts";

const SEEDS = 300;
const DURATION_MS = 2500;

describe("Raft under loss, reordering, duplication, partitions and crashes", function () {
  this.timeout(60_000);

  it(`keeps every promise of Figure 3 and never reads stale, and goes on once healed, over ${SEEDS} seeds`, () => {
    let committed = 0;
    let elections = 0;
    let reads = 0;
    let truncations = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        const { cluster } = runChaos({ voters: seed % 3 === 2 ? 5 : 3, seed: `chaos ${seed}` }, DURATION_MS);
        // Liveness: with a core that hears itself, new commands commit everywhere.
        const mark = `healed ${seed}`;
        const healed = cluster.run(10_000, () => {
          const leader = cluster.leader();
          if (leader === undefined) return false;
          cluster.propose(leader, [mark]);
          return true;
        });
        assert.ok(healed, "a leader is elected");
        const everywhere = (): boolean =>
          cluster.agents.every(({ applied }) => applied === cluster.checkers.committedIndex) &&
          cluster.checkers.committedEntries().some(({ data }) => new TextDecoder().decode(data) === mark);
        // The leader that was asked may have been deposed before it could commit; then it is asked again.
        for (let attempt = 0; attempt < 20 && !cluster.run(500, everywhere); attempt++) {
          const leader = cluster.leader();
          if (leader !== undefined) cluster.propose(leader, [mark]);
        }
        assert.ok(everywhere(), "a command commits everywhere");
        committed += cluster.checkers.committedIndex;
        reads += cluster.answeredReads;
        for (const { observation } of cluster.observations) {
          if (observation.type === "becameLeader") elections++;
          if (observation.type === "truncated") truncations++;
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
    // A run in which nothing happened would prove nothing.
    assert.ok(committed > SEEDS * 100, `committed ${committed}`);
    assert.ok(elections > SEEDS * 2, `elections ${elections}`);
    assert.ok(reads > SEEDS * 30, `reads ${reads}`);
    assert.ok(truncations > SEEDS / 10, `truncations ${truncations}`);
  });

  it("does the same again for the same seed, and something else for another", () => {
    const trace = (seed: string): string => {
      const { cluster } = runChaos({ voters: 3, seed }, 2000);
      return createHash("sha256").update(JSON.stringify(cluster.observations)).digest("hex");
    };
    assert.equal(trace("one"), trace("one"));
    assert.notEqual(trace("one"), trace("two"));
  });
});
