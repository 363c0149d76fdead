import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { Judgement } from "../../server/agent/world.ts";
import type { VotingPolicy } from "../../server/contract/proposals.ts";
import { MAX_REASON_BYTES } from "../../server/core/proposals/limits.ts";
import type { ProposalSpec } from "../../server/core/proposals/types.ts";
import { PolicyJudge } from "../../server/live/agent/judge.ts";
import { MAX_PROGRAMS } from "../../server/live/agent/judge-commands.ts";
import { ProgramRunner } from "../../server/live/agent/program-runner.ts";
import { loadSchemas } from "../../server/live/agent/proposal-schemas.ts";
import { identityOf, isRunning, kill, type ProcessIdentity } from "../../server/live/process.ts";
import { programPath } from "../../server/live/programs.ts";
import { eventually } from "./waiting.ts";

function proposal(id = "p1", body = '{"version":"1.4"}'): ProposalSpec {
  return { id, subject: "deploy 1.4", body, voters: ["a1", "a2"], threshold: 6700, timeoutMs: 30_000 };
}

/** Writes its process id and its child's, which left its group, then waits to be ended. */
const HANGS = `
const { spawn } = require("node:child_process");
const { renameSync, writeFileSync } = require("node:fs");
process.on("SIGTERM", () => {});
const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { detached: true });
writeFileSync("pids.new", process.pid + " " + child.pid + " " + process.ppid);
renameSync("pids.new", "pids");
setInterval(() => {}, 1000);
`;

