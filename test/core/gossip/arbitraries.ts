import fc from "fast-check";
import type { State } from "../../../server/core/gossip/journal.ts";
import { MAX_HOPS, MAX_MEMBERS } from "../../../server/core/gossip/limits.ts";
import type { GossipMessage, Operation, Vector } from "../../../server/core/gossip/types.ts";

const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const roster = fc.nat(0xffff_ffff);
const data = fc.uint8Array({ maxLength: 40 });

export const operation: fc.Arbitrary<Operation> = fc
  .record({
    origin: fc.nat(MAX_MEMBERS - 1),
    seq: positive,
    stamp: positive,
    deps: fc.uniqueArray(fc.record({ member: fc.nat(MAX_MEMBERS - 1), seq: positive }), {
      selector: ({ member }) => member,
      maxLength: 6,
    }),
    data,
  })
  .map((one) => ({
    ...one,
    deps: one.deps.filter(({ member }) => member !== one.origin).toSorted((a, b) => a.member - b.member),
  }));

/** Two vectors, the second nowhere greater. */
const vectors: fc.Arbitrary<readonly [Vector, Vector]> = fc
  .array(fc.tuple(fc.maxSafeNat(), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 20 })
  .map((pairs) => [pairs.map(([seq]) => seq), pairs.map(([seq, share]) => Math.floor(seq * share))] as const);

export const messages: {
  readonly [Type in GossipMessage["type"]]: fc.Arbitrary<Extract<GossipMessage, { type: Type }>>;
} = {
  rumour: fc.record({
    type: fc.constant("rumour" as const),
    roster,
    rumours: fc.array(fc.record({ hops: fc.integer({ min: 1, max: MAX_HOPS }), operation }), { maxLength: 4 }),
  }),
  digest: fc
    .tuple(roster, fc.boolean(), vectors, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }))
    .map(([hash, answer, [have, everywhere], bits]) => ({
      type: "digest" as const,
      roster: hash,
      answer,
      have,
      everywhere,
      complete: have.flatMap((_, member) => (bits[member] ? [member] : [])),
    })),
  delta: fc.record({ type: fc.constant("delta" as const), roster, operations: fc.array(operation, { maxLength: 4 }) }),
  state: fc.record({
    type: fc.constant("state" as const),
    roster,
    index: fc.maxSafeNat(),
    totalBytes: fc.nat(2 ** 31 - 1),
    offset: fc.nat(2 ** 31 - 1),
    data,
  }),
  stateReply: fc.record({
    type: fc.constant("stateReply" as const),
    roster,
    index: fc.maxSafeNat(),
    offset: fc.nat(2 ** 31 - 1),
  }),
};

/** What some agent may have compacted: operations of three members, some of them dropped. */
export const state: fc.Arbitrary<State> = fc
  .record({
    roster,
    counts: fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 3, maxLength: 3 }),
    lastTerm: fc.maxSafeNat(),
    lastStamp: fc.maxSafeNat(),
    one: operation,
    machine: data,
  })
  .map(({ counts, one, ...rest }) => ({
    ...rest,
    have: counts.map(([dropped, kept]) => dropped + kept),
    dropped: counts.map(([dropped]) => dropped),
    retained: counts.flatMap(([dropped, kept], origin) =>
      Array.from({ length: kept }, (_, at) => ({
        ...one,
        origin,
        seq: dropped + at + 1,
        deps: one.deps.filter(({ member }) => member !== origin),
      })),
    ),
  }));
