import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import type { Judgement } from "../../server/agent/world.ts";
import type { Mesh } from "../../server/contract/mesh.ts";
import { PolicyJudge } from "../../server/live/agent/judge.ts";
import { ProgramRunner } from "../../server/live/agent/program-runner.ts";
import { schemaProblem } from "../../server/live/agent/proposal-schema.ts";
import { loadSchemas } from "../../server/live/agent/proposal-schemas.ts";
import { programPath } from "../../server/live/programs.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { policyOf } from "../../server/meshfile/policies.ts";
import { eventually } from "./waiting.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "examples");
const FILE = join(FOLDER, "proposals.mesh.yaml");

describe("examples/proposals.mesh.yaml", function () {
  this.timeout(20_000);
  const written = readFileSync(FILE, "utf8");
  const { proposals } = parseMesh(written, FILE).mesh as Mesh;
  const programs = new ProgramRunner({ wardenProgram: programPath("guardian"), note: () => {} });

  afterEach(() => programs.close());

  /** How an agent votes on it, in words. */
  async function vote(agent: string, body: string): Promise<string> {
    const policy = policyOf(proposals, agent);
    let judged: Judgement | undefined;
    const judge = new PolicyJudge({
      // `node` is this one, wherever it is.
      policy: policy.kind === "command" ? { ...policy, command: process.execPath } : policy,
      fitsPolicy: (await loadSchemas(proposals, agent)).ofPolicy,
      programs,
      place: { swarm: "s", agent, incarnation: 1, folder: FOLDER },
      judged: (judgement) => (judged = judgement),
    });
    judge.consider({ id: "p", subject: "", body, voters: [agent], threshold: 6700, timeoutMs: 1 });
    const { choice, reason } = await eventually("a judgement", () => judged, 15_000);
    return `${choice}: ${reason}`;
  }

  const undo = "reject: The body does not fit this agent's schema: it must have required property 'undo'.";
  for (const [release, a2, a3] of [
    ["1.4", "approve: ", "approve: tested, 12 changed files"],
    ["1.5", undo, "approve: tested, 0 changed files"],
    ["1.6", undo, "reject: version 1.6 has not been tested"],
    ["1.7", "approve: ", "approve: tested, 0 changed files"],
  ] as const)
    it(`is voted on as it says: release ${release}`, async () => {
      const body = new RegExp(`"release ${release}" '(.*)'`).exec(written)?.[1] as string;
      assert.equal(schemaProblem(proposals.schema as string, body), undefined);
      assert.deepEqual([await vote("a1", body), await vote("a2", body), await vote("a3", body)], ["approve: ", a2, a3]);
    });

  it("refuses what is no version, and a review of too many files", async () => {
    const next = /"release the next" '(.*)'/.exec(written)?.[1] as string;
    assert.match(schemaProblem(proposals.schema as string, next) ?? "", /^\/version must match pattern/);
    const large = '{"files":41,"tested":true,"version":"2.0"}';
    assert.equal(await vote("a3", large), "reject: 41 changed files are too many to review; at most 40");
  });
});
