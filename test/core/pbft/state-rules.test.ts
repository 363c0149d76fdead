import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { PbftMessage } from "../../../server/core/pbft/types.ts";
import { cryptoOf } from "./cluster.ts";
import {
  batchOf,
  bytes,
  checkpoint,
  commit,
  HEARTBEAT_MS,
  prePrepare,
  prepare,
  REPLICAS,
  readReply,
  request,
  Subject,
  seen,
  sent,
  stateAfter,
  VIEW_TIMEOUT_MS,
} from "./subject.ts";

/** The rules of PBFT's checkpoints, of the states that are transferred, and of reads. § is of Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI '99). */
const ONE = batchOf(0, request("c", 1, "one"));
const TWO = batchOf(0, request("c", 2, "two"));

describe("a checkpoint (§4.3)", () => {
  const config = { checkpointEvery: 2 };
  /** "b" has executed two places, and its machine's state was asked for. */
  const taken = (): { readonly b: Subject; readonly digest: Uint8Array } => {
    const b = new Subject({ config });
    b.decide(1, ONE);
    assert.equal(b.decide(2, TWO).checkpoint, 2);
    b.pbft.compact({ index: 2, data: bytes("state") });
    const [own] = sent(b.settle().messages, "checkpoint");
    assert.equal(own?.seq, 2);
    return { b, digest: own?.digest as Uint8Array };
  };

  it("is taken every K places, told to all, and stable with 2f+1 that agree", () => {
    const { b, digest } = taken();
    b.step("c", checkpoint("c", 2, digest));
    assert.equal(b.settle().observations.length, 0, "f+1 are too few");
    b.step("d", checkpoint("d", 2, digest));
    assert.deepEqual(seen(b.settle(), "checkpointStable")[0]?.by, ["b", "c", "d"]);
    assert.equal(b.pbft.status().stableSeq, 2);
  });

  it("is signed only when what led to its state is journaled: a crash of all leaves it to those who signed", () => {
    const b = new Subject({ config });
    b.decide(1, ONE);
    const order = prePrepare(0, 2, TWO);
    b.step("a", order);
    b.settle();
    b.step("c", prepare("c", order), commit("c", order));
    b.step("d", commit("d", order));
    // Its own commit is journaled, and counts; then it executes.
    b.turn();
    b.sync();
    assert.equal(b.turn()?.checkpoint, 2);
    b.pbft.compact({ index: 2, data: bytes("state") });
    const early = b.turn();
    assert.deepEqual(sent(early?.messages ?? [], "checkpoint"), []);
    assert.deepEqual(sent(early?.messagesAfterPersist ?? [], "checkpoint"), []);
    b.sync();
    assert.equal(sent(b.settle().messages, "checkpoint").length, 3);
    assert.equal(b.restarted().settle().checkpoint, 2, "it comes to the state again by itself");
  });

  it("is not brought about by other states, nor by unsigned words", () => {
    const { b, digest } = taken();
    b.step("c", checkpoint("c", 2, bytes("0".repeat(32))));
    b.step("d", checkpoint("d", 2, digest));
    b.step("a", { ...checkpoint("a", 2, digest), signature: checkpoint("d", 2, digest).signature });
    b.settle();
    assert.equal(b.pbft.status().stableSeq, 0);
  });

  it("moves the watermarks when it is stable: what was too far comes in reach, what is behind is gone", () => {
    const { b, digest } = taken();
    const next = prePrepare(0, 5, batchOf(0, request("c", 3, "five")));
    b.step("a", next);
    assert.equal(b.settle().messages.length, 0);
    for (const id of ["c", "d"]) b.step(id, checkpoint(id, 2, digest));
    b.step("a", next);
    assert.equal(sent(b.settle().messages, "prepare").length, 3);
    b.step("a", prePrepare(0, 2, ONE));
    assert.equal(b.settle().messages.length, 0);
  });

  it("holds a primary at the high watermark until it is stable", () => {
    const a = new Subject({ id: "a", config: { ...config, maxInflightBatches: 100 } });
    for (let at = 0; at < 6; at++) {
      a.pbft.propose([bytes(`${at}`)], a.now);
      a.settle();
    }
    assert.equal(a.pbft.status().proposedSeq, 4);
  });

  it("of two states for one place is proof of a lie", () => {
    const b = new Subject({ config });
    b.step("c", checkpoint("c", 2, bytes("0".repeat(32))), checkpoint("c", 2, bytes("1".repeat(32))));
    assert.deepEqual(
      seen(b.settle(), "equivocation").map(({ culprit, kind }) => [culprit, kind]),
      [["c", "checkpoint"]],
    );
  });
});

