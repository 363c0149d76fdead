import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RoleName } from "../../../server/contract/swarm.ts";
import type { EventKind, Fields, TimelineEvent } from "../../../server/contract/timeline.ts";
import { matcherOf } from "../../../server/coordinator/timeline/search.ts";

function event(kind: EventKind, role: RoleName, term: number, fields: Fields = {}): TimelineEvent {
  const state = { role, term, leader: "", commit: 0, lastIndex: 0, applied: 0 };
  return { id: "a1.1:1", agent: "a1", hlc: { wallMs: 1, counter: 0 }, kind, fields, state };
}

describe("a search for a term or a view", () => {
  it("finds what says it, and what happened in it", () => {
    const said = event("prepared", "backup", 4, { view: 3, seq: 41 });
    assert.ok(matcherOf("view:3 seq:41")(said));
    assert.ok(!matcherOf("view:4")(said), "what it says comes before what its agent is in");
    assert.ok(matcherOf("view:4")(event("taskStarted", "backup", 4)));
    assert.ok(matcherOf("term:4")(event("taskStarted", "backup", 4)));
  });

  it("finds no view in a Raft swarm", () => {
    assert.ok(matcherOf("term:4")(event("taskStarted", "follower", 4)));
    assert.ok(!matcherOf("view:4")(event("taskStarted", "follower", 4)));
  });
});
