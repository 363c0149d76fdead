import fc from "fast-check";
import { FANOUT, MAX_LEVEL, NOTHING } from "../../../server/core/reconciliation/checksum-tree.ts";
import type { Split } from "../../../server/core/reconciliation/comparison.ts";

const half = fc.nat(0xffff_ffff);

export const checksum = fc.record({ high: half, low: half });

/** Of one level, by rising index. */
export const splits: fc.Arbitrary<Split[]> = fc.integer({ min: 2, max: MAX_LEVEL }).chain((level) =>
  fc.uniqueArray(fc.nat(FANOUT ** (MAX_LEVEL - level) - 1), { maxLength: 4 }).chain((indexes) =>
    fc.tuple(
      ...indexes
        .toSorted((a, b) => a - b)
        .map((index) =>
          fc.record({
            level: fc.constant(level),
            index: fc.constant(index),
            parts: fc.array(fc.oneof(checksum, fc.constant(NOTHING)), { minLength: FANOUT, maxLength: FANOUT }),
          }),
        ),
    ),
  ),
);
