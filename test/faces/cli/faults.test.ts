import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { ActiveFault, ActivePreset } from "../../../server/contract/faults.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh fault, in one line as a mesh file says it,", function () {
  this.timeout(40_000);
  const terminal = new Terminal();
  before(async () => {
    await terminal.up(terminal.mesh("agents: 3\nzones: { eu: [a1, a2], us: [a3] }\n"));
  });
  after(() => terminal.end());

  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");
  const well = (): Promise<SwarmView> =>
    eventually("all is well", async () => {
      const view = await status();
      return view.health.level === "ok" && view.faults.length === 0 && view;
    });

  it("cuts exactly what a message rule says, and heals", async () => {
    const { health } = await well();
    const follower = health.leader === "a3" ? "a2" : "a3";
    const line = `message: { types: [append, heartbeat], to: ${follower}, drop: true }`;
    const rule = await terminal.json<ActiveFault>(0, "fault", line);
    assert.deepEqual(rule.spec, {
      kind: "message",
      match: { types: ["append", "heartbeat"], to: follower },
      action: { action: "drop" },
    });
    assert.equal(rule.title, `Every append or heartbeat message to ${follower} dropped`);
    // Who hears of no leader any more says so; the others go on.
    await eventually("it misses its leader", async () => {
      const { agents } = await status();
      return agents.find(({ id }) => id === follower)?.leader === null;
    });
    assert.equal((await terminal.json<{ type: string }>(0, "memory", "put", "n", "k", "v")).type, "written");
    assert.deepEqual(await terminal.json(0, "heal", rule.id), { healed: [rule.id] });
    await well();
  });

  it("hits a zone by its name, which status has in a column of its own", async () => {
    await well();
    const cut = await terminal.json<ActiveFault>(0, "fault", "partition", "zone:eu", "zone:us");
    assert.equal(cut.title, "a1, a2 | a3 partitioned");
    await terminal.json(0, "heal", cut.id);
    const { stdout } = await terminal.run("status");
    assert.match(stdout, /^agent +zone +state/m);
    assert.match(stdout, /^a3 +us /m);
    const { code, stderr } = await terminal.run("fault", "isolate: zone:mars");
    assert.equal(code, 2);
    assert.match(stderr, /There is no zone "mars"\. The zones are eu, us\./);
    await well();
  });

  for (const [line, title] of [
    ["message: { types: [vote], delay: 200ms }", /^Every vote message delayed by 200 ms$/],
    ["message: { corrupt: true, probability: 0.01 }", /^Every message damaged with 1 % probability$/],
    ["link: { a: a1, b: a2, direction: out, toxics: [{ loss: 0.1 }, { latency: 5ms }] }", /^a1 → a2: losing 10 %/],
    ["partition: { shape: isolateOne }", / \| .* partitioned$/],
    ["disk: { agent: a2, trouble: slow, delay: 5ms }", /^a2: disk slow by 5 ms$/],
    ["clock: { agent: a2, skew: 100ms, drift: 500 }", /^a2: clock 100ms ahead, 500 ppm too fast$/],
    ["cpu: { agent: one, slowdown: 2 }", /^a\d: 2 times as slow$/],
  ] as [string, RegExp][])
    it(`injects, lists and heals ${line}`, async () => {
      const injected = await terminal.run("fault", line);
      assert.equal(injected.code, 0, injected.stderr);
      const [, said = "", id = ""] = /^(.*) \((f\d+)\); heal with: agent-mesh heal f\d+\n$/.exec(injected.stdout) ?? [];
      assert.match(said, title);
      assert.ok((await terminal.run("fault")).stdout.includes(said));
      assert.deepEqual(await terminal.json(0, "heal", id), { healed: [id] });
    });

  it("says of a liar that Raft promises nothing then", async () => {
    const { code, stdout, stderr } = await terminal.run("fault", "byzantine: { agent: a2, behaviour: silent }");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^a2 lies: silent \(f\d+\);/);
    assert.equal(stderr, "agent-mesh: Raft does not promise to survive an agent that lies.\n");
    await terminal.run("heal", "all");
    await well();
  });

  it("needs no quotes where the shell leaves the words alone, and takes --for", async () => {
    const fault = await terminal.json<ActiveFault>(0, "fault", "isolate:", "a2", "--for", "1m");
    assert.deepEqual(fault.spec, { kind: "isolate", agent: "a2", forMs: 60_000 });
    await terminal.json(0, "heal", fault.id);
    await well();
  });

  it("runs a preset, which is listed with its steps and stopped by heal", async () => {
    const line = "preset: flappingLink, a: a1, b: a2, every: 1m, for: 50s";
    const preset = await terminal.json<ActivePreset>(0, "fault", line);
    assert.equal(preset.title, "a1 – a2 flapping: cut every 1m, for 50s");
    const step = await eventually("its first step", async () => (await status()).faults[0]);
    assert.equal(step.preset, preset.id);
    const listed = (await terminal.run("fault")).stdout;
    assert.ok(listed.includes(preset.title) && listed.includes(step.title), listed);
    assert.ok((await terminal.run("status")).stdout.includes(preset.title));
    assert.deepEqual(await terminal.json(0, "heal", preset.id), { healed: [preset.id, step.id] });
    assert.equal((await terminal.run("fault")).stdout, "No active fault.\n");
    await well();
  });

  it("heal all stops presets, too", async () => {
    const { id } = await terminal.json<ActivePreset>(0, "fault", "preset: rollingPartition, every: 1m");
    const { healed } = await terminal.json<{ healed: string[] }>(0, "heal", "all");
    assert.ok(healed.includes(id), healed.join());
    assert.equal((await well()).presets, undefined);
  });

  it("points at an agent that this swarm has not, with exit code 2", async () => {
    const { code, stdout, stderr } = await terminal.run("fault", "crash: a9");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /^agent-mesh: this fault cannot be read:\n {2}crash: a9\n {9}\^\^\n {2}crash: there is no agent "a9"/,
    );
  });

  it("refuses what would destroy a real disk with the sentence that says where it can be done", async () => {
    for (const trouble of ["bitRot", "tornTail", "lostSyncs"]) {
      const { code, stderr } = await terminal.run("fault", `disk: { agent: a1, trouble: ${trouble} }`);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`^agent-mesh: ${trouble} would destroy .*\`agent-mesh simulate\` can do it`));
    }
    assert.deepEqual((await status()).faults, []);
  });
});
