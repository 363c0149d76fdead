import fc from "fast-check";
import type { Entry } from "../../../server/core/consensus.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";

export const of = <Fields>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }): fc.Arbitrary<Fields> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Fields>;

/** Messages of every type, sensible or not. @param number terms, indexes, times and rounds. */
export function arbitraryMessages(number: fc.Arbitrary<number>): {
  readonly entry: fc.Arbitrary<Entry>;
  readonly message: fc.Arbitrary<RaftMessage>;
} {
  const data = fc.uint8Array({ maxLength: 300 });
  const entry: fc.Arbitrary<Entry> = fc.record(
    { index: number, term: number, kind: fc.constantFrom(0 as const, 1 as const), timeMs: number, data },
    { noNullPrototype: true },
  );
  const type = <Type extends string>(name: Type): fc.Arbitrary<Type> => fc.constant(name);
  const candidacy = { term: number, lastIndex: number, lastTerm: number };
  const answer = { term: number, granted: fc.boolean() };
  const readIds = fc.array(number, { maxLength: 20 });
  const message: fc.Arbitrary<RaftMessage> = fc.oneof(
    of({ type: type("preVote"), ...candidacy }),
    of({ type: type("preVoteReply"), ...answer }),
    of({ type: type("vote"), ...candidacy }),
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
  );
  return { entry, message };
}
