import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { Memory } from "../../../server/core/memory/memory.ts";
import type { MemoryCommand, MemoryItem, MemoryResult } from "../../../server/core/memory/types.ts";
import { assertOnlyMalformed } from "../codec-properties.ts";
import { anyLog, type Log } from "./arbitraries.ts";

type Subject = Pick<Memory, "apply" | "clock" | "deadlineMs" | "get" | "items" | "list" | "namespaces" | "size">;

/** The promise in its plainest form: a list of items, scanned. */
class Model {
  items: MemoryItem[] = [];

  clock(timeMs: number): void {
    this.items = this.items.filter((item) => item.expiresAtMs === 0 || item.expiresAtMs > timeMs);
  }

  apply(command: MemoryCommand, index: number, timeMs: number): MemoryResult {
    this.clock(timeMs);
    if (!("value" in command) && command.type !== "delete") return { type: "refused", reason: "eventualOnly" };
    const same = (item: MemoryItem) => item.namespace === command.namespace && item.key === command.key;
    const before = this.items.find(same);
    if (command.type === "compareAndSet" && (before?.version ?? 0) !== command.expectedVersion)
      return { type: "conflict", version: before?.version ?? 0 };
    this.items = this.items.filter((item) => !same(item));
    if (command.type === "delete") return { type: "deleted", existed: before !== undefined };
    const { namespace, key, value, ttlMs } = command;
    this.items.push({ namespace, key, value, version: index, expiresAtMs: ttlMs === 0 ? 0 : timeMs + ttlMs });
    return { type: "written", version: index };
  }
}

/** @throws AssertionError where the subject differs from the model. */
function assertLikeModel(make: () => Subject): void {
  fc.assert(
    fc.property(anyLog, (log) => {
      const subject = make();
      const model = new Model();
      for (const { command, index, timeMs } of log) {
        if (command === null) {
          subject.clock(timeMs);
          model.clock(timeMs);
        } else {
          assert.deepEqual(subject.apply(command, index, timeMs), model.apply(command, index, timeMs));
        }
        assert.equal(subject.size, model.items.length);
        for (const namespace of ["n", "m"]) {
          const inOrder = model.items.filter((item) => item.namespace === namespace).sort(byKey);
          assert.deepEqual(subject.list(namespace, "", 100), inOrder);
          const prefixed = inOrder.filter(({ key }) => key.startsWith("a"));
          assert.deepEqual(subject.list(namespace, "a", 2), prefixed.slice(0, 2));
          const later = inOrder.filter(({ key }) => key.startsWith("a") && key > "aa");
          assert.deepEqual([...subject.items(namespace, "a", "aa", timeMs)], later);
          assert.deepEqual(
            [...subject.items(namespace, "b", "a", timeMs)],
            inOrder.filter(({ key }) => key[0] === "b"),
          );
          const lasting = inOrder.filter(({ expiresAtMs }) => expiresAtMs === 0 || expiresAtMs > timeMs + 4);
          assert.deepEqual([...subject.items(namespace, "", "", timeMs + 4)], lasting);
          for (const item of inOrder) assert.deepEqual(subject.get(namespace, item.key, timeMs), item);
        }
        assert.deepEqual(subject.namespaces(), [...new Set(model.items.map(({ namespace }) => namespace))].sort());
        const expiries = model.items.map(({ expiresAtMs }) => expiresAtMs).filter((atMs) => atMs !== 0);
        assert.equal(subject.deadlineMs(), Math.min(...expiries));
      }
    }),
    { numRuns: 300 },
  );
}

function byKey(a: MemoryItem, b: MemoryItem): number {
  return a.key < b.key ? -1 : 1;
}

function replay(log: Log, into = new Memory()): Memory {
  for (const { command, index, timeMs } of log) {
    if (command === null) into.clock(timeMs);
    else into.apply(command, index, timeMs);
  }
  return into;
}

function put(key: string, text: string, ttlMs = 0): MemoryCommand {
  return { type: "put", namespace: "n", key, value: Buffer.from(text), ttlMs };
}

