import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { MemoryAnswer } from "../../../server/contract/coordinator.ts";
import type { ActiveFault } from "../../../server/contract/faults.ts";
import type { MetricsView } from "../../../server/contract/metrics.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { lockOf, Terminal } from "../terminal.ts";

describe("for a swarm whose coordinator was killed, agent-mesh", function () {
  this.timeout(40_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  async function orphan(mesh: string): Promise<SwarmView> {
    const { running, swarm } = await terminal.up(terminal.mesh(mesh));
    assert.equal(lockOf(terminal.folder, swarm.id).pid, running.pid);
    running.signal("SIGKILL");
    await running.ended();
    return swarm;
  }

  it("stands in: status is true at once, and every later command works, also one after another", async () => {
    const before = await orphan("agents: 3\ngrace: 20s\n");
    const view = await terminal.json<SwarmView>(0, "status");
    assert.deepEqual(
      view.agents.map(({ id, pid, port, role, term }) => [id, pid, port, role, term]),
      before.agents.map(({ id, pid, port, role, term }) => [id, pid, port, role, term]),
    );
    assert.deepEqual([view.health.level, view.health.leader, view.health.linksUp], ["ok", before.health.leader, 3]);
    assert.match((await terminal.run("status")).stderr, /^agent-mesh: The coordinator of test is gone; /);

    assert.equal((await terminal.json<MemoryAnswer>(0, "memory", "put", "n", "k", "v")).type, "written");
    assert.equal((await terminal.run("memory", "get", "n", "k")).stdout, "v\n");
    const done = await terminal.run("submit", "--wait", "--", "node", "-e", "console.log('done')");
    assert.deepEqual([done.code, done.stdout], [0, "done\n"]);
    const metrics = await terminal.json<MetricsView>(0, "metrics");
    assert.equal(metrics.summary.find(({ name }) => name === "Connectivity")?.value, 100);

    // A fault acts although whoever injected it has left, and a later stand-in undoes it.
    const isolated = await terminal.json<ActiveFault>(0, "fault", "isolate", "leader");
    assert.deepEqual(isolated.agents, [before.health.leader]);
    await eventually("another leads", async () => {
      const { health, faults } = await terminal.json<SwarmView>(0, "status");
      assert.deepEqual(
        faults.map(({ id }) => id),
        [isolated.id],
      );
      return health.leader !== null && health.leader !== before.health.leader;
    });
    await terminal.json(0, "heal", "all");

    const { ended } = await terminal.json<{ ended: number[] }>(0, "stop");
    assert.equal(ended.length, 3);
    await terminal.assertNothingLeft();
  });

  it("stays until a crash it gave a time for is healed", async () => {
    await orphan("agents: 3\ngrace: 20s\n");
    const { code, stderr } = await terminal.run("fault", "crash", "a2", "--for", "400ms");
    assert.equal(code, 0);
    assert.match(stderr, /this command stays until it has/);
    const view = await terminal.json<SwarmView>(0, "status");
    terminal.remember(view);
    assert.deepEqual([view.faults, view.agents[1]?.process], [[], "running"]);
    await terminal.run("stop");
    await terminal.assertNothingLeft();
  });

  it("stays until the preset that it carries on is over", async () => {
    await orphan("agents: 3\ngrace: 20s\n");
    const { code, stdout, stderr } = await terminal.run("fault", "preset: rollingPartition, every: 300ms");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Rolling partition: .* \(p1\); stop with: agent-mesh heal p1\n$/);
    assert.match(stderr, /No coordinator is there to carry it on: this command stays until it is over/);
    const { faults, presets } = await terminal.json<SwarmView>(0, "status");
    assert.deepEqual([faults, presets], [[], undefined]);
    await terminal.run("stop");
    await terminal.assertNothingLeft();
  });

  it("leaves no paused agent behind: it goes on after the grace period, and ends", async () => {
    await orphan("agents: 2\ngrace: 1s\n");
    assert.equal((await terminal.run("fault", "pause", "a2")).code, 0);
    await terminal.allEnded(10_000);
    const { code, stderr } = await terminal.run("status");
    assert.equal(code, 2);
    assert.match(stderr, /No swarm is running in /);
    await terminal.assertNothingLeft();
  });

  it("submit --wait goes on waiting when the coordinator is killed meanwhile", async () => {
    const { running } = await terminal.up(terminal.mesh("agents: 3\ngrace: 20s\n"));
    const script = "console.log('begun'); setTimeout(() => process.exit(0), 1500)";
    const waiting = terminal.start(["submit", "--wait", "--", "node", "-e", script]);
    await waiting.text(/begun/);
    running.signal("SIGKILL");
    const { code, stderr } = await waiting.ended(20_000);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /completed on a\d, exit 0/);
    await terminal.run("stop");
    await terminal.assertNothingLeft();
  });

  it("says that the coordinator does not answer while it hangs, and replaces it only once it is dead", async () => {
    if (process.platform === "win32") {
      assert.throws(() => process.kill(process.pid, "SIGSTOP"));
      return;
    }
    const { running, swarm } = await terminal.up(terminal.mesh("agents: 1\ngrace: 20s\n"));
    running.signal("SIGSTOP");
    const refused = await terminal.run("status");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`coordinated by process ${running.pid}, which does not answer`));
    running.signal("SIGKILL");
    await running.ended();
    assert.equal((await terminal.json<SwarmView>(0, "status")).id, swarm.id);
    await terminal.run("stop");
    await terminal.assertNothingLeft();
  });
});
