import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import type { RecordingLimits } from "../../server/contract/mesh.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { agentPaths, keptRecordings, removeSwarm } from "../../server/live/layout.ts";
import { RecordingProblem, type RecordingsFound, readRecordings } from "../../server/live/recordings/read.ts";
import { replayAgent, replayStretch } from "../../server/live/recordings/replay.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

const LIMITS: RecordingLimits = { sizeBytes: 64 * 1024 * 1024, ageMs: 3_600_000, keep: false };

describe("live recordings", function () {
  this.timeout(60_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  const found = (): RecordingsFound => readRecordings(join(swarm.file.folder, ".agent-mesh", swarm.file.id));
  const segmentsOf = (agent: string): string[] => {
    const folder = agentPaths(swarm.file.folder, swarm.file.id, agent).recording;
    return existsSync(folder)
      ? readdirSync(folder)
          .sort()
          .map((name) => join(folder, name))
      : [];
  };

  async function write(agent: string, count: number, bytes = 100): Promise<void> {
    const client = await swarm.client(agent);
    const value = "v".repeat(bytes);
    for (let from = 0; from < count; from += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, count - from) }, async (_, at) => {
          const result = await client.put(`key${(from + at) % 200}`, value + at, { timeoutMs: 10_000 });
          assert.ok(result.ok, JSON.stringify(result));
        }),
      );
    client.close();
  }

  /** What the agent says of its state, once its recording has it too. */
  async function told(agent: string): Promise<AgentReport> {
    const client = await swarm.client(agent);
    const report = await client.report();
    client.close();
    await eventually(`what ${agent} had applied is recorded`, () => {
      const replayed = replayAgent(found(), agent);
      return replayed !== undefined && replayed.machine.index >= (report.stateHashIndex as number);
    });
    return report;
  }

  /** The state after exactly this entry: agents apply on their own, so that a moment may show more. */
  function hashAt(agent: string, index: number): string {
    let events = 0;
    const all = found();
    const moments: number[] = [];
    replayAgent(all, agent, {
      onEvent: (event: TimelineEvent) => {
        events++;
        if (event.state !== undefined && event.state.applied >= index) moments.push(event.hlc.wallMs);
      },
    });
    assert.ok(events > 0);
    for (const untilMs of [Number.POSITIVE_INFINITY, ...moments]) {
      const replayed = replayAgent(all, agent, { untilMs });
      if (replayed?.machine.index === index) return replayed.stateHash;
    }
    assert.fail(`${agent} was never seen at entry ${index}`);
  }

  it("replay to the state hashes that the live agents reported, one of them killed with -9", async () => {
    swarm = await TestSwarm.start(3, { recording: LIMITS });
    const leader = await swarm.leader();
    await write(leader, 500);
    await swarm.reports("all have applied the same", swarm.ids, (all) =>
      all.every(({ applied, commit }) => applied === commit && applied === all[0]?.applied && applied >= 500),
    );
    const reports = await Promise.all(swarm.ids.map(told));
    assert.match(reports[0]?.stateHash as string, /^[0-9a-f]{16}$/);
    const plain = await (await swarm.client(leader)).ask({ op: "report" });
    assert.ok(plain.type === "report" && plain.report.stateHash === undefined, "hashed only for who asks for it");
    for (const report of reports) {
      const replayed = hashAt(report.agent, report.stateHashIndex as number);
      assert.equal(replayed, report.stateHash, report.agent);
      assert.ok((report.recording?.bytes ?? 0) > 0);
      assert.deepEqual([report.recording?.droppedBytes, report.recording?.open], [0, true]);
    }
    swarm.kill(leader);
    const rest = swarm.ids.filter((id) => id !== leader);
    const next = await swarm.leader(rest);
    await write(next, 50);
    await swarm.startAgent(leader);
    await swarm.reports("the killed one has caught up", swarm.ids, (all) =>
      all.every(({ applied }) => applied === all[0]?.applied && applied >= 550),
    );
    for (const agent of swarm.ids) {
      const report = await told(agent);
      assert.equal(hashAt(agent, report.stateHashIndex as number), report.stateHash, agent);
    }
    const lives = found().stretches.filter(({ agent }) => agent === leader);
    assert.deepEqual(
      lives.map(({ incarnation }) => incarnation),
      [1, 2],
    );
    for (const stretch of found().stretches) {
      const replayed = replayStretch(stretch);
      assert.equal(replayed.failure, "");
      assert.ok(replayed.checks > 0);
    }
  });

  it("stay within their size, and tell the state from the oldest segment that is left", async () => {
    const sizeBytes = 1024 * 1024;
    swarm = await TestSwarm.start(3, { recording: { ...LIMITS, sizeBytes } });
    const leader = await swarm.leader();
    await write(leader, 4000, 500);
    await swarm.reports("all have applied the same", swarm.ids, (all) =>
      all.every(({ applied }) => applied === all[0]?.applied && applied >= 4000),
    );
    for (const agent of swarm.ids) {
      const report = await told(agent);
      const total = segmentsOf(agent).reduce((sum, path) => sum + statSync(path).size, 0);
      assert.ok(total <= sizeBytes * 1.1, `${total} bytes of ${agent}`);
      const [stretch] = found().stretches.filter((one) => one.agent === agent);
      assert.ok((stretch?.files[0]?.segment.header.segment ?? 0) > 0, "the first segments are gone");
      const replayed = replayAgent(found(), agent);
      assert.equal(replayed?.machine.index, report.stateHashIndex);
      assert.equal(replayed?.stateHash, report.stateHash);
      assert.equal(replayed?.report, null);
    }
  });

  it("of PBFT replay to the state hashes that the live agents reported, without a key, the primary killed with -9", async () => {
    swarm = await TestSwarm.start(4, { consensus: "pbft", recording: LIMITS });
    const primary = await swarm.leader();
    await write(swarm.ids.find((id) => id !== primary) as string, 200);
    // What is not written yet goes with the process.
    await eventually("something of its first life is on disk", () =>
      found().stretches.some(({ agent }) => agent === primary),
    );
    swarm.kill(primary);
    const rest = swarm.ids.filter((id) => id !== primary);
    await write((await swarm.leader(rest)) as string, 50);
    await swarm.startAgent(primary);
    await swarm.reports("the killed one has caught up", swarm.ids, (all) =>
      all.every(({ applied }) => applied === all[0]?.applied && applied >= 250),
    );
    for (const agent of swarm.ids) {
      const report = await told(agent);
      assert.equal(hashAt(agent, report.stateHashIndex as number), report.stateHash, agent);
    }
    const { stretches } = found();
    assert.equal(stretches.length, 5);
    for (const stretch of stretches) {
      const replayed = replayStretch(stretch);
      assert.equal(replayed.failure, "");
      assert.ok(replayed.checks > 0);
    }
  });

  it("of PBFT tell the state from the oldest segment that is left", async () => {
    const sizeBytes = 1024 * 1024;
    swarm = await TestSwarm.start(4, { consensus: "pbft", recording: { ...LIMITS, sizeBytes } });
    await write(await swarm.leader(), 2000, 500);
    await swarm.reports("all have applied the same", swarm.ids, (all) =>
      all.every(({ applied }) => applied === all[0]?.applied && applied >= 2000),
    );
    for (const agent of swarm.ids) {
      const report = await told(agent);
      const [stretch] = found().stretches.filter((one) => one.agent === agent);
      assert.ok((stretch?.files[0]?.segment.header.segment ?? 0) > 0, "the first segments are gone");
      const total = segmentsOf(agent).reduce((sum, path) => sum + statSync(path).size, 0);
      assert.ok(total <= sizeBytes * 1.1, `${total} bytes of ${agent}`);
      const replayed = replayAgent(found(), agent);
      assert.equal(replayed?.stateHash, report.stateHash);
      assert.equal(replayed?.report, null);
    }
  });

  it("are not made when they are not asked for", async () => {
    swarm = await TestSwarm.start(1);
    await swarm.leader();
    assert.deepEqual(segmentsOf("a1"), []);
    const client = await swarm.client("a1");
    assert.equal((await client.report()).recording, undefined);
    assert.throws(found, RecordingProblem);
  });

  it("are kept when the swarm is removed, if its file asks for it", async () => {
    swarm = await TestSwarm.start(1, { recording: { ...LIMITS, keep: true } });
    await swarm.leader();
    await eventually("something is recorded", () => segmentsOf("a1").length > 0);
    swarm.kill("a1");
    const { folder, id } = swarm.file;
    removeSwarm(folder, id);
    assert.equal(readRecordings(keptRecordings(folder, id)).stretches[0]?.agent, "a1");
    assert.deepEqual(readdirSync(join(folder, ".agent-mesh")).sort(), [".gitignore", "recordings"]);
  });

  it("name the file and the offset where they are damaged", async () => {
    swarm = await TestSwarm.start(1, { recording: LIMITS });
    await swarm.leader();
    await write("a1", 50);
    await told("a1");
    const [path] = segmentsOf("a1") as [string];
    const copy = mkdtempSync(join(tmpdir(), "agent-mesh-recording-"));
    try {
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
      writeFileSync(join(copy, "one.meshrec"), bytes);
      assert.throws(
        () => replayAgent(readRecordings(copy), "a1"),
        (error) => error instanceof RecordingProblem && /one\.meshrec is damaged at offset \d+:/.test(error.message),
      );
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});
