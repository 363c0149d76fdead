import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeMessage } from "../../../server/agent/consensus/messages.ts";
import { decodeFrame, encodeFrame, type Packet } from "../../../server/agent/frame.ts";
import { Tamperer } from "../../../server/agent/tamper/tamperer.ts";
import { CONSENSUS } from "../../../server/contract/consensus.ts";
import type { ByzantineBehaviour } from "../../../server/contract/faults.ts";
import { ByteWriter } from "../../../server/core/bytes.ts";
import { encodePbftMessage } from "../../../server/core/pbft/codec.ts";
import { orderBytes, readReplyBytes } from "../../../server/core/pbft/signed.ts";
import type { PbftMessage } from "../../../server/core/pbft/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { cryptoOf } from "../../core/pbft/cluster.ts";
import { append, direct, frameOf, HEAD, heartbeat, messagesIn, ROSTER, voteReply } from "./frames.ts";

const own = cryptoOf("a1");
const digest = own.digest(Uint8Array.of(1));
const ordered = <Type extends "prepare" | "commit">(type: Type) => ({
  type,
  view: 3,
  seq: 7,
  digest,
  signature: own.sign(orderBytes(type, 3, 7, digest)),
});
const commit: PbftMessage = ordered("commit");
const prepare: PbftMessage = { ...ordered("prepare"), prePrepare: Uint8Array.of(1, 2) };
const readReply: PbftMessage = { type: "readReply", life: 1, number: 2, prepared: 40, signature: new Uint8Array(16) };

function liar(behaviour: ByzantineBehaviour): Tamperer {
  const tamperer = new Tamperer({ roster: ROSTER, patienceMs: 100, random: seededRandom(1), crypto: own });
  tamperer.set(new Map([["b", { on: "byzantine", agent: "a1", behaviour }]]));
  return tamperer;
}

function packetOf(message: PbftMessage, origin?: number): Packet {
  const writer = new ByteWriter();
  encodePbftMessage(writer, message);
  const payload = writer.finish();
  if (origin === undefined) return { kind: "direct", sequence: 4, payload };
  return { kind: "relayed", origin, destination: 2, hops: 5, incarnation: 2, sequence: 9, payload };
}

const pass = (tamperer: Tamperer, ...packets: readonly Packet[]) =>
  tamperer.pass("a1", "a2", encodeFrame(HEAD, packets));

const says = (tamperer: Tamperer, message: PbftMessage): readonly PbftMessage[] =>
  pass(tamperer, packetOf(message)).flatMap(({ frame }) =>
    decodeFrame(frame).packets.map(({ payload }) => decodeMessage(payload) as PbftMessage),
  );

describe("lies about PBFT's messages in an agent's frames", () => {
  it("doubleVote: two votes for one place, both with the agent's own signature", () => {
    for (const message of [prepare, commit]) {
      const votes = says(liar("doubleVote"), message);
      equal(votes.length, 2);
      const digests = votes.map((vote) => {
        ok(vote.type === "prepare" || vote.type === "commit");
        ok(cryptoOf("a2").verify("a1", orderBytes(vote.type, 3, 7, vote.digest), vote.signature));
        return vote.digest;
      });
      notDeepEqual(digests[0], digests[1]);
    }
  });

  it("lieAboutLog: too low and too high an answer to a reader, signed for that reader", () => {
    const answers = Array.from({ length: 100 }, () => says(liar("lieAboutLog"), readReply)).flat();
    const tamperer = liar("lieAboutLog");
    const told = Array.from({ length: 100 }, () => says(tamperer, readReply)).flat();
    for (const answer of [...answers, ...told]) {
      ok(answer.type === "readReply");
      ok(cryptoOf("a2").verify("a1", readReplyBytes("a2", 1, 2, answer.prepared), answer.signature));
    }
    const prepared = told.flatMap((answer) => (answer.type === "readReply" ? [answer.prepared] : []));
    ok(Math.min(...prepared) < 40 && Math.max(...prepared) > 40);
  });

  it("forge: what it signs is not what it says, and requests are in another's name", () => {
    const tamperer = liar("forge");
    const told = Array.from({ length: 200 }, () => says(tamperer, commit)).flat();
    const good = told.filter(
      (one) => one.type === "commit" && own.verify("a1", orderBytes("commit", 3, 7, one.digest), one.signature),
    );
    ok(good.length > 50 && good.length < 150, `${good.length} of 200`);
    const requests = told.flatMap((one) => (one.type === "request" ? [one.request] : []));
    ok(requests.length > 5 && requests.every(({ origin }) => origin !== "a1" && ROSTER.includes(origin)));
  });

  it("leaves alone what the agent passes on for others, and lies in what it sends by way of others", () => {
    for (const behaviour of CONSENSUS.pbft.behaviours) {
      if (behaviour === "silent" || behaviour === "delay") continue;
      const frame = encodeFrame(HEAD, [packetOf(commit, 3)]);
      deepEqual(liar(behaviour).pass("a1", "a2", frame), [{ frame, delayMs: 0, damaged: false }], behaviour);
    }
    const [passed] = pass(liar("doubleVote"), packetOf(commit, 0));
    const packets = decodeFrame(passed?.frame as Uint8Array).packets;
    equal(packets.length, 2);
    ok(packets.every((packet) => packet.kind === "relayed" && packet.origin === 0 && packet.destination === 2));
  });

  it("what only PBFT has does nothing to Raft's messages", () => {
    for (const behaviour of ["wrongDigest", "badProof", "corruptState"] as const)
      for (const message of [append(3, 2), heartbeat(), voteReply(false)])
        deepEqual(messagesIn(liar(behaviour).pass("a1", "a2", frameOf(direct(message)))), [message]);
  });
});
