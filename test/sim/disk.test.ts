import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Entry } from "../../server/core/consensus.ts";
import { seededRandom } from "../../server/core/random.ts";
import { SimDisk } from "../../server/sim/disk.ts";
import { Schedule } from "../../server/sim/schedule.ts";

const SPEED = { minMs: 1, maxMs: 2, stallEvery: 100, stallMs: 5 };
const entry = (index: number, term = 1): Entry => ({ index, term, kind: 1, timeMs: 0, data: Uint8Array.of(index) });
const hard = (term: number, commit = 0) => ({ term, votedFor: "", commit });
const never = () => false;

const diskOf = (seed: number) => {
  const schedule = new Schedule();
  return { schedule, disk: new SimDisk(schedule, seededRandom(seed), SPEED, () => {}) };
};

describe("simulated disk", () => {
  it("says durable after a sync, in order, and shares one sync among what waited for it", () => {
    const { schedule, disk } = diskOf(1);
    const durable: number[] = [];
    for (let index = 1; index <= 5; index++) disk.append({ entries: [entry(index)] }, () => durable.push(index));
    deepEqual(durable, []);
    schedule.runUntil(1_000_000, never);
    deepEqual(durable, [1, 2, 3, 4, 5]);
    equal(disk.syncs, 2, "the first alone, the others together");
    deepEqual(
      disk.recover().entries.map(({ index }) => index),
      [1, 2, 3, 4, 5],
    );
  });

  it("replaces from the index of a conflicting append on", () => {
    const { schedule, disk } = diskOf(1);
    disk.append({ hardState: hard(1), entries: [entry(1), entry(2), entry(3)] }, () => {});
    disk.append({ hardState: hard(2), entries: [entry(2, 2)] }, () => {});
    schedule.runUntil(1_000_000, never);
    deepEqual(disk.recover(), { hardState: hard(2), entries: [entry(1), entry(2, 2)] });
  });

  it("keeps over a crash what was durable, and of the rest at most a beginning; nobody is called back", () => {
    const kept = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const { schedule, disk } = diskOf(seed);
      disk.append({ hardState: hard(1), entries: [entry(1), entry(2)] }, () => {});
      schedule.runUntil(1_000_000, never);
      let late = 0;
      disk.append({ hardState: hard(2, 5), entries: [entry(3), entry(4), entry(5)] }, () => late++);
      disk.append({ entries: [entry(6)] }, () => late++);
      disk.crash();
      schedule.runUntil(2_000_000, never);
      equal(late, 0);
      const { hardState, entries } = disk.recover();
      ok(entries.length >= 2 && entries.length <= 5, "what never reached the disk is gone");
      ok(hardState.commit <= entries.length);
      deepEqual(
        entries,
        [1, 2, 3, 4, 5].slice(0, entries.length).map((index) => entry(index)),
      );
      kept.add(entries.length);
    }
    deepEqual([...kept].sort(), [2, 3, 4, 5], "lost, torn at each place, and whole all occur");
  });
});
