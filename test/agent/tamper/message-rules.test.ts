import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { decodeFrame } from "../../../server/agent/frame.ts";
import { Tamperer, type Tampering } from "../../../server/agent/tamper/tamperer.ts";
import type { MessageRule } from "../../../server/contract/faults.ts";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { cryptoOf } from "../../core/pbft/cluster.ts";
import {
  append,
  direct,
  frameOf,
  gossip,
  HEAD,
  heartbeat,
  messagesIn,
  ROSTER,
  read,
  relayed,
  voteReply,
} from "./frames.ts";

const under = (...rules: (Partial<MessageRule> & Pick<MessageRule, "action">)[]) => {
  const tamperer = new Tamperer({ roster: ROSTER, patienceMs: 100, random: seededRandom(1), crypto: cryptoOf("a1") });
  const effects = rules.map((rule): Tampering => ({ on: "message", rule: { probability: 1, ...rule } }));
  tamperer.set(new Map(effects.map((effect, at) => [`r${at}`, effect])));
  return tamperer;
};
const drop = { action: "drop" } as const;

describe("message rules", () => {
  it("let a frame pass as it is when nothing in it is meant, and everything when there is no rule", () => {
    const frame = frameOf(direct(heartbeat()), gossip);
    const idle = under();
    ok(idle.idle);
    equal(idle.pass("a1", "a2", frame)[0]?.frame, frame);
    const other = under({ types: ["vote"], action: drop });
    ok(!other.idle);
    deepEqual(other.pass("a1", "a2", frame), [{ frame, delayMs: 0, damaged: false }]);
  });

  it("drop only the messages that match, out of a frame that keeps its head and a checksum that holds", () => {
    const frame = frameOf(direct(heartbeat()), gossip, direct(append(0, 2)), relayed(0, 3, heartbeat()));
    const passed = under({ types: ["heartbeat"], action: drop }).pass("a1", "a2", frame);
    deepEqual(read(passed), [["gossip", "append"]]);
    deepEqual(decodeFrame(passed[0]?.frame as Uint8Array).head, HEAD);
    deepEqual(under({ action: drop }).pass("a1", "a2", frameOf(direct(heartbeat()))), []);
  });

  it("know a relayed message by its writer and its reader, and leave what is passed on for others alone", () => {
    const frame = frameOf(direct(heartbeat()), relayed(0, 3, append(0, 1)), relayed(2, 3, voteReply(true)));
    deepEqual(read(under({ to: ["a4"], action: drop }).pass("a1", "a2", frame)), [["heartbeat", "voteReply"]]);
    deepEqual(read(under({ to: ["a2"], action: drop }).pass("a1", "a2", frame)), [["append", "voteReply"]]);
    deepEqual(read(under({ from: ["a3"], action: drop }).pass("a1", "a2", frame)).flat().length, 3);
    deepEqual(read(under({ from: ["a1"], action: drop }).pass("a1", "a2", frame)), [["voteReply"]]);
  });

  it("match fields: equal to a scalar, or within a range", () => {
    const frame = frameOf(direct(heartbeat(1)), direct(heartbeat(5)), direct(voteReply(true)));
    const left = (fields: MessageRule["fields"]) =>
      read(under({ ...(fields && { fields }), action: drop }).pass("a1", "a2", frame)).flat();
    deepEqual(left({ round: { min: 2 } }), ["heartbeat", "voteReply"]);
    deepEqual(left({ round: { max: 5 } }), ["voteReply"]);
    deepEqual(left({ granted: true }), ["heartbeat", "heartbeat"]);
    deepEqual(left({ granted: false }).length, 3);
    deepEqual(left({ unheardOf: 1 }).length, 3);
  });

  it("hit the first `count` that match, over frames, and go on counting when other rules come and go", () => {
    const tamperer = under();
    const rule: Tampering = { on: "message", rule: { types: ["append"], action: drop, count: 3, probability: 1 } };
    const other: Tampering = { on: "message", rule: { types: ["vote"], action: drop, probability: 1 } };
    const frame = frameOf(direct(append(0, 1)), direct(append(1, 1)));
    tamperer.set(new Map([["first", rule]]));
    deepEqual(tamperer.pass("a1", "a2", frame), []);
    tamperer.set(
      new Map([
        ["first", rule],
        ["other", other],
      ]),
    );
    deepEqual(read(tamperer.pass("a1", "a3", frame)), [["append"]]);
    deepEqual(read(tamperer.pass("a1", "a3", frame)), [["append", "append"]]);
    tamperer.set(new Map([["again", rule]]));
    deepEqual(tamperer.pass("a1", "a2", frame), []);
  });

  it("hit with their probability", () => {
    const tamperer = under({ action: drop, probability: 0.25 });
    let hit = 0;
    for (let round = 0; round < 4000; round++)
      if (tamperer.pass("a1", "a2", frameOf(direct(heartbeat()))).length === 0) hit++;
    ok(hit > 900 && hit < 1100, `${hit} of 4000`);
  });

  it("delay and duplicate single messages, which then travel by themselves", () => {
    const frame = frameOf(direct(heartbeat()), direct(voteReply(true)), gossip);
    const late = under({ types: ["heartbeat"], action: { action: "delay", delayMs: 30 } });
    deepEqual(read(late.pass("a1", "a2", frame)), [
      ["voteReply", "gossip"],
      ["30 ms", "heartbeat"],
    ]);
    const twice = under({ types: ["voteReply"], action: { action: "duplicate", copies: 2 } });
    deepEqual(read(twice.pass("a1", "a2", frame)), [
      ["heartbeat", "voteReply", "gossip"],
      ["voteReply"],
      ["voteReply"],
    ]);
  });

  it("spread a delay by its jitter, never below 0", () => {
    const tamperer = under({ action: { action: "delay", delayMs: 10, jitterMs: 30 } });
    const delays = Array.from(
      { length: 400 },
      () => tamperer.pass("a1", "a2", frameOf(direct(heartbeat())))[0]?.delayMs ?? Number.NaN,
    );
    ok(delays.every((ms) => ms >= 0 && ms <= 40));
    ok(Math.min(...delays) === 0 && Math.max(...delays) > 35);
  });

  it("add up", () => {
    const delay = { action: { action: "delay", delayMs: 10 } } as const;
    const both = under(delay, delay, { action: { action: "duplicate", copies: 1 } });
    deepEqual(read(both.pass("a1", "a2", frameOf(direct(heartbeat())))), [
      ["20 ms", "heartbeat"],
      ["20 ms", "heartbeat"],
    ]);
  });

  it("corrupt so that the receiver's checksum tells, whichever bit it is; the other messages arrive", () => {
    const tamperer = under({ types: ["append"], action: { action: "corrupt" } });
    for (let round = 0; round < 500; round++) {
      const passed = tamperer.pass("a1", "a2", frameOf(direct(heartbeat()), direct(append(0, 3))));
      deepEqual(read(passed.slice(0, 1)), [["heartbeat"]]);
      equal(passed.length, 2);
      ok(passed[1]?.damaged);
      throws(() => decodeFrame(passed[1]?.frame as Uint8Array), MalformedBytes);
    }
  });

  it("lose and invent nothing else, whatever the frame and the rules: what leaves is what came, less the dropped, plus the copies", () => {
    const packet = fc.oneof(
      fc.constant(gossip),
      fc.nat(5).map((count) => direct(append(count, count))),
      fc.nat(9).map((round) => relayed(0, 2, heartbeat(round))),
      fc.boolean().map((granted) => direct(voteReply(granted))),
    );
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 20 }), fc.nat(3), (packets, copies) => {
        const tamperer = under(
          { types: ["heartbeat"], action: drop },
          { types: ["append"], action: { action: "duplicate", copies } },
          { types: ["voteReply"], action: { action: "delay", delayMs: 1 } },
        );
        const count = (types: readonly string[], type: string) => types.filter((one) => one === type).length;
        const before = read([{ frame: frameOf(...packets), delayMs: 0, damaged: false }]).flat();
        const passed = tamperer.pass("a1", "a2", frameOf(...packets));
        const after = read(passed).flat();
        equal(count(after, "heartbeat"), 0);
        equal(count(after, "append"), count(before, "append") * (1 + copies));
        equal(count(after, "voteReply"), count(before, "voteReply"));
        equal(count(after, "gossip"), count(before, "gossip"));
        ok(messagesIn(passed).length <= before.length * 4);
      }),
    );
  });

  it("leave bytes that are no frame as they are", () => {
    const frame = Uint8Array.of(1, 2, 3);
    deepEqual(under({ action: drop }).pass("a1", "a2", frame), [{ frame, delayMs: 0, damaged: false }]);
  });
});
