import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("a PBFT swarm on the command line", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  before(async () => {
    await terminal.up(terminal.mesh("agents: 4\nconsensus: pbft\n", "trustless.mesh.yaml"));
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");
  const led = (agents: number): Promise<SwarmView> =>
    eventually(`${agents} agents follow a primary`, async () => {
      const swarm = await status();
      const { leader, agentsAlive } = swarm.health;
      return leader !== null && agentsAlive === agents && swarm;
    });

  it("says who is primary of which view, and how many must agree", async () => {
    const { health, consensus, agents } = await status();
    assert.equal(consensus, "pbft");
    assert.equal(health.summary, "4/4 agents, primary a1, view 0");
    assert.deepEqual([health.quorum, health.faultsTolerated], [3, 1]);
    assert.deepEqual(
      agents.map(({ role }) => role),
      ["primary", "backup", "backup", "backup"],
    );
    const { stdout } = await terminal.run("status");
    assert.match(stdout, /^agent +state +role +pid +port +view +commit/m);
    assert.match(stdout, /^a1 +running +primary /m);
    assert.match((await terminal.run("members")).stdout, /^voters a1, a2, a3, a4; quorum 3, primary a1\n/);
  });

  it("decides, and goes on in the next view when the primary is gone", async () => {
    assert.equal((await terminal.run("memory", "put", "demo", "k", "before")).stdout, "version 1\n");
    const crashed = await terminal.run("fault", "crash: leader");
    assert.match(crashed.stdout, /^a1 crashed \(f1\)/);
    assert.equal((await terminal.run("memory", "put", "demo", "k", "after")).code, 0);
    assert.equal((await terminal.run("memory", "get", "demo", "k")).stdout, "after\n");
    assert.match((await led(3)).health.summary, /^3\/4 agents, primary a2, view 1/);
    assert.equal((await terminal.run("heal", "f1")).code, 0);
    terminal.remember(await led(4));
  });

  it("hands over to the next in line only, and keeps its members", async () => {
    const { health } = await led(4);
    const handed = await terminal.run("members", "transfer-leader");
    assert.match(handed.stdout, /^a\d leads now, in view \d+\n$/);
    const { health: then } = await led(4);
    assert.ok((then.term ?? 0) > (health.term ?? 0));
    for (const words of [["add"], ["remove", "a4"], ["promote", "a4"]]) {
      const { code, stdout, stderr } = await terminal.run("members", ...words);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^agent-mesh: The members of a pbft swarm are fixed: /);
    }
    const last = await terminal.run("members", "transfer-leader", then.leader ?? "");
    assert.equal(last.code, 1);
  });
});
