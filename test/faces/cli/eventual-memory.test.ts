import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { MetricsView } from "../../../server/contract/metrics.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("a swarm with an eventual memory on the command line", function () {
  this.timeout(90_000);
  const terminal = new Terminal();
  before(async () => {
    await terminal.up(terminal.mesh("agents: 3\nmemory: eventual\n", "beside.mesh.yaml"));
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  it("is checked, and says what it will be", async () => {
    const { code, stdout } = await terminal.run("check", "beside.mesh.yaml");
    assert.equal(code, 0);
    assert.match(stdout, /3 agents, mesh, raft \(its memory eventual: no compare-and-set\): good\./);
  });

  it("counts, reads, and says what that is worth; tasks are Raft's", async () => {
    const counted = await terminal.run("memory", "increment", "demo", "visits", "2", "--agent", "a2");
    assert.equal(counted.stdout, "2\n");
    assert.match(counted.stderr, /one agent has it on its disk and tells the others/);
    await eventually("a1 has it", async () => {
      const read = await terminal.run("memory", "get", "demo", "visits", "--agent", "a1");
      return read.stdout === "2\n";
    });
    const refused = await terminal.run("memory", "cas", "demo", "k", "v", "--expect", "0");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /compareAndSet takes one order for all: this swarm's memory is eventual/);
    const task = await terminal.run("submit", "--wait", "--", "node", "--version");
    assert.equal(task.code, 0, task.stderr);
  });

  it("shows who has all of the memory, beside roles and terms, and measures how fast that comes", async () => {
    const swarm = await eventually("all have all, and know it", async () => {
      const view = await terminal.json<SwarmView>(0, "status");
      return view.agents.every(({ memory }) => memory?.agreement === 1) && view;
    });
    assert.equal(swarm.memory, "eventual");
    const { stdout } = await terminal.run("status");
    assert.match(stdout, /^agent +state +role .* tasks +memory known by +reputation$/m);
    assert.match(stdout, /^a1 +running .* 3\/3 +[01]\.\d\d$/m);
    const { charts } = await terminal.json<MetricsView>(0, "metrics");
    const ids = charts.map(({ id }) => id);
    assert.ok(ids.includes("elections") && ids.includes("convergence") && ids.includes("agreement"), ids.join(" "));
  });

  it("has fixed members, and says why", async () => {
    const { code, stderr } = await terminal.run("members", "add");
    assert.equal(code, 1);
    assert.match(stderr, /members of a swarm with memory: eventual are fixed/);
  });
});
