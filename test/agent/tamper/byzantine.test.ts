import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeFrame, type RelayedPacket } from "../../../server/agent/frame.ts";
import { Tamperer } from "../../../server/agent/tamper/tamperer.ts";
import type { ByzantineBehaviour } from "../../../server/contract/faults.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { cryptoOf } from "../../core/pbft/cluster.ts";
import {
  append,
  direct,
  frameOf,
  gossip,
  heartbeat,
  messageIn,
  messagesIn,
  ROSTER,
  read,
  relayed,
  voteReply,
} from "./frames.ts";

const liar = (behaviour: ByzantineBehaviour) => {
  const tamperer = new Tamperer({ roster: ROSTER, patienceMs: 100, random: seededRandom(1), crypto: cryptoOf("a1") });
  tamperer.set(new Map([["b", { on: "byzantine", agent: "a1", behaviour }]]));
  return tamperer;
};
const says = (tamperer: Tamperer, message: RaftMessage, to = "a2") =>
  messagesIn(tamperer.pass("a1", to, frameOf(direct(message))));

describe("Byzantine behaviour around an honest agent", () => {
  it("silent: nothing leaves, also nothing of others; the other agents are not concerned", () => {
    const tamperer = liar("silent");
    const frame = frameOf(gossip, relayed(2, 1, heartbeat()));
    deepEqual(tamperer.pass("a1", "a2", frame), []);
    deepEqual(tamperer.pass("a2", "a1", frame), [{ frame, delayMs: 0, damaged: false }]);
  });

  it("delay: all is late, by half of the others' patience to all of it", () => {
    const tamperer = liar("delay");
    const frame = frameOf(direct(heartbeat()), gossip);
    const delays = Array.from({ length: 200 }, () => tamperer.pass("a1", "a2", frame)[0]?.delayMs ?? Number.NaN);
    ok(delays.every((ms) => ms >= 50 && ms < 100));
    ok(Math.max(...delays) - Math.min(...delays) > 30);
  });

  it("equivocate: in the same place of the log, one agent gets a command and another one nothing", () => {
    const tamperer = liar("equivocate");
    const [truth] = says(tamperer, append(3, 2), "a3");
    const [lie] = says(tamperer, append(3, 2), "a2");
    deepEqual(truth, append(3, 2));
    ok(lie?.type === "append");
    deepEqual(
      lie.entries.map(({ index, term, kind, data }) => [index, term, kind, data.length]),
      [
        [4, 1, 0, 0],
        [5, 1, 0, 0],
      ],
    );
    deepEqual(says(tamperer, heartbeat()), [heartbeat()]);
  });

  it("doubleVote: refusals become grants, and a vote for one is told to all others by way of that one", () => {
    const tamperer = liar("doubleVote");
    deepEqual(says(tamperer, voteReply(false, 7)), [voteReply(true, 7)]);
    const preVote = { type: "preVoteReply", term: 7, granted: false } as const;
    deepEqual(says(tamperer, preVote), [{ ...preVote, term: 8, granted: true }]);
    const [passed] = tamperer.pass("a1", "a2", frameOf(direct(voteReply(true, 7))));
    const packets = decodeFrame(passed?.frame as Uint8Array).packets;
    deepEqual(packets.map(messageIn), Array(4).fill(voteReply(true, 7)));
    const others = packets.filter((packet): packet is RelayedPacket => packet.kind === "relayed");
    deepEqual(
      others.map(({ origin, destination, hops }) => [origin, destination, hops > 1]),
      [
        [0, 2, true],
        [0, 3, true],
        [0, 4, true],
      ],
    );
    // What was told others may come by again, on its way to them: it does not become more.
    for (const again of others) deepEqual(read(tamperer.pass("a1", "a2", frameOf(again))), [["voteReply"]]);
    const next = tamperer.pass("a1", "a2", frameOf(direct(voteReply(true, 8))));
    equal(decodeFrame(next[0]?.frame as Uint8Array).packets.length, 4);
  });

  it("lieAboutLog: claims another log when it campaigns, and acknowledges what it does not hold", () => {
    const tamperer = liar("lieAboutLog");
    const claims = Array.from({ length: 200 }, () =>
      says(tamperer, { type: "vote", term: 9, lastIndex: 40, lastTerm: 3, transfer: false }),
    ).flat() as Extract<RaftMessage, { type: "vote" }>[];
    ok(claims.every(({ term }) => term === 9));
    ok(claims.some(({ lastIndex, lastTerm }) => lastIndex > 40 && lastTerm === 8));
    ok(claims.some(({ lastIndex }) => lastIndex < 40));
    for (const accepted of [true, false]) {
      const [reply] = says(tamperer, { type: "appendReply", term: 9, accepted, index: 40, hintTerm: 2 });
      ok(reply?.type === "appendReply" && reply.accepted && reply.index > 40);
    }
  });

  it("replay: every message goes out, and old ones go to the same receiver again", () => {
    const tamperer = liar("replay");
    const heard: number[] = [];
    for (let round = 1; round <= 500; round++)
      for (const message of says(tamperer, heartbeat(round), round % 2 ? "a2" : "a3")) {
        ok(message.type === "heartbeat");
        ok(message.round <= round && message.round % 2 === round % 2);
        heard.push(message.round);
      }
    equal(new Set(heard).size, 500);
    ok(heard.length > 560 && heard.length < 640, `${heard.length - 500} again`);
  });

  it("forge: votes and acknowledges in the name of others, and claims terms that are not there", () => {
    const tamperer = liar("forge");
    const [passed] = tamperer.pass("a1", "a2", frameOf(direct(voteReply(false, 7))));
    const packets = decodeFrame(passed?.frame as Uint8Array).packets;
    deepEqual(messageIn(packets[0] as RelayedPacket), voteReply(false, 7));
    const forged = packets.slice(1) as RelayedPacket[];
    deepEqual(
      forged.map(({ origin, destination }) => [origin, destination]),
      [
        [2, 1],
        [3, 1],
        [4, 1],
      ],
    );
    for (const packet of forged) deepEqual(messageIn(packet), voteReply(true, 7));
    const terms = Array.from({ length: 1000 }, () => says(tamperer, heartbeat())[0]?.term ?? 0);
    const newer = terms.filter((term) => term > 1);
    ok(newer.length > 5 && newer.length < 50, `${newer.length} of 1000`);
    ok(newer.every((term) => term <= 4));
  });

  it("leaves alone what the agent passes on for others", () => {
    for (const behaviour of ["equivocate", "replay", "forge", "doubleVote", "lieAboutLog"] as const) {
      const frame = frameOf(relayed(2, 1, voteReply(false)), gossip);
      deepEqual(liar(behaviour).pass("a1", "a2", frame), [{ frame, delayMs: 0, damaged: false }], behaviour);
    }
    deepEqual(read(liar("doubleVote").pass("a1", "a2", frameOf(relayed(0, 3, voteReply(false))))), [["voteReply"]]);
  });
});
