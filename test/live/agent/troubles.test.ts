import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import type { DiskTrouble, Effect, HeldEffect } from "../../../server/contract/faults.ts";
import { LiveClock } from "../../../server/live/agent/clock.ts";
import { Troubles } from "../../../server/live/agent/troubles.ts";
import type { LogDisk } from "../../../server/live/log/file-log.ts";

const held = (...effects: readonly Effect[]): HeldEffect[] =>
  effects.map((effect, at) => ({ id: `f1/${at}`, effect, untilMs: null }));
const disk = (trouble: DiskTrouble): Effect => ({ on: "disk", agent: "a1", disk: trouble });

describe("the troubles of a process", () => {
  let did: string[];
  let troubles: Troubles;
  const real: LogDisk = {
    write: (_file, bytes, from) => {
      did.push("write");
      return bytes.length - from;
    },
    syncInPlace: () => void did.push("sync in place"),
    syncApart: (_file, done) => {
      did.push("sync apart");
      done(null);
    },
  };
  const took = (act: () => void): number => {
    const began = performance.now();
    act();
    return performance.now() - began;
  };
  const write = (): number => troubles.disk.write(1, new Uint8Array(5), 0, 0);

  beforeEach(() => {
    did = [];
    troubles = new Troubles(new LiveClock(), real);
  });

  it("are none at first: the disk is the real one", async () => {
    assert.equal(write(), 5);
    troubles.disk.syncInPlace(1);
    await new Promise((done) => troubles.disk.syncApart(1, done));
    assert.deepEqual(did, ["write", "sync in place", "sync apart"]);
  });

  it("slow: each sync takes so much longer, several add up, and writing does not", async () => {
    troubles.setEffects(held(disk({ trouble: "slow", delayMs: 20 }), disk({ trouble: "slow", delayMs: 15 })));
    assert.ok(took(() => troubles.disk.syncInPlace(1)) >= 34);
    const began = performance.now();
    await new Promise((done) => troubles.disk.syncApart(1, done));
    assert.ok(performance.now() - began >= 33);
    assert.ok(took(write) < 30);
    troubles.setEffects([]);
    assert.ok(took(() => troubles.disk.syncInPlace(1)) < 30);
  });

  for (const [trouble, code] of [
    ["failing", "EIO"],
    ["full", "ENOSPC"],
  ] as const)
    it(`${trouble}: nothing is written any more, and the error is the operating system's`, () => {
      troubles.setEffects(held(disk({ trouble })));
      assert.throws(write, (error: NodeJS.ErrnoException) => error.code === code);
      assert.throws(() => troubles.disk.syncInPlace(1), { code });
      assert.ok(!did.includes("write"));
      troubles.setEffects([]);
      assert.equal(write(), 5);
    });

  it("cpu: what was computed takes so many times as long, and several multiply", () => {
    const computeMs = 4;
    const lagged = (): number =>
      took(() => {
        const began = performance.now();
        while (performance.now() < began + computeMs);
        troubles.lag(began);
      });
    troubles.setEffects(held({ on: "cpu", agent: "a1", slowdown: 2 }, { on: "cpu", agent: "a1", slowdown: 3 }));
    assert.ok(lagged() >= 6 * computeMs);
    troubles.setEffects([]);
    assert.ok(lagged() < 6 * computeMs);
  });
});
