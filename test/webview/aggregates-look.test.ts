import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { EVENT_KINDS, type Fields, type TimelineEvent } from "../../server/contract/timeline.ts";
import { describe as describeEvent, groupsOf } from "../../webview/rounds/kinds.ts";
import { markOfKind } from "../../webview/rounds/marks.ts";

function told(kind: "aggregateBegun" | "aggregateEnded", fields: Fields): TimelineEvent {
  return { id: "a1.1:1", agent: "a1", hlc: { wallMs: 0, counter: 0 }, kind, fields };
}

describe("aggregates in the rounds", () => {
  it("have marks of their own, and a group to hide them in, with every consensus", () => {
    const shape = (kind: (typeof EVENT_KINDS)[number]): string => JSON.stringify(markOfKind(kind)?.glyph);
    for (const kind of ["aggregateBegun", "aggregateEnded"] as const) {
      ok(markOfKind(kind) !== undefined);
      for (const other of EVENT_KINDS) if (other !== kind) ok(shape(other) !== shape(kind), other);
    }
    for (const consensus of ["raft", "pbft", "gossip"] as const)
      equal(groupsOf(consensus).filter(({ id }) => id === "aggregates").length, 1, consensus);
  });

  it("say what they are about, and what they came to", () => {
    equal(
      describeEvent(told("aggregateBegun", { metric: "slots", initiator: "a2" })),
      "aggregate begun (slots, asked of a2)",
    );
    const fields = { metric: "slots", initiator: "a2", count: 5, rounds: 14 };
    equal(
      describeEvent(told("aggregateEnded", { ...fields, converged: true, mean: 3.00012, error: 0.002345 })),
      "aggregate known (slots, asked of a2: mean 3 ± 0.0023 of 5 values, 14 rounds)",
    );
    match(describeEvent(told("aggregateEnded", { ...fields, converged: false, mean: 3 })), /rounds, not certain\)$/);
    deepEqual(
      describeEvent(told("aggregateEnded", { ...fields, converged: true, count: 0 })),
      "aggregate known (slots, asked of a2: no agent has it)",
    );
  });
});
