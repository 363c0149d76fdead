import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { encodeFrame, type Packet } from "../../../server/agent/frame.ts";
import type { HeldEffect, MessageRule, Toxic } from "../../../server/contract/faults.ts";
import { ByteWriter } from "../../../server/core/bytes.ts";
import { encodeRaftMessage } from "../../../server/core/raft/codec.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { LinkFaults } from "../../../server/live/agent/link-faults.ts";
import { cryptoOf } from "../../core/pbft/cluster.ts";

/** Toxics on what a1 sends to a2. */
const on = (...toxics: readonly Toxic[]): HeldEffect[] =>
  toxics.map((toxic) => ({
    id: `f1/${toxic.toxic}`,
    effect: { on: "link", from: "a1", to: "a2", toxic },
    untilMs: null,
  }));
const late = (ms: number, spread = 0): Toxic => ({ toxic: "latency", delay: { shape: "uniform", ms, spread } });
const lost = (share: number): Toxic => ({ toxic: "loss", share });

describe("the faults of links", () => {
  let now: number;
  let timers: { readonly atMs: number; readonly call: () => void }[];
  let faults: LinkFaults;
  let closed: string[];
  let arrived: { readonly frame: number; readonly atMs: number }[];

  beforeEach(() => {
    now = 1_000_000;
    timers = [];
    arrived = [];
    closed = [];
    faults = make("faults");
  });

  const make = (seed: string): LinkFaults =>
    new LinkFaults({
      self: "a1",
      roster: ["a1", "a2", "a3"],
      patienceMs: 300,
      random: seededRandom(seed),
      crypto: cryptoOf("a1"),
      time: {
        now: () => now,
        after: (ms, call) => {
          const timer = { atMs: now + ms, call };
          timers.push(timer);
          return () => {
            timers = timers.filter((one) => one !== timer);
          };
        },
      },
      close: (peer) => {
        closed.push(`${peer} at ${now - 1_000_000}`);
        faults.forget(peer);
        faults.connected(peer);
      },
    });

  const send = (frame: number, direction: "in" | "out" = "out", peer = "a2"): void =>
    faults.pass(direction, peer, Uint8Array.of(frame), (passed) =>
      arrived.push({ frame: passed[0] as number, atMs: now }),
    );
  const passTime = (toMs: number): void => {
    for (;;) {
      const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > toMs) break;
      timers = timers.filter((timer) => timer !== next);
      now = Math.max(now, next.atMs);
      next.call();
    }
    now = toMs;
  };
  const frames = (): number[] => arrived.map(({ frame }) => frame);

  it("leave links alone that no rule names", () => {
    faults.setEffects(on(lost(1)));
    send(1, "in");
    send(2, "out", "a3");
    assert.deepEqual(frames(), [1, 2]);
    assert.equal(faults.faulted("a3").dropped, 0);
  });

  it("cut one direction silently, and count", () => {
    faults.setEffects(on(lost(1)));
    for (let frame = 0; frame < 5; frame++) send(frame);
    assert.deepEqual(frames(), []);
    assert.equal(faults.faulted("a2").dropped, 5);
    faults.setEffects([]);
    send(9);
    assert.deepEqual(frames(), [9]);
  });

  it("drop the share of frames that was asked for, the same ones for the same seed", () => {
    const run = (): number[] => {
      const again = make("again");
      again.setEffects(on(lost(0.3)));
      const passed: number[] = [];
      for (let at = 0; at < 10_000; at++) again.pass("out", "a2", new Uint8Array(1), () => passed.push(at));
      return passed;
    };
    const passed = run();
    assert.ok(Math.abs(passed.length - 7_000) < 200, String(passed.length));
    assert.deepEqual(run(), passed);
  });

  it("delay by delay ± jitter and never let a frame overtake another", () => {
    faults.setEffects(on(late(100, 80)));
    const sentAt = new Map<number, number>();
    for (let frame = 0; frame < 200; frame++) {
      sentAt.set(frame, now);
      send(frame);
      passTime(now + 1);
    }
    passTime(now + 1_000);
    assert.deepEqual(frames(), [...sentAt.keys()]);
    const delays = arrived.map(({ frame, atMs }) => atMs - (sentAt.get(frame) as number));
    assert.ok(
      Math.min(...delays) >= 20 && Math.max(...delays) <= 181,
      `${Math.min(...delays)}..${Math.max(...delays)}`,
    );
    assert.ok(new Set(delays.map(Math.round)).size > 5, "they differ");
  });

  it("let go of delayed frames at once, in order, when the delay is healed", () => {
    faults.setEffects(on(late(60_000)));
    send(1);
    send(2);
    faults.setEffects([]);
    send(3);
    assert.deepEqual(frames(), [1, 2, 3]);
    assert.deepEqual(timers, []);
  });

  it("forget what waits on a link that went down", () => {
    faults.setEffects(on(late(50)));
    send(1);
    faults.forget("a2");
    passTime(now + 1_000);
    assert.deepEqual(frames(), []);
    assert.deepEqual(timers, []);
  });

  it("hold a bounded number of frames", () => {
    faults.setEffects(on(late(50)));
    for (let at = 0; at < 30_000; at++) send(0);
    assert.equal(faults.faulted("a2").dropped, 10_000);
    passTime(now + 1_000);
    assert.equal(arrived.length, 20_000);
  });

  it("cut what comes in where the other end could not be told", () => {
    const cut: HeldEffect = { id: "f1/0", effect: { on: "link", from: "a2", to: "a1", toxic: lost(1) }, untilMs: null };
    faults.setEffects([cut]);
    send(1, "in");
    send(2, "out");
    assert.deepEqual(frames(), [2]);
  });

  it("pass so many bytes a second, one frame after the other", () => {
    faults.setEffects(on({ toxic: "bandwidth", bytesPerSecond: 10 }));
    for (let frame = 0; frame < 3; frame++) send(frame);
    passTime(now + 1_000);
    assert.deepEqual(
      arrived.map(({ atMs }) => atMs - 1_000_000),
      [100, 200, 300],
    );
  });

  it("send twice, flip a bit, and let frames overtake each other", () => {
    faults.setEffects(on({ toxic: "duplicate", share: 1 }));
    send(7);
    assert.deepEqual(frames(), [7, 7]);
    arrived = [];
    faults.setEffects(on({ toxic: "corrupt", share: 1 }));
    send(0);
    assert.ok([1, 2, 4, 8, 16, 32, 64, 128].includes(frames()[0] as number), "one bit");
    arrived = [];
    faults.setEffects(on({ toxic: "reorder", share: 0.5, byMs: 100 }));
    for (let frame = 0; frame < 50; frame++) {
      send(frame);
      passTime(now + 1);
    }
    passTime(now + 200);
    assert.equal(frames().length, 50);
    assert.notDeepEqual(
      frames(),
      frames().toSorted((a, b) => a - b),
    );
  });

  it("flap: nothing passes while the link is down, and it stands all the time", () => {
    faults.connected("a2");
    faults.setEffects(on({ toxic: "flap", upMs: 10, downMs: 10 }));
    for (let frame = 0; frame < 40; frame++) {
      send(frame);
      passTime(now + 1);
    }
    assert.deepEqual(
      [0, 9, 10, 19, 20, 29, 30, 39].map((frame) => frames().includes(frame)),
      [true, true, false, false, true, true, false, false],
    );
    assert.deepEqual(closed, []);
  });

  it("reset the connection again and again, and end it after so many bytes or so long a silence", () => {
    faults.connected("a2");
    faults.setEffects(on({ toxic: "reset", afterMs: 20 }));
    passTime(now + 50);
    assert.deepEqual(closed, ["a2 at 20", "a2 at 40"]);
    closed = [];
    faults.setEffects(on({ toxic: "timeout", afterMs: 30 }));
    send(1);
    passTime(now + 100);
    assert.deepEqual([frames(), closed], [[], ["a2 at 80"]]);
    closed = [];
    faults.setEffects(on({ toxic: "dataLimit", bytes: 3 }));
    for (let frame = 0; frame < 5; frame++) send(frame);
    passTime(now + 1);
    assert.equal(closed.length, 1);
  });

  it("keep what an effect has counted when it is told again with others", () => {
    const rule: HeldEffect = {
      id: "f1/0",
      effect: { on: "message", rule: { types: ["heartbeat"], action: { action: "drop" }, count: 2, probability: 1 } },
      untilMs: null,
    };
    faults.setEffects([rule]);
    const beat = raftFrame({ type: "heartbeat", term: 1, commit: 0, round: 0 });
    const pass = (): number => {
      let passed = 0;
      faults.pass("out", "a2", beat, () => passed++);
      return passed;
    };
    assert.equal(pass(), 0);
    faults.setEffects([rule, ...on(late(0))]);
    assert.equal(pass(), 0);
    assert.equal(pass(), 1, "two were to be dropped, no more");
    assert.equal(faults.faulted("a2").dropped, 2);
  });

  it("tell for each link how many frames they dropped, delayed and damaged", () => {
    faults.setEffects(on(late(50)));
    send(1);
    send(2);
    passTime(now + 100);
    assert.deepEqual(faults.faulted("a2"), { dropped: 0, delayed: 2, corrupted: 0 });
    faults.setEffects(on({ toxic: "corrupt", share: 1 }, { toxic: "duplicate", share: 1 }));
    send(3);
    assert.deepEqual(faults.faulted("a2"), { dropped: 0, delayed: 2, corrupted: 1 });
    faults.setEffects(on(late(50)));
    send(4);
    send(5);
    faults.forget("a2");
    assert.deepEqual(faults.faulted("a2"), { dropped: 2, delayed: 4, corrupted: 1 }, "what waited went with the link");
    assert.deepEqual(faults.faulted("a3"), { dropped: 0, delayed: 0, corrupted: 0 });
  });

  it("count a frame that a rule has taken a message out of, although the rest of it goes on", () => {
    const rule: MessageRule = { types: ["heartbeat"], action: { action: "drop" }, probability: 1 };
    faults.setEffects([{ id: "f1/0", effect: { on: "message", rule }, untilMs: null }]);
    const sizes: number[] = [];
    const pass = (frame: Uint8Array): void => faults.pass("out", "a2", frame, (passed) => sizes.push(passed.length));
    const both = raftFrame({ type: "heartbeat", term: 1, commit: 0, round: 0 }, { type: "timeoutNow", term: 1 });
    pass(both);
    assert.equal(sizes.length, 1);
    assert.ok((sizes[0] as number) < both.length);
    pass(raftFrame({ type: "timeoutNow", term: 1 }));
    assert.equal(sizes.length, 2);
    assert.equal(faults.faulted("a2").dropped, 1);
  });

  it("know a link that nothing passes, in one direction or the other", () => {
    assert.equal(faults.blocked("a2"), false);
    faults.setEffects(on(lost(0.9)));
    assert.equal(faults.blocked("a2"), false);
    faults.setEffects(on({ toxic: "timeout", afterMs: 0 }));
    assert.deepEqual([faults.blocked("a2"), faults.blocked("a3")], [true, false]);
    const cut: HeldEffect = { id: "f2/0", effect: { on: "link", from: "a3", to: "a1", toxic: lost(1) }, untilMs: null };
    faults.setEffects([cut]);
    assert.deepEqual([faults.blocked("a2"), faults.blocked("a3")], [false, true]);
  });

  it("say nothing at all for an agent that is to be silent", () => {
    faults.setEffects([{ id: "f1/0", effect: { on: "byzantine", agent: "a1", behaviour: "silent" }, untilMs: null }]);
    send(1);
    send(2, "in");
    assert.deepEqual(frames(), [2]);
  });
});

/** A frame with messages, as an agent sends it. */
function raftFrame(...messages: readonly RaftMessage[]): Uint8Array {
  const head = { sentAtMs: 1, hlc: { wallMs: 1, counter: 0 }, incarnation: 1 };
  const packets = messages.map((message, at): Packet => {
    const writer = new ByteWriter();
    encodeRaftMessage(writer, message);
    return { kind: "direct", sequence: at + 1, payload: writer.finish() };
  });
  return encodeFrame(head, packets);
}
