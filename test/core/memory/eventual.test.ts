import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { EventualMemory, TOMBSTONE_MS } from "../../../server/core/memory/eventual.ts";
import type { MemoryCommand } from "../../../server/core/memory/types.ts";
import { assertOnlyMalformed } from "../codec-properties.ts";
import { crowdedCommand } from "./arbitraries.ts";

interface Stamped {
  readonly command: MemoryCommand;
  readonly version: number;
  readonly timeMs: number;
}

const T = 1_000_000;

function put(key: string, value: string, ttlMs = 0): MemoryCommand {
  return { type: "put", namespace: "n", key, value: new TextEncoder().encode(value), ttlMs };
}

function del(key: string): MemoryCommand {
  return { type: "delete", namespace: "n", key };
}

/** Commands at their times, ms after T; the stamp is in µs. */
function memoryOf(...commands: readonly (readonly [MemoryCommand, number])[]): EventualMemory {
  const memory = new EventualMemory();
  for (const [command, laterMs] of commands) memory.apply(command, (T + laterMs) * 1000, T + laterMs);
  return memory;
}

function textAt(memory: EventualMemory, key: string): string | undefined {
  const item = memory.get("n", key, memory.timeMs);
  return item && new TextDecoder().decode(item.value);
}

/** Commands of several writers: stamps may be equal, times differ by less than a tombstone lives. */
const commands: fc.Arbitrary<readonly Stamped[]> = fc.array(
  fc.record({ command: crowdedCommand, atUs: fc.nat(60) }).map(({ command, atUs }) => {
    const version = T * 1000 + atUs * 500;
    return { command, version, timeMs: Math.floor(version / 1000) };
  }),
  { maxLength: 40 },
);

function applied(all: readonly Stamped[]): EventualMemory {
  const memory = new EventualMemory();
  for (const { command, version, timeMs } of all) memory.apply(command, version, timeMs);
  return memory;
}

