import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Snapshot } from "../../server/agent/world.ts";
import type { Entry } from "../../server/core/consensus.ts";
import { seededRandom } from "../../server/core/random.ts";
import { SimDisk } from "../../server/sim/disk.ts";
import { Schedule } from "../../server/sim/schedule.ts";

const SPEED = { minMs: 1, maxMs: 2, stallEvery: 100, stallMs: 5 };
const entry = (index: number, term = 1): Entry => ({ index, term, kind: 1, timeMs: 0, data: Uint8Array.of(index) });
const hard = (term: number, commit = 0) => ({ term, votedFor: "", commit });
const never = () => false;
const snapshot = (index: number): Snapshot => {
  const configuration = { voters: ["a1"], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  return { index, term: 1, configuration, data: Uint8Array.of(index) };
};

const diskOf = (seed: number) => {
  const schedule = new Schedule();
  return { schedule, disk: new SimDisk(schedule, seededRandom(seed), SPEED, { durable: () => {}, failed: () => {} }) };
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
      disk.open().recovered.entries.map(({ index }) => index),
      [1, 2, 3, 4, 5],
    );
  });

  it("replaces from the index of a conflicting append on", () => {
    const { schedule, disk } = diskOf(1);
    disk.append({ hardState: hard(1), entries: [entry(1), entry(2), entry(3)] }, () => {});
    disk.append({ hardState: hard(2), entries: [entry(2, 2)] }, () => {});
    schedule.runUntil(1_000_000, never);
    deepEqual(disk.open().recovered, { hardState: hard(2), entries: [entry(1), entry(2, 2)] });
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
      const { hardState, entries } = disk.open().recovered;
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

  it("keeps after a snapshot what the batch says: the entries behind it, or none of before", () => {
    const { schedule, disk } = diskOf(1);
    disk.append({ entries: [1, 2, 3, 4].map((index) => entry(index)) }, () => {});
    disk.append({ snapshot: { snapshot: snapshot(2), discardLog: false }, entries: [entry(5)] }, () => {});
    schedule.runUntil(1_000_000, never);
    deepEqual(disk.open().recovered, {
      hardState: hard(0),
      snapshot: snapshot(2),
      entries: [3, 4, 5].map((at) => entry(at)),
    });
    disk.append({ snapshot: { snapshot: snapshot(9), discardLog: true }, entries: [entry(10)] }, () => {});
    schedule.runUntil(2_000_000, never);
    deepEqual(disk.open().recovered, { hardState: hard(0), snapshot: snapshot(9), entries: [entry(10)] });
    equal(disk.lastIndex, 10);
  });

  it("has after a crash the old snapshot or the new one, and nothing of what was written behind a new one without it", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const { schedule, disk } = diskOf(seed);
      disk.append({ snapshot: { snapshot: snapshot(2), discardLog: true }, entries: [entry(3)] }, () => {});
      schedule.runUntil(1_000_000, never);
      const next = { snapshot: snapshot(7), discardLog: true };
      disk.append({ snapshot: next, hardState: hard(2, 9), entries: [entry(8), entry(9)] }, () => {});
      disk.crash();
      const { snapshot: found, hardState, entries } = disk.open().recovered;
      ok(hardState.commit <= disk.lastIndex);
      if (found?.index === 2) deepEqual({ hardState, entries }, { hardState: hard(0), entries: [entry(3)] });
      else deepEqual(found, snapshot(7));
      seen.add(`${found?.index} ${entries.length} ${hardState.term}`);
    }
    deepEqual([...seen].sort(), ["2 1 0", "7 0 0", "7 0 2", "7 1 0", "7 1 2", "7 2 0", "7 2 2"]);
  });
});
