import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MAX_BARRIERS, type PendingRead, PendingReads } from "../../server/agent/reads.ts";

function read(id: number): PendingRead {
  const query = { type: "get", namespace: "n", key: "k" } as const;
  return { type: "read", connection: 1, id, query, deadlineMs: 1e9, order: id, done: false };
}

describe("reads behind barriers", () => {
  it("share one more when so many are unanswered that no further one is asked for", () => {
    const reads = new PendingReads(60);
    for (let at = 1; at <= MAX_BARRIERS; at++) {
      reads.add(read(at));
      assert.equal(reads.take(1000), at);
    }
    for (let at = 1; at <= 100; at++) {
      reads.add(read(MAX_BARRIERS + at));
      assert.equal(reads.take(1000), undefined);
    }
    assert.equal(reads.deadline(), Number.POSITIVE_INFINITY, "nothing is to be asked for before an answer comes");
    reads.confirmed(3, 7);
    assert.ok(reads.deadline() <= 1000);
    assert.equal(reads.take(1000), MAX_BARRIERS + 1);
    assert.equal(reads.take(1000), undefined, "they all wait for that one");
    reads.confirmed(MAX_BARRIERS + 1, 9);
    assert.deepEqual(
      reads.takeServable(7).map(({ id }) => id),
      [3],
    );
    assert.equal(reads.takeServable(9).length, 100);
  });

  it("are not held up by those that were answered or given up", () => {
    const reads = new PendingReads(60);
    for (let at = 1; at <= 10 * MAX_BARRIERS; at++) {
      reads.add(read(at));
      assert.equal(reads.take(1000), at);
      if (at % 2 === 0) reads.confirmed(at, 1);
      else {
        const gone = [...reads.all()].at(0) as PendingRead;
        reads.finish(gone);
        reads.failed(at, 900);
      }
    }
  });
});
