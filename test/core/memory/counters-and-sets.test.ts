import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { fromUtf8, MalformedBytes, utf8 } from "../../../server/core/bytes.ts";
import { type Counter, incremented, totalOf } from "../../../server/core/memory/counter.ts";
import { EventualMemory, TOMBSTONE_MS } from "../../../server/core/memory/eventual.ts";
import { MAX_COUNTED, MAX_ELEMENTS, MAX_INCREMENT } from "../../../server/core/memory/limits.ts";
import { type ObservedSet, withElement, withoutElement } from "../../../server/core/memory/observed-set.ts";
import { prepare } from "../../../server/core/memory/preparing.ts";
import type { MemoryCommand, MemoryResult } from "../../../server/core/memory/types.ts";
import { assertOnlyMalformed } from "../codec-properties.ts";
import { play, type Step, type Subject, script, type Told } from "./causal.ts";

const T = 1_000_000;

class Honest implements Subject {
  readonly memory: EventualMemory;
  constructor(memory: EventualMemory) {
    this.memory = memory;
  }
  give({ command, id, stamp, timeMs }: Told): void {
    this.memory.apply(command, stamp, timeMs, id);
  }
}

/** A memory that writes are asked of, one after the other, a ms apart. */
class Desk {
  readonly memory = new EventualMemory();
  #writes = 0;

