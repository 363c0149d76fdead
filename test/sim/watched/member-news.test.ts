import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { EventKind } from "../../../server/contract/timeline.ts";
import { MemberNews } from "../../../server/sim/watched/member-news.ts";

describe("news of members in a large swarm", () => {
  it("are doubts, and that somebody is alive whom that agent has doubted, once", () => {
    const news = new MemberNews();
    const told = (agent: number, kind: EventKind, member = "a9"): boolean =>
      news.isNews(agent, { kind, fields: { member } });
    assert.equal(told(1, "memberAlive"), false, "heard of for the first time");
    assert.equal(told(1, "memberSuspected"), true);
    assert.equal(told(2, "memberAlive"), false, "another agent's doubts");
    assert.equal(told(1, "memberAlive", "a8"), false, "doubts of another one");
    assert.equal(told(1, "memberAlive"), true);
    assert.equal(told(1, "memberAlive"), false);
    assert.deepEqual([told(1, "memberFailed"), told(1, "memberAlive")], [true, true]);
    assert.equal(told(1, "started"), true, "all else");
  });
});
