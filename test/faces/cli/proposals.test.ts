import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { ProofVerdict } from "../../../server/contract/evidence.ts";
import type { MetricsView } from "../../../server/contract/metrics.ts";
import type { Certificate, ProposalInfo, ProposalView } from "../../../server/contract/proposals.ts";
import { Deciders } from "../../live/proofs/deciders.ts";
import { eventually } from "../../live/waiting.ts";
import { type Running, Terminal } from "../terminal.ts";

/** a1 approves, a2 rejects, a3 approves when a program of two seconds has ended. */
const MESH = `agents: 3
proposals:
  policies:
    a2: { reject: not on a Friday }
    a3: { command: node, args: [-e, "setTimeout(() => {}, 2000)"], timeout: 10s }
`;

describe("agent-mesh propose, proposals and certificate", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  let running: Running;
  let swarmFile: string;
  before(async () => {
    const { running: up, swarm } = await terminal.up(terminal.mesh(MESH, "deciders.mesh.yaml"));
    running = up;
    swarmFile = join(terminal.folder, ".agent-mesh", swarm.id, "swarm.json");
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  const path = (name: string): string => join(terminal.folder, name);

  it("propose puts something to the vote of all, and does not wait", async () => {
    const { code, stdout } = await terminal.run("propose", "deploy 1.4", '{"version": "1.4"}', "--id", "plain");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^proposal plain is put to the vote of a1, a2, a3: 3 needed, until \d\d:\d\d:\d\d\n$|^proposal plain "deploy 1\.4" rejected/,
    );
    const view = await terminal.json<ProposalView>(0, "propose", "nothing besides", "--voters", "a1");
    assert.match(view.id, /^proposal-[0-9a-f]{8}$/);
    assert.deepEqual(view.voters, ["a1"]);
  });

  it("propose --wait says how it ended and exits with 0 for approved; --certificate keeps what verifies anywhere", async () => {
    writeFileSync(path("release.json"), '{ "version": "1.4",\n  "notes": "none" }\n');
    const words = ["deploy 1.4", "@release.json", "--voters", "a1", "--threshold", "0.75", "--timeout", "10s"];
    const { code, stdout, stderr } = await terminal.run("propose", ...words, "--certificate", "proof.json");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^proposal proposal-[0-9a-f]{8} "deploy 1\.4" approved: 1 of 1 approves; 1 needed, after [\d.]+ s\n$/,
    );
    assert.equal(stderr, "agent-mesh: its certificate is in proof.json.\n");
    const certificate = JSON.parse(readFileSync(path("proof.json"), "utf8")) as Certificate;
    assert.deepEqual(
      [certificate.proposal.body, certificate.proposal.threshold, certificate.proposal.timeoutMs],
      ['{"notes":"none","version":"1.4"}', 0.75, 10_000],
    );
    const alone = await terminal.run("verify", "proof.json");
    assert.deepEqual(
      [alone.code, alone.stdout, alone.stderr],
      [
        0,
        'holds: "deploy 1.4" was approved: 1 of 1 voters signed for it, 1 was needed (a1). The keys are the certificate\'s own: that they are those of the agents of deciders is not verified.\n',
        "agent-mesh: hold it against the swarm with --swarm .agent-mesh/ID/swarm.json.\n",
      ],
    );
    const held = await terminal.run("verify", "proof.json", "--swarm", swarmFile);
    assert.match(
      held.stdout,
      /^holds: "deploy 1\.4" was approved: .* The keys are those of swarm deciders's roster\.\n$/,
    );
    assert.equal(held.stderr, "");
  });

  it("propose reads what is proposed from standard input, too", async () => {
    const stdin = path("stdin.json");
    writeFileSync(stdin, '["from", "a", "pipe"]');
    const piped = terminal.start(["propose", "piped", "-", "--voters", "a1", "--id", "piped"], { stdin });
    assert.equal((await piped.ended()).code, 0);
    assert.equal((await terminal.json<ProposalInfo>(0, "proposals", "piped")).body, '["from","a","pipe"]');
  });

  it("propose --wait exits with 1 for rejected, which has a certificate too, and for expired, which has none", async () => {
    const no = await terminal.run("propose", "deploy 1.5", "--voters", "a1,a2", "--certificate", "no.json");
    assert.equal(no.code, 1);
    assert.match(no.stdout, / "deploy 1\.5" rejected: .*1 rejects; 2 needed, after /);
    assert.match(
      (await terminal.run("verify", "no.json", "--swarm", swarmFile)).stdout,
      /^holds: "deploy 1\.5" was rejected: 1 of 2 voters signed against it/,
    );
    const late = ["propose", "too slow", "--voters", "a3", "--timeout", "300ms", "--certificate", "late.json"];
    const { code, stdout, stderr } = await terminal.run(...late);
    assert.equal(code, 1);
    assert.match(stdout, / "too slow" expired: 0 of 1 approve; 1 needed, after /);
    assert.match(stderr, /^agent-mesh: it expired, so it has no certificate: who did not vote has signed nothing\.\n$/);
    assert.ok(!existsSync(path("late.json")));
  });

  it("proposals lists all, and shows one whole with reasons", async () => {
    await terminal.run("propose", "with reasons", '{"a":[1,2]}', "--id", "reasons", "--voters", "a1,a2", "--wait");
    const all = await terminal.json<ProposalInfo[]>(0, "proposals");
    const { stdout } = await terminal.run("proposals");
    const rows = stdout.trimEnd().split("\n");
    assert.match(rows[0] as string, /^proposal +state +approve +reject +needed +voters +seconds +subject$/);
    assert.ok(rows.length >= all.length);
    assert.match(stdout, /^reasons +rejected +\d +1 +2 +2 +[\d.]+ +with reasons$/m);
    const one = await terminal.json<ProposalInfo>(0, "proposals", "reasons");
    assert.deepEqual([one.id, one.body, one.state], ["reasons", '{"a":[1,2]}', "rejected"]);
    assert.match(one.votes.find(({ voter }) => voter === "a2")?.signature ?? "", /^[0-9a-f]{128}$/);
    const whole = (await terminal.run("proposals", "reasons")).stdout;
    assert.match(whole, /^proposal reasons "with reasons" rejected: /);
    assert.match(whole, /^a2 +reject +\d\d:\d\d:\d\d +not on a Friday$/m);
    assert.match(whole, /\n\{\n {2}"a": \[\n/);
    const unknown = await terminal.run("proposals", "nobody");
    assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
    assert.match(unknown.stderr, /^agent-mesh: There is no proposal nobody in deciders\./);
  });

  it("certificate prints the proof, or writes it; and says why there is none", async () => {
    const made = await terminal.json<ProposalView>(0, "propose", "to prove", "--voters", "a1", "--wait");
    const printed = await terminal.json<Certificate>(0, "certificate", made.id);
    assert.equal(printed.proposal.id, made.id);
    assert.equal((await terminal.run("certificate", made.id)).stdout, `${JSON.stringify(printed, undefined, 2)}\n`);
    const out = await terminal.run("certificate", made.id, "--out", "out.json");
    assert.match(
      out.stdout,
      /^out\.json: "to prove" was approved: 1 of 1 voters signed for it, 1 was needed \(a1\)\. Verify it anywhere: agent-mesh verify out\.json\n$/,
    );
    assert.deepEqual(JSON.parse(readFileSync(path("out.json"), "utf8")), printed);
    const open = await terminal.json<ProposalView>(0, "propose", "still open", "--voters", "a3");
    for (const [id, why] of [
      [open.id, /is still open: 0 of 1 approve; 1 needed\./],
      ["nobody", /There is no proposal nobody in deciders/],
    ] as const) {
      const { code, stdout, stderr } = await terminal.run("certificate", id, "--out", "none.json");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, why);
      assert.ok(!existsSync(path("none.json")));
    }
  });

  it("what the swarm refuses is said in its words, with exit code 1", async () => {
    for (const [words, why] of [
      [["deploy", "--voters", "a1,a9"], /"a9" is no member of the swarm/],
      [["deploy", '{"a":1,"a":2}'], /"a"/],
    ] as const) {
      const { code, stdout, stderr } = await terminal.run("propose", ...words);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^agent-mesh: [^\n]+\n$/);
      assert.match(stderr, why);
    }
  });

  it("up tells of each decision, and metrics count them", async () => {
    await terminal.run("propose", "to hear of", "--id", "heard", "--voters", "a1", "--wait");
    const line = await running.line("proposalDecided", ({ proposal }) => (proposal as ProposalView).id === "heard");
    assert.equal((line.proposal as ProposalView).state, "approved");
    const { summary } = await terminal.json<MetricsView>(0, "metrics");
    assert.ok((summary.find(({ name }) => name === "Proposals approved")?.value ?? 0) >= 1);
    assert.match((await terminal.run("metrics")).stdout, /^Time to decide, median +[\d.]+ +ms$/m);
  });

  it("propose --wait goes on when the coordinator is killed", async () => {
    const waiting = terminal.start(["propose", "outlasting", "--id", "outlasting", "--voters", "a1,a3", "--wait"]);
    await eventually("it is put to the vote", async () =>
      (await terminal.json<ProposalInfo[]>(0, "proposals")).some(({ id }) => id === "outlasting"),
    );
    running.signal("SIGKILL");
    const { code, stdout, stderr } = await waiting.ended(30_000);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^proposal outlasting "outlasting" approved: 2 of 2 approve; 2 needed, after /);
  });
});

