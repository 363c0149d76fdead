import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { TRANSITIONS } from "../../server/contract/simulation.ts";
import type { EventKind, Fields, TimelineEvent } from "../../server/contract/timeline.ts";
import { CoverageCounter } from "../../server/sim/coverage.ts";
import { SearchTotals } from "../../server/sim/search-summary.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";

const event = (kind: EventKind, fields: Fields = {}, agent = "a1"): TimelineEvent => ({
  id: `${agent}.1:1`,
  agent,
  hlc: { wallMs: 0, counter: 0 },
  kind,
  fields,
});

function transitionsOf(...events: readonly TimelineEvent[]): Readonly<Record<string, number>> {
  const counter = new CoverageCounter();
  for (const one of events) counter.event(one);
  return counter.coverage.transitions;
}

describe("coverage", function () {
  this.timeout(60_000);

  it("has a name for nothing that no seed ever meets", () => {
    const totals = new SearchTotals();
    const never = (): string[] => TRANSITIONS.filter((name) => !(name in totals.summary.coverage.transitions));
    let seed = 0;
    while (never().length > 0 && seed < 60) totals.add(simulate(meshOf(5), ++seed));
    deepEqual(never(), []);
    ok(seed > 1, "one seed does not meet them all, so that this check can fail");
  });

  it("counts faults by what they did, once each", () => {
    const counter = new CoverageCounter();
    counter.fault([
      { on: "process", agent: "a1", process: "down" },
      { on: "process", agent: "a2", process: "down" },
      { on: "disk", agent: "a2", disk: { trouble: "full" } },
    ]);
    counter.fault([]);
    deepEqual(counter.coverage.faults, { crash: 1, "disk full": 1 });
  });

  it("tells an election that ran out of time without a winner from one that begins", () => {
    deepEqual(transitionsOf(event("electionTimedOut"), event("becameCandidate"), event("electionTimedOut")), {
      "election timed out": 1,
      "candidacy begun": 1,
      "election without a winner": 1,
    });
  });

  it("reads changes of the members from one configuration to the next, at each agent by itself", () => {
    const configured = (voters: string[], outgoing: string[], learners: string[], agent = "a1") =>
      event("configurationChanged", { voters, outgoing, learners }, agent);
    deepEqual(
      transitionsOf(
        configured(["a1", "a2"], [], []),
        configured(["a1", "a2"], [], ["a3"]),
        configured(["a1", "a2", "a3"], ["a1", "a2"], []),
        configured(["a1", "a3"], [], []),
        configured(["a1"], [], [], "a9"),
      ),
      {
        "learner added": 1,
        "joint phase entered": 1,
        "learner promoted": 1,
        "joint phase left": 1,
        "member removed": 1,
      },
    );
  });

  it("is counted in every report, and is no part of the run", () => {
    const report = simulate(meshOf(3), 1);
    equal(report.coverage.transitions["leader elected"], report.elections);
    equal(report.traceHash, simulate(meshOf(3), 1).traceHash);
  });
});
