import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { Outbox } from "../../server/coordinator/outbox.ts";
import { until } from "./ground.ts";

describe("notifications", () => {
  const boxes: Outbox[] = [];
  const told: { name: string; params: unknown; atMs: number }[] = [];
  const outbox = (): Outbox => {
    const made = new Outbox((name, params) => void told.push({ name, params, atMs: performance.now() }));
    boxes.push(made);
    return made;
  };
  afterEach(() => {
    for (const box of boxes.splice(0)) box.close();
    told.length = 0;
  });

  it("are at most 30 a second together, and of each subject the newest state", async () => {
    const box = outbox();
    let count = 0;
    const ticking = setInterval(() => {
      count++;
      for (const swarm of ["s1", "s2", "s3"]) box.state("metricsSampled", swarm, () => ({ swarm, atMs: count }));
    }, 2);
    await new Promise((wake) => setTimeout(wake, 1000));
    clearInterval(ticking);
    assert.ok(told.length <= 31, `${told.length} in a second`);
    assert.ok(told.length >= 10, `${told.length} in a second`);
    for (let at = 1; at < told.length; at++) assert.ok(told[at]!.atMs - told[at - 1]!.atMs > 30);
    const turns = new Set(told.slice(0, 3).map(({ params }) => (params as { swarm: string }).swarm));
    assert.equal(turns.size, 3, "subjects take turns");
    await until("the newest", () => (told.at(-1)!.params as { atMs: number }).atMs === count);
  });

  it("have all been sent when somebody waits for that, and nobody waits for ever", async () => {
    const box = outbox();
    await box.sent();
    for (const stage of ["Linking", "Electing"])
      box.state("progress", stage, () => ({ operation: "o", stage, done: 0, total: 1 }));
    box.state("progress", "nothing any more", () => null);
    assert.deepEqual(told, []);
    await box.sent();
    assert.deepEqual(
      told.map(({ params }) => (params as { stage: string }).stage),
      ["Linking", "Electing"],
    );
    box.once("notice", { level: "info", swarm: "s", message: "never sent" });
    const waiting = box.sent();
    box.close();
    await waiting;
    await box.sent();
    assert.equal(told.length, 2);
  });

  it("of output lose no character and keep its order before the task's end", async () => {
    const box = outbox();
    const output = { swarm: "s", taskId: "t", agent: "a1", token: 1, stream: "stdout" } as const;
    for (let at = 0; at < 100; at++) box.output({ ...output, text: `${at},` });
    box.once("notice", { level: "info", swarm: "s", message: "end" });
    box.output({ ...output, stream: "stderr", text: "x" });
    await until("all", () => told.length === 3);
    assert.deepEqual(
      told.map(({ name }) => name),
      ["taskOutput", "notice", "taskOutput"],
    );
    assert.equal((told[0]!.params as { text: string }).text, Array.from({ length: 100 }, (_, at) => `${at},`).join(""));
  });

  it("say how much output was left out when it comes too fast", async () => {
    const box = outbox();
    const output = { swarm: "s", taskId: "t", agent: "a1", token: 1, stream: "stdout" } as const;
    for (let at = 0; at < 30; at++) box.output({ ...output, text: "x".repeat(100_000) });
    await until("sent", () => told.length === 1);
    assert.match((told[0]!.params as { text: string }).text, /\[\d{6,} characters of output came too fast/);
  });

  it("are not made when their subject is gone, nor sent when closed", async () => {
    const box = outbox();
    box.state("swarmChanged", "s", () => null);
    box.once("notice", { level: "info", swarm: "", message: "one" });
    await until("sent", () => told.length === 1);
    box.once("notice", { level: "info", swarm: "", message: "two" });
    box.close();
    await new Promise((wake) => setTimeout(wake, 80));
    assert.equal(told.length, 1);
  });
});
