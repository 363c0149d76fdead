import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Mesh } from "../../server/contract/mesh.ts";
import { PROPOSALS_BY_DEFAULT, type ProposalSettings, type VotingPolicy } from "../../server/contract/proposals.ts";
import { compileSchema } from "../../server/meshfile/json-schema.ts";
import { parseMesh, quickMesh } from "../../server/meshfile/mesh-file.ts";
import { REJECTS_ALL } from "../../server/meshfile/proposals-section.ts";
import type { ReadBeside } from "../../server/meshfile/schema-source.ts";
import { meshText } from "../../server/meshfile/write.ts";

/** Files beside the mesh file. */
const files: Readonly<Record<string, string>> = {
  "schemas/release.json": '{ "type": "object",\n  "required": ["version"] }\n',
  "broken.json": "{ type: object }",
  "list.json": "[]",
  "wrong.json": '{ "type": "objct" }',
};
const readBeside: ReadBeside = (path, maxBytes) => {
  if (path === "large.json") throw new Error(`it has ${maxBytes + 1} bytes, and at most ${maxBytes} are read.`);
  const text = files[path];
  if (text === undefined) throw new Error(`there is no ${path}.`);
  return text;
};

function parsed(section: string, read: ReadBeside | undefined = readBeside): ReturnType<typeof parseMesh> {
  return parseMesh(`agents: 5\n${section}`, "x.mesh.yaml", read);
}

function proposals(section: string): ProposalSettings {
  const { mesh, diagnostics } = parsed(section);
  assert.deepEqual(diagnostics, []);
  return (mesh as Mesh).proposals;
}

/** "line:column severity? code" of all that is wrong. */
function wrong(section: string, read?: ReadBeside | undefined): string[] {
  const { diagnostics } = read === undefined ? parsed(section) : parsed(section, read);
  return diagnostics.map(
    ({ line, column, severity, code }) => `${line}:${column} ${severity === "warning" ? "warning " : ""}${code}`,
  );
}

