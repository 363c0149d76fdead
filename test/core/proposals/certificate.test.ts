import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { utf8 } from "../../../server/core/bytes.ts";
import { orderBytes } from "../../../server/core/pbft/signed.ts";
import { type Claim, certificateProblem } from "../../../server/core/proposals/certificate.ts";
import type { Choice, ProposalSpec, SignedVote } from "../../../server/core/proposals/types.ts";
import { proposalDigest, signVote, verifyVote, voteStatement } from "../../../server/core/proposals/votes.ts";
import { keysFor } from "../pbft/keys.ts";
import { spec } from "./arbitraries.ts";

type Voter = "a1" | "a2" | "a3" | "a4" | "a5";
const keys = keysFor("a1", "a2", "a3", "a4", "a5");
/** Of somebody who signs nothing. */
const anyone = keys.a5;
/** Three of four. */
const proposal = spec();

function cast(voter: Voter, choice: Choice = "approve", on: ProposalSpec = proposal, reason = ""): SignedVote {
  return signVote(keys[voter], on, voter, choice, reason);
}

const approved = (votes: readonly SignedVote[]): Claim => ({ spec: proposal, outcome: "approved", votes });
const rejected = (votes: readonly SignedVote[]): Claim => ({ spec: proposal, outcome: "rejected", votes });
const three = [cast("a1"), cast("a2"), cast("a3")];

describe("a signed vote", () => {
  const signed = cast("a1", "reject", proposal, "not on a Friday");

  it("is its voter's, and verifies for anyone who knows its key", () =>
    assert.ok(verifyVote(anyone, proposal, signed)));

  const changed: [string, ProposalSpec, SignedVote][] = [
    ["another voter", proposal, { ...signed, voter: "a2" }],
    ["a voter nobody knows", proposal, { ...signed, voter: "b9" }],
    ["the other choice", proposal, { ...signed, choice: "approve" }],
    ["another reason", proposal, { ...signed, reason: "not on a friday" }],
    ["a signature cut short", proposal, { ...signed, signature: signed.signature.slice(0, 63) }],
    ["no signature", proposal, { ...signed, signature: new Uint8Array() }],
    ["another id", spec({ id: "q" }), signed],
    ["another subject", spec({ subject: "deploy 1.5" }), signed],
    ["another body", spec({ body: '{"version":"1.5"}' }), signed],
    ["other voters", spec({ voters: ["a1", "a2", "a3"] }), signed],
    ["another threshold", spec({ threshold: 6701 }), signed],
    ["another time limit", spec({ timeoutMs: 101 }), signed],
  ];
  for (const [what, on, vote] of changed)
    it(`is none with ${what}`, () => assert.equal(verifyVote(anyone, on, vote), false));

  it("is over a statement that begins as nothing else does that an agent's key signs", () => {
    const digest = proposalDigest(anyone, proposal);
    const statement = Buffer.from(voteStatement(digest, "approve", ""));
    assert.equal(statement.subarray(0, 18).toString("latin1"), "agent-mesh vote 1\0");
    const ordered = Buffer.from(orderBytes("prepare", 1, 1, digest));
    for (const [one, other] of [
      [statement, ordered],
      [statement, Buffer.from(utf8("agent-mesh link handshake"))],
    ] as const) {
      const common = Math.min(one.length, other.length, 18);
      assert.notDeepEqual(one.subarray(0, common), other.subarray(0, common));
    }
  });

  it("has one statement for each choice and reason", () => {
    const digest = proposalDigest(anyone, proposal);
    const statements = (["approve", "reject"] as const).flatMap((choice) =>
      ["", "a", "ab"].map((reason) => Buffer.from(voteStatement(digest, choice, reason)).toString("hex")),
    );
    assert.equal(new Set(statements).size, statements.length);
  });
});

