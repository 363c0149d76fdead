import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { Proposals } from "../../../server/core/proposals/proposals.ts";
import type { Choice, ProposalCommand, ProposalSpec, SignedVote } from "../../../server/core/proposals/types.ts";
import { signVote, verifyVote } from "../../../server/core/proposals/votes.ts";
import { keysFor } from "../pbft/keys.ts";
import { anyChoice, anyThreshold, bearsItsSignature, spec, vote } from "./arbitraries.ts";

const propose = (fields: Partial<ProposalSpec> = {}): ProposalCommand => ({ type: "propose", spec: spec(fields) });
const cast = (voter: string, choice: Choice = "approve", fields: Partial<SignedVote> = {}): ProposalCommand => ({
  type: "vote",
  id: "p",
  vote: vote(voter, choice, fields),
});

/** A line of a script: an entry's time, its command (undefined: time alone), and what it is answered. */
type Line = readonly [timeMs: number, command: ProposalCommand | undefined, answer: string];

function run(lines: readonly Line[]): Proposals {
  const proposals = new Proposals(bearsItsSignature);
  for (const [at, [timeMs, command, answer]] of lines.entries()) {
    if (command === undefined) {
      proposals.clock(timeMs);
      continue;
    }
    const result = proposals.apply(command, at + 1, timeMs);
    assert.equal(result.type === "refused" ? result.reason : result.type, answer, `entry ${at + 1}`);
  }
  return proposals;
}

