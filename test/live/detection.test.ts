import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { DETECTOR_KINDS } from "../../server/contract/mesh.ts";
import { buildLinks } from "../../server/core/overlay/topology.ts";
import { pause, resume } from "../../server/live/process.ts";
import { TestSwarm } from "./swarm.ts";

describe("live agents find out who is alive", function () {
  this.timeout(60_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const others = (id: string): string[] => swarm.ids.filter((other) => other !== id);
  /** Once each of these says so. */
  const seen = (by: readonly string[], of: string, state: string) =>
    swarm.reports(`${of} is ${state} at ${by.join(", ")}`, by, (all) =>
      all.every(({ members }) => members.find(({ id }) => id === of)?.state === state),
    );

  for (const detector of DETECTOR_KINDS)
    it(`by ${detector}: that one was killed, and that it is back`, async () => {
      swarm = await TestSwarm.start(5, { detector });
      for (const id of swarm.ids) await seen(others(id), id, "alive");
      swarm.kill("a3");
      const reports = await seen(others("a3"), "a3", "failed");
      for (const report of reports) {
        assert.equal(report.detector?.kind, detector);
        assert.ok((report.detector?.probes ?? 0) > 0, "it counts what it did");
        // A busy machine may make somebody suspect another one for a moment, which is refuted then; it fails nobody.
        assert.deepEqual(
          report.members.flatMap(({ id, state }) => (state === "failed" ? [id] : [])),
          ["a3"],
        );
      }
      await swarm.startAgent("a3");
      await seen(others("a3"), "a3", "alive");
    });

  it("by probing those they have no link with: in a ring all know of each, and a stopped one that goes on refutes", async () => {
    const ids = ["a1", "a2", "a3", "a4", "a5", "a6"];
    swarm = await TestSwarm.start(6, { links: buildLinks("ring", ids) });
    for (const id of ids) await seen(others(id), id, "alive");
    if (process.platform === "win32") return;
    assert.ok(pause(swarm.process("a4")));
    await seen(others("a4"), "a4", "failed");
    assert.ok(resume(swarm.process("a4")));
    await seen(ids, "a4", "alive");
    const [stopped] = await seen(["a4"], "a4", "alive");
    for (const { id, state } of stopped?.members ?? [])
      assert.equal(state, "alive", `a4 blames nobody for the time that it was stopped, not ${id}`);
  });
});
