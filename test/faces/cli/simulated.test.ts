import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SimulatedView } from "../../../server/contract/simulated.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh up --simulated", function () {
  this.timeout(60_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  it("brings a swarm up without a process, on which other terminals' commands work, and leaves nothing", async () => {
    const file = terminal.mesh("agents: 5\n");
    const { running, swarm } = await terminal.up(file, "--simulated", "--seed", "4", "--speed", "3");
    assert.deepEqual([swarm.name, swarm.simulated?.seed, swarm.simulated?.speed], ["test (simulated)", 4, 3]);
    assert.ok(swarm.agents.every(({ pid }) => pid === null));
    await eventually("a leader", async () => (await view()).health.level === "ok");
    const status = await terminal.run("status");
    assert.match(status.stdout, /^test \(simulated\) \(\w+\): running, 5\/5 agents, leader a\d, term \d+$/m);
    assert.match(status.stdout, /^simulated, seed 4, .* of virtual time, at [\d.]+x real time/m);
    assert.match(status.stdout, /^agent +state +role +term +commit +links /m, "no pid, port, CPU or memory");
    const fault = await terminal.run("fault", "crash", "leader");
    assert.match(fault.stdout, /a\d crashed \(f1\)/);
    assert.match(fault.stderr, /test \(simulated\): simulated, seed 4/, "its answer does not say it by itself");
    await eventually("another leader", async () => {
      const { health } = await view();
      return health.agentsAlive === 4 && health.leader !== null;
    });
    const paused = await terminal.json<SimulatedView>(0, "pace", "pause");
    assert.equal(paused.paused, true);
    assert.equal((await terminal.json<SimulatedView>(0, "pace")).virtualMs, paused.virtualMs);
    assert.equal((await terminal.json<SimulatedView>(0, "pace", "max")).speed, null);
    const healed = await terminal.run("heal", "all");
    assert.deepEqual([healed.code, healed.stderr.includes("Still active")], [0, false], healed.stderr);
    const metrics = await terminal.run("metrics");
    assert.match(metrics.stdout, /^Connectivity/m);
    assert.ok(!/Hotspots|Load/.test(metrics.stdout), metrics.stdout);
    const refused = await terminal.run("members", "add");
    assert.deepEqual([refused.code, /only in a swarm of processes/.test(refused.stderr)], [1, true], refused.stderr);
    const stop = await terminal.run("stop");
    assert.equal(stop.stdout, "test (simulated) has ended, nothing left.\n");
    assert.equal((await running.ended()).code, 0);
    await terminal.assertNothingLeft();
  });

  const view = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");

  it("ends when its time is over", async () => {
    const ended = await terminal.run("up", terminal.mesh("agents: 3\n"), "--simulated", "--for", "300ms");
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /test \(simulated\) has ended \(time is over\), nothing left\.\n$/);
    await terminal.assertNothingLeft();
  });

  it("shows the run that a seed is judged by, says how it ended, and has that in its exit code", async () => {
    const broken = terminal.mesh(
      "agents: 3\nfaults: [{ at: 500ms, crash: leader, for: 1s }]\nexpect: { leaderWithin: 20ms }\nsimulate: { for: 2s }\n",
    );
    const judged = await terminal.run("simulate", broken, "--seeds", "2..2", "--no-shrink");
    assert.equal(judged.code, 1);
    const hint = /To watch it: agent-mesh up \S+ (--simulated --judged --seed 2)$/m.exec(judged.stderr);
    assert.ok(hint, judged.stderr);
    const { running } = await terminal.up(broken, ...(hint[1] ?? "").split(" "), "--speed", "max");
    const [, verdict] = /BROKEN (leaderWithin at [\d.]+ s: .*)\.$/m.exec(judged.stdout) ?? [];
    assert.ok(verdict, judged.stdout);
    const [what, when] = verdict.split(" at ");
    const { message } = await running.line("notice");
    assert.equal(message, `Seed 2 is over: it broke “${what}” at ${when}.`);
    const status = await terminal.run("status");
    assert.match(status.stdout, /^simulated and judged, seed 2, .* of virtual time, over: it broke “leaderWithin”/m);
    const fault = await terminal.run("fault", "crash", "leader");
    assert.deepEqual([fault.code, /would make it another one/.test(fault.stderr)], [1, true], fault.stderr);
    await terminal.run("stop");
    assert.equal((await running.ended()).code, 1);
    await terminal.assertNothingLeft();
  });

  it("refuses what makes no sense, in one sentence", async () => {
    const file = terminal.mesh("agents: 3\n");
    for (const [sentence, ...args] of [
      [/only with --simulated/, "up", file, "--seed", "4"],
      [/only with --simulated/, "up", file, "--speed", "2"],
      [/only with --simulated/, "up", file, "--judged"],
      [/--chaos only with --judged/, "up", file, "--simulated", "--chaos"],
      [/--seed takes a whole number/, "up", file, "--simulated", "--seed", "x"],
      [/A speed is a number from 0\.001 to 1000/, "up", file, "--simulated", "--speed", "0"],
      [/--history is of processes/, "up", file, "--simulated", "--history", "h.jsonl"],
      [/A speed is a number/, "pace", "quick"],
      [/pace takes one of/, "pace", "2", "3"],
    ] as const) {
      const { code, stderr } = await terminal.run(...args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, sentence);
    }
    assert.deepEqual(terminal.files, []);
  });
});
