import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { MemoryAnswer } from "../../../server/contract/coordinator.ts";
import type { ActiveFault, FAULT_KINDS } from "../../../server/contract/faults.ts";
import type { MetricsView } from "../../../server/contract/metrics.ts";
import type { SwarmView, TaskInfo } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("against a running swarm, agent-mesh", function () {
  this.timeout(40_000);
  const terminal = new Terminal();
  let swarm: SwarmView;
  before(async () => {
    ({ swarm } = await terminal.up(terminal.mesh("agents: 3\nslots: 4\n", "first.mesh.yaml")));
  });
  after(() => terminal.end());

  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");

  it("status says every agent's id, pid, port, role, term and commit index, in a table and as JSON", async () => {
    const view = await status();
    assert.equal(view.health.level, "ok");
    const { stdout } = await terminal.run("status");
    const rows = stdout.trimEnd().split("\n").slice(-3);
    for (const [at, agent] of view.agents.entries()) {
      assert.ok(agent.role !== null && agent.commit !== null);
      const cells = (rows[at] as string).split(/ {2,}/);
      assert.deepEqual(
        [cells[0], cells[2], cells[3], cells[4], cells[5]].map(String),
        [agent.id, agent.role, agent.pid, agent.port, agent.term].map(String),
      );
    }
  });

  it("submit prints a task's id, tasks lists it", async () => {
    const { taskId } = await terminal.json<{ taskId: string }>(0, "submit", "--id", "plain", "--", "node", "--version");
    assert.equal(taskId, "plain");
    const task = await eventually("it is done", async () =>
      (await terminal.json<TaskInfo[]>(0, "tasks")).find(({ id, state }) => id === "plain" && state === "completed"),
    );
    assert.equal(task.exitCode, 0);
    assert.match((await terminal.run("tasks")).stdout, /^plain +completed +a\d +1 +0 +[\d.]+ +node --version$/m);
    assert.match((await terminal.run("submit", "--", "node", "-e", "")).stdout, /^task task-\w+ submitted$/m);
  });

  it("submit --wait passes a task's streams on, and its success as exit code", async () => {
    const good = await terminal.run(
      "submit",
      "--wait",
      "--agent",
      "a2",
      "--",
      "node",
      "-e",
      "console.log('out'); console.error('err')",
    );
    assert.deepEqual([good.code, good.stdout], [0, "out\n"]);
    assert.match(good.stderr, /^err\nagent-mesh: task task-\w+ completed on a2, exit 0, [\d.]+ s\n$/);
    const bad = await terminal.run("submit", "--wait", "--", "node", "-e", "console.log('oh'); process.exit(3)");
    assert.deepEqual([bad.code, bad.stdout], [1, "oh\n"]);
    assert.match(bad.stderr, /failed on a\d, exit 3/);
    const missing = await terminal.run("submit", "--wait", "--", "no-such-program");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /failed on a\d: The program "no-such-program" was not found/);
    const { task } = await terminal.json<{ task: TaskInfo }>(
      1,
      "submit",
      "--wait",
      "--",
      "node",
      "-e",
      "console.log(7); process.exit(9)",
    );
    assert.deepEqual([task.exitCode, task.outputTail], [9, "7\n"]);
  });

  it("submit --wait shows output as it comes, and a run on another agent when the first one is killed", async () => {
    const script = "console.log('begun'); setTimeout(() => console.log('over'), 1500)";
    const waiting = terminal.start(["submit", "--wait", "--id", "moved", "--", "node", "-e", script]);
    await waiting.text(/begun\n/);
    assert.ok(!waiting.stdout.includes("over"));
    const first = (await terminal.json<TaskInfo[]>(0, "tasks")).find(({ id }) => id === "moved")?.agent as string;
    assert.equal((await terminal.run("fault", "crash", first)).code, 0);
    const { code, stdout, stderr } = await waiting.ended(25_000);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "begun\nbegun\nover\n");
    assert.match(stderr, /moved runs again, on a\d\./);
    assert.ok(!stderr.includes(`completed on ${first}`));
    terminal.remember(await healAll());
  });

  for (const [kind, words] of Object.entries({
    crash: ["a2"],
    pause: ["a2"],
    partition: ["a1", "a2,a3"],
    isolate: ["leader"],
    slow: ["a1", "a2", "--delay", "20ms", "--jitter", "5ms"],
    lossy: ["a3", "--loss", "0.1"],
  } satisfies Partial<Record<(typeof FAULT_KINDS)[number], string[]>>)) {
    it(`fault ${kind} acts and is listed, heal undoes it`, async () => {
      const fault = await terminal.json<ActiveFault>(0, "fault", kind, ...words);
      assert.equal(fault.spec.kind, kind);
      assert.deepEqual(
        (await status()).faults.map(({ id }) => id),
        [fault.id],
      );
      const listed = await terminal.run("fault");
      assert.ok(listed.stdout.includes(fault.title), listed.stdout);
      assert.deepEqual(await terminal.json(0, "heal", fault.id), { healed: [fault.id] });
      terminal.remember(await well());
      const again = await terminal.run("heal", fault.id);
      assert.equal(again.code, 1);
      assert.match(again.stderr, new RegExp(`^agent-mesh: There is no active fault ${fault.id}\\.`));
    });
  }

  it("heal all undoes all of them, and a fault with --for ends by itself", async () => {
    await terminal.run("fault", "isolate", "a1");
    await terminal.run("fault", "lossy", "a2", "a3", "--loss", "0.5");
    await terminal.json<ActiveFault>(0, "fault", "isolate", "a2", "--for", "1m");
    const { healed } = await terminal.json<{ healed: string[] }>(0, "heal", "all");
    assert.equal(healed.length, 3);
    assert.equal((await terminal.run("heal", "all")).stdout, "No active fault.\n");
    const { untilMs } = await terminal.json<ActiveFault>(0, "fault", "isolate", "a3", "--for", "300ms");
    assert.ok(untilMs !== null);
    await well();
  });

  it("metrics gives measured figures", async () => {
    const view = await eventually("a sample", async () => {
      const metrics = await terminal.json<MetricsView>(0, "metrics", "--last", "1m");
      return metrics.timesMs.length > 0 && metrics;
    });
    assert.ok(view.charts.every(({ series }) => series.every(({ values }) => values.length === view.timesMs.length)));
    const { stdout } = await terminal.run("metrics");
    assert.match(stdout, /^Connectivity +[\d.]+ +%$/m);
    assert.match(stdout, /^Hotspots: /m);
  });

  it("memory puts, gets, lists, compares and deletes; a conflict and a missing key exit with 1", async () => {
    const memory = <T extends MemoryAnswer["type"]>(code: number, ...words: string[]) =>
      terminal.json<Extract<MemoryAnswer, { type: T }>>(code, "memory", ...words);
    const { version } = await memory<"written">(0, "put", "n", "k", "grün");
    assert.deepEqual(await memory(1, "cas", "n", "k", "x", "--expect", "0"), { type: "conflict", version });
    assert.match(
      (await terminal.run("memory", "cas", "n", "k", "x", "--expect", "0")).stdout,
      /^conflict: the present version is \d+\n$/,
    );
    const changed = await memory<"written">(0, "cas", "n", "k", "blau", "--expect", String(version));
    assert.ok(changed.version > version);
    assert.equal((await terminal.run("memory", "get", "n", "k")).stdout, "blau\n");
    await memory(0, "put", "n", "l", "1");
    const list = await memory<"items">(0, "list", "n", "--limit", "1");
    assert.deepEqual([list.items.map(({ key }) => key), list.more], [["k"], true]);
    assert.deepEqual(
      (await memory<"items">(0, "list", "n", "l")).items.map(({ key }) => key),
      ["l"],
    );
    assert.deepEqual(await memory(0, "delete", "n", "k"), { type: "deleted", existed: true });
    assert.deepEqual(await memory(1, "get", "n", "k"), { type: "item", item: null });
  });

  it("memory forgets what had a --ttl", async () => {
    await terminal.json(0, "memory", "put", "n", "brief", "x", "--ttl", "700ms");
    await eventually("it is gone", async () => (await terminal.run("memory", "get", "n", "brief")).code === 1);
  });

  it("reaches it from a folder below and with --dir, and says so where no swarm is", async () => {
    const below = join(terminal.folder, "deep", "er");
    mkdirSync(below, { recursive: true });
    const view = async (args: string[], cwd: string): Promise<SwarmView> =>
      JSON.parse((await terminal.start(["status", "--json", ...args], { cwd }).ended()).stdout) as SwarmView;
    assert.equal((await view([], below)).id, swarm.id);
    assert.equal((await view(["--dir", terminal.folder], "/")).id, swarm.id);
    assert.equal((await view(["--dir", "../.."], below)).id, swarm.id);
    for (const command of [["status"], ["heal", "all"], ["submit", "--", "node"], ["stop"]]) {
      const { code, stderr, stdout } = await terminal
        .start([...command.slice(0, 1), "--dir", below, ...command.slice(1)])
        .ended();
      assert.deepEqual([code, stdout], [2, ""]);
      assert.equal(stderr, `agent-mesh: No swarm is running in ${below}. Bring one up: agent-mesh up FILE\n`);
    }
  });

  it("chooses among several swarms of a folder, each with a coordinator of its own, by id or name", async () => {
    const { running, swarm: second } = await terminal.up(terminal.mesh("agents: 1\n", "second.mesh.yaml"));
    const unclear = await terminal.run("status");
    assert.equal(unclear.code, 2);
    assert.ok(
      unclear.stderr.includes(`${second.id} (second)`) && unclear.stderr.includes(`${swarm.id} (first)`),
      unclear.stderr,
    );
    assert.equal((await terminal.json<SwarmView>(0, "status", "--swarm", "second")).id, second.id);
    assert.equal((await terminal.json<SwarmView>(0, "status", "--swarm", swarm.id)).id, swarm.id);
    const unknown = await terminal.run("status", "--swarm", "third");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /No swarm "third" is running in/);
    assert.equal((await terminal.run("stop", "--swarm", "second")).code, 0);
    await running.ended();
    assert.equal((await status()).id, swarm.id);
  });

  it("says what the coordinator refuses in one line, with exit code 1", async () => {
    for (const words of [
      ["fault", "crash", "nobody"],
      ["fault", "partition", "a1,a1"],
      ["submit", "--agent", "nobody", "--", "node"],
    ]) {
      const { code, stderr } = await terminal.run(...words);
      assert.equal(code, 1, words.join(" "));
      assert.match(stderr, /^agent-mesh: [^\n]+\n$/);
    }
  });

  it("stop leaves nothing, and says how many processes ended", async () => {
    const { ended } = await terminal.json<{ ended: number[] }>(0, "stop");
    assert.equal(ended.length, 3);
    await terminal.assertNothingLeft();
  });

  function well(): Promise<SwarmView> {
    return eventually("all is well", async () => {
      const view = await status();
      return view.health.level === "ok" && view.faults.length === 0 && view;
    });
  }

  async function healAll(): Promise<SwarmView> {
    await terminal.run("heal", "all");
    return well();
  }
});
