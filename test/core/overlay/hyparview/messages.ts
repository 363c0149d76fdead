import fc from "fast-check";
import { MAX_SHUFFLED, MAX_WALK } from "../../../../server/core/overlay/hyparview/limits.ts";
import type { HyParViewMessage } from "../../../../server/core/overlay/hyparview/types.ts";

/** Any message, about any of these agents, with a number up to that one. */
export function viewMessages(id: fc.Arbitrary<string>, maxNumber: number): fc.Arbitrary<HyParViewMessage> {
  const number = fc.integer({ min: 0, max: maxNumber });
  const ttl = fc.integer({ min: 0, max: MAX_WALK });
  const ids = fc.array(id, { maxLength: MAX_SHUFFLED });
  return fc.oneof(
    fc.record({ type: fc.constant("join" as const), number }),
    fc.record({ type: fc.constant("forwardJoin" as const), newcomer: id, ttl }),
    fc.record({
      type: fc.constant("neighbour" as const),
      number,
      priority: fc.constantFrom("high" as const, "low" as const),
    }),
    fc.record({ type: fc.constant("neighbourReply" as const), number, accepted: fc.boolean() }),
    fc.record({ type: fc.constant("disconnect" as const), leaving: fc.boolean() }),
    fc.record({ type: fc.constant("shuffle" as const), origin: id, number, ttl, ids }),
    fc.record({ type: fc.constant("shuffleReply" as const), number, ids }),
  );
}
