import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Toxic } from "../../server/contract/faults.ts";
import { setUp } from "./fake-links.ts";

const QUICK = { minMs: 0.1, maxMs: 0.1, tailMs: 0 };

/** Two agents, a hundredth of a ms from each other, and these toxics on what the first one sends. */
const poisoned = (...toxics: Toxic[]) => {
  const links = setUp(2, QUICK);
  const there = toxics.map((toxic) => ({ from: 0, to: 1, toxic }));
  links.network.setToxics(there);
  return { ...links, there, heal: () => links.network.setToxics([]), sentMs: links.schedule.nowMs };
};
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const near = (value: number, wanted: number, share = 0.1) =>
  ok(Math.abs(value - wanted) <= wanted * share, `${value} is not near ${wanted}`);

describe("toxics in the simulated network", () => {
  it("concern one direction only", () => {
    const { a, b, send, wait } = poisoned({ toxic: "latency", delay: { shape: "constant", ms: 500 } });
    send(5);
    send(5, 1, 0);
    wait(100);
    deepEqual([a.frames.length, b.frames.length], [5, 0]);
    wait(500);
    equal(b.frames.length, 5);
  });

  it("latency: as the distribution says, in order, and several add up", () => {
    const delay = { shape: "pareto", ms: 40, spread: 3 } as const;
    const delays: number[] = [];
    const { b, network, schedule, wait } = poisoned({ toxic: "latency", delay });
    for (let round = 0; round < 2000; round++) {
      const sentMs = schedule.nowMs;
      network.send(0, 1, Uint8Array.of(0, 0));
      wait(2000);
      delays.push((b.arrivals.at(-1) as number) - sentMs);
    }
    near(mean(delays), 60);
    ok(Math.min(...delays) >= 40);
    const twice = poisoned({ toxic: "latency", delay }, { toxic: "latency", delay: { ...delay, shape: "constant" } });
    twice.send(200);
    twice.wait(2000);
    deepEqual(twice.b.frames, upTo(200));
    ok((twice.b.arrivals[0] as number) - twice.sentMs >= 80);
  });

  it("bandwidth: frames wait for those before them, and what still waits when it heals arrives at once", () => {
    const { b, heal, sentMs, send, wait } = poisoned({ toxic: "bandwidth", bytesPerSecond: 1000 });
    send(100);
    wait(101);
    deepEqual(b.frames, upTo(50));
    near((b.arrivals[49] as number) - sentMs, 100, 0.01);
    heal();
    wait(1);
    deepEqual(b.frames, upTo(100));
  });

  it("slicing: a frame is there with its last slice, and holds up the next", () => {
    const { b, sentMs, send, wait } = poisoned({ toxic: "slicing", bytes: 1, everyMs: 10 });
    send(3);
    wait(100);
    deepEqual(
      b.arrivals.map((at) => Math.round(at - sentMs)),
      [10, 30, 50],
    );
  });

  it("duplicate and loss: their shares", () => {
    const twice = poisoned({ toxic: "duplicate", share: 0.5 });
    twice.send(2000);
    twice.wait(100);
    near(twice.b.frames.length, 3000, 0.05);
    const half = poisoned({ toxic: "loss", share: 0.5 }, { toxic: "loss", share: 0.5 });
    half.send(2000);
    half.wait(100);
    near(half.b.frames.length, 500, 0.15);
  });

  it("reorder: that share is overtaken, nothing is lost, the others keep their order", () => {
    const { b, send, wait } = poisoned({ toxic: "reorder", share: 0.2, byMs: 50 });
    send(1000);
    wait(200);
    deepEqual(sorted(b.frames), upTo(1000));
    const late = b.frames.filter((frame, at) => b.frames.slice(0, at).some((before) => before > frame));
    near(late.length, 200, 0.2);
    deepEqual(
      b.frames.filter((frame) => !late.includes(frame)),
      upTo(1000).filter((frame) => !late.includes(frame)),
    );
  });

  it("corrupt: of that share exactly one bit is another, and the receiver's world is told", () => {
    const { b, network, wait } = poisoned({ toxic: "corrupt", share: 0.3 });
    for (let at = 0; at < 2000; at++) network.send(0, 1, Uint8Array.of(0, 0));
    wait(100);
    near(b.damaged, 600);
    const changed = b.frames.filter((frame) => frame !== 0);
    equal(changed.length, b.damaged);
    ok(changed.every((frame) => (frame & (frame - 1)) === 0));
  });

  it("timeout: nothing passes, after a while the connection closes, and none stands before it heals", () => {
    const { a, b, heal, send, wait } = poisoned({ toxic: "timeout", afterMs: 200 });
    send(5);
    wait(150);
    deepEqual([b.frames.length, b.links], [0, ["up 0"]]);
    wait(1000);
    deepEqual(
      [a.links, b.links],
      [
        ["up 1", "down 1"],
        ["up 0", "down 0"],
      ],
    );
    heal();
    wait(200);
    deepEqual(b.links, ["up 0", "down 0", "up 0"]);
    const never = poisoned({ toxic: "timeout", afterMs: 0 });
    never.send(5);
    never.wait(5000);
    deepEqual([never.b.frames.length, never.b.links], [0, ["up 0"]]);
  });

  it("reset: the connection closes again and again, and comes back", () => {
    const { a, heal, wait } = poisoned({ toxic: "reset", afterMs: 100 });
    wait(550);
    equal(a.links.filter((link) => link === "down 1").length, 5);
    equal(a.links.filter((link) => link === "up 1").length, 6);
    heal();
    wait(1000);
    equal(a.links.filter((link) => link === "down 1").length, 5);
  });

  it("slowClose: the other end sees a close late, or when there is a new connection", () => {
    const { a, b, network, wait } = poisoned({ toxic: "slowClose", delayMs: 300 });
    a.exists = false;
    a.running = false;
    network.processEnded(0);
    wait(290);
    deepEqual(b.links, ["up 0"]);
    wait(20);
    deepEqual(b.links, ["up 0", "down 0"]);
    a.exists = true;
    a.running = true;
    network.processStarted(0);
    wait(100);
    network.breakLink(0, 1);
    wait(100);
    deepEqual(b.links, ["up 0", "down 0", "up 0", "down 0", "up 0"], "down comes before up");
    wait(1000);
    equal(b.links.length, 5, "and is not seen twice");
  });

  it("slowClose: who died meanwhile never sees it", () => {
    const { a, b, network, wait } = poisoned({ toxic: "slowClose", delayMs: 300 });
    for (const [index, port] of [a, b].entries()) {
      port.exists = false;
      port.running = false;
      network.processEnded(index);
    }
    b.exists = true;
    b.running = true;
    network.processStarted(1);
    wait(1000);
    deepEqual(b.links, ["up 0"]);
  });

  it("dataLimit: the connection closes once so many bytes were sent; the next one may carry as many", () => {
    const { a, b, network, send, wait } = poisoned({ toxic: "dataLimit", bytes: 100 });
    send(50);
    wait(50);
    deepEqual(a.links, ["up 1"]);
    send(1);
    wait(50);
    deepEqual(a.links, ["up 1", "down 1", "up 1"]);
    equal(b.frames.length, 50, "what was on its way is gone with the connection");
    send(50);
    wait(50);
    ok(network.isUp(0, 1));
    equal(b.frames.length, 100);
  });

  it("flap: up for a while, then nothing passes for a while, also of what is on its way; the connection stands", () => {
    const { a, b, network, send, wait } = poisoned({ toxic: "flap", upMs: 100, downMs: 50 });
    const heard: boolean[] = [];
    let changes = 0;
    network.onReachChanged = () => changes++;
    wait(5);
    for (let round = 0; round < 30; round++) {
      const before = b.frames.length;
      send(1);
      wait(2);
      heard.push(b.frames.length > before);
      equal(network.passes(0, 1), b.frames.length > before);
      wait(8);
    }
    const cycle = [...Array(10).fill(true), ...Array(5).fill(false)];
    deepEqual(heard, [...cycle, ...cycle]);
    deepEqual(a.links, ["up 1"]);
    equal(changes, 4);
  });

  it("go on as they were when others come and go", () => {
    const { b, network, there, send, wait } = poisoned({ toxic: "bandwidth", bytesPerSecond: 1000 });
    send(50);
    network.setToxics([...there, { from: 1, to: 0, toxic: { toxic: "loss", share: 1 } }]);
    send(50);
    network.setToxics(there);
    wait(101);
    equal(b.frames.length, 50);
    wait(100);
    equal(b.frames.length, 100);
  });
});
