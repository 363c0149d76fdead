import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { CountedVote, Proposal } from "../../../server/core/proposals/types.ts";
import { signVote, verifyVote } from "../../../server/core/proposals/votes.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { type AskedProposal, type HeldProposals, ProposalDecisions } from "../../../server/sim/checkers/proposals.ts";
import { SimKeys } from "../../../server/sim/crypto.ts";

const AGENTS = ["a1", "a2", "a3", "a4"];
const VOTERS = ["a1", "a2", "a3"];
const KEYS = new SimKeys(AGENTS, seededRandom("keys"));
const ASKED: AskedProposal = {
  id: "p",
  subject: "deploy",
  body: '{ "version": 2, "canary": true }',
  voters: ["a3", "a1", "a2"],
  threshold: 0.6667,
  timeoutMs: 1000,
};
const SPEC: Proposal["spec"] = {
  id: "p",
  subject: "deploy",
  body: '{"canary":true,"version":2}',
  voters: VOTERS,
  threshold: 6667,
  timeoutMs: 1000,
};

/** Signed by its voter, or by another. */
function vote(voter: string, choice: "approve" | "reject", atMs: number, signer = voter): CountedVote {
  return { ...signVote(KEYS.of(signer), SPEC, voter, choice, ""), atMs };
}

const OPEN: Proposal = { spec: SPEC, state: "open", votes: [], submittedAtMs: 100, deadlineMs: 1100, decidedAtMs: 0 };
const HALF: Proposal = { ...OPEN, votes: [vote("a1", "approve", 200)] };
const APPROVED: Proposal = {
  ...HALF,
  votes: [...HALF.votes, vote("a2", "approve", 300), vote("a3", "approve", 400)],
  state: "approved",
  decidedAtMs: 400,
};
const REJECTED: Proposal = { ...OPEN, votes: [vote("a3", "reject", 250)], state: "rejected", decidedAtMs: 250 };
const EXPIRED: Proposal = { ...HALF, state: "expired", decidedAtMs: 1100 };

function table(timeMs: number, ...all: readonly Proposal[]): HeldProposals {
  return { timeMs, table: { list: () => [...all], get: (id) => all.find(({ spec }) => spec.id === id) } };
}

function subject(): { readonly proposals: ProposalDecisions; readonly found: string[] } {
  const found: string[] = [];
  const crypto = KEYS.of("a1");
  const proposals = new ProposalDecisions(
    AGENTS,
    (spec, one) => verifyVote(crypto, spec, one),
    (invariant, detail) => found.push(`${invariant}: ${detail}`),
  );
  proposals.asked(ASKED);
  return { proposals, found };
}

/** What is said of an agent that holds this. */
function said(held: Proposal, timeMs = 500): string {
  const { proposals, found } = subject();
  proposals.look("a1.1", table(timeMs, held));
  return found.join("\n");
}

