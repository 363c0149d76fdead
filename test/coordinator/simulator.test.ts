import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import { type SimulateApart, simulateApart } from "../../server/coordinator/simulator/simulator.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { SearchTotals } from "../../server/sim/search-summary.ts";
import { simulate } from "../../server/sim/simulate.ts";

const mesh = quickMesh({ name: "sim", agents: 3, topology: "mesh", consensus: "raft" });

/** What is told of seeds, in the order in which it is told. */
async function apart(options: Partial<SimulateApart>): Promise<readonly SeedReport[]> {
  const told: SeedReport[] = [];
  await simulateApart({
    mesh,
    chaos: false,
    seeds: { from: 3, to: 4 },
    jobs: 1,
    signal: new AbortController().signal,
    ...options,
    onReport: (report) => {
      told.push(report);
      options.onReport?.(report);
    },
  });
  return told;
}

describe("simulations in threads of their own", function () {
  this.timeout(30_000);

  it("are those of this thread, seed by seed", async () => {
    assert.deepEqual(await apart({}), [simulate(mesh, 3), simulate(mesh, 4)]);
  });

  it("are told in the order of the seeds, and come to the same summary, however many threads there are", async () => {
    const seeds = { from: 1, to: 12 };
    const summaries = [];
    for (const jobs of [1, 3]) {
      const reports = await apart({ seeds, jobs });
      assert.deepEqual(
        reports.map(({ seed }) => seed),
        Array.from({ length: 12 }, (_, at) => at + 1),
      );
      const totals = new SearchTotals("raft");
      for (const report of reports) totals.add(report);
      summaries.push(totals.summary);
    }
    assert.deepEqual(summaries[0], summaries[1]);
  });

  it("leave this thread free, and end at once when they are cancelled, also within a seed", async () => {
    const stopping = new AbortController();
    let turns = 0;
    const ticking = setInterval(() => {
      if (++turns === 20) stopping.abort();
    }, 5);
    const reports = await apart({ seeds: { from: 1, to: 10_000 }, jobs: 2, signal: stopping.signal });
    clearInterval(ticking);
    assert.ok(reports.length < 10_000);
    assert.ok(turns >= 20, `${turns} turns`);
  });

  it("report nothing when cancelled before they began", async () => {
    assert.deepEqual(await apart({ signal: AbortSignal.abort() }), []);
  });

  it("fail with what a thread failed with", async () => {
    await assert.rejects(apart({ mesh: { ...mesh, agents: null as never }, jobs: 2, seeds: { from: 1, to: 9 } }));
  });
});