describe("proposals", () => {
  const scripts: [string, readonly Line[], string][] = [
    [
      "stay open below the threshold",
      [
        [0, propose(), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a2"), "voted"],
      ],
      "open",
    ],
    [
      "are approved at the threshold",
      [
        [0, propose(), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a2"), "voted"],
        [3, cast("a4"), "voted"],
      ],
      "approved",
    ],
    [
      "are rejected when they can no longer be approved",
      [
        [0, propose(), "proposed"],
        [1, cast("a1", "reject"), "voted"],
        [2, cast("a2"), "voted"],
        [3, cast("a3", "reject"), "voted"],
      ],
      "rejected",
    ],
    [
      "stay open one rejection before",
      [
        [0, propose(), "proposed"],
        [1, cast("a1", "reject"), "voted"],
        [2, cast("a2"), "voted"],
      ],
      "open",
    ],
    [
      "count a vote just before the deadline",
      [
        [0, propose({ voters: ["a1"] }), "proposed"],
        [99, cast("a1"), "voted"],
      ],
      "approved",
    ],
    [
      "expire at the deadline, whatever comes then",
      [
        [0, propose({ voters: ["a1"] }), "proposed"],
        [100, cast("a1"), "decided"],
      ],
      "expired",
    ],
    [
      "expire by time alone",
      [
        [0, propose(), "proposed"],
        [99, undefined, ""],
        [100, undefined, ""],
      ],
      "expired",
    ],
    [
      "stay open just before the deadline",
      [
        [0, propose(), "proposed"],
        [99, undefined, ""],
      ],
      "open",
    ],
    [
      "count a voter once",
      [
        [0, propose(), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a1"), "votedAlready"],
        [3, cast("a1"), "votedAlready"],
      ],
      "open",
    ],
    [
      "keep a voter's first vote",
      [
        [0, propose({ voters: ["a1", "a2"] }), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a1", "reject"), "votedAlready"],
        [3, cast("a2"), "voted"],
      ],
      "approved",
    ],
    [
      "refuse a stranger",
      [
        [0, propose({ voters: ["a1"] }), "proposed"],
        [1, cast("a2"), "stranger"],
      ],
      "open",
    ],
    [
      "refuse a signature that is not the voter's",
      [
        [0, propose({ voters: ["a1"] }), "proposed"],
        [1, cast("a1", "approve", { signature: Uint8Array.of(9) }), "badSignature"],
        [2, cast("a1", "reject"), "voted"],
      ],
      "rejected",
    ],
    [
      "do not take a forged vote for a voter's second",
      [
        [0, propose(), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a1", "reject", { signature: Uint8Array.of(9) }), "badSignature"],
      ],
      "open",
    ],
    [
      "do not take a forged vote for the very same again",
      [
        [0, propose(), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a1", "approve", { signature: Uint8Array.of(9) }), "badSignature"],
      ],
      "open",
    ],
    [
      "refuse a vote on what is decided",
      [
        [0, propose({ voters: ["a1", "a2"] }), "proposed"],
        [1, cast("a1", "reject"), "voted"],
        [2, cast("a2"), "decided"],
      ],
      "rejected",
    ],
    [
      "know a voter's repeat after the decision",
      [
        [0, propose({ voters: ["a1"] }), "proposed"],
        [1, cast("a1"), "voted"],
        [2, cast("a1"), "votedAlready"],
      ],
      "approved",
    ],
    [
      "recognise a repeated submission",
      [
        [0, propose(), "proposed"],
        [1, propose(), "proposed"],
      ],
      "open",
    ],
    [
      "recognise it when it is decided, too",
      [
        [0, propose({ voters: ["a1"] }), "proposed"],
        [1, cast("a1"), "voted"],
        [2, propose({ voters: ["a1"] }), "proposed"],
      ],
      "approved",
    ],
    [
      "refuse another with the same id",
      [
        [0, propose(), "proposed"],
        [1, propose({ body: "2" }), "proposalIdTaken"],
      ],
      "open",
    ],
  ];
  for (const [what, lines, state] of scripts) it(what, () => assert.equal(run(lines).get("p")?.state, state));

  it("say whether a submission made them", () => {
    const proposals = new Proposals();
    assert.deepEqual(proposals.apply(propose(), 1, 0), { type: "proposed", created: true });
    assert.deepEqual(proposals.apply(propose(), 2, 0), { type: "proposed", created: false });
  });

  const differing: Partial<ProposalSpec>[] = [
    { subject: "s" },
    { body: "2" },
    { voters: ["a1", "a2", "a3", "a5"] },
    { voters: ["a1", "a2", "a3"] },
    { threshold: 6701 },
    { timeoutMs: 101 },
  ];
  for (const fields of differing)
    it(`take one with another ${Object.keys(fields)[0]} for another proposal`, () =>
      run([
        [0, propose(), "proposed"],
        [0, propose(fields), "proposalIdTaken"],
      ]));

  it("refuse a vote on what nobody proposed", () => {
    const proposals = run([[0, cast("a1"), "unknownProposal"]]);
    assert.deepEqual(proposals.takeObservations(), [
      { type: "voteNotTaken", id: "p", voter: "a1", reason: "unknownProposal" },
    ]);
  });

  it("tell what changed, in order, and nothing of the very same vote again", () => {
    const proposals = run([
      [5, propose({ voters: ["a1", "a2"] }), "proposed"],
      [6, cast("a1", "approve", { reason: "fine" }), "voted"],
      [7, cast("a1", "approve", { reason: "fine" }), "votedAlready"],
      [8, cast("a1", "reject"), "votedAlready"],
      [9, cast("b9"), "stranger"],
      [10, cast("a2", "reject"), "voted"],
    ]);
    assert.deepEqual(proposals.takeObservations(), [
      { type: "proposalSubmitted", id: "p", untilMs: 105 },
      { type: "voteCast", id: "p", voter: "a1", choice: "approve", reason: "fine" },
      { type: "voteNotTaken", id: "p", voter: "a1", reason: "votedAlready" },
      { type: "voteNotTaken", id: "p", voter: "b9", reason: "stranger" },
      { type: "voteCast", id: "p", voter: "a2", choice: "reject", reason: "" },
      { type: "proposalDecided", id: "p", state: "rejected", approvals: 1, rejections: 1, needed: 2 },
    ]);
    assert.deepEqual(proposals.takeObservations(), []);
  });

  it("expire in the order of their deadlines, each at its own, however late the clock comes", () => {
    const proposals = run([
      [0, propose({ id: "late", timeoutMs: 50 }), "proposed"],
      [0, propose({ id: "soon", timeoutMs: 20 }), "proposed"],
      [0, propose({ id: "as late", timeoutMs: 50 }), "proposed"],
    ]);
    assert.equal(proposals.deadlineMs(), 20);
    proposals.takeObservations();
    proposals.clock(1000);
    assert.deepEqual(
      proposals.takeObservations().map(({ id }) => id),
      ["soon", "late", "as late"],
    );
    assert.deepEqual(
      proposals.list().map(({ spec: { id }, decidedAtMs }) => [id, decidedAtMs]),
      [
        ["late", 50],
        ["soon", 20],
        ["as late", 50],
      ],
    );
    assert.equal(proposals.deadlineMs(), Number.POSITIVE_INFINITY);
  });

  it("come to the same in whatever order the votes of all come", () =>
    fc.assert(
      fc.property(
        fc.array(anyChoice, { minLength: 1, maxLength: 9 }),
        anyThreshold,
        fc.array(fc.nat(), { minLength: 9, maxLength: 9 }),
        (choices, threshold, order) => {
          const voters = choices.map((_, at) => `a${at}`);
          const votes = choices.map((choice, at) => vote(`a${at}`, choice));
          const shuffled = votes.map((one, at) => ({ one, key: order[at] as number })).sort((a, b) => a.key - b.key);
          const states = [votes, shuffled.map(({ one }) => one)].map((sequence) => {
            const proposals = new Proposals();
            proposals.apply(propose({ voters, threshold }), 1, 0);
            for (const [at, one] of sequence.entries())
              proposals.apply({ type: "vote", id: "p", vote: one }, at + 2, 0);
            return proposals.get("p")?.state;
          });
          assert.equal(states[0], states[1]);
          assert.match(states[0] ?? "", /approved|rejected/);
        },
      ),
    ));

  it("take votes that voters signed, and none that a liar made up for them", () => {
    const keys = keysFor("a1", "a2");
    const proposals = new Proposals((on, one) => verifyVote(keys.a2, on, one));
    const asked = spec({ voters: ["a1", "a2"] });
    const entries: [SignedVote, string][] = [
      [{ ...signVote(keys.a2, asked, "a2", "approve", ""), voter: "a1" }, "badSignature"],
      [signVote(keys.a2, asked, "a1", "approve", ""), "badSignature"],
      [signVote(keys.a1, spec({ voters: ["a1", "a2"], body: "2" }), "a1", "approve", ""), "badSignature"],
      [{ ...signVote(keys.a1, asked, "a1", "reject", ""), choice: "approve" }, "badSignature"],
      [signVote(keys.a1, asked, "a1", "approve", "ok"), "voted"],
    ];
    proposals.apply({ type: "propose", spec: asked }, 1, 0);
    for (const [at, [one, answer]] of entries.entries()) {
      const result = proposals.apply({ type: "vote", id: "p", vote: one }, at + 2, 0);
      assert.equal(result.type === "refused" ? result.reason : result.type, answer);
    }
  });

  it("stop at an index that does not rise and at time that runs backwards", () => {
    const proposals = run([[5, propose(), "proposed"]]);
    assert.throws(() => proposals.apply(cast("a1"), 1, 5), InvariantViolation);
    assert.throws(() => proposals.apply(cast("a1"), 2, 4), InvariantViolation);
    assert.throws(() => proposals.clock(4), InvariantViolation);
  });

  it("keep a vote's signature apart from the frame that it came in", () => {
    const signature = Uint8Array.of(1, 2);
    const proposals = run([
      [0, propose(), "proposed"],
      [0, cast("a1", "approve", { signature }), "voted"],
    ]);
    signature[1] = 9;
    assert.deepEqual(proposals.get("p")?.votes[0]?.signature, Uint8Array.of(1, 2));
  });
});