describe("proposals: in a mesh file", () => {
  it("are as usual when nothing is said of them", () => {
    assert.deepEqual(proposals(""), PROPOSALS_BY_DEFAULT);
    assert.deepEqual(proposals("proposals: {}\n"), PROPOSALS_BY_DEFAULT);
    const quick = quickMesh({ name: "q", agents: 4, topology: "ring", consensus: "raft" });
    assert.deepEqual(quick.proposals, PROPOSALS_BY_DEFAULT);
  });

  it("say who must agree, how soon, on what, and how each agent votes", () => {
    const text = `proposals:
  threshold: 0.75
  timeout: 1m
  schema: { type: object, required: [version] }
  policy: reject
  policies:
    a1: approve
    a2: { reject: "not on Fridays" }
    a3: { schema: schemas/release.json }
    a4: { command: node, args: [review.mjs, 3], timeout: 20s }
    a5: { command: ./check.sh }
`;
    assert.deepEqual(proposals(text), {
      threshold: 0.75,
      timeoutMs: 60_000,
      schema: '{"type":"object","required":["version"]}',
      policy: { kind: "reject", reason: REJECTS_ALL },
      policies: {
        a1: { kind: "approve" },
        a2: { kind: "reject", reason: "not on Fridays" },
        a3: { kind: "schema", schema: '{"type":"object","required":["version"]}' },
        a4: { kind: "command", command: "node", args: ["review.mjs", "3"], timeoutMs: 20_000 },
        a5: { kind: "command", command: "./check.sh", args: [], timeoutMs: 10_000 },
      },
    });
  });

  it("take every threshold that a proposal may have, and no other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 5001, max: 10_000 }), (parts) => {
        assert.equal(proposals(`proposals: { threshold: ${parts / 10_000} }\n`).threshold, parts / 10_000);
      }),
    );
    for (const threshold of ["0.5", "0", "-1", "1.0001", "67", "0.66667", "0.50001", ".inf"])
      assert.equal(wrong(`proposals: { threshold: ${threshold} }\n`).length, 1, threshold);
  });

  it("let an agent be called like what every object has", () => {
    const text = "agents: [constructor, __proto__]\nproposals: { policies: { __proto__: reject } }\n";
    const { mesh, diagnostics } = parseMesh(text, "x.mesh.yaml");
    assert.deepEqual(diagnostics, []);
    assert.ok(Object.hasOwn((mesh as Mesh).proposals.policies, "__proto__"));
  });

  it("do not give a program longer than a proposal, unless that is said", () => {
    const { policies } = proposals("proposals: { timeout: 3s, policies: { a1: { command: x } } }\n");
    assert.equal((policies.a1 as VotingPolicy & { kind: "command" }).timeoutMs, 3_000);
    const late = "proposals:\n  timeout: 3s\n  policy: { command: x, timeout: 5s }\n";
    assert.deepEqual(wrong(late), ["4:34 warning lateVote"]);
    assert.ok(parsed(late).mesh !== undefined);
  });

  const aliases = Array.from(
    { length: 9 },
    (_, at) => `  k${at}: &k${at} [${"*k".concat(String(at - 1), ", ").repeat(9)}]`,
  );
  aliases[0] = "  k0: &k0 [1]";
  for (const [what, text, expected] of [
    ["no mapping", "proposals: 3\n", ["2:12 wrongType"]],
    ["an unknown key", "proposals:\n  treshold: 0.7\n", ["3:3 unknownKey"]],
    ["a threshold of half", "proposals:\n  threshold: 0.5\n", ["3:14 outOfRange"]],
    ["a threshold above all", "proposals:\n  threshold: 1.5\n", ["3:14 outOfRange"]],
    ["a threshold too fine", "proposals:\n  threshold: 0.66667\n", ["3:14 outOfRange"]],
    ["a threshold that is none", "proposals:\n  threshold: most\n", ["3:14 wrongType"]],
    ["no time at all", "proposals:\n  timeout: 0\n", ["3:12 outOfRange"]],
    ["more than a week", "proposals:\n  timeout: 200h\n", ["3:12 outOfRange"]],
    ["a time that is none", "proposals:\n  timeout: soon\n", ["3:12 wrongType"]],
    ["an unknown policy", "proposals:\n  policy: maybe\n", ["3:11 unknownValue"]],
    ["a policy without kind", "proposals:\n  policy: {}\n", ["3:11 policyKind"]],
    ["a policy of two kinds", "proposals:\n  policy: { reject: no, command: x }\n", ["3:11 policyKind"]],
    ["a misspelt policy", "proposals:\n  policy: { comand: x }\n", ["3:13 unknownKey"]],
    ["arguments of no program", "proposals:\n  policy: { reject: no, args: [x] }\n", ["3:25 misplacedKey"]],
    ["a program without a name", 'proposals:\n  policy: { command: "" }\n', ["3:22 wrongType"]],
    ["arguments that are no list", "proposals:\n  policy: { command: x, args: y }\n", ["3:31 wrongType"]],
    ["an argument that is no text", "proposals:\n  policy: { command: x, args: [{}] }\n", ["3:32 wrongType"]],
    ["a program without time", "proposals:\n  policy: { command: x, timeout: 0 }\n", ["3:34 outOfRange"]],
    ["a reason too long", `proposals:\n  policy: { reject: ${"x".repeat(1025)} }\n`, ["3:21 outOfRange"]],
    ["an unknown agent", "proposals:\n  policies:\n    a9: approve\n", ["4:5 unknownAgent"]],
    ["an agent named twice", "proposals:\n  policies:\n    a1: approve\n    a1: reject\n", ["5:5 duplicateKey"]],
    ["policies that are a list", "proposals:\n  policies: [a1]\n", ["3:13 wrongType"]],
    ["a schema that is a list", "proposals:\n  schema: [object]\n", ["3:11 wrongType"]],
    ["a schema of an unknown type", "proposals:\n  schema: { type: objct }\n", ["3:11 badSchema"]],
    ["a schema with an unknown keyword", "proposals:\n  schema: { requird: [x] }\n", ["3:11 badSchema"]],
    ["a schema with a format, which is not checked", "proposals:\n  schema: { format: email }\n", ["3:11 badSchema"]],
    ["a schema that refers to nothing", 'proposals:\n  schema: { $ref: "#/$defs/x" }\n', ["3:11 badSchema"]],
    [
      "a schema of another draft",
      'proposals:\n  schema: { $schema: "http://json-schema.org/draft-07/schema#" }\n',
      ["3:11 badSchema"],
    ],
    ["a schema whose answer comes later", "proposals:\n  schema: { $async: true }\n", ["3:11 badSchema"]],
    [
      "a policy's schema that is none",
      "proposals:\n  policies:\n    a2: { schema: { type: 1 } }\n",
      ["4:19 badSchema"],
    ],
    ["a schema too large", `proposals:\n  schema: { title: ${"x".repeat(65_536)} }\n`, ["3:11 tooLarge"]],
    ["a schema of too many bytes", `proposals:\n  schema: { title: ${"é".repeat(40_000)} }\n`, ["3:11 tooLarge"]],
    ["a schema that unfolds without end", `proposals:\n  schema:\n  ${aliases.join("\n  ")}\n`, ["4:5 badSchema"]],
    ["a schema file that is missing", "proposals:\n  schema: none.json\n", ["3:11 unreadable"]],
    ["a schema file that is too large", "proposals:\n  schema: large.json\n", ["3:11 unreadable"]],
    ["a schema file that is not JSON", "proposals:\n  schema: broken.json\n", ["3:11 badSchema"]],
    ["a schema file without an object", "proposals:\n  schema: list.json\n", ["3:11 badSchema"]],
    ["a schema file that is no schema", "proposals:\n  schema: wrong.json\n", ["3:11 badSchema"]],
    ["a schema file elsewhere", "proposals:\n  schema: ../x.json\n", ["3:11 outsideFolder"]],
    ["a schema file of this machine", "proposals:\n  schema: /etc/x.json\n", ["3:11 outsideFolder"]],
  ] as const)
    it(`says where: ${what}`, () => assert.deepEqual(wrong(text), expected));

  it("says what is wrong with a schema, in the validator's words, and with a file", () => {
    const messages = (text: string, read?: ReadBeside): string =>
      parseMesh(`agents: 5\n${text}`, "x.mesh.yaml", read)
        .diagnostics.map(({ message }) => message)
        .join();
    assert.match(
      messages("proposals: { schema: { type: objct } }\n"),
      /proposals\.schema is no JSON schema.*schema\/type/,
    );
    assert.match(messages("proposals: { schema: none.json }\n", readBeside), /none\.json cannot be read: there is no/);
    assert.match(messages("proposals: { schema: x.json }\n"), /files beside this text cannot be read here/);
    assert.match(messages("proposals: { policies: { a9: approve } }\n"), /no agent "a9"/);
  });

  it("bounds all schemas together", () => {
    const read: ReadBeside = () => JSON.stringify({ title: "x".repeat(60_000) });
    const agents = Array.from({ length: 20 }, (_, at) => `a${at + 1}`);
    const policies = agents.map((id) => `    ${id}: { schema: x.json }\n`).join("");
    const { diagnostics } = parseMesh(`agents: 20\nproposals:\n  policies:\n${policies}`, "x.mesh.yaml", read);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ["tooLarge"],
    );
  });
});