describe("the transfer of a state (§5.3.2)", () => {
  const config = { checkpointEvery: 2 };
  const state = stateAfter(4, "theirs");
  const digest = cryptoOf("b").digest(state);
  const certificate = {
    seq: 4,
    digest,
    checkpoints: ["a", "c", "d"].map((replica) => ({ replica, signature: checkpoint(replica, 4, digest).signature })),
  };
  /** "b" hears of a stable checkpoint far ahead, and asks for its state. */
  const asking = (): { readonly b: Subject; readonly from: string } => {
    const b = new Subject({ config });
    for (const id of ["a", "c", "d"]) b.step(id, checkpoint(id, 4, digest));
    const [asked] = sent(b.wait(4 * HEARTBEAT_MS, "a").messages, "fetchState");
    assert.equal(asked?.seq, 4);
    return { b, from: asked?.to as string };
  };
  const chunk = (data: Uint8Array): PbftMessage => {
    return { type: "stateChunk", certificate, totalBytes: data.length, offset: 0, data };
  };

  it("refuses what has another digest than a quorum signed, and asks another replica", () => {
    const { b, from } = asking();
    b.step(from, chunk(stateAfter(4, "others")));
    const came = b.settle();
    assert.equal(seen(came, "stateTransferRefused")[0]?.reason, "wrongDigest");
    assert.equal(came.install, undefined);
    const [asked] = sent(came.messages, "fetchState");
    assert.notEqual(asked?.to, from);
    b.step(asked?.to as string, chunk(state));
    assert.deepEqual(b.settle().install?.data, bytes("theirs"));
    assert.equal(b.pbft.status().executedSeq, 4);
  });

  it("takes no part from one that was not asked", () => {
    const { b, from } = asking();
    for (const id of REPLICAS) if (id !== from && id !== "b") b.step(id, chunk(state));
    assert.equal(b.settle().install, undefined);
  });
});

describe("a read (§4.6)", () => {
  it("is answered once a quorum has said what was prepared, and that is executed here", () => {
    const b = new Subject();
    b.pbft.read(7);
    const asked = sent(b.settle().messages, "read");
    assert.deepEqual(
      asked.map(({ to }) => to),
      ["a", "c", "d"],
    );
    const number = asked[0]?.number as number;
    b.step("c", readReply("c", "b", number, 0));
    assert.deepEqual(b.settle().reads, [], "f+1 are too few");
    b.step("d", readReply("d", "b", number, 1));
    assert.deepEqual(b.settle().reads, [], "what d has prepared is not executed here");
    assert.deepEqual(b.decide(1, ONE).reads, [7]);
  });

  it("does not count answers to others, nor unsigned ones", () => {
    const b = new Subject();
    b.pbft.read(7);
    const number = sent(b.settle().messages, "read")[0]?.number as number;
    b.step("c", readReply("c", "d", number, 0));
    b.step("d", { ...readReply("d", "b", number, 0), signature: readReply("c", "b", number, 0).signature });
    const came = b.settle();
    assert.deepEqual(came.reads, []);
    assert.equal(seen(came, "disbelieved").length, 2);
  });

  it("is ordered like a write when its place does not come: a liar said too much", () => {
    const b = new Subject();
    b.pbft.read(7);
    const number = sent(b.settle().messages, "read")[0]?.number as number;
    b.step("c", readReply("c", "b", number, 1000));
    b.step("d", readReply("d", "b", number, 0));
    const [barrier] = sent(b.wait(VIEW_TIMEOUT_MS / 2, "a").messages, "request");
    assert.deepEqual(barrier?.request.commands, []);
    assert.ok(barrier);
    assert.deepEqual(b.decide(1, batchOf(0, barrier.request)).reads, [7]);
  });
});
