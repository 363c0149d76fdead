import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { joinBytes, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  MAX_DECIDED_PROPOSALS,
  MAX_DECIDED_TEXT,
  MAX_OPEN_PROPOSALS,
  MAX_OPEN_PROPOSALS_TEXT,
  Proposals,
} from "../../../server/core/proposals/proposals.ts";
import { proposalsPieces } from "../../../server/core/proposals/snapshot.ts";
import type { ProposalCommand, ProposalSpec } from "../../../server/core/proposals/types.ts";
import { spec, vote } from "./arbitraries.ts";

const propose = (fields: Partial<ProposalSpec> = {}): ProposalCommand => ({ type: "propose", spec: spec(fields) });

describe("the limits of proposals", () => {
  const many = (count: number, fields: (at: number) => Partial<ProposalSpec> = () => ({})) => {
    const proposals = new Proposals();
    for (let at = 1; at <= count; at++) proposals.apply(propose({ id: `p${at}`, ...fields(at) }), at, at);
    return proposals;
  };

  it("are at most 1,000 open, and one more when one is decided", () => {
    const long = { timeoutMs: 1_000_000 };
    const proposals = many(MAX_OPEN_PROPOSALS, (at) => (at === 1 ? { voters: ["a1"], ...long } : long));
    assert.equal(proposals.openCount, MAX_OPEN_PROPOSALS);
    const more = (index: number) => proposals.apply(propose({ id: "more", ...long }), index, 2000);
    assert.deepEqual(more(2000), { type: "refused", reason: "tooManyProposals" });
    assert.deepEqual(proposals.apply(propose({ id: "p2", ...long }), 2001, 2000), { type: "proposed", created: false });
    proposals.apply({ type: "vote", id: "p1", vote: vote("a1", "reject") }, 2002, 2000);
    assert.equal(more(2003).type, "proposed");
  });

  it("are so much text of open ones, their votes to come included", () => {
    const voters = Array.from({ length: 1000 }, (_, at) => `a${1000 + at}`);
    const proposals = many(200, () => ({ voters, timeoutMs: 1_000_000 }));
    const each = 1000 * (1024 + 72 + 2 * 5);
    assert.ok(Math.abs(proposals.openCount - MAX_OPEN_PROPOSALS_TEXT / each) < 1, `${proposals.openCount} open`);
    const again = restored(proposals);
    assert.deepEqual(again.apply(propose({ id: "more", voters }), 1000, 1000), {
      type: "refused",
      reason: "tooManyProposals",
    });
    proposals.clock(2_000_000);
    assert.equal(proposals.openCount, 0);
    for (let at = 0; at < 100; at++)
      assert.equal(proposals.apply(propose({ id: `more${at}`, voters }), 2000 + at, 2_000_000).type, "proposed");
  });

  it("are 2,000 decided: beyond it the one that was decided first is forgotten, whenever it was proposed", () => {
    const proposals = new Proposals();
    proposals.apply(propose({ id: "first", voters: ["a1"], timeoutMs: 1_000_000 }), 1, 0);
    let index = 1;
    for (let at = 0; at < MAX_DECIDED_PROPOSALS; at++) {
      const id = `p${at}`;
      proposals.apply(propose({ id, voters: ["a1"] }), ++index, at);
      proposals.apply({ type: "vote", id, vote: vote("a1", "approve") }, ++index, at);
    }
    assert.equal(proposals.list().length, MAX_DECIDED_PROPOSALS + 1);
    proposals.apply({ type: "vote", id: "first", vote: vote("a1", "approve") }, ++index, 5000);
    assert.equal(proposals.list().length, MAX_DECIDED_PROPOSALS);
    assert.equal(proposals.get("p0"), undefined);
    assert.equal(proposals.get("p1")?.state, "approved");
    assert.equal(proposals.get("first")?.state, "approved");
    assert.deepEqual(proposals.apply(propose({ id: "p0" }), ++index, 5000), { type: "proposed", created: true });
  });

  it("are 32 Mi code units of text of decided ones", () => {
    const proposals = new Proposals();
    const body = JSON.stringify("b".repeat(60_000));
    for (let at = 1; at <= 700; at++) proposals.apply(propose({ id: `p${at}`, body, timeoutMs: 1 }), at, at);
    const decided = proposals.list().length - proposals.openCount;
    assert.ok(Math.abs(decided - MAX_DECIDED_TEXT / 60_000) < 2, `${decided} kept`);
    assert.equal(proposals.get("p1"), undefined);
    assert.equal(proposals.get("p699")?.state, "expired");
    const again = restored(proposals);
    for (const one of [proposals, again])
      for (let at = 701; at <= 705; at++) one.apply(propose({ id: `p${at}`, body, timeoutMs: 1 }), at, at);
    assert.deepEqual(
      again.list().map(({ spec: { id } }) => id),
      proposals.list().map(({ spec: { id } }) => id),
    );
  });

  it("hold for a snapshot, too", () => {
    const body = JSON.stringify("b".repeat(60_000));
    const decided = Array.from({ length: 600 }, (_, at) => ({
      order: at + 1,
      proposal: {
        spec: spec({ id: `p${at}`, body }),
        state: "expired" as const,
        votes: [],
        submittedAtMs: 0,
        deadlineMs: 100,
        decidedAtMs: 100,
      },
    }));
    const snapshotOf = (count: number) =>
      joinBytes([...proposalsPieces({ timeMs: 200, decided: decided.slice(0, count), open: [] })]);
    new Proposals().restore(snapshotOf(500));
    assert.throws(() => new Proposals().restore(snapshotOf(600)), MalformedBytes);
  });

  function restored(proposals: Proposals): Proposals {
    const other = new Proposals();
    other.restore(proposals.snapshot());
    return other;
  }
});
