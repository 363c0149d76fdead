import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import {
  decodeEvidence,
  encodeEvidence,
  evidenceText,
  readEvidence,
  verifyEvidence,
} from "../../../server/core/pbft/evidence.ts";
import { checkpointBytes, orderBytes } from "../../../server/core/pbft/signed.ts";
import type { Evidence } from "../../../server/core/pbft/types.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../codec-properties.ts";
import * as some from "./arbitraries.ts";
import { keysFor } from "./keys.ts";

const keys = keysFor("a1", "a7");
const codec = {
  encode(value: Evidence): Uint8Array {
    const writer = new ByteWriter(8);
    encodeEvidence(writer, value);
    return writer.finish();
  },
  decode(bytes: Uint8Array): Evidence {
    const reader = new ByteReader(bytes);
    const value = decodeEvidence(reader);
    reader.end();
    return value;
  },
};

/** What a7 signed: two batches, or states, at one place. */
function lie(kind: Evidence["kind"] = "prepare", view = kind === "checkpoint" ? 0 : 3, seq = 41): Evidence {
  const statement = (which: number) => {
    const digest = keys.a7.digest(Uint8Array.of(which));
    const bytes = kind === "checkpoint" ? checkpointBytes(seq, digest) : orderBytes(kind, view, seq, digest);
    return { digest, signature: keys.a7.sign(bytes) };
  };
  return { culprit: "a7", kind, view, seq, first: statement(1), second: statement(2) };
}

function flipped(bytes: Uint8Array, bit = 0): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

describe("evidence of a lie", () => {
  for (const kind of ["prePrepare", "prepare", "commit", "checkpoint"] as const) {
    it(`of the kind ${kind} convinces whoever knows the culprit's key`, () => {
      assert.equal(verifyEvidence(lie(kind), keys.a1), undefined);
      assert.equal(verifyEvidence(readEvidence(evidenceText(lie(kind))), keys.a1), undefined);
    });
  }

  const refused = (title: string, evidence: () => Evidence, expected: RegExp): void => {
    it(`is refused ${title}`, () => {
      assert.match(verifyEvidence(evidence(), keys.a1) ?? "it was believed", expected);
    });
  };
  const noFirst = /the first signature is not that of "/;
  refused("where both statements are the same", () => ({ ...lie(), second: lie().first }), /name the same digest/);
  refused(
    "where the first signature is damaged",
    () => ({ ...lie(), first: { ...lie().first, signature: flipped(lie().first.signature) } }),
    /the first signature is not that of "a7"/,
  );
  refused(
    "where the second signature is damaged",
    () => ({ ...lie(), second: { ...lie().second, signature: flipped(lie().second.signature) } }),
    /the second signature is not that of "a7"/,
  );
  refused(
    "where a digest is not the one that was signed",
    () => ({ ...lie(), second: { ...lie().second, digest: flipped(lie().second.digest) } }),
    /the second signature/,
  );
  refused(
    "where one signature serves for both",
    () => ({ ...lie(), second: { ...lie().second, signature: lie().first.signature } }),
    /the second signature/,
  );
  refused(
    "where signatures were cut short",
    () => ({ ...lie(), first: { ...lie().first, signature: new Uint8Array() } }),
    noFirst,
  );
  refused("against somebody else", () => ({ ...lie(), culprit: "a1" }), noFirst);
  refused("against somebody whom nobody knows", () => ({ ...lie(), culprit: "a9" }), noFirst);
  refused("for another phase than was signed", () => ({ ...lie("prepare"), kind: "commit" }), noFirst);
  refused("for a checkpoint that was a prepare", () => ({ ...lie("prepare", 0), kind: "checkpoint" }), noFirst);
  refused("for another view", () => ({ ...lie(), view: 4 }), noFirst);
  refused("for another place", () => ({ ...lie(), seq: 42 }), noFirst);
  refused("for a checkpoint with a view", () => ({ ...lie("checkpoint"), view: 3 }), /belongs to no view.*not 3/);
  refused(
    "where a statement is of another view: an honest replica may sign one in each",
    () => ({ ...lie(), second: lie("prepare", 4).second }),
    /the second signature/,
  );

  it("is refused wherever a bit of it is flipped", () => {
    const bytes = codec.encode(lie());
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        try {
          assert.notEqual(verifyEvidence(codec.decode(flipped(bytes, bit)), keys.a1), undefined);
        } catch (error) {
          assert.ok(error instanceof MalformedBytes, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("comes back from its binary form and its text as it was; what is damaged is at worst MalformedBytes", () => {
    assertRoundTrips(codec, some.evidence);
    assertOnlyMalformed(codec, some.evidence);
    fc.assert(
      fc.property(some.evidence, (given) => {
        const text = evidenceText(given);
        assert.match(text, /^[0-9a-f]+$/);
        assert.deepEqual(readEvidence(text), given);
        assert.deepEqual(readEvidence(text.toUpperCase()), given);
        for (let length = 0; length < text.length; length++)
          assert.throws(() => readEvidence(text.slice(0, length)), MalformedBytes);
      }),
      { numRuns: 30 },
    );
  });

  it("says what is wrong with a text that is none", () => {
    const says = (text: string, expected: RegExp): void => {
      assert.throws(
        () => readEvidence(text),
        (error) => error instanceof MalformedBytes && expected.test(error.message),
      );
    };
    const text = evidenceText(lie());
    says("", /ends too early/);
    says(`${text.slice(0, 6)}g${text.slice(7)}`, /"g" is not a hexadecimal digit \(character 7/);
    says(text.slice(1), /even number/);
    says(`00${text.slice(2)}`, /no evidence has the tag 0/);
    says(`${text}00`, /1 bytes too many/);
    says("0".repeat(2000), /at most 1024 digits, and this 2000/);
  });
});
