import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Fifo } from "../../server/client/fifo.ts";

describe("a queue of requests", () => {
  it("gives them back in the order they came, without those that left it", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("push", "delete", "shift"), fc.nat(9))), (steps) => {
        const fifo = new Fifo<number>();
        let expected: number[] = [];
        for (const [step, item] of steps) {
          if (step === "push") {
            fifo.push(item);
            if (!expected.includes(item)) expected.push(item);
          } else {
            const gone = step === "delete" ? item : expected[0];
            if (gone !== undefined) fifo.delete(gone);
            expected = expected.filter((one) => one !== gone);
          }
          assert.equal(fifo.head, expected[0]);
          assert.equal(fifo.size, expected.length);
        }
      }),
    );
  });
});
