import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import { agentPaths, readLife } from "../../server/live/layout.ts";
import { segmentPath } from "../../server/live/log/recovery.ts";
import { startPauseGuardian } from "../../server/live/pause-guardian.ts";
import { identityOf, isRunning, pause, terminate } from "../../server/live/process.ts";
import { AgentNotStarted, lastWords } from "../../server/live/spawn.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

describe("a live agent ends", function () {
  this.timeout(30_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const gone = (id: string): Promise<unknown> =>
    eventually(`${id} has ended`, () => !isRunning(swarm.process(id)), 6_000);
  const observe = (client: TestClient): Promise<unknown> =>
    client.ask({ op: "observe", recent: 0, reportEveryMs: 1_000, owner: true });

  it("when it is told to, having said goodbye to the others", async () => {
    swarm = await TestSwarm.start(3);
    await swarm.leader();
    const watcher = await swarm.client("a1");
    await (await swarm.client("a3")).ask({ op: "stop", reason: "the test is over" });
    await gone("a3");
    assert.match(lastWords(swarm.place("a3")), /Stopping: asked to: the test is over/);
    await eventually("a1 holds a3 to have left", async () =>
      (await watcher.report()).members.some(({ id, state }) => id === "a3" && state === "left"),
    );
  });

  it("when it gets SIGTERM", async () => {
    swarm = await TestSwarm.start(1);
    terminate(swarm.process("a1"));
    await gone("a1");
    if (process.platform !== "win32") assert.match(lastWords(swarm.place("a1")), /Stopping: it got SIGTERM/);
  });

  it("when no coordinator observes it for the grace period, and not while one does", async () => {
    swarm = await TestSwarm.start(2, { graceMs: 1_000 });
    const owner = await swarm.client("a1");
    await observe(owner);
    await gone("a2");
    assert.match(lastWords(swarm.place("a2")), /no coordinator for 1000 ms/);
    assert.ok(isRunning(swarm.process("a1")));
    owner.close();
    await gone("a1");
  });

  it("not at all for want of a coordinator when the swarm is detached", async () => {
    swarm = await TestSwarm.start(2, { graceMs: 0, detached: true });
    await swarm.leader();
    assert.ok(isRunning(swarm.process("a1")) && isRunning(swarm.process("a2")));
  });

  it("although it is paused, once its coordinator is gone and the guardian lets it go on", async () => {
    if (process.platform === "win32") return;
    swarm = await TestSwarm.start(1, { graceMs: 600 });
    const owner = await swarm.client("a1");
    await observe(owner);
    const guardian = startPauseGuardian(() => {});
    const paused = swarm.process("a1");
    guardian.tell({ graceMs: 300, paused: [{ pid: paused.pid, startTime: paused.startTime }] });
    assert.ok(pause(paused));
    owner.close();
    // What happens to the guardian when its coordinator is killed: the pipe closes.
    const guardianProcess = identityOf(guardian.pid as number);
    guardian.abandon();
    await gone("a1");
    await eventually("the guardian has ended", () => !isRunning(guardianProcess));
  });
});

describe("a live agent does not start", function () {
  this.timeout(30_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  async function refusal(): Promise<string> {
    const error = await swarm.startAgent("a1").then(
      () => assert.fail("it started"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof AgentNotStarted, String(error));
    assert.match(error.message, /^Agent a1 could not start\. /);
    return error.message;
  }

  it("when its port is taken", async () => {
    swarm = await TestSwarm.make(1);
    const server = createServer().listen(swarm.port("a1"), "127.0.0.1");
    const message = await refusal();
    await new Promise((resolve) => server.close(resolve));
    assert.match(message, new RegExp(`Port ${swarm.port("a1")} .* is taken by another program`));
  });

  it("twice: the second one finds the port taken and touches nothing", async () => {
    swarm = await TestSwarm.start(1);
    const life = readLife(swarm.file.folder, swarm.file.id, "a1");
    assert.match(await refusal(), /is taken/);
    assert.deepEqual(readLife(swarm.file.folder, swarm.file.id, "a1"), life);
  });

  it("from a damaged log, naming file and offset", async () => {
    swarm = await TestSwarm.start(1);
    await swarm.leader();
    const client = await swarm.client("a1");
    for (const key of ["one", "two", "three"]) assert.ok((await client.put(key, key)).ok);
    swarm.kill("a1");
    const segment = segmentPath(agentPaths(swarm.file.folder, swarm.file.id, "a1").log, 1);
    const bytes = readFileSync(segment);
    bytes[60] = (bytes[60] as number) ^ 1;
    writeFileSync(segment, bytes);
    const message = await refusal();
    assert.ok(message.includes(segment) && /offset \d+/.test(message), message);
    assert.deepEqual(readFileSync(segment), bytes);
    bytes[60] = (bytes[60] as number) ^ 1;
    writeFileSync(segment, bytes);
    await swarm.startAgent("a1");
    await swarm.leader();
    assert.equal(await (await swarm.client("a1")).get("three"), "three");
  });

  it("without a folder it can write to, or with files that are not what they should be", async () => {
    swarm = await TestSwarm.make(1);
    const paths = agentPaths(swarm.file.folder, swarm.file.id, "a1");
    // A file where the log's folder belongs stops root too, whom permissions do not.
    const key = readFileSync(paths.key, "utf8");
    writeFileSync(paths.key, "{");
    assert.match(await refusal(), /key\.json cannot be used/);
    writeFileSync(paths.key, key);
    writeFileSync(paths.life, '{"pid": "many"}');
    assert.match(await refusal(), /life\.json cannot be used: life\.pid must be a whole number/);
    writeFileSync(join(paths.root, "life.json"), "");
    if (process.getuid?.() === 0 || process.platform === "win32") return;
    chmodSync(paths.log, 0o500);
    assert.match(await refusal(), /is not writable by this user/);
  });
});
