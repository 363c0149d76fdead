import fc from "fast-check";
import type { State } from "../../../server/core/gossip/journal.ts";
import { MAX_HOPS, MAX_MEMBERS, MAX_RECENT } from "../../../server/core/gossip/limits.ts";
import { type Changes, encodeChange } from "../../../server/core/gossip/roll.ts";
import type { GossipMessage, Operation, Vector } from "../../../server/core/gossip/types.ts";
import { FANOUT } from "../../../server/core/reconciliation/checksum-tree.ts";
import { MAX_LEAVES } from "../../../server/core/reconciliation/codec.ts";
import { checksum, splits } from "../reconciliation/arbitraries.ts";

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
    change: fc.option(fc.record({ kind: fc.constantFrom("add", "remove"), place: fc.nat(MAX_MEMBERS - 1) })),
  })
  .map(({ change, ...one }) => ({
    ...one,
    ...(change !== null && { data: encodeChange(change), changes: true as const }),
    deps: one.deps.filter(({ member }) => member !== one.origin).toSorted((a, b) => a.member - b.member),
  }));

/** Two vectors, the second nowhere greater. */
const vectors: fc.Arbitrary<readonly [Vector, Vector]> = fc
  .array(fc.tuple(fc.maxSafeNat(), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 20 })
  .map((pairs) => [pairs.map(([seq]) => seq), pairs.map(([seq, share]) => Math.floor(seq * share))] as const);

/** Two of three members that came or went. */
const changes: fc.Arbitrary<Changes> = fc.record({
  added: fc.uniqueArray(fc.nat(2)).map((places) => places.toSorted()),
  removed: fc
    .uniqueArray(fc.record({ place: fc.nat(2), stamp: fc.maxSafeNat() }), { selector: ({ place }) => place })
    .map((all) => all.toSorted((a, b) => a.place - b.place)),
});

const view = fc.option(fc.nat(0xffff_ffff)).map((hash) => (hash === null ? {} : { view: hash }));

/** A record, with what its sender knows of who came and went, or without. */
function viewed<Fields extends object>(
  fields: { readonly [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<Fields & { view?: number }> {
  return fc.tuple(fc.record(fields), view).map(([record, changed]) => ({ ...(record as Fields), ...changed }));
}

const count = fc
  .tuple(fc.maxSafeNat(), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([have, share]) => ({ have, everywhere: Math.floor(have * share) }));

export const messages: {
  readonly [Type in GossipMessage["type"]]: fc.Arbitrary<Extract<GossipMessage, { type: Type }>>;
} = {
  rumour: fc.record({
    type: fc.constant("rumour" as const),
    roster,
    rumours: fc.array(fc.record({ hops: fc.integer({ min: 1, max: MAX_HOPS }), operation }), { maxLength: 4 }),
  }),
  digest: fc
    .tuple(roster, fc.boolean(), vectors, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), view)
    .map(([hash, answer, [have, everywhere], bits, changed]) => ({
      ...changed,
      type: "digest" as const,
      roster: hash,
      answer,
      have,
      everywhere,
      complete: have.flatMap((_, member) => (bits[member] ? [member] : [])),
    })),
  checksum: viewed({
    type: fc.constant("checksum" as const),
    roster,
    answer: fc.boolean(),
    sum: checksum,
    recent: fc.array(
      fc.tuple(fc.nat(MAX_MEMBERS - 1), count).map(([member, counted]) => ({ member, ...counted })),
      { maxLength: MAX_RECENT },
    ),
    complete: fc.oneof(
      fc.constant("all" as const),
      fc.uniqueArray(fc.nat(MAX_MEMBERS - 1), { maxLength: 20 }).map((members) => members.toSorted((a, b) => a - b)),
    ),
  }),
  ranges: viewed({
    type: fc.constant("ranges" as const),
    roster,
    answer: fc.boolean(),
    splits,
    leaves: fc
      .uniqueArray(fc.nat(MAX_LEAVES - 1), { maxLength: 4 })
      .chain((indexes) =>
        fc.tuple(
          ...indexes
            .toSorted((a, b) => a - b)
            .map((index) => fc.record({ index: fc.constant(index), counts: fc.array(count, { maxLength: FANOUT }) })),
        ),
      ),
  }),
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
    changes,
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
