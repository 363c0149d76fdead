import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { compareHlc, HybridClock } from "../../server/agent/clock.ts";
import type { Hlc } from "../../server/contract/timeline.ts";

interface Stamped {
  readonly hlc: Hlc;
  /** Vector clock: what of each agent's past this event knows. */
  readonly known: readonly number[];
}

/** What agents do: pass some time, do something locally, send to another, or take the oldest message that waits. */
const steps = fc.array(
  fc.record({
    agent: fc.nat(2),
    to: fc.nat(2),
    kind: fc.constantFrom("local", "send", "receive"),
    passesMs: fc.constantFrom(0, 0, 0.25, 1, 40),
  }),
  { maxLength: 80 },
);

describe("the hybrid logical clock", () => {
  it("stamps every event later than all that led to it, whatever the physical clocks show", () => {
    fc.assert(
      fc.property(
        steps,
        fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 3, maxLength: 3 }),
        (script, skew) => {
          const clocks = [new HybridClock(), new HybridClock(), new HybridClock()];
          const vectors = clocks.map(() => [0, 0, 0]);
          const waiting: Stamped[][] = [[], [], []];
          const events: Stamped[] = [];
          let trueMs = 1000;
          for (const { agent, to, kind, passesMs } of script) {
            trueMs += passesMs;
            const clock = clocks[agent] as HybridClock;
            const vector = vectors[agent] as number[];
            const message = kind === "receive" ? waiting[agent]?.shift() : undefined;
            if (message !== undefined) {
              clock.merge(message.hlc);
              for (const [at, seen] of message.known.entries()) vector[at] = Math.max(vector[at] as number, seen);
            }
            vector[agent] = (vector[agent] as number) + 1;
            const event = { hlc: clock.tick(trueMs + (skew[agent] as number)), known: vector.slice() };
            events.push(event);
            if (kind === "send") waiting[to]?.push(event);
          }
          for (const a of events)
            for (const b of events)
              if (a !== b && a.known.every((seen, at) => seen <= (b.known[at] as number)))
                assert.ok(compareHlc(a.hlc, b.hlc) < 0, `${JSON.stringify(a)} led to ${JSON.stringify(b)}`);
        },
      ),
    );
  });

  it("stays at the largest physical time its past has seen", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ nowMs: fc.nat(1000), remoteMs: fc.option(fc.nat(1000)) })), (inputs) => {
        const clock = new HybridClock();
        let largest = 0;
        for (const { nowMs, remoteMs } of inputs) {
          if (remoteMs !== null) clock.merge({ wallMs: remoteMs, counter: 3 });
          largest = Math.max(largest, nowMs, remoteMs ?? 0);
          assert.equal(clock.tick(nowMs).wallMs, largest);
        }
      }),
    );
  });

  it("shows physical time alone when that moves on", () => {
    const clock = new HybridClock();
    assert.deepEqual(clock.tick(10.5), { wallMs: 10.5, counter: 0 });
    assert.deepEqual(clock.tick(10.5), { wallMs: 10.5, counter: 1 });
    clock.merge({ wallMs: 20, counter: 7 });
    assert.deepEqual(clock.tick(11), { wallMs: 20, counter: 8 });
    assert.deepEqual(clock.tick(21), { wallMs: 21, counter: 0 });
  });
});
