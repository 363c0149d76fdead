import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { HeldEffect } from "../../../server/contract/faults.ts";
import { Effects } from "../../../server/live/agent/effects.ts";
import { eventually } from "../waiting.ts";

const slow = (id: string, untilMs: number | null): HeldEffect => ({
  id,
  effect: { on: "cpu", agent: "a1", slowdown: 2 },
  untilMs,
});

describe("the effects that an agent carries out", () => {
  let told: string[][] = [];
  let effects: Effects;
  const made = (wallMs?: () => number): Effects => {
    told = [];
    effects = new Effects((active) => told.push(active.map(({ id }) => id)), wallMs);
    return effects;
  };
  afterEach(() => effects.set([]));

  it("end one after the other, each when its time has come, with nobody left to say so", async () => {
    const now = Date.now();
    made().set([slow("long", now + 120), slow("short", now + 40), slow("always", null)]);
    assert.deepEqual(told, [["long", "short", "always"]]);
    await eventually("only one is left", () => told.at(-1)?.join() === "always");
    assert.ok(Date.now() >= now + 120);
    assert.ok(told.some((active) => active.join() === "long,always"));
  });

  it("are not begun when their time is over already", () => {
    made(() => 1_000).set([slow("over", 1_000), slow("not yet", 1_001)]);
    assert.deepEqual(told, [["not yet"]]);
  });

  it("last as long as they are asked to, also months", () => {
    made(() => 0).set([slow("months", 2 ** 40)]);
    assert.deepEqual(told, [["months"]]);
  });

  it("are all replaced when others are told", async () => {
    const now = Date.now();
    made().set([slow("first", now + 30)]);
    effects.set([slow("second", now + 60)]);
    await eventually("all are over", () => told.at(-1)?.length === 0);
    // A timer may fire a little early: then the same is told again.
    assert.deepEqual([...new Set(told.map(String))], ["first", "second", ""]);
  });
});
