import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import type { ChangeRefusal, Configuration, MemberChange } from "../../../server/core/consensus.ts";
import {
  bootstrap,
  changed,
  decodeConfiguration,
  encodeConfiguration,
  isJoint,
  left,
  membersOf,
  readConfiguration,
  votesIn,
} from "../../../server/core/raft/configuration.ts";
import { jointResult, voteResult } from "../../../server/core/raft/quorum.ts";
import { configurations } from "./arbitraries.ts";

/** `voters | outgoing | learners | learnersNext`, as text. */
function shown({ voters, outgoing, learners, learnersNext, autoLeave }: Configuration): string {
  return [voters, outgoing, learners, learnersNext].map((list) => list.join("")).join("|") + (autoLeave ? " auto" : "");
}

function of(text: string): Configuration {
  const [voters, outgoing, learners, learnersNext] = text.split("|").map((list) => [...list]) as string[][];
  return {
    voters: voters ?? [],
    outgoing: outgoing ?? [],
    learners: learners ?? [],
    learnersNext: learnersNext ?? [],
    autoLeave: (outgoing ?? []).length > 0,
  };
}

describe("a change of the members", () => {
  const steps: readonly (readonly [string, MemberChange, string])[] = [
    ["abc|||", { add: "d" }, "abc||d|"],
    ["abc||d|", { promote: "d" }, "abcd|||"],
    ["abc|||", { remove: "a" }, "bc|||"],
    ["abc||d|", { remove: "d" }, "abc|||"],
    ["abc|||", { voters: ["c", "b", "a", "d"], learners: [] }, "abcd|||"],
    ["abc|||", { voters: ["a", "b"], learners: ["c"] }, "ab||c|"],
    ["abc|||", { voters: ["a", "b", "c"], learners: ["e", "d"] }, "abc||de|"],
    // More than one voter differs: through a joint phase (thesis §4.3).
    ["abc|||", { voters: ["a", "d", "e"], learners: [] }, "ade|abc|| auto"],
    ["abc|||", { voters: ["d"], learners: ["a", "f"] }, "d|abc|f|a auto"],
    ["abcde|||", { voters: ["a", "b", "c"], learners: [] }, "abc|abcde|| auto"],
  ];
  for (const [from, change, to] of steps)
    it(`takes ${from} by ${JSON.stringify(change)} to ${to}`, () => {
      const next = changed(of(from), change);
      assert.ok(next.ok);
      assert.equal(shown(next.to), to);
    });

  const refusals: readonly (readonly [string, MemberChange, ChangeRefusal])[] = [
    ["abc|||", { add: "a" }, "alreadyMember"],
    ["abc||d|", { add: "d" }, "alreadyMember"],
    ["abc|||", { promote: "d" }, "unknownMember"],
    ["abc|||", { promote: "a" }, "alreadyVoter"],
    ["abc|||", { remove: "d" }, "unknownMember"],
    ["a|||", { remove: "a" }, "noVoterLeft"],
    ["abc|||", { voters: [], learners: ["a"] }, "noVoterLeft"],
    ["abc|||", { voters: ["a", "a"], learners: [] }, "badMembers"],
    ["abc|||", { voters: ["a"], learners: ["a"] }, "badMembers"],
    ["abc|||", { add: "" }, "badMembers"],
    ["abc|||", { add: "é".repeat(128) }, "badMembers"],
    ["ade|abc||", { add: "f" }, "changePending"],
  ];
  for (const [from, change, reason] of refusals)
    it(`refuses ${JSON.stringify(change)} of ${from}: ${reason}`, () => {
      assert.deepEqual(changed(of(from), change), { ok: false, reason });
    });

  it("leaves a joint phase for the new voters, and those who are to learn learn", () => {
    assert.equal(shown(left(of("ad|abc|f|bc"))), "ad||bcf|");
  });

  it("never lets two majorities decide apart from each other, before, during or after it (thesis §4.1, §4.3)", () => {
    const ids = ["a", "b", "c", "d", "e", "f"];
    fc.assert(
      fc.property(fc.subarray(ids, { minLength: 1 }), fc.subarray(ids, { minLength: 1 }), (before, after) => {
        const from = bootstrap(before);
        const next = changed(from, { voters: after, learners: [] });
        assert.ok(next.ok);
        const path = isJoint(next.to) ? [from, next.to, left(next.to)] : [from, next.to];
        // Every set of voters that decides in one and every set that decides in the next have somebody in common.
        for (let at = 1; at < path.length; at++)
          for (const one of deciding(path[at - 1] as Configuration, ids))
            for (const other of deciding(path[at] as Configuration, ids))
              assert.notEqual(
                one & other,
                0,
                `${shown(path[at - 1] as Configuration)} > ${shown(path[at] as Configuration)}`,
              );
      }),
      { numRuns: 60 },
    );
  });
});

describe("a configuration", () => {
  it("names its members once, and who votes in it", () => {
    const configuration = of("ad|abc|f|b");
    assert.deepEqual(membersOf(configuration), ["a", "b", "c", "d", "f"]);
    assert.deepEqual(
      ["a", "c", "d", "f", "x"].map((id) => votesIn(configuration, id)),
      [true, true, true, false, false],
    );
  });

  it("survives its binary form", () => {
    fc.assert(
      fc.property(configurations(), (configuration) => {
        assert.deepEqual(decodeConfiguration(encodeConfiguration(configuration)), configuration);
      }),
    );
  });

  it("is refused in binary form where it could not be one", () => {
    const wrong: readonly (readonly [Configuration, RegExp])[] = [
      [of("ba|||"), /not in order/],
      [of("aa|||"), /not in order/],
      [of("abc||a|"), /learner that votes/],
      [of("abc|||d"), /no outgoing voter/],
      [of("abc|abd||a"), /no outgoing voter/],
    ];
    for (const [configuration, expected] of wrong)
      assert.throws(
        () => decodeConfiguration(encodeConfiguration(configuration)),
        (error) => error instanceof MalformedBytes && expected.test(error.message),
      );
    const writer = new ByteWriter();
    writer.varint(1_000_000);
    assert.throws(() => readConfiguration(new ByteReader(writer.finish())), MalformedBytes);
  });

  it("of any bytes at all is one or is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeConfiguration(bytes);
        } catch (error) {
          assert.ok(error instanceof MalformedBytes);
        }
      }),
    );
  });
});

/** Each set of agents that can decide, as bits. */
function deciding({ voters, outgoing }: Configuration, ids: readonly string[]): readonly number[] {
  const sets: number[] = [];
  for (let bits = 1; bits < 1 << ids.length; bits++) {
    const voteOf = (id: string): boolean => (bits & (1 << ids.indexOf(id))) !== 0;
    if (jointResult(voteResult(voters, voteOf), voteResult(outgoing, voteOf)) === "won") sets.push(bits);
  }
  return sets;
}
