import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { DeadlineQueue } from "../../server/core/deadlines.ts";

describe("a deadline queue", () => {
  it("gives out what is due, earliest first, ties in their order, whatever was set, moved and deleted before", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant("set"), item: fc.nat(20), atMs: fc.nat(30) }),
        fc.record({ do: fc.constant("delete"), item: fc.nat(20), atMs: fc.constant(0) }),
        fc.record({ do: fc.constant("take"), item: fc.constant(0), atMs: fc.nat(30) }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const queue = new DeadlineQueue<number>();
        const model = new Map<number, number>();
        const earliest = () => [...model].sort(([a, aMs], [b, bMs]) => aMs - bMs || a - b)[0];
        for (const step of script) {
          if (step.do === "set") {
            queue.set(step.item, step.atMs, step.item);
            model.set(step.item, step.atMs);
          } else if (step.do === "delete") {
            assert.equal(queue.delete(step.item), model.delete(step.item));
          } else {
            const [item, atMs] = earliest() ?? [undefined, Number.POSITIVE_INFINITY];
            const due = atMs <= step.atMs ? item : undefined;
            assert.equal(queue.takeDue(step.atMs), due);
            if (due !== undefined) model.delete(due);
          }
          assert.equal(queue.earliestMs(), earliest()?.[1] ?? Number.POSITIVE_INFINITY);
          assert.equal(queue.size, model.size);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("does not grow when one item is set again and again", () => {
    const queue = new DeadlineQueue<string>();
    for (let atMs = 0; atMs < 10_000; atMs++) queue.set("a", atMs, 1);
    assert.equal(queue.size, 1);
    assert.equal(queue.earliestMs(), 9999);
  });
});
