import { ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Agent } from "../../../server/agent/agent.ts";
import { decodeFrame, encodeFrame } from "../../../server/agent/frame.ts";
import { Tamperer, type Tampering } from "../../../server/agent/tamper/tamperer.ts";
import { readTold } from "../../../server/agent/tamper/told.ts";
import { BYZANTINE_BEHAVIOURS } from "../../../server/contract/faults.ts";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import { cryptoOf } from "../../core/pbft/cluster.ts";
import { meshOf } from "../../sim/meshes.ts";
import { ROSTER } from "./frames.ts";

interface Heard {
  readonly agent: Agent;
  readonly peer: string;
  readonly frame: Uint8Array;
  readonly now: number;
}

/** Frames as agents really send them, relayed ones among them, each with an agent that got it. */
const heard: Heard[] = [];
let listening = false;
class Listening extends Agent {
  override receive(peer: string, frame: Uint8Array, now: number): void {
    if (listening) heard.push({ agent: this, peer, frame, now });
    super.receive(peer, frame, now);
  }
}
const listen = () => {
  if (heard.length > 0) return;
  listening = true;
  simulate(meshOf(5, "ring"), 3, {
    chaos: false,
    durationMs: 3000,
    createAgent: (config, world, recovered, now) => new Listening(config, world, recovered, now),
  });
  listening = false;
};

describe("tampered frames", function () {
  this.timeout(20_000);

  it("are told by an agent: any few flipped bits, anything cut off or added is malformed, and nothing else is thrown", () => {
    listen();
    ok(heard.length > 1000);
    const damage = fc.record({
      which: fc.nat(heard.length - 1),
      flips: fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 4 }),
      cut: fc.nat(20),
      more: fc.uint8Array({ minLength: 0, maxLength: 10 }),
      how: fc.constantFrom("flip", "cut", "more"),
    });
    fc.assert(
      fc.property(damage, ({ which, flips, cut, more, how }) => {
        const { agent, peer, frame, now } = heard[which] as Heard;
        let bytes = frame.slice();
        if (how === "flip")
          for (const bit of new Set(flips.map((flip) => flip % (bytes.length * 8))))
            bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        else if (how === "cut") bytes = bytes.subarray(0, Math.max(0, bytes.length - 1 - cut));
        else bytes = Uint8Array.of(...bytes, 7, ...more);
        throws(() => agent.receive(peer, bytes, now), MalformedBytes);
      }),
      { numRuns: 3000 },
    );
  });

  it("with a checksum that holds over payloads that make no sense are malformed, or of no account, to whoever reads them", () => {
    listen();
    fc.assert(
      fc.property(fc.nat(heard.length - 1), fc.nat(1_000_000), fc.integer({ min: 1, max: 255 }), (which, at, by) => {
        const { head, packets } = decodeFrame((heard[which] as Heard).frame);
        const damaged = packets.map((packet) => {
          const payload = packet.payload.slice();
          if (payload.length > 0) payload[at % payload.length] = (payload[at % payload.length] as number) ^ by;
          return { ...packet, payload };
        });
        for (const packet of decodeFrame(encodeFrame(head, damaged)).packets) readTold(packet, "a1", "a2", ROSTER);
      }),
      { numRuns: 3000 },
    );
  });

  it("can be tampered with again: no rule and no liar fails over what it is given", () => {
    listen();
    const random = seededRandom(1);
    const all = new Map<string, Tampering>();
    for (const action of [
      { action: "delay", delayMs: 5 },
      { action: "duplicate", copies: 1 },
      { action: "corrupt" },
    ] as const)
      all.set(action.action, { on: "message", rule: { action, probability: 0.3 } });
    const loud = BYZANTINE_BEHAVIOURS.filter((behaviour) => behaviour !== "silent");
    for (const agent of ROSTER)
      for (const behaviour of loud) all.set(`${agent} ${behaviour}`, { on: "byzantine", agent, behaviour });
    const tamperer = new Tamperer({ roster: ROSTER, patienceMs: 100, random, crypto: cryptoOf("a1") });
    tamperer.set(all);
    let frames = 0;
    for (const { agent, peer, frame } of heard.slice(0, 3000)) {
      const to = agent.consensusStatus.id;
      for (const passed of tamperer.pass(peer, to, frame))
        for (const again of tamperer.pass(peer, to, passed.frame)) {
          frames++;
          if (!again.damaged && !passed.damaged) decodeFrame(again.frame);
        }
    }
    ok(frames > 3000);
  });
});