describe("eventual memory", () => {
  it("comes to the same state, byte for byte, in whatever order the same commands are applied", () => {
    fc.assert(
      fc.property(
        commands.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length })),
        ),
        ([all, shuffled]) => {
          const [one, other] = [applied(all), applied(shuffled)];
          assert.deepEqual(one.snapshot(), other.snapshot());
          assert.deepEqual([one.size, one.namespaces()], [other.size, other.namespaces()]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("does so too when what was applied first comes of a snapshot, and when some commands come twice", () => {
    fc.assert(
      fc.property(commands, fc.nat(40), (all, at) => {
        const whole = applied(all);
        const resumed = new EventualMemory();
        resumed.restore(applied(all.slice(0, at)).snapshot());
        for (const { command, version, timeMs } of all.slice(at)) resumed.apply(command, version, timeMs);
        assert.deepEqual(resumed.snapshot(), whole.snapshot());
        assert.equal(resumed.size, whole.size);
        assert.deepEqual(applied([...all, ...all]).snapshot(), whole.snapshot());
      }),
      { numRuns: 300 },
    );
  });

  it("does so across the times at which tombstones go, as long as nothing comes later than they live", () => {
    const steps = fc.array(fc.record({ command: crowdedCommand, stepMs: fc.nat(TOMBSTONE_MS / 4) }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.array(fc.nat(3), { maxLength: 40 }), (all, delays) => {
        let timeMs = T;
        const inOrder = all.map(({ command, stepMs }, at) => {
          timeMs += stepMs + 1;
          return { command, version: timeMs * 1000, timeMs, late: at + (delays[at] ?? 0) };
        });
        // Nobody is overtaken by more than three others: less than the time that a tombstone lives.
        const late = inOrder.toSorted((a, b) => a.late - b.late || a.version - b.version);
        assert.deepEqual(applied(late).snapshot(), applied(inOrder).snapshot());
      }),
      { numRuns: 500 },
    );
  });

  it("keeps of two writes the later one, whichever comes first, and of two of one stamp the larger value", () => {
    assert.equal(textAt(memoryOf([put("k", "old"), 1], [put("k", "new"), 2]), "k"), "new");
    assert.equal(textAt(memoryOf([put("k", "new"), 2], [put("k", "old"), 1]), "k"), "new");
    assert.equal(textAt(memoryOf([put("k", "a"), 1], [put("k", "b"), 1]), "k"), "b");
    assert.equal(textAt(memoryOf([put("k", "b"), 1], [put("k", "a"), 1]), "k"), "b");
    assert.equal(textAt(memoryOf([put("k", "b"), 1], [del("k"), 1]), "k"), "b");
    assert.equal(memoryOf([put("k", "new"), 2], [put("k", "old"), 1]).get("n", "k", T)?.version, (T + 2) * 1000);
  });

  it("does not bring a deleted key back with an older put, until its tombstone has gone", () => {
    const memory = memoryOf([del("k"), 10], [put("other", "x"), 10 + TOMBSTONE_MS - 1], [put("k", "old"), 5]);
    assert.equal(textAt(memory, "k"), undefined);
    assert.deepEqual([memory.size, memory.list("n", "", 10).map(({ key }) => key)], [1, ["other"]]);
    memory.apply(put("other", "y"), (T + 10 + TOMBSTONE_MS) * 1000, T + 10 + TOMBSTONE_MS);
    memory.apply(put("k", "late"), (T + 5) * 1000, T + 5);
    assert.equal(textAt(memory, "k"), "late");
  });

  it("does not bring back with an older put what has expired, either", () => {
    const memory = memoryOf([put("k", "short", 5), 10], [put("other", "x"), 20], [put("k", "old"), 5]);
    assert.equal(textAt(memory, "k"), undefined);
    assert.equal(memory.size, 1);
  });

  it("lets a value expire by the time of what is applied, and says when", () => {
    const memory = memoryOf([put("k", "x", 5), 10]);
    assert.equal(memory.deadlineMs(), T + 15);
    assert.equal(textAt(memory, "k"), "x");
    assert.equal(memory.get("n", "k", T + 15), undefined);
    memory.clock(T + 14);
    assert.equal(memory.size, 1);
    memory.clock(T + 15);
    assert.deepEqual([memory.size, memory.deadlineMs(), memory.namespaces()], [0, Number.POSITIVE_INFINITY, []]);
    memory.clock(T);
    assert.equal(memory.timeMs, T + 15);
  });

  it("forgets all of what was deleted, in time", () => {
    const memory = memoryOf([put("k", "x"), 1], [del("k"), 2]);
    memory.clock(T + 2 + TOMBSTONE_MS);
    const empty = new EventualMemory();
    empty.clock(T + 2 + TOMBSTONE_MS);
    assert.deepEqual(memory.snapshot(), empty.snapshot());
  });

  it("answers compare-and-set with a conflict and the version that is there, and changes nothing", () => {
    const memory = memoryOf([put("k", "x"), 1]);
    const value = new Uint8Array(1);
    const command = {
      type: "compareAndSet" as const,
      namespace: "n",
      key: "k",
      expectedVersion: (T + 1) * 1000,
      value,
      ttlMs: 0,
    };
    const version = (T + 1) * 1000;
    assert.deepEqual(memory.apply(command, (T + 2) * 1000, T + 2), { type: "conflict", version });
    assert.deepEqual(memory.apply({ ...command, key: "j" }, (T + 3) * 1000, T + 3), { type: "conflict", version: 0 });
    assert.equal(textAt(memory, "k"), "x");
    assert.equal(memory.size, 1);
  });

  it("answers writes as memory does", () => {
    const memory = memoryOf([put("k", "x"), 1]);
    assert.deepEqual(memory.apply(del("k"), (T + 2) * 1000, T + 2), { type: "deleted", existed: true });
    assert.deepEqual(memory.apply(del("k"), (T + 3) * 1000, T + 3), { type: "deleted", existed: false });
    const version = (T + 4) * 1000;
    assert.deepEqual(memory.apply(put("k", "y"), version, T + 4), { type: "written", version });
    assert.throws(() => memory.apply(put("k", "y"), 0, T), InvariantViolation);
  });

  it("lists what is there in order of the keys, from a prefix and after a key, without tombstones", () => {
    const memory = memoryOf(
      [put("b2", ""), 1],
      [put("b1", ""), 2],
      [put("a", ""), 3],
      [put("b3", ""), 4],
      [del("b2"), 5],
    );
    assert.deepEqual(
      memory.list("n", "b", 10).map(({ key }) => key),
      ["b1", "b3"],
    );
    assert.deepEqual(
      memory.list("n", "", 2).map(({ key }) => key),
      ["a", "b1"],
    );
    assert.deepEqual(
      [...memory.items("n", "b", "b1", memory.timeMs)].map(({ key }) => key),
      ["b3"],
    );
    assert.deepEqual(memory.list("m", "", 2), []);
    assert.deepEqual(Object.keys(memory.list("n", "a", 1)[0] ?? {}).toSorted(), [
      "expiresAtMs",
      "key",
      "namespace",
      "value",
      "version",
    ]);
  });

  it("restores exactly what it wrote, and refuses everything else unchanged", () => {
    const memories = {
      encode: (all: readonly Stamped[]) => applied(all).snapshot(),
      decode: (bytes: Uint8Array): readonly Stamped[] => {
        const memory = new EventualMemory();
        memory.restore(bytes);
        assert.deepEqual(memory.snapshot(), bytes);
        return [];
      },
    };
    assertOnlyMalformed(memories, commands, 300);
    fc.assert(
      fc.property(commands, (all) => void memories.decode(memories.encode(all))),
      { numRuns: 200 },
    );
    const memory = memoryOf([put("k", "x"), 1]);
    assert.throws(() => memory.restore(Uint8Array.of(9)), MalformedBytes);
    assert.equal(textAt(memory, "k"), "x");
  });
});
