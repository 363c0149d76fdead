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

  const put = async (text: string): Promise<string> => (await terminal.run("memory", "put", "demo", "k", text)).stdout;

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
    assert.match(await put("before"), /^version 1, vouched for by a[1-4], a[1-4]\n$/);
    const crashed = await terminal.run("fault", "crash: leader");
    assert.match(crashed.stdout, /^a1 crashed \(f1\)/);
    assert.match(await put("after"), /^version 2, vouched for by a[2-4], a[2-4]\n$/);
    assert.equal((await terminal.run("memory", "get", "demo", "k")).stdout, "after\n");
    assert.match((await led(3)).health.summary, /^3\/4 agents, primary a2, view 1/);
    assert.equal((await terminal.run("heal", "f1")).code, 0);
    terminal.remember(await led(4));
  });

  it("has each change vouched for by two of those that are left while one is crashed, and says by whom", async () => {
    await led(4);
    assert.match((await terminal.run("fault", "crash: a4")).stdout, /^a4 crashed \(f2\)/);
    interface Vouched {
      readonly type: string;
      readonly vouchedBy: readonly string[];
    }
    const changes = [
      ["written", "put", "demo", "v", "1"],
      ["conflict", "cas", "demo", "v", "2", "--expect", "1"],
      ["deleted", "delete", "demo", "v"],
    ] as const;
    for (const [type, ...words] of changes) {
      const answer = await terminal.json<Vouched>(type === "conflict" ? 1 : 0, "memory", ...words);
      assert.equal(answer.type, type);
      assert.equal(new Set(answer.vouchedBy).size, 2);
      assert.ok(!answer.vouchedBy.includes("a4"));
    }
    assert.equal((await terminal.run("heal", "f2")).code, 0);
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
