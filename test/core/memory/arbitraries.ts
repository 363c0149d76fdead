import fc from "fast-check";
import { MAX_INCREMENT, MAX_TTL_MS } from "../../../server/core/memory/limits.ts";
import type { MemoryCommand } from "../../../server/core/memory/types.ts";
import { textOf } from "../codec-properties.ts";

/** Of values alone: what both memories take. */
type ValueCommand = Extract<MemoryCommand, { readonly type: "put" | "delete" | "compareAndSet" }>;

/** Any command within the limits. */
export const anyCommand: fc.Arbitrary<MemoryCommand> = fc.oneof(
  commands({
    namespace: textOf(8, 1),
    key: textOf(20, 1),
    value: fc.uint8Array({ maxLength: 64 }),
    ttlMs: fc.nat(MAX_TTL_MS),
    expectedVersion: fc.maxSafeNat(),
  }),
  typedCommands({ namespace: textOf(8, 1), key: textOf(20, 1), element: textOf(20, 1) }),
);

/** Commands that meet each other: few names, few versions, short lives. */
export const crowdedCommand: fc.Arbitrary<ValueCommand> = commands({
  namespace: fc.constantFrom("n", "m"),
  key: fc.constantFrom("a", "aa", "ab", "b", "ß"),
  value: fc.uint8Array({ maxLength: 2 }),
  ttlMs: fc.constantFrom(0, 1, 5, 20),
  expectedVersion: fc.nat(12),
});

interface Parts {
  readonly namespace: fc.Arbitrary<string>;
  readonly key: fc.Arbitrary<string>;
  readonly value: fc.Arbitrary<Uint8Array>;
  readonly ttlMs: fc.Arbitrary<number>;
  readonly expectedVersion: fc.Arbitrary<number>;
}

/** Of counters and sets. */
function typedCommands({
  namespace,
  key,
  element,
}: Pick<Parts, "namespace" | "key"> & { readonly element: fc.Arbitrary<string> }): fc.Arbitrary<MemoryCommand> {
  const by = fc.integer({ min: -MAX_INCREMENT, max: MAX_INCREMENT }).filter((count) => count !== 0);
  const id = fc.record({ session: textOf(20, 1), sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) });
  const replaces = fc.array(id, { maxLength: 3 });
  return fc.oneof(
    fc.record({ type: fc.constant("increment" as const), namespace, key, by }),
    fc.record({ type: fc.constant("add" as const), namespace, key, element, replaces }),
    fc.record({ type: fc.constant("remove" as const), namespace, key, element, replaces }),
  );
}

function commands({ namespace, key, value, ttlMs, expectedVersion }: Parts): fc.Arbitrary<ValueCommand> {
  return fc.oneof(
    fc.record({ type: fc.constant("put" as const), namespace, key, value, ttlMs }),
    fc.record({ type: fc.constant("delete" as const), namespace, key }),
    fc.record({ type: fc.constant("compareAndSet" as const), namespace, key, expectedVersion, value, ttlMs }),
  );
}

/** A log: commands at rising indices and times, with clock entries (no command) between. */
export const anyLog = fc
  .array(fc.tuple(fc.option(crowdedCommand, { freq: 6 }), fc.nat(6), fc.integer({ min: 1, max: 3 })), { maxLength: 60 })
  .map((steps) => {
    let timeMs = 1000;
    let index = 0;
    return steps.map(([command, laterMs, skip]) => {
      timeMs += laterMs;
      index += skip;
      return { command, index, timeMs };
    });
  });
export type Log = ReturnType<(typeof anyLog)["generate"]>["value"];
