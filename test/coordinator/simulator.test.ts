import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { simulateApart } from "../../server/coordinator/simulator/simulator.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";

const mesh = quickMesh({ name: "sim", agents: 3, topology: "mesh", consensus: "raft" });

describe("simulations in a thread of their own", () => {
  it("are those of this thread, seed by seed", async () => {
    const told: number[] = [];
    const reports = await simulateApart(mesh, [3, 4], (report) => told.push(report.seed), new AbortController().signal);
    assert.deepEqual(told, [3, 4]);
    assert.deepEqual(reports, [simulate(mesh, 3), simulate(mesh, 4)]);
  }).timeout(20_000);

  it("leave this thread free, and end at once when they are cancelled, also within a seed", async () => {
    const stopping = new AbortController();
    let turns = 0;
    const ticking = setInterval(() => {
      if (++turns === 20) stopping.abort();
    }, 5);
    const reports = await simulateApart(
      mesh,
      Array.from({ length: 10_000 }, (_, at) => at),
      () => undefined,
      stopping.signal,
    );
    clearInterval(ticking);
    assert.ok(reports.length < 10_000);
    assert.equal(turns, 20);
  }).timeout(20_000);

  it("report nothing when cancelled before they began", async () => {
    assert.deepEqual(await simulateApart(mesh, [1], () => undefined, AbortSignal.abort()), []);
  });

  it("fail with what the thread failed with", async () => {
    const broken = { ...mesh, agents: null as never };
    await assert.rejects(simulateApart(broken, [1], () => undefined, new AbortController().signal));
  });
});
