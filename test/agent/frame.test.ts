import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { xxh32 } from "../../server/agent/checksum.ts";
import {
  decodeFrame,
  encodeFrame,
  encodeFrames,
  FRAME_LIMIT_BYTES,
  type FrameHead,
  Frames,
  MAX_PACKETS,
  MAX_PLACES,
  type Packet,
} from "../../server/agent/frame.ts";
import { MalformedBytes } from "../../server/core/bytes.ts";
import { InvariantViolation } from "../../server/core/invariant.ts";
import { Cluster } from "./cluster.ts";
import { put } from "./operations.ts";

const payload = fc.uint8Array({ maxLength: 300 });
const whole = fc.maxSafeNat();
const packets: fc.Arbitrary<Packet[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("direct" as const), sequence: whole, payload }),
    fc.record({
      kind: fc.constant("relayed" as const),
      origin: fc.nat(MAX_PLACES - 1),
      destination: fc.nat(MAX_PLACES - 1),
      hops: fc.nat(255),
      incarnation: whole,
      sequence: whole,
      payload,
    }),
    fc.record({ kind: fc.constant("gossip" as const), payload }),
    fc.record({
      kind: fc.constantFrom("routed" as const, "aggregate" as const),
      origin: fc.nat(MAX_PLACES - 1),
      destination: fc.nat(MAX_PLACES - 1),
      hops: fc.nat(255),
      payload,
    }),
  ),
);
const time = fc.double({ min: 0, max: 1e14, noNaN: true });
const head: fc.Arbitrary<FrameHead> = fc.record({
  sentAtMs: time,
  hlc: fc.record({ wallMs: time, counter: whole }),
  incarnation: whole,
});

const HEAD: FrameHead = { sentAtMs: 1, hlc: { wallMs: 1, counter: 0 }, incarnation: 1 };

