import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { EventQueue } from "../../server/sim/event-queue.ts";

describe("event queue", () => {
  it("gives items back by time, and those of one time in the order they came", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 300 }), (times) => {
        const queue = new EventQueue<{ time: number; order: number }>(1);
        times.forEach((time, order) => {
          queue.push(time, { time, order });
        });
        const out = [];
        for (let item = queue.pop(); item !== undefined; item = queue.pop()) out.push(item);
        const expected = times
          .map((time, order) => ({ time, order }))
          .sort((a, b) => a.time - b.time || a.order - b.order);
        deepEqual(out, expected);
      }),
    );
  });

  it("keeps that order when items come and go in turns", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 9 })), { maxLength: 300 }), (steps) => {
        const queue = new EventQueue<number>();
        const model: { time: number; order: number }[] = [];
        steps.forEach((time, order) => {
          if (time !== null) {
            queue.push(time, order);
            model.push({ time, order });
            return;
          }
          model.sort((a, b) => a.time - b.time || a.order - b.order);
          equal(queue.nextTime, model[0]?.time ?? Number.POSITIVE_INFINITY);
          equal(queue.pop(), model.shift()?.order);
          equal(queue.size, model.length);
        });
      }),
    );
  });
});
