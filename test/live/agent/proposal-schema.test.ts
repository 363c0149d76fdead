import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ClientRequest } from "../../../server/contract/client.ts";
import { PROPOSALS_BY_DEFAULT } from "../../../server/contract/proposals.ts";
import { MAX_BODY_BYTES } from "../../../server/core/proposals/limits.ts";
import { settledRequest } from "../../../server/live/agent/proposal-requests.ts";
import { schemaProblem } from "../../../server/live/agent/proposal-schema.ts";
import { loadSchemas } from "../../../server/live/agent/proposal-schemas.ts";
import { policyOf } from "../../../server/meshfile/policies.ts";

const RELEASE = JSON.stringify({
  type: "object",
  required: ["version"],
  properties: {
    version: { type: "string", pattern: "^\\d+\\.\\d+$" },
    stage: { enum: ["test", "production"] },
    hosts: { type: "array", items: { type: "string" } },
  },
  additionalProperties: false,
});

describe("a JSON schema for proposals", () => {
  it("lets pass what fits", () => {
    assert.equal(schemaProblem(RELEASE, '{"stage":"test","version":"1.4"}'), undefined);
    assert.equal(schemaProblem("{}", "null"), undefined);
  });

  for (const [what, body, said] of [
    ["what is missing", "{}", "it must have required property 'version'"],
    ["what has another form", '{"version":"new"}', '/version must match pattern "^\\d+\\.\\d+$"'],
    ["what is not allowed", '{"size":1,"version":"1.4"}', 'it must NOT have additional properties ("size")'],
    [
      "what could stand there",
      '{"stage":"moon","version":"1.4"}',
      '/stage must be equal to one of the allowed values (["test","production"])',
    ],
    ["another type", "[]", "it must be object"],
    ["where, deep inside", '{"hosts":["a",1],"version":"1.4"}', "/hosts/1 must be string"],
    ["several things", '{"hosts":1,"version":1}', "/version must be string; /hosts must be array"],
    [
      "what is not JSON",
      "{version}",
      "it is not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    ],
  ] as const)
    it(`says ${what}`, () => assert.equal(schemaProblem(RELEASE, body), said));

  it("says three things at most, each short and in one line, however much is wrong", () => {
    const body = JSON.stringify(
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${"x".repeat(900)}${at}`, 1])),
    );
    const said = schemaProblem(RELEASE, body) ?? "";
    assert.match(said, /; and 498 more$/);
    assert.ok(said.length < 600, said);
    const broken = JSON.stringify({ "a\u001b[31m\nb": 1 });
    const strict = JSON.stringify({ additionalProperties: { type: "string" } });
    assert.match(schemaProblem(strict, broken) ?? "", /^\/a \[31m b must be string$/);
  });

  it("tells an object's own properties from those that every object has", () => {
    const schema = JSON.stringify({ required: ["toString"] });
    assert.equal(schemaProblem(schema, "{}"), "it must have required property 'toString'");
  });

  it("survives a value that is nested deeper than it can follow", () => {
    const nested = JSON.stringify({
      $defs: { list: { type: "array", items: { $ref: "#/$defs/list" } } },
      $ref: "#/$defs/list",
    });
    const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
    assert.equal(schemaProblem(nested, "[[[]]]"), undefined);
    assert.equal(schemaProblem(nested, deep), "it is nested too deeply to be checked");
  });

  it("is refused when it is none, every time", () => {
    for (let time = 0; time < 2; time++)
      assert.throws(() => schemaProblem('{"type":"objct"}', "{}"), /schema\/type must be equal to one of/);
  });
});

describe("an agent's schemas", () => {
  const settings = { ...PROPOSALS_BY_DEFAULT, policies: { a2: { kind: "schema", schema: RELEASE } } } as const;

  it("are those of the swarm and of its own policy", async () => {
    const own = await loadSchemas({ ...settings, schema: '{"type":"object"}' }, "a2");
    assert.equal(own.ofSwarm?.("{}"), undefined);
    assert.equal(own.ofSwarm?.("1"), "it must be object");
    assert.equal(own.ofPolicy?.("{}"), "it must have required property 'version'");
    assert.deepEqual(await loadSchemas(settings, "a1"), { ofSwarm: undefined, ofPolicy: undefined });
  });

  it("end its start when one is none, with whose it is", async () => {
    const none = '{"type":"objct"}';
    await assert.rejects(
      loadSchemas({ ...settings, schema: none }, "a1"),
      /of the swarm's proposals is none: schema\/type/,
    );
    const policies = { a2: { kind: "schema", schema: none } } as const;
    await assert.rejects(loadSchemas({ ...settings, policies }, "a2"), /of a2's policy is none/);
  });

  it("are not those that every object has", () => {
    assert.deepEqual(policyOf(settings, "constructor"), { kind: "approve" });
    assert.deepEqual(policyOf({ ...settings, policy: { kind: "reject", reason: "no" } }, "a1").kind, "reject");
    assert.equal(policyOf(settings, "a2").kind, "schema");
  });
});

describe("a request to put something to the vote", () => {
  const settings = { threshold: 0.75, timeoutMs: 5_000 };
  const fits = (body: string): string | undefined => schemaProblem(RELEASE, body);
  const propose = (proposal: unknown): ClientRequest => ({ id: 7, op: "propose", proposal }) as ClientRequest;
  const settled = (request: ClientRequest): unknown => {
    const result = settledRequest(request, settings, fits);
    return "request" in result ? result.request : result.problem;
  };

  it("gets the swarm's threshold and time where it names none", () => {
    const asked = { subject: "s", body: '{"version":"1.4"}' };
    assert.deepEqual(settled(propose(asked)), propose({ ...asked, ...settings }));
    assert.deepEqual(
      settled(propose({ ...asked, threshold: 1 })),
      propose({ ...asked, threshold: 1, timeoutMs: 5_000 }),
    );
    assert.deepEqual(settledRequest(propose({ ...asked, body: "3" }), settings, undefined), {
      request: propose({ ...asked, body: "3", ...settings }),
    });
  });

  it("is refused when its body does not fit, with where and what to do", () => {
    const said = settled(propose({ subject: "s", body: '{"version":1}' }));
    assert.equal(
      said,
      "The proposal's body does not fit the schema of this swarm (proposals.schema of its mesh file): /version must be string. Change the body so that it fits; nothing was put to the vote.",
    );
  });

  it("is the agent's to refuse when it is no proposal, or too large to be one", () => {
    for (const proposal of [undefined, null, 3, "x", []]) {
      const request = propose(proposal);
      assert.equal(settled(request), request);
    }
    for (const body of [undefined, 3, `"${"x".repeat(MAX_BODY_BYTES)}"`])
      assert.deepEqual(settled(propose({ body })), propose({ body, ...settings }));
  });

  it("is looked at alone: other requests pass as they came", () => {
    const request: ClientRequest = { id: 1, op: "get", namespace: "n", key: "k" };
    assert.equal(settled(request), request);
  });
});