describe("frames", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(head, packets, (written, load) => {
        const frame = decodeFrame(encodeFrame(written, load));
        assert.deepEqual(frame.head, { ...written, sentAtMs: written.sentAtMs + 0, hlc: { ...written.hlc } });
        assert.deepEqual(
          frame.packets.map((packet) => ({ ...packet, payload: [...packet.payload] })),
          load.map((packet) => ({ ...packet, payload: [...packet.payload] })),
        );
      }),
    );
  });

  it("of random bytes lead to nothing but MalformedBytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.throws(() => decodeFrame(bytes), MalformedBytes);
        bytes[0] = 1;
        assert.throws(() => decodeFrame(bytes), MalformedBytes);
      }),
      { numRuns: 500 },
    );
  });

  it("that lost a byte, gained one or have a flipped bit are refused", () => {
    fc.assert(
      fc.property(head, packets, fc.nat(), fc.nat(7), (written, load, at, bit) => {
        const bytes = encodeFrame(written, load);
        const flipped = bytes.slice();
        const place = at % bytes.length;
        flipped[place] = (flipped[place] as number) ^ (1 << bit);
        for (const broken of [flipped, bytes.subarray(0, place), Uint8Array.of(...bytes, 0)])
          assert.throws(() => decodeFrame(broken), MalformedBytes);
      }),
    );
  });

  it("whose checksum is right and whose content is not lead to nothing but MalformedBytes", () => {
    // Behind the checksum everything is checked too: a peer may be wrong in good order.
    fc.assert(
      fc.property(
        head,
        packets,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (written, load, at, noise) => {
          const bytes = encodeFrame(written, load).slice();
          const place = 1 + (at % (bytes.length - 5));
          bytes.set(noise.subarray(0, bytes.length - 4 - place), place);
          const checksum = xxh32(bytes, bytes.length - 4);
          for (let byte = 0; byte < 4; byte++) bytes[bytes.length - 4 + byte] = (checksum >>> (8 * byte)) & 0xff;
          try {
            for (const packet of decodeFrame(bytes).packets)
              if (packet.kind === "relayed") assert.ok(packet.origin < MAX_PLACES && packet.destination < MAX_PLACES);
          } catch (error) {
            assert.ok(error instanceof MalformedBytes, String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("that are too large are refused, and never made", () => {
    assert.throws(() => decodeFrame(new Uint8Array(FRAME_LIMIT_BYTES + 1)), MalformedBytes);
    const large = (bytes: number): Packet => ({ kind: "gossip", payload: new Uint8Array(bytes) });
    const packetsOf = (load: readonly Packet[]): number[] =>
      encodeFrames(HEAD, load).map((frame) => decodeFrame(frame).packets.length);
    assert.deepEqual(packetsOf(Array.from({ length: 10 }, () => large(1024 * 1024))), [3, 3, 3, 1]);
    assert.deepEqual(packetsOf(Array.from({ length: MAX_PACKETS + 1 }, () => large(0))), [MAX_PACKETS, 1]);
    assert.throws(() => encodeFrames(HEAD, [large(FRAME_LIMIT_BYTES)]), InvariantViolation);
  });

  it("are made of what was gathered since the last ones, and of nothing else", () => {
    const frames = new Frames();
    const packet = (bytes: number): Packet => ({ kind: "gossip", payload: new Uint8Array(bytes).fill(bytes) });
    for (const sizes of [[1], [3, 70], [], [200_000, 2], [5]]) {
      assert.ok(frames.empty);
      for (const size of sizes) frames.add(packet(size));
      assert.equal(frames.empty, sizes.length === 0);
      const made = frames.take(HEAD).map((frame) => decodeFrame(frame).packets.map(({ payload }) => [...payload]));
      assert.deepEqual(made, [sizes.map((size) => [...packet(size).payload])]);
    }
    frames.add(packet(1));
    assert.throws(() => frames.add(packet(FRAME_LIMIT_BYTES)), InvariantViolation);
    assert.equal(
      decodeFrame(frames.take(HEAD)[0] as Uint8Array).packets.length,
      1,
      "what does not fit harms nothing else",
    );
  });

  it("reach an agent as a whole or not at all", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    const before = cluster.agent("a1").report(cluster.now);
    const good: Packet = { kind: "direct", sequence: 1, payload: Uint8Array.of(8, 0, 0) };
    const bad: Packet = { kind: "direct", sequence: 2, payload: Uint8Array.of(99) };
    const frame = encodeFrame({ sentAtMs: cluster.now, hlc: { wallMs: cluster.now, counter: 0 }, incarnation: 1 }, [
      good,
      bad,
    ]);
    assert.throws(() => cluster.agent("a1").receive("a2", frame, cluster.now), MalformedBytes);
    assert.equal(cluster.agent("a1").report(cluster.now).messagesIn, before.messagesIn);
  });

  it("damaged on the way do an agent no harm", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    let frames = 0;
    let refused = 0;
    cluster.onFrame = (_from, to, frame) => {
      if (frames++ % 3 !== 0 || cluster.node(to).agent === undefined) return;
      const damaged = frame.slice();
      damaged[frames % damaged.length] = (damaged[frames % damaged.length] as number) ^ 0x10;
      assert.throws(() => cluster.agent(to).receive(_from, damaged, cluster.now), MalformedBytes);
      refused++;
    };
    for (let at = 0; at < 20; at++) assert.ok(cluster.ask(`a${(at % 3) + 1}`, put("k", `v${at}`)).ok);
    assert.ok(refused > 20);
  });
});

describe("XXH32", () => {
  it("gives the reference's values", () => {
    // xxHash's own test vectors, seed 0.
    const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
    assert.equal(xxh32(ascii("")), 0x02cc5d05);
    assert.equal(xxh32(ascii("a")), 0x550d7456);
    assert.equal(xxh32(ascii("abc")), 0x32d153ff);
    assert.equal(xxh32(ascii("Nobody inspects the spammish repetition")), 0xe2293b2f);
  });
});