describe("proposals checker", () => {
  it("accepts what is decided as its votes say, and tells what it looked at", () => {
    const { proposals, found } = subject();
    const decided = { proposal: "p", state: "approved", approvals: 3, rejections: 0, needed: 3 };
    for (const life of ["a1.1", "a2.1", "a2.2"]) {
      for (const [timeMs, held] of [
        [100, OPEN],
        [200, HALF],
      ] as const)
        proposals.look(life, table(timeMs, held));
      proposals.told(life, decided, table(400, APPROVED));
    }
    proposals.acknowledged("p");
    proposals.end("a1.1", table(5000, APPROVED));
    deepEqual(found, []);
    deepEqual([proposals.acknowledgedProposals, proposals.votes, [...proposals.outcomes]], [1, 3, [["approved", 1]]]);
    equal(proposals.judgedOn, "1 acknowledged proposals, 3 votes; 1 approved, 0 rejected, 0 expired");
    equal(said(REJECTED), "");
    equal(said(EXPIRED, 1100), "");
    equal(said(HALF, 1099), "");
  });

  for (const [what, held, timeMs, pattern] of [
    ["a stranger's vote", { ...HALF, votes: [vote("a4", "approve", 200)] }, 500, /a4's vote on p, which is not asked/],
    [
      "a voter twice",
      { ...HALF, votes: [...HALF.votes, vote("a1", "approve", 300)] },
      500,
      /counts a1's vote on p twice/,
    ],
    [
      "a vote that another signed",
      { ...HALF, votes: [vote("a1", "approve", 200, "a2")] },
      500,
      /a1's vote on p, which a1 has not signed/,
    ],
    [
      "a vote that is not the one that was signed",
      { ...HALF, votes: [{ ...vote("a1", "reject", 200), choice: "approve" }] },
      500,
      /a1 has not signed/,
    ],
    ["a vote at the deadline", { ...HALF, votes: [vote("a1", "approve", 1100)] }, 1050, /its time was up at 1100 ms/],
    [
      "approval by too few",
      { ...APPROVED, votes: APPROVED.votes.slice(0, 2), decidedAtMs: 300 },
      500,
      /p is approved at a1\.1, and by its votes it is open: 2 for it and 0 against it of 3, and 3 are needed/,
    ],
    ["no approval by enough", { ...APPROVED, state: "open", decidedAtMs: 0 }, 500, /p is open .* it is approved/],
    ["rejection too early", { ...HALF, state: "rejected", decidedAtMs: 200 }, 500, /p is rejected .* it is open/],
    ["no rejection when it is time", { ...REJECTED, state: "open", decidedAtMs: 0 }, 500, /is open .* it is rejected/],
    [
      "a vote after the decision",
      { ...REJECTED, votes: [...REJECTED.votes, vote("a1", "approve", 300)], decidedAtMs: 300 },
      500,
      /counts a vote on p after it was decided/,
    ],
    ["expiry before the deadline", EXPIRED, 1099, /p has expired at a1\.1 at 1099 ms, before 1100 ms/],
    ["no expiry at the deadline", HALF, 1100, /p is open at a1\.1 at 1100 ms, and its time was up/],
    ["another deadline", { ...HALF, deadlineMs: 2000 }, 500, /until 2000 ms, 1000 ms after 100 ms/],
    ["another time of the decision", { ...REJECTED, decidedAtMs: 251 }, 500, /since 251 ms, .* since 250 ms/],
    ["another threshold", { ...OPEN, spec: { ...SPEC, threshold: 6666 } }, 500, /what was asked for is/],
    ["another body", { ...OPEN, spec: { ...SPEC, body: ASKED.body } }, 500, /what was asked for is/],
    ["other voters", { ...OPEN, spec: { ...SPEC, voters: ["a1", "a2"] } }, 500, /what was asked for is/],
    ["what nobody asked for", { ...OPEN, spec: { ...SPEC, id: "q" } }, 500, /holds q, which nobody has asked for/],
  ] as const)
    it(`refuses ${what}`, () => match(said(held, timeMs), new RegExp(`^proposals decided once: .*${pattern.source}`)));

  it("refuses two decisions, of two agents or of one", () => {
    const two = subject();
    two.proposals.look("a1.1", table(500, REJECTED));
    two.proposals.look("a2.1", table(1100, { ...OPEN, state: "expired", decidedAtMs: 1100 }));
    match(two.found.join("\n"), /p is rejected with 0 for it and 1 against it as a1\.1 decides it, and expired/);
    const one = subject();
    one.proposals.look("a1.1", table(500, REJECTED));
    one.proposals.look("a1.1", table(500, OPEN));
    match(one.found.join("\n"), /p was rejected at a1\.1, and is open now/);
    const again = subject();
    const fields = { proposal: "p", state: "rejected", approvals: 0, rejections: 1, needed: 3 };
    for (let times = 2; times > 0; times--) again.proposals.told("a1.1", fields, table(500, REJECTED));
    match(again.found.join("\n"), /a1\.1 decides p a second time/);
  });

  it("refuses two orders of the votes", () => {
    const { proposals, found } = subject();
    const [first, second] = [vote("a1", "approve", 200), vote("a2", "approve", 200)];
    proposals.look("a1.1", table(500, { ...OPEN, votes: [first, second] }));
    proposals.look("a2.1", table(500, { ...OPEN, votes: [second] }));
    equal(found.length, 1);
    match(found[0] as string, /vote 1 on p is a1's to approve at 200 ms to a1\.1, and a2's to approve at 200 ms to a2/);
  });

  it("refuses what an agent tells otherwise than it holds it", () => {
    for (const [change, pattern] of [
      [{ state: "approved" }, /tells p otherwise than it holds it/],
      [{ needed: 2 }, /says that p takes 2 approvals, and it takes 3/],
      [{ proposal: "q" }, /decides q, and does not know it/],
    ] as const) {
      const { proposals, found } = subject();
      const fields = { proposal: "p", state: "rejected", approvals: 0, rejections: 1, needed: 3, ...change };
      proposals.told("a1.1", fields, table(500, REJECTED));
      ok(found.some((one) => pattern.test(one)));
    }
  });

  it("refuses that what was acknowledged is unknown, forgotten or undecided at the end", () => {
    const unknown = subject();
    unknown.proposals.acknowledged("p");
    unknown.proposals.end("a2.1", table(5000));
    match(unknown.found.join("\n"), /p was acknowledged, and a2\.1 does not know it/);
    const forgotten = subject();
    forgotten.proposals.look("a2.1", table(500, OPEN));
    forgotten.proposals.look("a2.1", table(600));
    match(forgotten.found.join("\n"), /a2\.1 has forgotten p/);
    const open = subject();
    open.proposals.acknowledged("p");
    open.proposals.end("a2.1", table(500, OPEN));
    match(open.found.join("\n"), /p was acknowledged and is still open at a2\.1 when all is quiet/);
  });

  it("without an order: lets what had expired be decided by votes that come later, counts votes as they have come, and nothing else may change", () => {
    const found: string[] = [];
    const make = (): ProposalDecisions => {
      found.length = 0;
      const crypto = KEYS.of("a1");
      const proposals = new ProposalDecisions(
        AGENTS,
        (spec, one) => verifyVote(crypto, spec, one),
        (_, detail) => found.push(detail),
        false,
      );
      proposals.asked(ASKED);
      return proposals;
    };
    const decided = (state: string, approvals: number) => ({
      proposal: "p",
      state,
      approvals,
      rejections: 0,
      needed: 3,
    });
    const proposals = make();
    // a2 was cut off: it hears of two of three votes only after the deadline.
    proposals.told("a1.1", decided("approved", 3), table(400, APPROVED));
    proposals.look("a2.1", table(500, { ...OPEN, votes: [APPROVED.votes[2] as CountedVote] }));
    proposals.told(
      "a2.1",
      decided("expired", 1),
      table(1200, { ...EXPIRED, votes: [APPROVED.votes[2] as CountedVote] }),
    );
    proposals.told("a2.1", decided("approved", 3), table(1300, APPROVED));
    deepEqual(found, []);
    proposals.told("a2.1", decided("expired", 1), table(1300, EXPIRED));
    ok(
      found.some((one) => /decides p a second time|was approved at a2\.1, and is expired now/.test(one)),
      found.join(),
    );
    const both = make();
    both.look("a1.1", table(500, APPROVED));
    both.look("a2.1", table(500, REJECTED));
    ok(
      found.some((one) => /p is approved .* a1\.1 .* rejected .* a2\.1/.test(one)),
      found.join(),
    );
    const later = make();
    later.look(
      "a1.1",
      table(2000, { ...APPROVED, votes: [...APPROVED.votes.slice(0, 2), vote("a3", "approve", 1100)] }),
    );
    ok(
      found.some((one) => /its time was up/.test(one)),
      found.join(),
    );
  });
});
