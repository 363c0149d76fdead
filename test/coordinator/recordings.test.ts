import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { RecordingProblem, readRecordings } from "../../server/live/recordings/read.ts";
import { Ground, until } from "./ground.ts";

describe("recordings, asked of the coordinator", function () {
  this.timeout(30_000);
  let ground: Ground;
  beforeEach(() => {
    ground = new Ground();
  });
  afterEach(() => ground.end());

  const refused = (said: RegExp) => (error: unknown) => error instanceof Refusal && said.test(error.message);

  it("are exported and replayed while the swarm runs, and without trust, naming each stage", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.quick(coordinator, 3);
    const { folder } = ground;
    await coordinator.handle("memory", { swarm, op: "put", namespace: "n", key: "k", text: "v" });
    const place = { folder, swarm, kept: false };
    coordinator.trusted = false;
    // What was recorded reaches the files a moment later.
    await until("the recording to tell of the key", async () => {
      const { text } = await coordinator.handle("replayRecording", { ...place, agent: "a2", operation: "replay" });
      return /^a2\.\d+ at .* 1 keys: n\/k v\d/s.test(text);
    });
    const out = join(folder, "run.log");
    const { events, agents } = await coordinator.handle("exportRecording", {
      ...place,
      format: "shiviz",
      out,
      operation: "export",
    });
    assert.deepEqual(agents, ["a1", "a2", "a3"]);
    const lines = readFileSync(out, "utf8").trimEnd().split("\n");
    assert.equal(lines.length, 2 + 2 * events);
    assert.ok(events > 20);
    assert.ok(!existsSync(`${out}.partial`));
    await until("all stages told", () => ground.all("progress").some(({ stage }) => stage === "Recomputing a3"));
    // The recording begins with whoever began first; by then nothing was decided.
    const first: string[] = [];
    for (const agent of agents) {
      const asked = { ...place, agent, sinceStartMs: 0, operation: "early" };
      await coordinator.handle("replayRecording", asked).then(
        ({ text }) => first.push(text),
        (error) => assert.match(String(error), /had not been recorded by then/),
      );
    }
    assert.match(first.join(), /at 0\.000000 s.*applied 0\n/s);
    await assert.rejects(
      coordinator.handle("replayRecording", { ...place, agent: "a9", operation: "nobody" }),
      refused(/There is no agent a9/),
    );
  });

  it("are read from .agent-mesh alone, not by a name or behind a link that leads out of it", async () => {
    const coordinator = ground.coordinator();
    const { folder } = ground;
    const ask = (swarm: string, where = folder) =>
      coordinator.handle("replayRecording", { folder: where, swarm, kept: true, agent: "a1", operation: swarm });
    await assert.rejects(ask("../../etc"), refused(/is not the id of a swarm/));
    await assert.rejects(ask("gone"), refused(/There is no recording of gone/));
    await assert.rejects(ask("gone", "relative"), refused(/no absolute path/));
    mkdirSync(join(folder, ".agent-mesh", "recordings"), { recursive: true });
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), join(folder, ".agent-mesh", "recordings", "linked"));
    await assert.rejects(ask("linked"), refused(/is a link to/));
    mkdirSync(join(folder, ".agent-mesh", "recordings", "empty"));
    await assert.rejects(ask("empty"), refused(/holds no recording/));
    assert.throws(() => readRecordings(join(folder, "elsewhere")), RecordingProblem);
  });

  it("are read one at a time, and no more once that is cancelled; nothing is left of the file", async () => {
    const coordinator = ground.coordinator();
    const { id: swarm } = await ground.quick(coordinator, 3);
    const out = join(ground.folder, "run.json");
    const place = { folder: ground.folder, swarm, kept: false };
    const exporting = coordinator.handle("exportRecording", { ...place, format: "chrome", out, operation: "first" });
    const cancelled = assert.rejects(exporting, refused(/was cancelled/));
    await assert.rejects(
      coordinator.handle("replayRecording", { ...place, agent: "a1", operation: "second" }),
      refused(/Another recording is being read/),
    );
    assert.deepEqual(await coordinator.handle("cancel", { operation: "first" }), { cancelled: true });
    await cancelled;
    assert.ok(!existsSync(out) && !existsSync(`${out}.partial`));
    await coordinator.handle("replayRecording", { ...place, agent: "a1", operation: "third" });
  });
});
