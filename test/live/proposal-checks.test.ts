import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PROPOSALS_BY_DEFAULT } from "../../server/contract/proposals.ts";
import { WrongShape } from "../../server/live/checked-json.ts";
import { checkedProposals } from "../../server/live/proposal-checks.ts";
import { checkedSwarm } from "../../server/live/swarm-file.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { TestSwarm } from "./swarm.ts";

const WHERE = "swarm.proposals";

describe("what a swarm's file says of proposals", () => {
  it("is read as the mesh file said it", () => {
    const { mesh } = parseMesh(
      `agents: [a1, a2, a3, __proto__]
proposals:
  threshold: 0.75
  schema: { type: object }
  policy: { command: node, args: [x.mjs, "${"y".repeat(10_000)}"], timeout: 1h }
  policies:
    a1: approve
    a2: { reject: "${"é".repeat(512)}" }
    a3: { schema: { title: "${"x".repeat(60_000)}" } }
    __proto__: reject
`,
      "x.mesh.yaml",
    );
    const written: unknown = JSON.parse(JSON.stringify(mesh?.proposals));
    assert.deepEqual(checkedProposals(written, WHERE), mesh?.proposals);
    assert.ok(Object.hasOwn(checkedProposals(written, WHERE).policies, "__proto__"));
  });

  const usual = PROPOSALS_BY_DEFAULT;
  for (const [what, value, message] of [
    ["something else", 3, /^swarm\.proposals must be an object/],
    ["nothing", null, /^swarm\.proposals must be an object/],
    ["a threshold of half", { ...usual, threshold: 0.5 }, /threshold must be above 0\.5/],
    ["a threshold above all", { ...usual, threshold: 1.1 }, /threshold must be a number from 0 to 1/],
    ["no time", { ...usual, timeoutMs: 0 }, /timeoutMs must be a whole number from 1/],
    ["a schema that is no text", { ...usual, schema: {} }, /schema must be a text/],
    ["a schema too large", { ...usual, schema: "x".repeat(65_537) }, /schema is longer/],
    ["no policy", { ...usual, policy: undefined }, /policy must be an object, but is missing/],
    ["an unknown policy", { ...usual, policy: { kind: "maybe" } }, /policy\.kind must be one of approve/],
    ["no reason", { ...usual, policy: { kind: "reject" } }, /policy\.reason must be a text/],
    ["policies that are a list", { ...usual, policies: [] }, /policies must be an object/],
    ["a wrong policy of an agent", { ...usual, policies: { a2: { kind: "schema" } } }, /policies\.a2\.schema must be/],
    [
      "an argument that is no text",
      { ...usual, policy: { kind: "command", command: "x", args: ["a", 1], timeoutMs: 1 } },
      /policy\.args\.1 must be a text/,
    ],
    [
      "a program without time",
      { ...usual, policy: { kind: "command", command: "x", args: [], timeoutMs: 0 } },
      /policy\.timeoutMs must be a whole number from 1/,
    ],
  ] as const)
    it(`is refused with its field: ${what}`, () =>
      assert.throws(
        () => checkedProposals(value, WHERE),
        (error: Error) => error instanceof WrongShape && message.test(error.message),
      ));

  it("may be left out, and is looked at where it is not", async () => {
    const swarm = await TestSwarm.make(1);
    try {
      assert.equal(checkedSwarm(swarm.file).proposals, undefined);
      assert.deepEqual(checkedSwarm({ ...swarm.file, proposals: usual }).proposals, usual);
      assert.throws(() => checkedSwarm({ ...swarm.file, proposals: {} }), /^WrongShape: swarm\.proposals\.threshold/);
    } finally {
      assert.deepEqual(await swarm.end(), []);
    }
  });
});
