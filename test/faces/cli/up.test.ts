import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh up", function () {
  this.timeout(40_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  it("tells its progress, every agent and the end as JSON lines, and leaves nothing when its time is over", async () => {
    const file = terminal.mesh("agents: 3\ntasks:\n  - { id: hi, run: [node, -e, \"console.log('hello')\"] }\n");
    const { running, swarm } = await terminal.up(file, "--for", "1500ms");
    for (const agent of swarm.agents) {
      assert.ok(Number.isInteger(agent.pid) && agent.port > 0 && agent.term !== null && agent.term > 0);
      assert.ok(agent.role === "leader" || agent.role === "follower");
      assert.ok(agent.commit !== null && agent.commit >= 0);
    }
    assert.equal(terminal.agentsRunning.length, 3);
    await assert.rejects(terminal.assertNothingLeft(), "what looks for leftovers sees a swarm that runs");
    const { code } = await running.ended();
    assert.equal(code, 0);
    const { lines } = running;
    const types = lines.map(({ type }) => type);
    const up = types.indexOf("up");
    assert.ok(up > 0 && types.slice(0, up).every((type) => type === "progress"), "progress, then up");
    assert.ok(!types.slice(up).includes("progress"), "no progress once it is up");
    assert.ok(lines.some((line) => line.type === "taskOutput" && line.text === "hello\n"));
    assert.ok(types.includes("taskFinished"));
    const stopped = lines.at(-1);
    assert.equal(stopped?.type, "stopped");
    assert.deepEqual(
      [...(stopped as unknown as { ended: number[] }).ended].sort(),
      swarm.agents.map(({ pid }) => pid).sort(),
    );
    await terminal.assertNothingLeft();
  });

  it("says it in a few lines of text where there is no terminal, without control characters", async () => {
    const file = terminal.mesh("agents: 3\n");
    const { code, stdout, stderr } = await terminal.run("up", file, "--for", "300ms");
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const lines = stdout.split("\n");
    assert.deepEqual(lines.slice(0, 5), [
      "Checking the mesh …",
      "Choosing ports and making keys …",
      "Starting agents …",
      "Linking …",
      "Electing a leader …",
    ]);
    assert.match(stdout, /^test \(\w+\): running, 3\/3 agents, leader a\d, term \d+$/m);
    assert.match(stdout, /^agent +state +role +pid +port +term +commit /m);
    assert.match(stdout, /It stops in 0\.3 s, or with Ctrl-C\. In another terminal: agent-mesh status --dir /);
    assert.equal(lines.at(-2), "test has stopped (time is over): 3 processes ended, nothing left.");
    assert.ok(!/\p{Cc}/u.test(stdout.replaceAll("\n", "")), "no control characters");
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`stops in good order at ${signal}`, async () => {
      const { running } = await terminal.up(terminal.mesh("agents: 2\n"));
      running.signal(signal);
      const { code } = await running.ended();
      assert.equal(code, 0);
      assert.deepEqual(
        running.lines
          .filter(({ type }) => type !== "expectation")
          .slice(-2)
          .map(({ type, reason }) => [type, reason]),
        [
          ["stopping", signal],
          ["stopped", signal],
        ],
      );
      await terminal.assertNothingLeft();
    });
  }

  it("kills at the second signal what takes long to stop", async () => {
    const stubborn = "process.on('SIGTERM', () => {}); console.log('holding'); setInterval(() => {}, 1000)";
    const file = terminal.mesh(`agents: 1\ntasks:\n  - { id: holds, run: [node, -e, ${JSON.stringify(stubborn)}] }\n`);
    const { running } = await terminal.up(file);
    await running.line("taskOutput");
    running.signal("SIGINT");
    await running.line("stopping");
    running.signal("SIGINT");
    await running.line("killing");
    const { code } = await running.ended();
    assert.equal(code, 0);
    assert.equal(running.lines.at(-1)?.type, "stopped");
    await terminal.assertNothingLeft();
  });

  it("leaves nothing when it is interrupted while the swarm comes up", async () => {
    const running = terminal.start(["up", terminal.mesh("agents: 5\n"), "--json"]);
    await running.line("progress", ({ stage }) => stage === "Starting agents");
    running.signal("SIGINT");
    const { code } = await running.ended();
    assert.equal(code, 130);
    assert.equal(running.lines.at(-1)?.type, "cancelled");
    await terminal.assertNothingLeft();
  });

  it("killed with SIGKILL, is outlived by its agents for the grace period; the next command tidies up", async () => {
    const file = terminal.mesh("agents: 2\ngrace: 1s\n");
    const { running, swarm } = await terminal.up(file);
    const killedAt = performance.now();
    running.signal("SIGKILL");
    await running.ended();
    assert.equal(terminal.agentsRunning.length, 2, "the agents go on at first");
    await terminal.allEnded();
    assert.ok(performance.now() - killedAt > 700, "they waited for a coordinator");
    const next = await terminal.up(file);
    assert.notEqual(next.swarm.id, swarm.id);
    assert.deepEqual(
      terminal.files.filter((name) => name !== ".gitignore"),
      [next.swarm.id],
    );
    next.running.signal("SIGINT");
    await next.running.ended();
    await terminal.assertNothingLeft();
  });

  it("refuses a second swarm of the same file, and names the process that runs the first", async () => {
    const file = terminal.mesh("agents: 1\n");
    const { running, swarm } = await terminal.up(file);
    const { code, stderr, stdout } = await terminal.run("up", file);
    assert.equal(code, 1);
    assert.ok(!stdout.includes("running"), stdout);
    assert.match(
      stderr,
      new RegExp(`Swarm test \\(${swarm.id}\\) .* runs already, coordinated by process ${running.pid}`),
    );
    const view = await terminal.json<SwarmView>(0, "status");
    assert.equal(view.id, swarm.id, "the first one is as it was");
  });

  it("ends when another terminal stops its swarm", async () => {
    const { running } = await terminal.up(terminal.mesh("agents: 1\n"));
    assert.equal((await terminal.run("stop")).code, 0);
    assert.equal((await running.ended()).code, 0);
    await terminal.assertNothingLeft();
  });

  it("shows faults of the file and of other terminals, and how they heal", async () => {
    const { running } = await terminal.up(
      terminal.mesh("agents: 3\nfaults:\n  - { at: 50ms, isolate: a2, for: 300ms }\n"),
    );
    await running.line("fault");
    await running.line("healed");
    await terminal.run("fault", "lossy", "a1", "--loss", "0.2");
    await running.line("fault", ({ fault }) => (fault as { title: string }).title.includes("a1"));
  });

  it("stops its swarm when nobody reads it any more", async () => {
    const { running } = await terminal.up(terminal.mesh("agents: 1\n"));
    running.hangUp();
    // The next line finds the pipe closed.
    await terminal.run("fault", "lossy", "a1", "--loss", "0.5");
    await terminal.run("fault", "isolate", "a1");
    await running.ended();
    await eventually("nothing is left", () => terminal.files.length === 0);
    await terminal.assertNothingLeft();
  });
});
