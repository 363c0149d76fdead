import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import type { HeldEvidence, ProofVerdict } from "../../../server/contract/evidence.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { Liars } from "../../live/proofs/lies.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh verify, without a swarm", function () {
  this.timeout(30_000);
  const liars = new Liars("a1", "a7");
  const line = JSON.stringify(liars.line("a7"));
  let terminal: Terminal;
  let swarmFile: string;
  beforeEach(() => {
    terminal = new Terminal();
    swarmFile = join(terminal.folder, "swarm.json");
    writeFileSync(swarmFile, JSON.stringify(liars.swarm));
  });
  afterEach(() => terminal.end());

  const file = (contents: string, name = "proofs.jsonl"): string => {
    const path = join(terminal.folder, name);
    writeFileSync(path, contents);
    return path;
  };

  it("holds a line against its own key, and says what that is worth", async () => {
    const { code, stdout, stderr } = await terminal.run("verify", line);
    assert.equal(code, 0);
    assert.equal(
      stdout,
      "holds: a7 signed two prepares for view 3, sequence 41. The key is the proof's own: that it is the key of a7 of demo is not verified.\n",
    );
    assert.match(stderr, /^agent-mesh: hold it against the swarm with --swarm [^\n]+\n$/);
  });

  it("holds digits, a line and a file against a swarm's keys, or one key", async () => {
    for (const proof of [liars.digits("a7"), line, file(`${line}\n`), file(`${liars.digits("a7")}\n`, "digits.txt")]) {
      const inSwarm = await terminal.run("verify", proof, "--swarm", swarmFile);
      assert.deepEqual([inSwarm.code, inSwarm.stderr], [0, ""]);
      assert.match(inSwarm.stdout, /^holds: a7 .* The key is that of a7 of demo in the swarm's roster\.\n$/);
      const given = await terminal.run("verify", proof, "--key", liars.publicKey("a7"));
      assert.match(given.stdout, /^holds: a7 .* The key is the one given\.\n$/);
    }
  });

  it("says of each bad one what is wrong with it, with exit code 1", async () => {
    const other = JSON.stringify(new Liars("a1", "a7").line("a7"));
    const path = file(`${line}\n${other}\n${liars.digits("a7").slice(0, -1)}\n{"type":"rumour"}\n`);
    const { code, stdout } = await terminal.run("verify", path, "--swarm", swarmFile);
    assert.equal(code, 1);
    const told = stdout.split("\n");
    assert.match(told[0] as string, /^line 1: holds: a7 signed/);
    assert.match(
      told[1] as string,
      /^line 2: proves nothing: its public key is not that of a7 in demo \(f00d\)\. It says: /,
    );
    assert.match(told[2] as string, /^line 3: proves nothing: it cannot be read: .*even number of hexadecimal digits/);
    assert.match(
      told[3] as string,
      /^line 4: proves nothing: proof\.type must be one of evidence, certificate, but is "rumour"\.$/,
    );
    const verdicts = await terminal.json<ProofVerdict[]>(1, "verify", path, "--swarm", swarmFile);
    assert.deepEqual(
      verdicts.map(({ problem }) => problem === undefined),
      [true, false, false, false],
    );
    const twice = liars.digits("a7", { second: liars.evidence("a7").first });
    const same = await terminal.run("verify", twice, "--swarm", swarmFile);
    assert.match(same.stdout, /^proves nothing: both statements name the same digest/);
    assert.match((await terminal.run("verify", liars.digits("a7"))).stdout, /digits alone carry no public key/);
  });

  for (const [words, exit, why] of [
    [[], 2, /verify takes one proof/],
    [["00", "00"], 2, /verify takes one proof/],
    [["00", "--swarm", "x", "--key", "y"], 2, /not both/],
    [["00", "--key", "nonsense"], 2, /--key takes an Ed25519 public key/],
    [["00", "--swarm", "missing.json"], 1, /missing\.json does not exist/],
    [["00", "--swarm", "bad.json"], 1, /bad\.json cannot be used: swarm\.version/],
    [["empty"], 1, /empty: there is no proof in it/],
    [["folder"], 1, /folder cannot be read/],
    [["large"], 1, /large cannot be read: it has 2000000 bytes/],
  ] as const) {
    it(`refuses with exit code ${exit} and one sentence: agent-mesh verify ${words.join(" ")}`, async () => {
      file("{}", "bad.json");
      file("\n", "empty");
      file("0".repeat(2_000_000), "large");
      mkdirSync(join(terminal.folder, "folder"));
      const { code, stdout, stderr } = await terminal.run("verify", ...words);
      assert.deepEqual([code, stdout], [exit, ""]);
      assert.match(stderr, /^agent-mesh: [^\n]+\n$/);
      assert.match(stderr, why);
    });
  }
});

describe("agent-mesh evidence", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  let id: string;
  before(async () => {
    const { swarm } = await terminal.up(terminal.mesh("agents: 4\nconsensus: pbft\n", "lied-to.mesh.yaml"));
    id = swarm.id;
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  it("has none of honest agents, and of a liar what verifies anywhere", async () => {
    assert.equal((await terminal.run("evidence")).stdout, "Nobody was proved to lie.\n");
    assert.equal((await terminal.run("fault", "byzantine: { agent: a1, behaviour: equivocate }")).code, 0);
    const held = await eventually(
      "a1 is caught",
      async () => {
        await terminal.run("memory", "put", "demo", "k", "v");
        const found = await terminal.json<HeldEvidence[]>(0, "evidence");
        return found.length > 0 && found;
      },
      40_000,
    );
    assert.deepEqual([...new Set(held.map(({ culprit }) => culprit))], ["a1"]);
    const proofs = join(terminal.folder, "proofs.json");
    writeFileSync(proofs, JSON.stringify(held));
    const swarmFile = join(terminal.folder, ".agent-mesh", id, "swarm.json");
    for (const path of [proofs, join(terminal.folder, ".agent-mesh", id, "evidence.jsonl")]) {
      const { code, stdout } = await terminal.run("verify", path, "--swarm", swarmFile);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /holds: a1 signed two .* The key is that of a1 of lied-to in the swarm's roster\.\n/);
    }
    assert.match((await terminal.run("evidence")).stdout, /^a1 signed two .*\(found by a\d, .*\)\n[0-9a-f]+\n/);
    assert.match(
      (await terminal.run("status")).stdout,
      /\na1 signed two .*\(found by .*\)(; reputation [^\n]*)?\nThe proof: agent-mesh evidence\n/,
    );
    // The others' next reports say what they think of it since.
    const { agents } = await eventually("most trust it less", async () => {
      await terminal.run("memory", "put", "demo", "k", "w");
      const swarm = await terminal.json<SwarmView>(0, "status");
      const of = swarm.agents.find(({ id: one }) => one === "a1")?.reputation;
      return of !== undefined && of.median <= 0.5 && of.lowest.proofs > 0 && swarm;
    });
    for (const { id: one, reputation } of agents)
      assert.equal(reputation?.lowest.proofs === 0, one !== "a1", `${one}: ${JSON.stringify(reputation)}`);
    const { stdout } = await terminal.run("status");
    assert.match(stdout, /^a1 .* 0\.\d\d$/m);
    assert.match(stdout, /\na1 signed two .*\(found by .*\); reputation 0\.\d\d.*: \d+ proofs? of lying/);
    await eventually("it is measured", async () => {
      const measured = (await terminal.run("metrics")).stdout;
      return /^Reputation: a1 0\.[0-5]\d?,/m.test(measured) && /^Reputation, least +0(\.[0-5]\d*)?$/m.test(measured);
    });
  });
});
