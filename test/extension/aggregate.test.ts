import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { aggregateDocument, metricChoices } from "../../extension/commands/aggregate-text.ts";
import { AGGREGATE_METRICS, type AggregateInfo, aggregateSentence } from "../../server/contract/aggregate.ts";
import { Scripted } from "./harness/scripted.ts";

const INFO: AggregateInfo = {
  metric: "rssBytes",
  unit: "bytes",
  converged: true,
  count: 4,
  mean: 81_234_567.25,
  error: 51_234.5,
  min: 80_000_000,
  max: 83_000_000,
  sum: 324_938_269,
  rounds: 19,
  contributors: 4,
  members: 5,
  missing: ["a3"],
};

describe("aggregates in the editor", () => {
  it("are chosen from all metrics, each with what it means", async () => {
    equal(await new Scripted([/^rssBytes$/]).pick("which?", metricChoices()), "rssBytes");
    deepEqual(
      metricChoices().map(({ value }) => value),
      AGGREGATE_METRICS.map(({ name }) => name),
    );
    ok(metricChoices().every(({ detail }) => detail !== undefined && /^Of each agent: \S/.test(detail)));
  });

  it("are told in a sentence that says how sure it is, and over whom", () => {
    equal(
      aggregateSentence(INFO),
      "rssBytes over 4 of 5 agents: mean 81234600 bytes ± 51234.5 bytes, from 80000000 bytes to 83000000 bytes.",
    );
    match(aggregateSentence({ ...INFO, converged: false, error: null }), /mean 81234600 bytes \(not certain\)/);
    equal(
      aggregateSentence({ ...INFO, count: 0, mean: null, error: null, min: null, max: null, sum: null }),
      "No agent has a value of rssBytes; 4 of 5 were heard.",
    );
  });

  it("are shown whole in a document, with who is not in them", () => {
    const told = aggregateDocument("first", INFO);
    match(told, /^swarm +first\nmetric +rssBytes\n/);
    match(told, /^contributors +4 of 5, without a3$/m);
    match(told, /^sum +324938000 bytes +± 204938 bytes$/m);
    match(aggregateDocument("first", { ...INFO, converged: false }), /^rounds +19, given up: /m);
  });

  it("are asked for from the palette, by a command of that name, while a swarm runs", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly contributes: {
        readonly commands: readonly {
          readonly command: string;
          readonly title: string;
          readonly enablement?: string;
        }[];
        readonly menus: { readonly commandPalette: readonly { readonly command: string }[] };
      };
    };
    const { commands, menus } = manifest.contributes;
    const command = commands.find((one) => one.command === "agentMesh.aggregateMetric");
    deepEqual([command?.title, command?.enablement], ["Aggregate a Metric", "agentMesh.running"]);
    ok(!menus.commandPalette.some((one) => one.command === "agentMesh.aggregateMetric"), "not hidden there");
  });
});
