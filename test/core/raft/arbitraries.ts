import fc from "fast-check";
import type { Configuration, Entry } from "../../../server/core/consensus.ts";
import { encodeConfiguration } from "../../../server/core/raft/configuration.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";

export const of = <Fields>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }): fc.Arbitrary<Fields> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Fields>;

/** Messages of every type, sensible or not. @param number terms, indexes, times and rounds. */
export function arbitraryMessages(number: fc.Arbitrary<number>): {
  readonly entry: fc.Arbitrary<Entry>;
  readonly message: fc.Arbitrary<RaftMessage>;
} {
  const data = fc.uint8Array({ maxLength: 300 });
  const configuration = configurations();
  const content = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom(0 as const, 1 as const), data }) },
    { weight: 1, arbitrary: configuration.map((one) => ({ kind: 2 as const, data: encodeConfiguration(one) })) },
  );
  const entry: fc.Arbitrary<Entry> = fc
    .tuple(fc.record({ index: number, term: number, timeMs: number }, { noNullPrototype: true }), content)
    .map(([place, { kind, data: bytes }]) => ({ ...place, kind, data: bytes }));
  const type = <Type extends string>(name: Type): fc.Arbitrary<Type> => fc.constant(name);
  const candidacy = { term: number, lastIndex: number, lastTerm: number };
  const answer = { term: number, granted: fc.boolean() };
  const readIds = fc.array(number, { maxLength: 20 });
  const message: fc.Arbitrary<RaftMessage> = fc.oneof(
    of({ type: type("preVote"), ...candidacy }),
    of({ type: type("preVoteReply"), ...answer }),
    of({ type: type("vote"), ...candidacy, transfer: fc.boolean() }),
    of({ type: type("voteReply"), ...answer }),
    of({
      type: type("append"),
      term: number,
      prevIndex: number,
      prevTerm: number,
      commit: number,
      entries: fc.array(entry, { maxLength: 5 }),
    }),
    of({ type: type("appendReply"), term: number, accepted: fc.boolean(), index: number, hintTerm: number }),
    of({ type: type("heartbeat"), term: number, commit: number, round: number }),
    of({ type: type("heartbeatReply"), term: number, round: number }),
    of({ type: type("forward"), term: number, commands: fc.array(data, { maxLength: 5 }) }),
    of({ type: type("readIndex"), term: number, readIds }),
    of({ type: type("readIndexReply"), term: number, readIds, index: number }),
    of({
      type: type("installSnapshot"),
      term: number,
      snapshotIndex: number,
      snapshotTerm: number,
      configuration,
      totalBytes: fc.nat(600),
      offset: fc.nat(600),
      data,
    }),
    of({
      type: type("installSnapshotReply"),
      term: number,
      snapshotIndex: number,
      offset: number,
      done: fc.boolean(),
    }),
    of({ type: type("timeoutNow"), term: number }),
  );
  return { entry, message };
}

/** Any that may stand in a log: half of them joint. */
export function configurations(): fc.Arbitrary<Configuration> {
  const ids = fc.subarray(["a", "b", "c", "d", "e", "f", "g"]);
  return fc.record({ voters: ids, outgoing: ids, rest: ids, joint: fc.boolean() }).map((drawn) => {
    const voters = drawn.voters.length === 0 ? ["a"] : drawn.voters;
    const outgoing = drawn.joint ? drawn.outgoing : [];
    const votes = new Set([...voters, ...outgoing]);
    return {
      voters,
      outgoing,
      learners: drawn.rest.filter((id) => !votes.has(id)),
      learnersNext: drawn.rest.filter((id) => outgoing.includes(id) && !voters.includes(id)),
      autoLeave: outgoing.length > 0,
    };
  });
}
