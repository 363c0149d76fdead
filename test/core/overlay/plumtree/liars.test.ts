import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MAX_HOPS } from "../../../../server/core/overlay/plumtree/limits.ts";
import { Plumtree } from "../../../../server/core/overlay/plumtree/plumtree.ts";
import type { BroadcastId, PlumtreeMessage } from "../../../../server/core/overlay/plumtree/types.ts";

type Input =
  | { readonly on: "heard"; readonly from: string; readonly message: PlumtreeMessage }
  | { readonly on: "up" | "down"; readonly peer: string }
  | { readonly on: "broadcast"; readonly payload: Uint8Array }
  | { readonly on: "time"; readonly ms: number };

const REMEMBERED = 20;
const KEPT_BYTES = 100;
const PEERS = ["a", "b", "c", "d", "e", "f"];
const peer = fc.constantFrom(...PEERS);
const id: fc.Arbitrary<BroadcastId> = fc.record({
  origin: fc.constantFrom("me", ...PEERS),
  incarnation: fc.integer({ min: 1, max: 2 }),
  number: fc.integer({ min: 1, max: 12 }),
});
const hops = fc.integer({ min: 1, max: MAX_HOPS });
const payload = fc.uint8Array({ maxLength: 40 });
const message: fc.Arbitrary<PlumtreeMessage> = fc.oneof(
  fc.record({ type: fc.constant("broadcast" as const), id, hops, payload }),
  fc.record({
    type: fc.constant("ihave" as const),
    announcements: fc.array(fc.record({ id, hops }), { maxLength: 30 }),
  }),
  fc.record({ type: fc.constant("graft" as const), id }),
  fc.record({ type: fc.constantFrom("graft" as const, "prune" as const) }),
);
const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ on: fc.constant("heard" as const), from: peer, message }) },
  { weight: 3, arbitrary: fc.record({ on: fc.constantFrom("up" as const, "down" as const), peer }) },
  { weight: 1, arbitrary: fc.record({ on: fc.constant("broadcast" as const), payload }) },
  { weight: 2, arbitrary: fc.record({ on: fc.constant("time" as const), ms: fc.integer({ min: 0, max: 200 }) }) },
);

/** What it gave, after each of them. */
function fed(inputs: readonly Input[], look: (core: Plumtree, now: number) => void = () => {}): unknown[] {
  const config = { id: "me", incarnation: 3, missingMs: 100, againMs: 20, gatherMs: 10, threshold: 3 };
  const core = new Plumtree({ ...config, remembered: REMEMBERED, keptBytes: KEPT_BYTES });
  let now = 0;
  return inputs.map((one) => {
    switch (one.on) {
      case "heard":
        core.heard(one.from, one.message, now);
        break;
      case "up":
        core.neighbourUp(one.peer);
        break;
      case "down":
        core.neighbourDown(one.peer);
        break;
      case "broadcast":
        core.broadcast(one.payload, now);
        break;
      case "time":
        now += one.ms;
        core.tick(now);
        break;
    }
    const ready = core.take(now);
    look(core, now);
    return [ready, core.eager, core.lazy, core.deadline()];
  });
}

describe("Plumtree among those that say whatever they like", () => {
  const anything = fc.array(input, { maxLength: 150 });

  it("keeps bounded what it remembers, and each neighbour in one of two sets", () => {
    fc.assert(
      fc.property(anything, (inputs) => {
        const up = new Set<string>();
        let at = 0;
        fed(inputs, (core) => {
          const one = inputs[at++] as Input;
          if (one.on === "up") up.add(one.peer);
          if (one.on === "down") up.delete(one.peer);
          const { remembered, bytes, missing } = core.held;
          ok(remembered <= REMEMBERED && bytes <= KEPT_BYTES && missing <= REMEMBERED, JSON.stringify(core.held));
          deepEqual([...core.eager, ...core.lazy].sort(), [...up].sort());
        });
      }),
      { numRuns: 500 },
    );
  });

  it("has nothing overdue once time was told", () => {
    fc.assert(
      fc.property(anything, (inputs) => {
        let at = 0;
        fed(inputs, (core, now) => {
          if (inputs[at++]?.on === "time") ok(core.deadline() > now, `due at ${core.deadline()}, and it is ${now}`);
        });
      }),
      { numRuns: 300 },
    );
  });

  it("says the same again for the same inputs", () => {
    fc.assert(
      fc.property(anything, (inputs) => deepEqual(fed(inputs), fed(inputs))),
      { numRuns: 100 },
    );
  });
});
