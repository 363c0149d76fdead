import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  decodeProposalCommand,
  encodeProposalCommand,
  encodeSpec,
  readProposalSpec,
  writeProposalSpec,
} from "../../../server/core/proposals/codec.ts";
import {
  boundedReason,
  checkProposalCommand,
  checkProposalSpec,
  MAX_BODY_BYTES,
  MAX_PROPOSAL_TIMEOUT_MS,
  MAX_REASON_BYTES,
  MAX_VOTERS,
} from "../../../server/core/proposals/limits.ts";
import type { Choice, ProposalSpec, SignedVote } from "../../../server/core/proposals/types.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../codec-properties.ts";
import { anyCommand, anySpec, spec, vote } from "./arbitraries.ts";

const codec = { encode: encodeProposalCommand, decode: decodeProposalCommand };

/** Sorted, each with as many bytes as an id may have. */
function manyVoters(count: number): string[] {
  return Array.from({ length: count }, (_, at) => String(at).padStart(128, "0"));
}

describe("the binary form of proposal commands", () => {
  it("gives back every command", () => assertRoundTrips(codec, anyCommand));
  it("answers bytes from outside with a command or MalformedBytes", () => assertOnlyMalformed(codec, anyCommand));

  it("is told from another spec's, whatever differs", () =>
    fc.assert(
      fc.property(anySpec, anySpec, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        assert.equal(Buffer.from(encodeSpec(a)).equals(Buffer.from(encodeSpec(b))), same);
      }),
    ));

  it("takes a spec at every limit", () => {
    const largest = spec({
      id: "i".repeat(128),
      subject: "s".repeat(256),
      body: JSON.stringify("b".repeat(MAX_BODY_BYTES - 2)),
      voters: manyVoters(MAX_VOTERS),
      threshold: 10_000,
      timeoutMs: MAX_PROPOSAL_TIMEOUT_MS,
    });
    for (const one of [largest, spec({ threshold: 5001, timeoutMs: 1, voters: ["a"], body: "0", subject: "s" })])
      assert.deepEqual(codec.decode(codec.encode({ type: "propose", spec: one })), { type: "propose", spec: one });
  });

  const specs: [string, Partial<ProposalSpec>, RegExp][] = [
    ["no id", { id: "" }, /proposal's id is empty/],
    ["a long id", { id: "i".repeat(129) }, /id is longer than the 128 bytes/],
    ["no subject", { subject: "" }, /subject is empty/],
    ["a long subject", { subject: "é".repeat(129) }, /subject is longer than the 256 bytes/],
    ["half a surrogate pair", { subject: "\ud83d" }, /subject is not valid Unicode/],
    ["no body", { body: "" }, /body is empty/],
    ["a long body", { body: `"${"é".repeat(MAX_BODY_BYTES / 2)}"` }, /body is longer than the 65536 bytes/],
    ["a body that is no JSON", { body: "{oops}" }, /cannot be read as JSON: line 1, column 2: "o" stands where/],
    ["a deep body", { body: "[".repeat(60_000) }, /nested more than 64 levels/],
    ["a body with white space", { body: '{"a": 1}' }, /not in the canonical form of JSON/],
    ["a body in another order", { body: '{"b":1,"a":2}' }, /not in the canonical form of JSON/],
    ["a number in another form", { body: "1.0" }, /not in the canonical form of JSON/],
    ["no voters", { voters: [] }, /has no voters; name at least one/],
    ["many voters", { voters: manyVoters(MAX_VOTERS + 1) }, /1001 voters; at most 1000/],
    ["a voter without an id", { voters: ["", "a1"] }, /voter 1 is empty/],
    ["a voter with a long id", { voters: ["a".repeat(129)] }, /voter 1 is longer than the 128/],
    ["a voter twice", { voters: ["a1", "a2", "a2"] }, /names the voter "a2" twice/],
    ["voters out of order", { voters: ["a2", "a1"] }, /not sorted: "a1" comes after "a2"/],
    ["voters in the order of code points", { voters: ["\ufb33", "🦊"] }, /not sorted/],
    ["a threshold of half", { threshold: 5000 }, /threshold is 5000 ten-thousandths; give a whole number from 5001/],
    ["a threshold above all", { threshold: 10_001 }, /threshold is 10001/],
    ["a threshold that is a share", { threshold: 0.67 }, /threshold is 0.67 ten-thousandths/],
    ["no time", { timeoutMs: 0 }, /timeoutMs\) is 0; give a whole number from 1 to 604800000/],
    ["more than a week", { timeoutMs: MAX_PROPOSAL_TIMEOUT_MS + 1 }, /timeoutMs\) is 604800001/],
    ["half a millisecond", { timeoutMs: 1.5 }, /timeoutMs\) is 1.5/],
  ];
  for (const [what, fields, sentence] of specs)
    it(`refuses a proposal with ${what}, with a sentence, before it reaches the log and out of it`, () => {
      const broken = spec(fields);
      assert.match(checkProposalSpec(broken) ?? "", sentence);
      assert.throws(() => encodeProposalCommand({ type: "propose", spec: broken }), RangeError);
      if (!Number.isInteger(broken.threshold + broken.timeoutMs) || fields.subject === "\ud83d") return;
      const writer = new ByteWriter();
      writer.byte(1);
      writeProposalSpec(writer, broken);
      assert.throws(() => decodeProposalCommand(writer.finish()), MalformedBytes);
    });

  const votes: [string, string, SignedVote, RegExp][] = [
    ["no proposal", "", vote("a1", "approve"), /proposal's id is empty/],
    ["no voter", "p", vote("", "approve"), /voter is empty/],
    ["a long reason", "p", vote("a1", "reject", { reason: "r".repeat(1025) }), /reason is longer than the 1024/],
    ["no such choice", "p", vote("a1", "abstain" as Choice), /vote is "abstain"; it must be/],
    ["a long signature", "p", vote("a1", "reject", { signature: new Uint8Array(65) }), /signature has 65 bytes/],
  ];
  for (const [what, id, broken, sentence] of votes)
    it(`refuses a vote with ${what}, with a sentence, before it reaches the log`, () => {
      assert.match(checkProposalCommand({ type: "vote", id, vote: broken }) ?? "", sentence);
      assert.throws(() => encodeProposalCommand({ type: "vote", id, vote: broken }), RangeError);
    });

  it("keeps no frame from being freed by a vote's signature", () => {
    const bytes = encodeProposalCommand({ type: "vote", id: "p", vote: vote("a1", "approve") });
    const command = decodeProposalCommand(bytes);
    assert.ok(command.type === "vote" && command.vote.signature.buffer !== bytes.buffer);
  });

  it("reads what it wrote of a spec, byte for byte", () =>
    fc.assert(
      fc.property(anySpec, (one) => {
        const reader = new ByteReader(encodeSpec(one));
        assert.deepEqual(readProposalSpec(reader), { ...one });
        reader.end();
      }),
    ));
});

describe("a vote's reason", () => {
  const reasons: [string, string, string][] = [
    ["a short one", "not now", "not now"],
    ["one that just fits", "r".repeat(MAX_REASON_BYTES), "r".repeat(MAX_REASON_BYTES)],
    ["one that is too long", "r".repeat(MAX_REASON_BYTES + 1), "r".repeat(MAX_REASON_BYTES)],
    ["symbols of two bytes", "é".repeat(MAX_REASON_BYTES), "é".repeat(MAX_REASON_BYTES / 2)],
    ["symbols of three bytes", "€".repeat(MAX_REASON_BYTES), "€".repeat(341)],
    ["a pair at the edge", `${"r".repeat(MAX_REASON_BYTES - 1)}🦊`, "r".repeat(MAX_REASON_BYTES - 1)],
    ["half of a pair", "why\ud83d", "why\ufffd"],
  ];
  for (const [what, text, cut] of reasons)
    it(`is cut to what a vote may carry: ${what}`, () => {
      assert.equal(boundedReason(text), cut);
      assert.equal(
        checkProposalCommand({ type: "vote", id: "p", vote: vote("a1", "reject", { reason: cut }) }),
        undefined,
      );
    });
});