const schema = fc
  .oneof(
    fc.constant({ type: "object", required: ["version"], properties: { version: { type: "string", minLength: 1 } } }),
    fc.record({ title: fc.string(), const: fc.jsonValue({ maxDepth: 2 }) }, { noNullPrototype: true }),
    fc.record({ enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1 }) }, { noNullPrototype: true }),
  )
  // As it is kept: numbers such as -0 are told apart in no JSON.
  .map((one) => JSON.stringify(JSON.parse(JSON.stringify(one))))
  .filter((text) => {
    try {
      compileSchema(JSON.parse(text) as object);
      return true;
    } catch {
      return false;
    }
  });

const text = fc.string({ maxLength: 40 }).map((one) => one.toWellFormed());
const policy: fc.Arbitrary<VotingPolicy> = fc.oneof(
  fc.constant<VotingPolicy>({ kind: "approve" }),
  fc.constant<VotingPolicy>({ kind: "reject", reason: REJECTS_ALL }),
  text.map((reason): VotingPolicy => ({ kind: "reject", reason })),
  schema.map((one): VotingPolicy => ({ kind: "schema", schema: one })),
  fc
    .tuple(text, fc.array(text, { maxLength: 3 }), fc.integer({ min: 1, max: 60_000 }))
    .map(([command, args, timeoutMs]): VotingPolicy => ({ kind: "command", command: `x${command}`, args, timeoutMs })),
);

describe("proposals written into a mesh file", () => {
  it("are read as they were", () => {
    const settings = fc.record<ProposalSettings>(
      {
        threshold: fc.integer({ min: 5001, max: 10_000 }).map((parts) => parts / 10_000),
        timeoutMs: fc.integer({ min: 60_000, max: 600_000 }),
        schema: fc.option(schema),
        policy,
        policies: fc.dictionary(fc.constantFrom("a1", "a2", "a3"), policy, { noNullPrototype: true }),
      },
      { noNullPrototype: true },
    );
    const mesh = quickMesh({ name: "m", agents: 3, topology: "mesh", consensus: "raft" });
    fc.assert(
      fc.property(settings, (written) => {
        const file = meshText({ ...mesh, proposals: written });
        const { mesh: read, diagnostics } = parseMesh(file, "m.mesh.yaml");
        assert.deepEqual(diagnostics, [], file);
        assert.deepEqual(read?.proposals, written, file);
      }),
      { numRuns: 300 },
    );
  });

  it("are left out when they are as usual", () => {
    const mesh = quickMesh({ name: "m", agents: 3, topology: "mesh", consensus: "raft" });
    assert.doesNotMatch(meshText(mesh), /proposals/);
  });
});