describe("memory", () => {
  it("does what its model does, step by step", () => assertLikeModel(() => new Memory()));

  describe("the comparison with the model notices", () => {
    class WritesOverConflicts extends Memory {
      override apply(command: MemoryCommand, index: number, timeMs: number): MemoryResult {
        return super.apply(command.type === "compareAndSet" ? { ...command, type: "put" } : command, index, timeMs);
      }
    }
    class NeverExpires extends Memory {
      override apply(command: MemoryCommand, index: number, timeMs: number): MemoryResult {
        return super.apply("ttlMs" in command ? { ...command, ttlMs: 0 } : command, index, timeMs);
      }
    }
    class ListsUnsorted extends Memory {
      override list(namespace: string, prefix: string, limit: number): MemoryItem[] {
        return super.list(namespace, prefix, limit).reverse();
      }
    }
    for (const broken of [WritesOverConflicts, NeverExpires, ListsUnsorted])
      it(`a memory that ${broken.name}`, () => assert.throws(() => assertLikeModel(() => new broken())));
  });

  it("keeps an item until the ms before it expires, and says when that is", () => {
    const memory = new Memory();
    memory.apply(put("a", "1", 50), 1, 1000);
    assert.equal(memory.deadlineMs(), 1050);
    memory.clock(1049);
    assert.equal(memory.size, 1);
    assert.equal(memory.get("n", "a", 1050), undefined, "a reader may be ahead of the entries");
    memory.clock(1050);
    assert.equal(memory.size, 0);
    assert.equal(memory.deadlineMs(), Number.POSITIVE_INFINITY);
  });

  it("lets an expired key be created again with version 0 in the same entry that finds it expired", () => {
    const memory = new Memory();
    memory.apply(put("a", "1", 50), 1, 1000);
    const again: MemoryCommand = { ...put("a", "2"), type: "compareAndSet", expectedVersion: 0 } as MemoryCommand;
    assert.deepEqual(memory.apply(again, 2, 1049), { type: "conflict", version: 1 });
    assert.deepEqual(memory.apply(again, 3, 1050), { type: "written", version: 3 });
  });

  it("keeps its own copy of a value", () => {
    const memory = new Memory();
    const value = Uint8Array.of(1);
    memory.apply({ type: "put", namespace: "n", key: "a", value, ttlMs: 0 }, 1, 0);
    value[0] = 2;
    assert.deepEqual(memory.get("n", "a", 0)?.value, Uint8Array.of(1));
  });

  it("refuses entries out of order and time that runs backwards", () => {
    const memory = new Memory();
    memory.apply(put("a", "1"), 5, 1000);
    assert.throws(() => memory.apply(put("a", "2"), 5, 1000), InvariantViolation);
    assert.throws(() => memory.apply(put("a", "2"), 6, 999), InvariantViolation);
  });

  it("has one snapshot for one state, however it was reached", () => {
    const one = new Memory();
    one.apply(put("b", "1"), 1, 10);
    one.apply(put("a", "2"), 2, 10);
    one.apply(put("b", "3"), 3, 20);
    const other = new Memory();
    other.apply(put("x", "gone", 5), 1, 10);
    other.apply(put("a", "2"), 2, 10);
    other.apply(put("b", "3"), 3, 20);
    assert.deepEqual(one.snapshot(), other.snapshot());
  });

  it("goes on from a snapshot as if it had never stopped", () => {
    fc.assert(
      fc.property(anyLog, fc.nat(), (log, cut) => {
        const place = cut % (log.length + 1);
        const stopped = replay(log.slice(0, place));
        const restored = new Memory();
        restored.apply(put("before", "forgotten"), 1, 1);
        restored.restore(stopped.snapshot());
        assert.deepEqual(restored.snapshot(), stopped.snapshot());
        assert.deepEqual(replay(log.slice(place), restored).snapshot(), replay(log).snapshot());
      }),
      { numRuns: 300 },
    );
  });

  it("answers a damaged snapshot with MalformedBytes, and is as it was", () => {
    const codec = {
      encode: (log: Log) => replay(log).snapshot(),
      decode: (bytes: Uint8Array) => {
        const memory = new Memory();
        memory.apply(put("kept", "1"), 1, 1);
        const before = memory.snapshot();
        try {
          memory.restore(bytes);
        } catch (error) {
          assert.deepEqual(memory.snapshot(), before);
          throw error;
        }
        return [];
      },
    };
    assertOnlyMalformed(codec, anyLog, 300);
    assert.throws(() => new Memory().restore(Uint8Array.of(99)), MalformedBytes);
  });
});
