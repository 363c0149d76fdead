import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { RaftLog } from "../../../server/core/raft/log.ts";
import { Progress } from "../../../server/core/raft/progress.ts";
import { majorityOf, reachedByMajority } from "../../../server/core/raft/quorum.ts";
import { entry, logOf } from "./subject.ts";

describe("the log", () => {
  it("is empty at first, at index and term 0", () => {
    const log = new RaftLog([]);
    assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm, log.lastTimeMs, log.termAt(0)], [1, 0, 0, 0, 0]);
    assert.equal(log.termAt(1), undefined);
    assert.equal(log.termAt(-1), undefined);
  });

  it("has no gaps, and terms that never fall", () => {
    const log = new RaftLog(logOf(1, 2));
    assert.throws(() => log.append([entry(4, 2)]), InvariantViolation);
    assert.throws(() => log.append([entry(2, 2)]), InvariantViolation);
    assert.throws(() => log.append([entry(3, 1)]), InvariantViolation);
    log.append([entry(3, 2), entry(4, 5)]);
    assert.deepEqual([log.lastIndex, log.lastTerm], [4, 5]);
  });

  it("reads and removes only what it holds", () => {
    const log = new RaftLog(logOf(1, 1, 2));
    assert.deepEqual(
      log.slice(2, 3).map(({ index }) => index),
      [2, 3],
    );
    assert.deepEqual(log.slice(4, 3), []);
    assert.throws(() => log.slice(0, 2), InvariantViolation);
    assert.throws(() => log.slice(2, 4), InvariantViolation);
    assert.throws(() => log.sliceBytes(0, 10), InvariantViolation);
    assert.throws(() => log.truncate(4), InvariantViolation);
    log.truncate(2);
    assert.deepEqual([log.lastIndex, log.termAt(2)], [1, undefined]);
  });

  it("slices within a number of bytes, but one entry at least", () => {
    const log = new RaftLog(["aa", "bb", "cc", "a long one"].map((text, at) => entry(at + 1, 1, text)));
    const indexes = (from: number, maxBytes: number): number[] =>
      log.sliceBytes(from, maxBytes).map(({ index }) => index);
    assert.deepEqual(indexes(1, 4), [1, 2]);
    assert.deepEqual(indexes(1, 5), [1, 2]);
    assert.deepEqual(indexes(1, 1000), [1, 2, 3, 4]);
    assert.deepEqual(indexes(4, 3), [4]);
    assert.deepEqual(indexes(5, 3), []);
  });

  it("finds the last index whose term is at most another as a search one by one would", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 40 }), fc.nat(45), fc.nat(60), (steps, upTo, term) => {
        const log = new RaftLog([]);
        for (const step of steps) log.append([entry(log.lastIndex + 1, log.lastTerm + step)]);
        let expected = Math.min(upTo, log.lastIndex);
        while (expected > 0 && (log.termAt(expected) as number) > term) expected--;
        assert.equal(log.lastIndexOfTermAtMost(upTo, term), expected);
      }),
    );
  });

  it("counts the bytes of one term", () => {
    const log = new RaftLog([entry(1, 1, "aaa"), entry(2, 2, "bb"), entry(3, 2, "c")]);
    assert.deepEqual([log.bytesOfTerm(1, 3, 2), log.bytesOfTerm(1, 1, 2), log.bytesOfTerm(1, 3, 1)], [3, 0, 3]);
  });
});

describe("a majority", () => {
  it("is more than half", () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(majorityOf), [1, 2, 2, 3, 3, 4, 4]);
  });

  it("has reached the largest value that more than half have", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(8), { minLength: 1, maxLength: 12 }), (values) => {
        const reached = reachedByMajority(Float64Array.from(values));
        const having = (value: number): number => values.filter((other) => other >= value).length;
        assert.ok(having(reached) * 2 > values.length);
        assert.ok(having(reached + 1) * 2 <= values.length);
      }),
    );
  });

  it("has heard of nobody when most never were", () => {
    assert.equal(
      reachedByMajority(Float64Array.of(Number.NEGATIVE_INFINITY, 5, Number.NEGATIVE_INFINITY)),
      Number.NEGATIVE_INFINITY,
    );
  });
});

describe("a follower's progress", () => {
  it("keeps match below next, and at most the limit in flight, whatever comes", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("send" as const), count: fc.nat(3) }),
      fc.record({ kind: fc.constant("acknowledge" as const), behind: fc.nat(6) }),
      fc.record({ kind: fc.constant("probe" as const), behind: fc.nat(6) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const progress = new Progress("b", 4);
        progress.reset(1, 0);
        let sentUpTo = 0;
        for (const given of steps) {
          if (given.kind === "send") {
            const mayCarry = progress.state === "probe" || !progress.inflightFull;
            const count = mayCarry ? given.count : 0;
            sentUpTo = Math.max(sentUpTo, progress.next - 1 + count);
            progress.sent(count, count, 0);
          } else if (given.kind === "acknowledge") {
            progress.acknowledged(Math.max(0, sentUpTo - given.behind));
          } else {
            progress.becomeProbe(Math.max(progress.match + 1, progress.next - given.behind));
          }
          assert.ok(progress.match < progress.next);
          assert.ok(progress.inflight >= 0 && progress.inflight <= 4);
          if (progress.state === "probe") assert.equal(progress.inflight, 0);
        }
      }),
    );
  });

  it("frees what an acknowledgement covers, over the ring's end", () => {
    const progress = new Progress("b", 3);
    progress.reset(1, 0);
    progress.acknowledged(0);
    for (let round = 0; round < 10; round++) {
      progress.sent(2, 20, 0);
      progress.sent(2, 20, 0);
      progress.sent(2, 20, 0);
      assert.ok(progress.inflightFull);
      const last = progress.next - 1;
      progress.acknowledged(last - 3);
      assert.equal(progress.inflight, 2);
      progress.acknowledged(last - 2);
      assert.equal(progress.inflight, 1);
      assert.equal(progress.acknowledged(last), true);
      assert.equal(progress.acknowledged(last), false);
      assert.equal(progress.inflight, 0);
    }
  });
});