describe("a live agent's judge", function () {
  this.timeout(20_000);
  let folder: string;
  let programs: ProgramRunner;
  let judgements: Judgement[];

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "judge-")));
    programs = new ProgramRunner({ wardenProgram: programPath("guardian"), note: () => {} });
    judgements = [];
  });

  afterEach(() => {
    programs.close();
    rmSync(folder, { recursive: true, maxRetries: 5 });
  });

  async function judgeOf(policy: VotingPolicy): Promise<PolicyJudge> {
    const settings = { threshold: 0.67, timeoutMs: 30_000, schema: null, policy, policies: {} };
    return new PolicyJudge({
      policy,
      fitsPolicy: (await loadSchemas(settings, "a1")).ofPolicy,
      programs,
      place: { swarm: "s-1", agent: "a1", incarnation: 3, folder },
      judged: (judgement) => judgements.push(judgement),
    });
  }

  const program = (script: string, timeoutMs = 15_000): VotingPolicy => ({
    kind: "command",
    command: process.execPath,
    args: ["-e", script],
    timeoutMs,
  });

  /** What a policy makes of one proposal. */
  async function verdict(policy: VotingPolicy, asked = proposal()): Promise<Omit<Judgement, "proposalId">> {
    (await judgeOf(policy)).consider(asked);
    assert.deepEqual(judgements, [], "never from within the agent's own turn");
    const [{ proposalId, ...rest }] = await judged(1);
    assert.equal(proposalId, asked.id);
    return rest;
  }

  async function judged(count: number): Promise<[Judgement, ...Judgement[]]> {
    return eventually(
      `${count} judgements`,
      () => judgements.length >= count && (judgements as [Judgement, ...Judgement[]]),
      15_000,
    );
  }

  function hanging(): Promise<ProcessIdentity[]> {
    const pids = join(folder, "pids");
    return eventually(
      "the program runs",
      () => existsSync(pids) && readFileSync(pids, "utf8").split(" ").map(Number).map(identityOf),
      15_000,
    );
  }

  const allGone = (those: readonly ProcessIdentity[]): Promise<unknown> =>
    eventually("nothing of the program is left", () => !those.some(isRunning), 8_000);

  it("approves, or rejects with its reason", async () => {
    assert.deepEqual(await verdict({ kind: "approve" }), { choice: "approve", reason: "" });
    judgements = [];
    assert.deepEqual(await verdict({ kind: "reject", reason: "not today" }), { choice: "reject", reason: "not today" });
  });

  it("approves what fits its schema, and says what does not", async () => {
    const schema = JSON.stringify({ properties: { version: { type: "string" } } });
    assert.deepEqual(await verdict({ kind: "schema", schema }), { choice: "approve", reason: "" });
    judgements = [];
    assert.deepEqual(await verdict({ kind: "schema", schema }, proposal("p2", '{"version":2}')), {
      choice: "reject",
      reason: "The body does not fit this agent's schema: /version must be string.",
    });
  });

  it("asks a program, which gets the proposal on its standard input and who asks in its environment", async () => {
    const script = `
      let input = "";
      process.stdin.on("data", (text) => (input += text)).on("end", () => {
        const { AGENT_MESH_SWARM: swarm, AGENT_MESH_AGENT: agent, AGENT_MESH_PROPOSAL: id, AGENT_MESH_RUN: run } = process.env;
        require("node:fs").writeFileSync("asked", JSON.stringify({ input: JSON.parse(input), swarm, agent, id, run, cwd: process.cwd() }));
        console.log("looked at " + id);
      });`;
    assert.deepEqual(await verdict(program(script)), { choice: "approve", reason: "looked at p1" });
    const asked: unknown = JSON.parse(readFileSync(join(folder, "asked"), "utf8"));
    assert.deepEqual(asked, {
      input: {
        id: "p1",
        subject: "deploy 1.4",
        body: { version: "1.4" },
        voters: ["a1", "a2"],
        threshold: 0.67,
        timeoutMs: 30_000,
      },
      swarm: "s-1",
      agent: "a1",
      id: "p1",
      run: "s-1/a1.3/policy.1",
      cwd: folder,
    });
  });

  it("gives a program the whole of a large body, also one that reads slowly, and takes no offence when it is not read", async () => {
    const body = JSON.stringify("ä".repeat(30_000));
    const counts = `setTimeout(() => {
      let bytes = 0;
      process.stdin.on("data", (piece) => (bytes += piece.length)).on("end", () => console.log(bytes));
    }, 200)`;
    const { reason } = await verdict(program(counts), proposal("p1", body));
    assert.ok(Number(reason) > 60_000, reason);
    judgements = [];
    assert.deepEqual(await verdict(program("process.exitCode = 0"), proposal("p2", body)), {
      choice: "approve",
      reason: "",
    });
  });

  it("takes the last line that was written for the reason, without what a terminal would obey", async () => {
    const script = `console.error("looking"); console.log("\\x1b[31mno\\ttests\\x1b[0m\\x07\\r\\n\\n  "); process.exitCode = 3`;
    assert.deepEqual(await verdict(program(script)), { choice: "reject", reason: "no tests" });
    judgements = [];
    assert.deepEqual(await verdict(program("process.exitCode = 3")), {
      choice: "reject",
      reason: "Its program ended with exit code 3.",
    });
    judgements = [];
    const long = await verdict(program(`process.stdout.write("é".repeat(9_000)); process.exitCode = 1`));
    assert.equal(Buffer.byteLength(long.reason), MAX_REASON_BYTES);
    assert.match(long.reason, /^é+$/);
  });

  it("ends a program that writes without end when its time is over", async () => {
    const script = `const text = "x".repeat(65_000) + "\\n"; const write = () => process.stdout.write(text, write); write();`;
    const { choice, reason } = await verdict(program(script, 1_000));
    assert.equal(choice, "reject");
    assert.match(reason, /ran longer than 1000 ms/);
  });

  it("rejects when the program cannot be started, was killed, or takes too long: each with its reason", async () => {
    const missing = await verdict({ kind: "command", command: "no-such-program", args: [], timeoutMs: 1_000 });
    assert.equal(missing.choice, "reject");
    assert.match(missing.reason, /^Its program gave no answer: The program "no-such-program" was not found/);
    judgements = [];
    assert.deepEqual(await verdict(program("process.kill(process.pid, 'SIGKILL')")), {
      choice: "reject",
      reason: "Its program was ended by SIGKILL.",
    });
    judgements = [];
    const late = await verdict(program(HANGS, 1_500));
    assert.equal(late.choice, "reject");
    assert.match(late.reason, /^Its program gave no answer: It ran longer than 1500 ms and was ended\.$/);
    await allGone((await hanging()).slice(0, 2));
  });

  it("rejects when the process that runs its programs dies, and asks the next one by another", async () => {
    const judge = await judgeOf(program(HANGS));
    judge.consider(proposal());
    const those = await hanging();
    kill(those[2] as ProcessIdentity);
    const [{ choice, reason }] = await judged(1);
    assert.equal(choice, "reject");
    assert.match(reason, /ended unexpectedly: SIGKILL/);
    await allGone(those);
    judgements = [];
    assert.equal((await verdict(program("console.log('here')"), proposal("p2"))).reason, "here");
  });

  it("ends a program whose proposal was decided without it, and all that it started, and says nothing", async () => {
    const judge = await judgeOf(program(HANGS));
    judge.consider(proposal());
    const those = await hanging();
    judge.dismiss("p1");
    await allGone(those.slice(0, 2));
    judge.dismiss("p1");
    judge.dismiss("unknown");
    judge.consider(proposal("p2"));
    judge.dismiss("p2");
    const approving = await judgeOf({ kind: "approve" });
    approving.consider(proposal("p3"));
    approving.dismiss("p3");
    approving.consider(proposal("p4"));
    await judged(1);
    assert.deepEqual(
      judgements.map(({ proposalId }) => proposalId),
      ["p4"],
    );
  });

  it("asks anew about what it is asked about anew, and once about what it considers already", async () => {
    const judge = await judgeOf({ kind: "approve" });
    judge.consider(proposal());
    judge.consider(proposal());
    await judged(1);
    judge.consider(proposal());
    judge.dismiss("p1");
    judge.consider(proposal());
    await judged(2);
    judge.consider(proposal("last"));
    await judged(3);
    assert.deepEqual(
      judgements.map(({ proposalId }) => proposalId),
      ["p1", "p1", "last"],
    );
  });

  it(`runs ${MAX_PROGRAMS} programs at a time, the others wait`, async () => {
    // Each waits until it is let go.
    const script = `
      const { existsSync, writeFileSync } = require("node:fs");
      const id = process.env.AGENT_MESH_PROPOSAL;
      writeFileSync("runs." + id, "");
      setInterval(() => { if (existsSync("go." + id)) process.exit(0); }, 10);`;
    const judge = await judgeOf(program(script));
    const ids = Array.from({ length: MAX_PROGRAMS + 3 }, (_, at) => `p${at}`);
    for (const id of ids) judge.consider(proposal(id));
    const running = (): string[] => ids.filter((id) => existsSync(join(folder, `runs.${id}`)));
    const go = (id: string): void => writeFileSync(join(folder, `go.${id}`), "");
    await eventually("as many run as may", () => running().length === MAX_PROGRAMS, 15_000);
    // One that waits and is not wanted any more is never started.
    judge.dismiss(`p${MAX_PROGRAMS}`);
    go("p1");
    await judged(1);
    await eventually("another one runs", () => running().length === MAX_PROGRAMS + 1, 15_000);
    assert.deepEqual(running(), ["p0", "p1", "p2", "p3", `p${MAX_PROGRAMS + 1}`]);
    for (const id of ids) go(id);
    await judged(ids.length - 1);
    assert.equal(running().includes(`p${MAX_PROGRAMS}`), false);
  });

  it("leaves nothing running when its agent is killed", async () => {
    const script = join(import.meta.dirname, "judging-process.ts");
    const agent = spawn(process.execPath, [script, folder, process.execPath, "-e", HANGS], { stdio: "inherit" });
    const those = await hanging();
    assert.ok(those.every(isRunning), "the program, what it started, and the warden");
    agent.kill("SIGKILL");
    await allGone(those);
  });
});
