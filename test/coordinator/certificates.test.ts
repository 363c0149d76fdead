import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ProposalInfo } from "../../server/contract/proposals.ts";
import { certificateOf, propose } from "../../server/coordinator/proposals.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import type { Swarm } from "../../server/coordinator/swarm.ts";
import { Deciders } from "../live/proofs/deciders.ts";

const deciders = new Deciders("a1", "a2", "a3", "a4");

/** One whose agents hold this proposal, which nothing decides any more. */
function swarmHolding(proposal: ProposalInfo | null, over = false): Swarm {
  return {
    over,
    file: deciders.swarm,
    client: { propose: async () => ({ proposalId: "proposal-1", created: true }), proposal: async () => proposal },
    proposals: { saw: () => undefined, final: async () => proposal },
  } as unknown as Swarm;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("it was not refused"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Refusal, String(error));
  return `${error.reason}: ${error.message}`;
}

describe("the certificate of a proposal", () => {
  const BALLOT = { a1: "approve", a2: "approve" } as const;
  const of = (proposal: ProposalInfo | null) => certificateOf(swarmHolding(proposal), "proposal-1");

  it("is made of what the agents hold", async () => {
    const ballot = { ...BALLOT, a4: "approve" } as const;
    assert.deepEqual(await of(deciders.info(ballot)), deciders.certificate(ballot));
  });

  it("is refused while it is open, with how it stands; when it expired; and where there is none", async () => {
    assert.equal(
      await refusal(of(deciders.info(BALLOT))),
      "refused: Proposal proposal-1 is still open: 2 of 4 approve; 3 needed.",
    );
    assert.equal(
      await refusal(of(deciders.info(BALLOT, { state: "expired" }))),
      "refused: Proposal proposal-1 has no certificate, it expired: who did not vote has signed nothing (2 of 4 approve; 3 needed).",
    );
    assert.match(await refusal(of(null)), /^refused: There is no proposal proposal-1 in demo\./);
  });

  it("is refused when what the agents hold proves nothing, with why", async () => {
    const forged = new Deciders("a1", "a2", "a3", "a4").info({ ...BALLOT, a4: "approve" });
    assert.equal(
      await refusal(of(forged)),
      'failed: What the agents hold of proposal-1 proves nothing: the signature of "a1" (64 bytes) is not the one under its vote to approve this proposal.',
    );
    assert.equal(
      await refusal(of(deciders.info(BALLOT, { state: "approved" }))),
      "failed: What the agents hold of proposal-1 proves nothing: too few approvals: of 4 voters with a threshold of 0.67, 3 must approve, and 2 did.",
    );
  });
});

describe("waiting for a proposal", () => {
  const REQUEST = { subject: "deploy 1.4", body: "null" };
  const BALLOT = { a1: "approve", a2: "reject" } as const;

  it("ends when nobody decides it although its time is over, with how it stands", async () => {
    const overdue = deciders.info(BALLOT);
    assert.equal(
      await refusal(propose(swarmHolding(overdue), REQUEST, true)),
      "failed: Proposal proposal-1 is not decided, although its time is over: too few agents can be reached to say so. It stands at: 1 of 4 approves, 1 rejects; 3 needed.",
    );
    assert.equal((await propose(swarmHolding(overdue), REQUEST, false)).state, "open");
  });

  it("ends with the swarm", async () => {
    assert.equal(
      await refusal(propose(swarmHolding(deciders.info(BALLOT), true), REQUEST, true)),
      "unavailable: Swarm demo ended before proposal proposal-1 was decided.",
    );
  });
});
