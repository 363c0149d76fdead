import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { AGGREGATE_METRICS, type AggregateInfo } from "../../../server/contract/aggregate.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh aggregate", function () {
  this.timeout(40_000);
  const terminal = new Terminal();
  before(async () => {
    await terminal.up(terminal.mesh("agents: 3\nslots: 4\n", "first.mesh.yaml"));
  });
  after(() => terminal.end());

  it("says what all agents together have, as a table and as JSON", async () => {
    const info = await terminal.json<AggregateInfo>(0, "aggregate", "slots");
    const { rounds, ...answer } = info;
    assert.deepEqual(answer, {
      metric: "slots",
      unit: "",
      converged: true,
      count: 3,
      mean: 4,
      error: 0,
      min: 4,
      max: 4,
      sum: 12,
      contributors: 3,
      members: 3,
      missing: [],
    });
    assert.ok(rounds > 0);
    const { code, stdout } = await terminal.run("aggregate", "slots");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^metric +slots\ncount +3\nmean +4 +± 0\nmin +4\nmax +4\nsum +12 +± 0\nrounds +\d+\ncontributors +3 of 3\n$/,
    );
  });

  it("has units, and what only processes know", async () => {
    const { stdout } = await terminal.run("aggregate", "rssBytes");
    assert.match(stdout, /^mean +[\de+.]+ bytes +± [\de+.]+ bytes$/m);
    const info = await terminal.json<AggregateInfo>(0, "aggregate", "rssBytes");
    assert.ok((info.min as number) > 10e6 && (info.max as number) < 2e9, JSON.stringify(info));
  });

  it("lists all there are where none is named, or none that there is", async () => {
    for (const words of [[], ["happiness"], ["slots", "links"]]) {
      const { code, stdout, stderr } = await terminal.run("aggregate", ...words);
      assert.deepEqual([code, stdout], [2, ""]);
      for (const { name, meaning } of AGGREGATE_METRICS)
        assert.ok(stderr.includes(`  ${name} `) && stderr.includes(meaning));
    }
    assert.match((await terminal.run("aggregate", "happiness")).stderr, /happiness is none/);
  });
});
