import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { verdictText } from "../../../server/contract/evidence.ts";
import { WrongShape } from "../../../server/live/checked-json.ts";
import type { Ground } from "../../../server/live/proofs/ground.ts";
import { MAX_PROOFS, MAX_PROOFS_CHARACTERS, verifyProofs } from "../../../server/live/proofs/verify.ts";
import { Liars } from "./lies.ts";

const liars = new Liars("a1", "a7");
const others = new Liars("a1", "a7");
const swarm: Ground = { swarm: liars.swarm };
const STATEMENT = "a7 signed two prepares for view 3, sequence 41";

function verdict(proof: string | object, ground?: Ground) {
  const verdicts = verifyProofs(typeof proof === "string" ? proof : JSON.stringify(proof), () => ground);
  assert.equal(verdicts.length, 1);
  return verdicts[0] as (typeof verdicts)[number];
}

describe("verifying evidence without a swarm", () => {
  it("holds a JSON line against its own key, and says that nobody vouches for that", () => {
    const held = verdict(liars.line("a7"));
    assert.deepEqual(held, {
      ...{ line: 1, type: "evidence", statement: STATEMENT, key: "itself", swarm: "demo", culprit: "a7" },
    });
    assert.equal(
      verdictText(held),
      `holds: ${STATEMENT}. The key is the proof's own: that it is the key of a7 of demo is not verified.`,
    );
  });

  it("holds a JSON line and bare digits against a roster or a key that is given", () => {
    for (const proof of [liars.line("a7"), liars.digits("a7"), liars.digits("a7").toUpperCase()]) {
      const inSwarm = verdict(proof, swarm);
      assert.deepEqual([inSwarm.problem, inSwarm.key, inSwarm.swarm], [undefined, "swarm", "demo"]);
      const given = verdict(proof, { key: liars.publicKey("a7") });
      assert.deepEqual([given.problem, given.key], [undefined, "given"]);
    }
    const checkpoint = liars.digits("a7", { kind: "checkpoint", view: 0, seq: 128 });
    assert.match(verdictText(verdict(checkpoint, swarm)), /^holds: a7 signed two checkpoints for sequence 128\./);
  });

  const digits = liars.digits("a7");
  const line = liars.line("a7");
  const once = liars.evidence("a7");
  const refused: readonly (readonly [title: string, proof: string | object, why: RegExp, ground?: Ground])[] = [
    ["digits without a key to hold them against", digits, /carry no public key/],
    [
      "a letter that is no digit",
      `${digits.slice(0, 6)}g${digits.slice(7)}`,
      /"g" is not a hex.* \(character 7 /,
      swarm,
    ],
    ["what was cut short", digits.slice(0, -2), /64 bytes announced, 63 there/, swarm],
    ["what has more behind it", `${digits}00`, /1 bytes too many/, swarm],
    ["the same digest twice", liars.digits("a7", { second: once.first }), /name the same digest/, swarm],
    ["a signature of somebody else", others.digits("a7"), /the first signature is not that of "a7"/, swarm],
    ["another view than was signed", liars.digits("a7", { ...once, view: 4 }), /the first signature/, swarm],
    ["an agent that nobody knows", new Liars("a9").digits("a9"), /no agent "a9" in demo \(f00d\)/, swarm],
    [
      "a name no agent can have",
      liars.digits("a7", { culprit: "\u001b[2J" }),
      /no agent is called "\\u001b\[2J"/,
      swarm,
    ],
    ["a line with another's key", { ...line, publicKey: others.publicKey("a7") }, /the first signature is not/],
    ["a line with its own forged key and roster", others.line("a7"), /public key is not that of a7 in demo/, swarm],
    ["a line whose key is not the one given", line, /not the one given/, { key: others.publicKey("a7") }],
    ["a line with a key that is none", { ...line, publicKey: "AAAA" }, /public key of "a7" is none/],
    ["a line of another swarm", { ...line, swarm: "beef" }, /from the swarm demo \(beef\), and not from demo/, swarm],
    ["a line that names another culprit", { ...line, culprit: "a1" }, /against "a1", and is against "a7"/, swarm],
    ["a line without evidence", { ...line, evidence: undefined }, /evidence\.evidence must be a text, but is missing/],
    ["a line with too much of it", { ...line, evidence: "0".repeat(1025) }, /longer than 1024/],
    ["a line with control characters", { ...line, name: "\u001b[2J" }, /evidence\.name is .* no id/],
    [
      "a proof of a kind that there is not",
      { ...line, type: "rumour" },
      /must be one of evidence, certificate, but is "rumour"/,
    ],
    ["what is no JSON", '{"type": "evidence"', /it is no JSON/],
    ["what is nothing at all", "lies!", /"l" is not a hexadecimal digit \(character 1/],
  ];
  for (const [title, proof, why, ground] of refused) {
    it(`refuses ${title}`, () => {
      const { problem } = verdict(proof, ground);
      assert.match(problem ?? "it was believed", why);
      assert.doesNotMatch(verdictText(verdict(proof, ground)), /\p{Cc}/u);
    });
  }

  it("gives each line of a file, and each of a JSON list, a verdict of its own", () => {
    const text = `${JSON.stringify(line)}\n\n${digits}\nnonsense\n`;
    const told = verifyProofs(text, () => swarm).map(({ line: at, problem }) => [at, problem === undefined]);
    assert.deepEqual(told, [
      [1, true],
      [3, true],
      [4, false],
    ]);
    const list = verifyProofs(JSON.stringify([line, { ...line, swarm: 1 }]), () => undefined);
    assert.deepEqual(
      list.map(({ line: at, problem }) => [at, problem === undefined]),
      [
        [1, true],
        [2, false],
      ],
    );
  });

  it("is told which swarm a proof says it is from", () => {
    const asked: (string | undefined)[] = [];
    verifyProofs(`${JSON.stringify(line)}\n${digits}`, (id) => {
      asked.push(id);
      return undefined;
    });
    assert.deepEqual(asked, ["f00d", undefined]);
  });

  it("answers whatever it is given with verdicts, or with a sentence on its form; and believes nothing that was damaged", () => {
    const whole = JSON.stringify(line);
    const damaged = fc
      .tuple(fc.nat(whole.length - 1), fc.string({ unit: "binary", minLength: 1, maxLength: 3 }))
      .map(([at, text]) => `${whole.slice(0, at)}${text}${whole.slice(at + 1)}`);
    const json = fc.json().map((text) => `{"type":"evidence","x":${text}}`);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json(), json, damaged), (text) => {
        try {
          for (const one of verifyProofs(text, () => swarm))
            assert.ok(one.problem !== undefined || one.statement === STATEMENT, text);
        } catch (error) {
          assert.ok(error instanceof WrongShape, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses none, too many, and too much", () => {
    const says = (text: string, why: RegExp): void => {
      assert.throws(
        () => verifyProofs(text, () => swarm),
        (error) => error instanceof WrongShape && why.test(error.message),
      );
    };
    says(" \n", /there is no proof in it/);
    says("[]", /there is no proof in it/);
    says("[1", /it is no JSON/);
    says("00\n".repeat(MAX_PROOFS + 1), /at most 1000/);
    says("0".repeat(MAX_PROOFS_CHARACTERS + 1), /at most 1048576 characters/);
  });
});
