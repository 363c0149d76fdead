import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { joinBytes, MalformedBytes } from "../../../server/core/bytes.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { Proposals } from "../../../server/core/proposals/proposals.ts";
import {
  type ProposalsState,
  proposalsPieces,
  type SubmittedProposal,
} from "../../../server/core/proposals/snapshot.ts";
import type { CountedVote, Proposal, ProposalResult, ProposalSpec } from "../../../server/core/proposals/types.ts";
import { assertOnlyMalformed } from "../codec-properties.ts";
import { anyLife, bearsItsSignature, type Step, spec, vote } from "./arbitraries.ts";

/** A life applied in pieces. */
class Replay {
  proposals = new Proposals(bearsItsSignature);
  readonly answers: ProposalResult[] = [];
  readonly #life: readonly Step[];
  #timeMs = 1000;

  constructor(life: readonly Step[]) {
    this.#life = life;
  }

  run(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const { laterMs, command } = this.#life[at] as Step;
      this.#timeMs += laterMs;
      if (command === undefined) this.proposals.clock(this.#timeMs);
      else this.answers.push(this.proposals.apply(command, at + 1, this.#timeMs));
    }
  }
}

/** Two decided, in another order than they were submitted in, and one open. */
function anExample(): Proposals {
  const proposals = new Proposals();
  proposals.apply({ type: "propose", spec: spec({ id: "p1", voters: ["a1"] }) }, 1, 0);
  proposals.apply({ type: "propose", spec: spec({ id: "p2", voters: ["a1"] }) }, 2, 0);
  proposals.apply({ type: "propose", spec: spec({ id: "p3" }) }, 3, 0);
  proposals.apply({ type: "vote", id: "p2", vote: vote("a1", "approve") }, 4, 10);
  proposals.apply({ type: "vote", id: "p1", vote: vote("a1", "reject", { reason: "no" }) }, 5, 10);
  proposals.apply({ type: "vote", id: "p3", vote: vote("a1", "reject") }, 6, 10);
  return proposals;
}

describe("a snapshot of proposals", () => {
  it("lets them go on as if they had never stopped, at every point of any life", () => {
    fc.assert(
      fc.property(anyLife, (life) => {
        const whole = new Replay(life);
        const stopped = new Replay(life);
        for (let at = 0; at <= life.length; at++) {
          const snapshot = stopped.proposals.snapshot();
          stopped.proposals = new Proposals(bearsItsSignature);
          stopped.proposals.restore(snapshot);
          assert.deepEqual(stopped.proposals.snapshot(), snapshot);
          assert.deepEqual(snapshot, whole.proposals.snapshot());
          assert.deepEqual(stopped.proposals.list(), whole.proposals.list());
          assert.deepEqual([...stopped.proposals.open()], [...whole.proposals.open()]);
          assert.equal(stopped.proposals.deadlineMs(), whole.proposals.deadlineMs());
          if (at === life.length) break;
          stopped.run(at, at + 1);
          whole.run(at, at + 1);
          assert.deepEqual(stopped.proposals.takeObservations(), whole.proposals.takeObservations());
        }
        assert.deepEqual(stopped.answers, whole.answers);
      }),
      { numRuns: 100 },
    );
  });

  it("keeps which was decided first, also among those decided in the same millisecond", () => {
    const proposals = anExample();
    const other = new Proposals();
    other.restore(proposals.snapshot());
    for (const one of [proposals, other])
      for (let at = 0; at < 1999; at++) {
        const id = `q${at}`;
        one.apply({ type: "propose", spec: spec({ id, voters: ["a1"] }) }, 100 + 2 * at, 10);
        one.apply({ type: "vote", id, vote: vote("a1", "approve") }, 101 + 2 * at, 10);
      }
    assert.deepEqual(other.snapshot(), proposals.snapshot());
    assert.equal(other.get("p2"), undefined);
    assert.equal(other.get("p1")?.state, "rejected");
  });

  it("holds what there was when it was asked for, though its pieces are made later", () => {
    const proposals = anExample();
    const before = proposals.snapshot();
    const pieces = proposals.snapshotPieces();
    proposals.apply({ type: "vote", id: "p3", vote: vote("a2", "reject") }, 9, 20);
    proposals.apply({ type: "propose", spec: spec({ id: "p4" }) }, 10, 20);
    assert.deepEqual(joinBytes([...pieces]), before);
  });

  it("keeps the order in which those expire that are due in the same millisecond", () => {
    const proposals = anExample();
    proposals.apply({ type: "propose", spec: spec({ id: "p4", timeoutMs: 90 }) }, 7, 10);
    const other = new Proposals();
    other.restore(proposals.snapshot());
    for (const one of [proposals, other]) {
      one.takeObservations();
      one.clock(100);
    }
    const told = other.takeObservations();
    assert.deepEqual(
      told.map(({ id }) => id),
      ["p3", "p4"],
    );
    assert.deepEqual(told, proposals.takeObservations());
  });

  it("keeps which entries were applied, as far as proposals came of them", () => {
    const proposals = new Proposals();
    proposals.restore(anExample().snapshot());
    assert.throws(() => proposals.apply({ type: "propose", spec: spec({ id: "p4" }) }, 3, 10), InvariantViolation);
    assert.equal(proposals.apply({ type: "propose", spec: spec({ id: "p4" }) }, 4, 10).type, "proposed");
  });

  it("raises the revision when it is restored, and drops what was not told", () => {
    const proposals = anExample();
    const revision = proposals.revision;
    proposals.restore(proposals.snapshot());
    assert.ok(proposals.revision > revision);
    assert.deepEqual(proposals.takeObservations(), []);
  });

  it("that is damaged is answered with MalformedBytes, and they are as they were", () => {
    const codec = {
      encode: (life: readonly Step[]) => {
        const replay = new Replay(life);
        replay.run(0, life.length);
        return replay.proposals.snapshot();
      },
      decode: (bytes: Uint8Array) => {
        const proposals = anExample();
        const before = proposals.snapshot();
        const revision = proposals.revision;
        try {
          proposals.restore(bytes);
        } catch (error) {
          assert.deepEqual(proposals.snapshot(), before);
          assert.equal(proposals.revision, revision);
          throw error;
        }
        // What it takes it could have written.
        const again = new Proposals();
        again.restore(proposals.snapshot());
        assert.deepEqual(again.list(), proposals.list());
        return [];
      },
    };
    assertOnlyMalformed(codec, anyLife, 500);
  });

  const one = (
    order: number,
    fields: Partial<Proposal> = {},
    about: Partial<ProposalSpec> = {},
  ): SubmittedProposal => ({
    order,
    proposal: {
      spec: spec({ id: `p${order}`, ...about }),
      state: "open",
      votes: [],
      submittedAtMs: 0,
      deadlineMs: 100,
      decidedAtMs: 0,
      ...fields,
    },
  });
  const counted = (voter: string, atMs: number): CountedVote => ({ ...vote(voter, "reject"), atMs });
  const rejected = (order: number, atMs: number) => one(order, { votes: [counted("a1", atMs), counted("a2", atMs)] });
  const contradictions: [string, Partial<ProposalsState>, RegExp][] = [
    ["an open one among the decided", { decided: [one(1)] }, /an open proposal among those that are decided/],
    ["an expired one among the open", { timeMs: 100, open: [one(1)] }, /a decided proposal among those that are open/],
    ["a rejected one among the open", { open: [rejected(1, 5)] }, /a decided proposal among those that are open/],
    ["decided ones out of order", { decided: [rejected(1, 6), rejected(2, 5)] }, /order in which they were decided/],
    ["open ones out of order", { open: [one(2), one(1)] }, /not in the order of submission/],
    ["an entry 0", { open: [one(0)] }, /no entry submitted/],
    [
      "one entry that submitted two",
      { decided: [rejected(1, 5)], open: [one(1, {}, { id: "q" })] },
      /one entry submitted/,
    ],
    ["an id twice", { decided: [rejected(1, 5)], open: [one(2, {}, { id: "p1" })] }, /two proposals with the same id/],
    ["time that ran backwards", { open: [one(1, { submittedAtMs: 5 }), one(2)] }, /submitted before one/],
    ["a submission in the future", { open: [one(1, { submittedAtMs: 11 })] }, /a proposal of the future/],
    [
      "a vote before the submission",
      { open: [one(1, { submittedAtMs: 5, votes: [counted("a1", 4)] })] },
      /not in time/,
    ],
    ["a vote of the future", { open: [one(1, { votes: [counted("a1", 11)] })] }, /not in time/],
    ["votes out of order", { open: [one(1, { votes: [counted("a1", 3), counted("a2", 2)] })] }, /not in time/],
    ["a late vote", { timeMs: 200, decided: [one(1, { votes: [counted("a1", 100)] })] }, /not in time/],
    ["a stranger's vote", { open: [one(1, { votes: [counted("b9", 5)] })] }, /a vote by a stranger/],
    [
      "a vote twice",
      { open: [one(1, { votes: [counted("a1", 5), counted("a1", 5)] }, { threshold: 5001 })] },
      /voted twice/,
    ],
    [
      "a vote after the decision",
      { decided: [one(1, { votes: ["a1", "a2", "a3"].map((voter) => counted(voter, 5)) })] },
      /a vote on what was decided/,
    ],
    ["a spec beyond the limits", { open: [one(1, {}, { threshold: 5000 })] }, /threshold is 5000/],
  ];
  for (const [what, fields, sentence] of contradictions)
    it(`with ${what} is refused`, () => {
      const bytes = joinBytes([...proposalsPieces({ timeMs: 10, decided: [], open: [], ...fields })]);
      assert.throws(
        () => new Proposals().restore(bytes),
        (error) => error instanceof MalformedBytes && sentence.test(error.message),
        what,
      );
    });

  it("without any contradiction is taken", () => {
    const bytes = joinBytes([
      ...proposalsPieces({ timeMs: 10, decided: [rejected(3, 5), rejected(1, 5)], open: [one(2)] }),
    ]);
    const proposals = new Proposals();
    proposals.restore(bytes);
    assert.deepEqual(
      proposals.list().map(({ spec: { id }, state }) => [id, state]),
      [
        ["p1", "rejected"],
        ["p2", "open"],
        ["p3", "rejected"],
      ],
    );
    assert.deepEqual(proposals.snapshot(), bytes);
  });
});