describe("agent-mesh propose and certificate, where what is asked makes no sense", function () {
  this.timeout(30_000);
  const terminal = new Terminal();
  before(() => {
    writeFileSync(join(terminal.folder, "bad.json"), "{version: 1}");
    writeFileSync(join(terminal.folder, "large.json"), "0".repeat(1024 * 1024 + 1));
    mkdirSync(join(terminal.folder, "folder"));
  });
  after(() => terminal.end());

  const cases: readonly (readonly [words: readonly string[], why: RegExp, stdin?: string])[] = [
    [["propose"], /propose takes a subject/],
    [["propose", " "], /propose takes a subject/],
    [["propose", "a", "1", "2"], /propose takes a subject/],
    [["propose", "a", "{version: 1}"], /"\{version: 1\}" is no JSON: /],
    [["propose", "a", "@bad.json"], /bad\.json is no JSON: /],
    [["propose", "a", "@missing.json"], /missing\.json cannot be read: /],
    [["propose", "a", "@folder"], /folder cannot be read: /],
    [["propose", "a", "@large.json"], /large\.json cannot be read: it is larger than 1048576 bytes/],
    [["propose", "a", "-"], /What came on standard input is no JSON: /],
    [["propose", "a", "-"], /standard input cannot be read: it is larger than 1048576 bytes/, "large.json"],
    [["propose", "a", "--voters", "a1,,a2"], /--voters takes agents/],
    [["propose", "a", "--voters", "a1,a1"], /--voters names a1 twice/],
    [["propose", "a", "--threshold", "0.5"], /--threshold takes a share of the voters above 0\.5/],
    [["propose", "a", "--threshold", "1.01"], /--threshold takes/],
    [["propose", "a", "--threshold", "0.66667"], /--threshold takes/],
    [["propose", "a", "--threshold", "most"], /--threshold takes/],
    [["propose", "a", "--timeout", "soon"], /--timeout takes a time/],
    [["propose", "a", "--certificate", "nowhere/proof.json"], /--certificate nowhere\/proof\.json cannot be written/],
    [["propose", "a", "--attempts", "3"], /propose takes no --attempts/],
    [["proposals", "a", "b"], /proposals takes one id, not also "b"/],
    [["certificate"], /certificate takes one proposal's id/],
    [["certificate", "a", "b"], /certificate takes one proposal's id/],
    [["certificate", "a", "--out", "nowhere/proof.json"], /--out nowhere\/proof\.json cannot be written/],
  ];
  for (const [words, why, stdin] of cases) {
    it(`refuses with exit code 2 and one sentence: agent-mesh ${words.join(" ").slice(0, 60)}`, async () => {
      const options = stdin === undefined ? {} : { stdin: join(terminal.folder, stdin) };
      const { code, stdout, stderr } = await terminal.start(words, options).ended();
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^agent-mesh: [^\n]+\n$/);
      assert.match(stderr, why);
    });
  }
});

describe("agent-mesh verify, of certificates", function () {
  this.timeout(30_000);
  const terminal = new Terminal();
  const deciders = new Deciders("a1", "a2", "a3", "a4");
  const good = deciders.certificate({ a1: "approve", a2: "approve", a4: "approve" });
  before(() => writeFileSync(join(terminal.folder, "swarm.json"), JSON.stringify(deciders.swarm)));
  after(() => terminal.end());

  it("takes one spread over lines, one on a line, and one as a text; and says of each bad one what is wrong", async () => {
    const file = join(terminal.folder, "proof.json");
    writeFileSync(file, `${JSON.stringify(good, undefined, 4)}\n`);
    for (const proof of [file, JSON.stringify(good)]) {
      const { code, stdout } = await terminal.run("verify", proof, "--swarm", "swarm.json");
      assert.deepEqual(
        [code, stdout],
        [
          0,
          'holds: "deploy 1.4" was approved: 3 of 4 voters signed for it, 3 were needed (a1, a2, a4). The keys are those of swarm demo\'s roster.\n',
        ],
      );
    }
    const bad = { ...good, votes: good.votes.slice(1) };
    writeFileSync(file, [JSON.stringify(good), JSON.stringify(bad)].join("\n"));
    const { code, stdout } = await terminal.run("verify", file);
    assert.equal(code, 1);
    const [first, second] = stdout.split("\n");
    assert.match(first as string, /^line 1: holds: /);
    assert.equal(
      second,
      'line 2: proves nothing: too few approvals: of 4 voters with a threshold of 0.67, 3 must approve, and 2 did. It says: "deploy 1.4" was approved: 2 of 4 voters signed for it, 3 were needed (a2, a4).',
    );
    const verdicts = await terminal.json<ProofVerdict[]>(1, "verify", file);
    assert.deepEqual(
      verdicts.map(({ type, key }) => [type, key]),
      [
        ["certificate", "itself"],
        ["certificate", "itself"],
      ],
    );
  });

  it("holds none against one key, and says so", async () => {
    const { code, stdout } = await terminal.run("verify", JSON.stringify(good), "--key", deciders.publicKey("a1"));
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^proves nothing: a certificate is held against the keys of all its voters, and not against one: give the swarm's swarm\.json, or no key\./,
    );
  });
});