  ask(command: MemoryCommand): MemoryResult | string {
    const prepared = prepare(this.memory, command);
    if ("problem" in prepared) return prepared.problem;
    const at = T + ++this.#writes;
    return this.memory.apply(prepared.command, at * 1000, at, { session: "s", sequence: this.#writes });
  }

  shown(key: string): string | undefined {
    const item = this.memory.get("n", key, this.memory.timeMs);
    return item && `${item.type ?? "value"} ${fromUtf8(item.value)}`;
  }
}

const increment = (key: string, by: number): MemoryCommand => ({ type: "increment", namespace: "n", key, by });
const put = (key: string, value: string): MemoryCommand => ({
  type: "put",
  namespace: "n",
  key,
  value: utf8(value),
  ttlMs: 0,
});
const add = (key: string, element: string): MemoryCommand => ({
  type: "add",
  namespace: "n",
  key,
  element,
  replaces: [],
});
const remove = (key: string, element: string): MemoryCommand => ({
  type: "remove",
  namespace: "n",
  key,
  element,
  replaces: [],
});

describe("counters and sets", () => {
  it("come to the same at all agents, and to what the writes say, in any causal order, with repetitions and restarts", () =>
    fc.assert(
      fc.property(script, (steps) => play(steps, (memory) => new Honest(memory))),
      { numRuns: 600 },
    ));

  describe("the property notices", () => {
    class CountsTwice extends Honest {
      #gives = 0;
      override give(told: Told): void {
        super.give({ ...told, id: { session: `other ${++this.#gives}`, sequence: 1 } });
      }
    }
    class RemovesUnobserved extends Honest {
      override give(told: Told): void {
        const { command } = told;
        if (command.type !== "remove") super.give(told);
        else {
          const adds = this.memory.typed.set(command.namespace, command.key)?.get(command.element) ?? [];
          super.give({ ...told, command: { ...command, replaces: adds } });
        }
      }
    }
    class KeepsWhatIsRemoved extends Honest {
      override give(told: Told): void {
        if (told.command.type === "remove") super.give({ ...told, command: { ...told.command, replaces: [] } });
        else super.give(told);
      }
    }
    class LastIncrementWins extends Honest {
      override give(told: Told): void {
        const { command, id, timeMs } = told;
        if (command.type !== "increment") super.give(told);
        else {
          const before = this.memory.typed.counter(command.namespace, command.key);
          const by = command.by - (before === undefined ? 0 : totalOf(before));
          if (by !== 0) this.memory.apply({ ...command, by }, told.stamp, timeMs, id);
        }
      }
    }
    for (const Broken of [CountsTwice, RemovesUnobserved, KeepsWhatIsRemoved, LastIncrementWins])
      it(`a memory that ${Broken.name}`, () =>
        assert.throws(() =>
          fc.assert(
            fc.property(script, (steps: readonly Step[]) => play(steps, (memory) => new Broken(memory))),
            { numRuns: 600, endOnFailure: true },
          ),
        ));
  });

  it("commute, operation by operation, where neither knows of the other", () => {
    const by = fc.integer({ min: -MAX_INCREMENT, max: MAX_INCREMENT });
    const stamp = fc.integer({ min: 1, max: 50 });
    const counters = fc.record({ added: fc.maxSafeNat(), taken: fc.maxSafeNat(), version: stamp });
    fc.assert(
      fc.property(counters, by, by, stamp, stamp, (counter: Counter, a, b, one, other) => {
        const ab = incremented(incremented(counter, a, one, true), b, other, true);
        assert.deepEqual(ab, incremented(incremented(counter, b, other, true), a, one, true));
        // A repetition changes nothing but, at most, the stamp.
        assert.equal(totalOf(incremented(ab, a, one, false)), totalOf(ab));
      }),
    );
    const id = fc.record({ session: fc.constantFrom("a", "b"), sequence: fc.integer({ min: 1, max: 3 }), stamp });
    const distinct = fc.uniqueArray(id, {
      minLength: 3,
      maxLength: 3,
      selector: (one) => `${one.session}${one.sequence}`,
    });
    fc.assert(
      fc.property(distinct, fc.boolean(), ([known, one, other], removes) => {
        if (known === undefined || one === undefined || other === undefined) return;
        const set: ObservedSet = withElement(new Map(), "x", known, [], true);
        const first = (given: ObservedSet): ObservedSet => withElement(given, "x", one, [known], true);
        const second = (given: ObservedSet): ObservedSet =>
          removes ? withoutElement(given, "x", [known]) : withElement(given, "x", other, [known], true);
        assert.deepEqual(first(second(set)), second(first(set)));
        assert.deepEqual(second(second(set)), second(set), "twice is once");
      }),
    );
  });

  it("count up and down, and answer with the total here", () => {
    const desk = new Desk();
    assert.deepEqual(desk.ask(increment("k", 5)), { type: "counted", total: 5 });
    assert.deepEqual(desk.ask(increment("k", -7)), { type: "counted", total: -2 });
    assert.equal(desk.shown("k"), "counter -2");
  });

  it("add and remove, and say what was there; an empty set is gone", () => {
    const desk = new Desk();
    assert.deepEqual(desk.ask(add("k", "b")), { type: "added", created: true });
    assert.deepEqual(desk.ask(add("k", "a")), { type: "added", created: true });
    assert.deepEqual(desk.ask(add("k", "a")), { type: "added", created: false });
    assert.equal(desk.memory.typed.set("n", "k")?.get("a")?.length, 1, "one add takes the place of the other");
    assert.equal(desk.shown("k"), 'set ["a","b"]');
    assert.deepEqual(desk.ask(remove("k", "a")), { type: "removed", existed: true });
    assert.deepEqual(desk.ask(remove("k", "a")), { type: "removed", existed: false });
    assert.equal(desk.memory.size, 1);
    desk.ask(remove("k", "b"));
    assert.deepEqual([desk.shown("k"), desk.memory.size, desk.memory.namespaces()], [undefined, 0, []]);
    assert.deepEqual(desk.ask(put("k", "v")), { type: "written", version: (T + 7) * 1000 });
  });

  it("refuse what is for another type, with a sentence, where it is asked", () => {
    const desk = new Desk();
    desk.ask(increment("counter", 1));
    desk.ask(add("set", "x"));
    desk.ask(put("value", "v"));
    const del = (key: string): MemoryCommand => ({ type: "delete", namespace: "n", key });
    for (const [command, sentence] of [
      [put("counter", "v"), /n counter holds a counter, and put is for a value: a key has one type; increment it/],
      [del("counter"), /holds a counter, and delete is for a value/],
      [add("counter", "x"), /holds a counter, and add is for a set/],
      [increment("set", 1), /n set holds a set, and increment is for a counter.*add and remove elements/],
      [put("set", "v"), /holds a set, and put is for a value/],
      [increment("value", 1), /n value holds a value, and increment is for a counter.*put or delete it/],
      [remove("value", "x"), /holds a value, and remove is for a set/],
    ] as const)
      assert.match(String(desk.ask(command)), sentence);
    assert.deepEqual(
      ["counter", "set", "value"].map((key) => desk.shown(key)),
      ["counter 1", 'set ["x"]', "value v"],
    );
    const brief = { ...put("brief", "v"), ttlMs: 1_000 } as MemoryCommand;
    desk.ask(brief);
    assert.ok("problem" in prepare(desk.memory, increment("brief", 1)));
    assert.ok("command" in prepare(desk.memory, increment("brief", 1), desk.memory.timeMs + 1_000), "it is over");
    desk.ask(del("value"));
    assert.deepEqual(desk.ask(increment("value", 2)), { type: "counted", total: 2 }, "what is deleted has no type");
  });

  it("show a counter before a set and either before a value, where two agents gave a key two types", () => {
    const commands = [put("k", "v"), add("k", "x"), increment("k", 3)];
    const orders = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ];
    const memories = orders.map((order) => {
      const memory = new EventualMemory();
      for (const at of order)
        memory.apply(commands[at] as MemoryCommand, at + 1, T, { session: `s${at}`, sequence: 1 });
      return memory;
    });
    for (const memory of memories) {
      assert.deepEqual(memory.snapshot(), memories[0]?.snapshot());
      assert.deepEqual(
        memory.list("n", "", 10).map(({ key, type }) => [key, type]),
        [["k", "counter"]],
      );
    }
    const memory = new EventualMemory();
    memory.apply(put("k", "v"), 1, T);
    memory.apply(add("k", "x"), 2, T, { session: "s", sequence: 1 });
    assert.equal(memory.get("n", "k", T)?.type, "set");
    memory.apply(
      { ...add("k", "x"), type: "remove", replaces: [{ session: "s", sequence: 1 }] } as MemoryCommand,
      3,
      T,
      {
        session: "s",
        sequence: 2,
      },
    );
    assert.equal(fromUtf8(memory.get("n", "k", T)?.value as Uint8Array), "v");
  });

  it("refuse what would go beyond their limits, with a sentence", () => {
    const desk = new Desk();
    for (let at = 0; at < MAX_ELEMENTS; at++) desk.ask(add("set", `e${at}`));
    assert.match(String(desk.ask(add("set", "more"))), /has 1024 elements, and a set takes 1024; split it/);
    assert.deepEqual(desk.ask(add("set", "e1")), { type: "added", created: false });
    for (let at = 0; at < 3; at++) desk.ask(increment("far", MAX_INCREMENT));
    const memory = new EventualMemory();
    for (let at = 1; at <= 3; at++)
      memory.apply({ type: "increment", namespace: "n", key: "k", by: MAX_COUNTED / 2 }, at, T, {
        session: "s",
        sequence: at,
      });
    const asked = prepare(memory, increment("k", 1));
    assert.ok("problem" in asked);
    assert.match(asked.problem, /has counted as far as a counter does/);
    assert.ok("command" in prepare(memory, increment("k", -1)));
  });

  it("know a repetition for as long as a deletion is remembered, and forget it then", () => {
    const memory = new EventualMemory();
    const once = { session: "s", sequence: 1 };
    memory.apply(increment("k", 1), 1, T, once);
    memory.apply(increment("k", 1), 2, T + 10, once);
    assert.equal(fromUtf8(memory.get("n", "k", T)?.value as Uint8Array), "1");
    // The repetition's own time counts, too.
    memory.clock(T + TOMBSTONE_MS);
    memory.apply(increment("k", 1), 3, T, once);
    assert.equal(fromUtf8(memory.get("n", "k", T)?.value as Uint8Array), "1");
    const before = memory.snapshot().length;
    memory.clock(T + 10 + TOMBSTONE_MS);
    assert.ok(memory.snapshot().length < before);
  });

  it("are listed among the values, in order of the keys", () => {
    const desk = new Desk();
    for (const command of [put("b", "1"), increment("a", 1), add("c", "x"), put("d", "2"), increment("e", 1)])
      desk.ask(command);
    const keys = (prefix: string, after: string): string[] =>
      [...desk.memory.items("n", prefix, after, desk.memory.timeMs)].map(({ key }) => key);
    assert.deepEqual(keys("", ""), ["a", "b", "c", "d", "e"]);
    assert.deepEqual(keys("", "b"), ["c", "d", "e"]);
    assert.deepEqual(keys("e", ""), ["e"]);
  });

  it("leave the snapshot of a memory of values as it was, and refuse bytes that are no snapshot", () => {
    const values = new EventualMemory();
    values.apply(put("k", "v"), 1, T);
    const typed = new EventualMemory();
    typed.apply(put("k", "v"), 1, T);
    typed.apply(increment("c", 1), 2, T, { session: "s", sequence: 1 });
    const [short, long] = [values.snapshot(), typed.snapshot()];
    assert.deepEqual(long.slice(0, short.length), short);
    assert.throws(() => new EventualMemory().restore(Uint8Array.of(...short, 0, 0)), MalformedBytes);
    assertOnlyMalformed(
      {
        encode: (steps: readonly Step[]) => {
          let snapshot: Uint8Array = short;
          play(steps, (memory) => {
            const subject = new Honest(memory);
            const give = subject.give.bind(subject);
            subject.give = (told) => {
              give(told);
              snapshot = memory.snapshot();
            };
            return subject;
          });
          return snapshot;
        },
        decode: (bytes) => {
          const memory = new EventualMemory();
          memory.restore(bytes);
          assert.deepEqual(memory.snapshot(), bytes);
          return [];
        },
      },
      script,
      100,
    );
  });
});
