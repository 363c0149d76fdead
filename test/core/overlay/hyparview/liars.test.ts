import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { REQUESTS_A_PLACE } from "../../../../server/core/overlay/hyparview/limits.ts";
import type { HyParViewMessage } from "../../../../server/core/overlay/hyparview/types.ts";
import { viewMessages } from "./messages.ts";
import { named, SETTINGS, Subject } from "./subject.ts";

type Input =
  | { readonly on: "heard"; readonly from: string; readonly message: HyParViewMessage }
  | { readonly on: "failed"; readonly peer: string }
  | { readonly on: "time"; readonly ms: number };

const anybody = fc.constantFrom("me", ...named(20));
const message = viewMessages(anybody, 40);
const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ on: fc.constant("heard" as const), from: anybody, message }) },
  { weight: 1, arbitrary: fc.record({ on: fc.constant("failed" as const), peer: anybody }) },
  { weight: 2, arbitrary: fc.record({ on: fc.constant("time" as const), ms: fc.integer({ min: 0, max: 15_000 }) }) },
);

/** What it gave, after each of them. */
function fed(inputs: readonly Input[], look: (subject: Subject, sent: number) => void = () => {}): unknown[] {
  const subject = new Subject({ contacts: ["a", "b"], passiveSize: 10 });
  return inputs.map((one) => {
    const sent =
      one.on === "heard"
        ? subject.heard(one.from, one.message)
        : one.on === "failed"
          ? subject.failed(one.peer)
          : subject.tickAt(subject.now + one.ms);
    look(subject, sent.length);
    return [sent, [...subject.core.active], [...subject.core.passive], subject.core.deadline()];
  });
}

describe("HyParView among those that say whatever they like", () => {
  const anything = fc.array(input, { maxLength: 120 });

  it("keeps its views bounded, apart, and of others, and answers with few messages", () => {
    fc.assert(
      fc.property(anything, (inputs) => {
        fed(inputs, ({ core, now }, sent) => {
          const all = [...core.active, ...core.passive];
          ok(core.active.length <= SETTINGS.activeSize && core.passive.length <= 10, all.join());
          ok(new Set(all).size === all.length && !all.includes("me"), all.join());
          // A newcomer taken in: it, one that is dropped, a walk for each other; and requests for what is free, and a shuffle.
          ok(sent <= 3 + SETTINGS.activeSize * (1 + REQUESTS_A_PLACE), `${sent} messages at once`);
          ok(core.deadline() > now, `due at ${core.deadline()}, and it is ${now}`);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("says the same again for the same inputs", () => {
    fc.assert(
      fc.property(anything, (inputs) => deepEqual(fed(inputs), fed(inputs))),
      { numRuns: 100 },
    );
  });
});
