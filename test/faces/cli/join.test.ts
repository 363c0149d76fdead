import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh join", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  let address = "";
  let secretFile = "";

  before(async () => {
    const { swarm } = await terminal.up(terminal.mesh("agents: 3\n", "first.mesh.yaml"));
    address = `127.0.0.1:${swarm.agents[0]?.port}`;
    const { stdout, stderr, code } = await terminal.run("secret");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^[\w-]{43}\n$/);
    secretFile = join(terminal.folder, "secret.txt");
    writeFileSync(secretFile, stdout, { mode: 0o600 });
    assert.equal(statSync(secretFile).mode & 0o077, 0);
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");

  it("says what happens, shows in status, and leaves at Ctrl-C", async () => {
    const there = join(terminal.folder, "elsewhere");
    mkdirSync(there);
    const running = terminal.start(["join", address, "--secret", secretFile, "--id", "guest", "--dir", there]);
    await running.text(/guest is a voter of first, on port \d+\. Ctrl-C leaves it\./);
    const shown = (await terminal.run("status")).stdout;
    assert.match(shown, /^guest +running, joined +follower +- +\d+/m);
    await eventually("it votes", async () => (await status()).members?.voters.includes("guest"));
    const crashed = await terminal.run("fault", "crash", "guest");
    assert.equal(crashed.code, 1);
    assert.match(crashed.stderr, /guest joined from elsewhere: its process is not the coordinator's to crash/);
    running.signal("SIGINT");
    const { code, stdout } = await running.ended();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Leaving \(SIGINT\) …\n[\s\S]*guest has left; nothing of it is left\.\n$/);
    assert.deepEqual((await status()).members?.voters, ["a1", "a2", "a3"]);
  });

  it("takes the secret from standard input, tells in JSON lines, and runs the swarm's programs in its folder", async () => {
    const running = terminal.start(["join", address, "--secret", "-", "--id", "learner", "--learner", "--json"], {
      stdin: secretFile,
    });
    const joined = await running.line("joined");
    assert.deepEqual([joined.id, joined.member], ["learner", "learner"]);
    const done = await terminal.run("submit", "--wait", "--agent", "learner", "--", "node", "-p", "6 * 7");
    assert.deepEqual([done.code, done.stdout], [0, "42\n"], done.stderr);
    await running.line("event", ({ kind }) => kind === "taskEnded");
    const removed = await terminal.run("members", "remove", "learner");
    assert.match(removed.stdout, /^learner is removed; voters a1, a2, a3\n$/);
    assert.equal((await running.ended()).code, 0);
    assert.ok(running.lines.some(({ type }) => type === "ended"));
  });

  it("refuses with a sentence what cannot be joined, and what makes no sense", async () => {
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [["join"], 2, /join takes the address of an agent/],
      [["join", address], 2, /join needs the swarm's join secret: in AGENT_MESH_SECRET/],
      [["join", address, "--secret", secretFile, "--dir", "nowhere"], 2, /nowhere is not a folder/],
      [
        ["join", "192.0.2.1:4001", "--secret", secretFile],
        1,
        /192\.0\.2\.1 is another host: say with --listen ADDRESS/,
      ],
      [
        ["join", address, "--secret", secretFile, "--listen", "0.0.0.0"],
        1,
        /--listen: 0\.0\.0\.0 stands for all addresses/,
      ],
      [
        ["join", address, "--secret", secretFile, "--listen", "192.0.2.1"],
        1,
        /192\.0\.2\.1 is no address of this machine/,
      ],
      [["join", address, "--secret", "A".repeat(43)], 1, /can be seen by others[\s\S]*the join secret is wrong/],
      [["join", address, "--secret", secretFile, "--id", "a1"], 1, /has an agent a1 already, with another key/],
    ];
    for (const [args, code, pattern] of cases) {
      const ended = await terminal.run(...args);
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}`);
      assert.match(ended.stderr, pattern);
    }
    assert.equal((await status()).agents.length, 3);
  });
});