describe("a certificate", () => {
  const holding: [string, Claim][] = [
    ["so many approvals as are needed", approved(three)],
    ["them in any order", approved([...three].reverse())],
    ["all approvals", approved([...three, cast("a4")])],
    ["enough approvals and a rejection", approved([...three, cast("a4", "reject", proposal, "no")])],
    ["so many rejections that the others are too few", rejected([cast("a2", "reject"), cast("a4", "reject")])],
    ["enough rejections and approvals", rejected([cast("a1"), cast("a2", "reject"), cast("a3"), cast("a4", "reject")])],
  ];
  for (const [what, claim] of holding)
    it(`holds with ${what}`, () => assert.equal(certificateProblem(claim, anyone), undefined));

  const [first, second, third] = three as [SignedVote, SignedVote, SignedVote];
  const flipped = (vote: SignedVote) => ({
    ...vote,
    signature: vote.signature.map((byte, at) => (at === 7 ? byte ^ 1 : byte)),
  });
  const failing: [string, Claim, RegExp][] = [
    ["no votes", approved([]), /too few approvals: of 4 voters with a threshold of 0.67, 3 must approve, and 0 did/],
    ["an approval too few", approved([first, second]), /3 must approve, and 2 did/],
    ["a rejection for an approval", approved([first, second, cast("a3", "reject")]), /3 must approve, and 2 did/],
    ["a rejection too few", rejected([cast("a1", "reject")]), /too few rejections: .*, 2 must reject, and 1 did/],
    ["approvals for a rejection", rejected(three), /2 must reject, and 0 did/],
    ["rejections for an approval", approved([cast("a1", "reject"), cast("a2", "reject")]), /3 must approve, and 0 did/],
    ["a vote twice", approved([first, second, second]), /^"a2" voted twice/],
    ["a voter that voted both ways", approved([...three, cast("a1", "reject")]), /^"a1" voted twice/],
    [
      "a stranger's vote",
      approved([first, second, cast("a5")]),
      /^"a5" voted, but is a stranger: .* "a1", "a2", "a3", "a4"$/,
    ],
    ["a stranger's vote beside enough", approved([...three, cast("a5")]), /^"a5" voted, but is a stranger/],
    ["a changed signature", approved([first, flipped(second), third]), /^the signature of "a2" \(64 bytes\) is not/],
    [
      "a truncated signature",
      approved([first, second, { ...third, signature: third.signature.slice(0, 40) }]),
      /^the signature of "a3" \(40 bytes\) is not/,
    ],
    ["a bad signature beside enough", approved([...three, flipped(cast("a4"))]), /^the signature of "a4" .* approve/],
    ["a vote in another's name", approved([first, second, { ...cast("a5"), voter: "a3" }]), /^the signature of "a3"/],
    ["a vote turned around", approved([first, second, { ...cast("a3", "reject"), choice: "approve" }]), /of "a3"/],
    ["a reason put in", approved([first, second, { ...third, reason: "gladly" }]), /of "a3"/],
    ["votes on another proposal", approved([first, cast("a2", "approve", spec({ id: "q" })), third]), /of "a2"/],
    [
      "a lower threshold than was voted on",
      { ...approved([first, second, third]), spec: spec({ threshold: 5001 }) },
      /of "a1"/,
    ],
    ["fewer voters than were asked", { ...approved(three), spec: spec({ voters: ["a1", "a2", "a3"] }) }, /of "a1"/],
    ["voters out of order", { ...approved(three), spec: spec({ voters: ["a2", "a1", "a3", "a4"] }) }, /not sorted/],
    ["a threshold of half", { ...approved(three), spec: spec({ threshold: 5000 }) }, /threshold is 5000/],
    ["a body in another form", { ...approved(three), spec: spec({ body: '{ "version": "1.4" }' }) }, /canonical form/],
    [
      "a choice that is none",
      approved([first, second, { ...third, choice: "maybe" as Choice }]),
      /^the vote of "a3" is none: .*"maybe"/,
    ],
    [
      "a signature that is too long",
      approved([{ ...first, signature: new Uint8Array(65) }]),
      /^the vote of "a1" is none: .*65 bytes/,
    ],
  ];
  for (const [what, claim, sentence] of failing)
    it(`does not hold with ${what}`, () => {
      const problem = certificateProblem(claim, anyone) ?? "it holds";
      assert.match(problem, sentence);
      assert.doesNotMatch(problem, /\.$/);
    });

  it("names the first of many voters, where a stranger is refused", () => {
    const voters = Array.from({ length: 12 }, (_, at) => `v${String(at).padStart(2, "0")}`);
    const problem = certificateProblem({ ...approved([first]), spec: spec({ voters }) }, anyone);
    assert.match(problem ?? "", /voters are "v00", .*, "v09" and 2 more$/);
  });
});
