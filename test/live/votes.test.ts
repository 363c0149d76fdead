import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import type { ProposalInfo, ProposalRequest, ProposalSettings, VotingPolicy } from "../../server/contract/proposals.ts";
import { PROPOSALS_BY_DEFAULT } from "../../server/contract/proposals.ts";
import { identityOf, isRunning, type ProcessIdentity } from "../../server/live/process.ts";
import { AgentNotStarted } from "../../server/live/spawn.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

const RELEASE = JSON.stringify({ type: "object", required: ["version"] });

/** A program that reads the proposal, and rejects what is not tested. */
const REVIEW = `
let input = "";
process.stdin.on("data", (text) => (input += text)).on("end", () => {
  const { id, body } = JSON.parse(input);
  console.log(body.tested ? "tested" : id + " was not tested");
  process.exitCode = body.tested ? 0 : 1;
});`;

const HANGS = `
require("node:fs").writeFileSync("pids", process.pid + " " + process.ppid);
setInterval(() => {}, 1000);`;

const program = (script: string): VotingPolicy => ({
  kind: "command",
  command: process.execPath,
  args: ["-e", script],
  timeoutMs: 20_000,
});

describe("a live swarm's votes", function () {
  this.timeout(40_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  async function started(
    count: number,
    settings: Partial<ProposalSettings>,
    consensus: "raft" | "pbft" = "raft",
  ): Promise<TestClient> {
    swarm = await TestSwarm.start(count, { consensus, proposals: { ...PROPOSALS_BY_DEFAULT, ...settings } });
    await swarm.leader();
    return swarm.client("a1");
  }

  async function propose(client: TestClient, proposal: ProposalRequest): Promise<void> {
    assert.equal((await client.ask({ op: "propose", proposal })).type, "proposed");
  }

  function decided(client: TestClient, id: string): Promise<ProposalInfo> {
    return eventually(
      `${id} is decided`,
      async () => {
        const value = await client.ask({ op: "proposal", proposalId: id, consistency: "local" });
        const { proposal } = value as { readonly proposal: ProposalInfo | null };
        return proposal !== null && proposal.state !== "open" && proposal;
      },
      20_000,
    );
  }

  for (const consensus of ["raft", "pbft"] as const)
    it(`are those of their agents' policies (${consensus})`, async () => {
      const client = await started(
        4,
        {
          threshold: 0.75,
          policies: {
            a2: { kind: "schema", schema: RELEASE },
            a3: program(REVIEW),
            a4: { kind: "reject", reason: "not on Fridays" },
          },
        },
        consensus,
      );
      await propose(client, { id: "good", subject: "1.4", body: '{"version":"1.4","tested":true}' });
      const good = await decided(client, "good");
      assert.deepEqual([good.state, good.threshold, good.needed], ["approved", 0.75, 3]);
      await propose(client, { id: "bad", subject: "1.5", body: '{"version":"1.5"}' });
      const bad = await decided(client, "bad");
      assert.equal(bad.state, "rejected");
      const against = bad.votes
        .filter(({ choice }) => choice === "reject")
        .map(({ voter, reason }) => `${voter}: ${reason}`);
      assert.deepEqual(against.sort(), ["a3: bad was not tested", "a4: not on Fridays"]);
    });

  it("are not asked for what does not fit the swarm's schema", async () => {
    const client = await started(3, { schema: RELEASE, timeoutMs: 7_000 });
    const refused = await client.request({ op: "propose", proposal: { id: "p", subject: "s", body: "[]" } });
    assert.ok(!refused.ok);
    assert.equal(refused.code, "invalid");
    assert.match(refused.message, /does not fit the schema of this swarm.*: it must be object\. Change the body/);
    assert.deepEqual(await client.ask({ op: "proposals" }), { type: "proposals", proposals: [] });
    await propose(client, { id: "p", subject: "s", body: '{"version":1}' });
    const { state, timeoutMs } = await decided(client, "p");
    assert.deepEqual([state, timeoutMs], ["approved", 7_000]);
  });

  it("leave no program behind, whatever becomes of the proposal and of the agent", async () => {
    const client = await started(3, { policies: { a3: program(HANGS) } });
    const pids = join(swarm.file.folder, "pids");
    const hanging = (): Promise<ProcessIdentity[]> =>
      eventually(
        "the program runs",
        () => existsSync(pids) && readFileSync(pids, "utf8").split(" ").map(Number).map(identityOf),
        15_000,
      );
    const gone = (those: readonly ProcessIdentity[]): Promise<unknown> =>
      eventually("nothing of it is left", () => !those.some(isRunning));
    // Two of three are not enough: it expires, and the program is ended.
    await propose(client, { id: "p1", subject: "s", body: "1", threshold: 1, timeoutMs: 1_500 });
    const first = await hanging();
    assert.equal((await decided(client, "p1")).state, "expired");
    await gone(first.slice(0, 1));
    writeFileSync(pids, "");
    await propose(client, { id: "p2", subject: "s", body: "1", threshold: 1 });
    const second = await eventually(
      "it runs again",
      async () => readFileSync(pids, "utf8") !== "" && hanging(),
      15_000,
    );
    swarm.kill("a3");
    await gone(second);
  });

  it("give a program no secret of the swarm, and nothing of how its agent was started", async () => {
    const client = await started(1, {
      policy: program(`require("node:fs").writeFileSync("environment", JSON.stringify(process.env))`),
    });
    await propose(client, { id: "p", subject: "s", body: "1" });
    assert.equal((await decided(client, "p")).state, "approved");
    const environment = JSON.parse(readFileSync(join(swarm.file.folder, "environment"), "utf8")) as object;
    assert.ok("AGENT_MESH_PROPOSAL" in environment && !("ELECTRON_RUN_AS_NODE" in environment));
    assert.ok(!JSON.stringify(environment).includes(swarm.token));
  });

  it("cannot be cast by an agent whose schema is none: it does not start, and says why", async () => {
    const policies: ProposalSettings["policies"] = { a2: { kind: "schema", schema: '{"type":"objct"}' } };
    swarm = await TestSwarm.make(2, { proposals: { ...PROPOSALS_BY_DEFAULT, policies } });
    await swarm.startAgent("a1");
    await assert.rejects(
      swarm.startAgent("a2"),
      (error: Error) => error instanceof AgentNotStarted && /JSON schema of a2's policy is none/.test(error.message),
    );
  });
});
