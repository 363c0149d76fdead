import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { seededRandom } from "../../server/core/random.ts";
import { CALM, SimNetwork } from "../../server/sim/network.ts";
import { Schedule } from "../../server/sim/schedule.ts";
import { FakePort, setUp } from "./fake-links.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

describe("simulated network", () => {
  it("brings a link up once both ends exist, and delivers all in order in good weather", () => {
    const { a, b, wait, send } = setUp();
    deepEqual([a.links, b.links], [["up 1"], ["up 0"]]);
    send(1000);
    wait(100);
    deepEqual(b.frames, upTo(1000));
  });

  it("keeps nothing of two that have no link: twenty thousand agents in a ring take no room for all their pairs", () => {
    const schedule = new Schedule();
    const ports = Array.from({ length: 20_000 }, () => new FakePort(schedule));
    const ring = ports.map((_, at) => [at, (at + 1) % ports.length] as const);
    const network = new SimNetwork(schedule, seededRandom("wide"), ports, ring, { minMs: 1, maxMs: 2, tailMs: 0 });
    network.processStarted(0);
    schedule.runUntil(10_000, () => false);
    ok(network.isUp(0, 19_999) && network.isUp(0, 1) && !network.isUp(0, 2));
    network.send(0, 2, Uint8Array.of(0, 0));
    deepEqual([network.lost, network.passes(0, 2), network.baseMs(0, 2)], [1, false, 0]);
  });

  it("takes the link's latency", () => {
    const { b, schedule, wait, send } = setUp(2, { minMs: 30, maxMs: 30, tailMs: 0 });
    const sentMs = schedule.nowMs;
    send(100);
    wait(100);
    for (const at of b.arrivals) ok(at - sentMs >= 20 && at - sentMs <= 40.1, `${at - sentMs} ms`);
  });

  it("loses, doubles and reorders as the weather says, and no longer once it is calm", () => {
    const { b, network, wait, send } = setUp();
    network.weather = { loss: 0.5, duplication: 0, reordering: 0, reorderMs: 0 };
    send(1000);
    wait(100);
    ok(b.frames.length > 400 && b.frames.length < 600, `${b.frames.length} of 1000 with half lost`);
    b.frames.length = 0;
    network.weather = { loss: 0, duplication: 0.5, reordering: 0, reorderMs: 0 };
    send(1000);
    wait(100);
    ok(b.frames.length > 1400 && b.frames.length < 1600, `${b.frames.length} with half doubled`);
    b.frames.length = 0;
    network.weather = { loss: 0, duplication: 0, reordering: 0.3, reorderMs: 50 };
    send(1000);
    wait(200);
    deepEqual(
      b.frames.slice().sort((x, y) => x - y),
      upTo(1000),
    );
    ok(
      b.frames.some((frame, at) => at > 0 && frame < (b.frames[at - 1] as number)),
      "some were overtaken",
    );
    b.frames.length = 0;
    network.weather = CALM;
    send(100);
    wait(100);
    deepEqual(b.frames, upTo(100));
  });

  it("cuts one direction alone, also for what is on its way", () => {
    const { a, b, network, wait, send } = setUp();
    send(10);
    network.setToxics([{ from: 0, to: 1, toxic: { toxic: "loss", share: 1 } }]);
    send(10);
    send(10, 1, 0);
    wait(100);
    deepEqual([a.frames.length, b.frames.length], [10, 0]);
    network.setToxics([]);
    send(3);
    wait(100);
    equal(b.frames.length, 3);
  });

  it("adds up toxics of one link", () => {
    const { b, network, schedule, wait, send } = setUp();
    const slow = () =>
      ({ from: 0, to: 1, toxic: { toxic: "latency", delay: { shape: "constant", ms: 100 } } }) as const;
    network.setToxics([slow(), slow()]);
    const sentMs = schedule.nowMs;
    send(1);
    wait(500);
    ok((b.arrivals[0] as number) - sentMs > 200);
  });

  it("takes a dead agent's links down with all that was on its way, and up again when it returns", () => {
    const { a, b, network, wait, send } = setUp();
    send(10, 0, 1);
    a.exists = false;
    a.running = false;
    network.processEnded(0);
    wait(100);
    deepEqual(b.links, ["up 0", "down 0"]);
    equal(b.frames.length, 0);
    send(5, 1, 0);
    wait(100);
    equal(a.frames.length, 0, "nothing reaches a dead agent");
    a.exists = true;
    a.running = true;
    network.processStarted(0);
    wait(100);
    deepEqual(b.links, ["up 0", "down 0", "up 0"]);
    send(5);
    wait(100);
    deepEqual(b.frames, upTo(5));
  });

  it("does not connect across a cut, and does when it heals", () => {
    const { a, network, wait } = setUp();
    const cut = [0, 1].map((from) => ({ from, to: 1 - from, toxic: { toxic: "loss", share: 1 } as const }));
    network.breakLink(0, 1);
    network.setToxics(cut);
    wait(500);
    deepEqual(a.links, ["up 1", "down 1"]);
    network.setToxics([]);
    wait(500);
    deepEqual(a.links, ["up 1", "down 1", "up 1"]);
  });
});
