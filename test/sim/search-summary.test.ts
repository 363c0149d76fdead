import { deepEqual, equal, notDeepEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import { SearchTotals } from "../../server/sim/search-summary.ts";

function report(seed: number, broken: boolean): SeedReport {
  return {
    seed,
    traceHash: String(seed),
    virtualMs: seed,
    delivered: seed * 2,
    elections: 1,
    committed: 1,
    operations: 3,
    violation: broken ? { invariant: "election safety", atMs: seed, detail: "two" } : null,
    beyondPromise: [],
    expectations: [
      {
        name: "electionSafety",
        kind: "invariant",
        bound: "",
        measured: "",
        held: !broken,
        detail: "",
        brokenAtMs: null,
      },
      ...(seed % 2 === 0
        ? [
            {
              name: "liveness" as const,
              kind: "liveness" as const,
              bound: "",
              measured: "",
              held: null,
              detail: "",
              brokenAtMs: null,
            },
          ]
        : []),
    ],
    coverage: { faults: { crash: seed % 3 }, transitions: { "leader elected": 1 } },
  };
}

function summaryOf(reports: readonly SeedReport[]) {
  const totals = new SearchTotals("raft");
  for (const one of reports) totals.add(one);
  return totals.summary;
}

describe("the summary of a search", () => {
  it("is the same in whatever order the seeds come", () => {
    const reports = Array.from({ length: 700 }, (_, at) => report(at + 1, at % 2 === 0));
    const summary = summaryOf(reports);
    fc.assert(
      fc.property(fc.shuffledSubarray(reports, { minLength: reports.length }), (shuffled) => {
        deepEqual(summaryOf(shuffled), summary);
      }),
      { numRuns: 50 },
    );
    notDeepEqual(summaryOf(reports.slice(1)), summary);
  });

  it("names the lowest hundred that broke, counts all, and adds up what was met", () => {
    const summary = summaryOf(Array.from({ length: 1000 }, (_, at) => report(1000 - at, true)));
    equal(summary.brokenCount, 1000);
    deepEqual(
      summary.broken.map(({ seed }) => seed),
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
    deepEqual(
      summary.expectations.map(({ name, held, brokenCount, openCount }) => [name, held, brokenCount, openCount]),
      [
        ["electionSafety", 0, 1000, 0],
        ["liveness", 0, 0, 500],
      ],
    );
    deepEqual(summary.coverage, { faults: { crash: 1000 }, transitions: { "leader elected": 1000 } });
  });
});
