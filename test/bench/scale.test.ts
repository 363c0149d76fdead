import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { before, describe, it } from "mocha";
import { measureAgents } from "../../bench/scale/agents.ts";
import type { Measured } from "../../bench/scale/measured.ts";
import { checkRoom } from "../../bench/scale/room.ts";
import { startSettled } from "../../bench/scale/settled.ts";
import { measureSwim } from "../../bench/scale/swim-members.ts";
import { costFigures } from "../../bench/scale.ts";
import { NOBODY } from "../../bench/unwatched.ts";
import { type WholeAgents, wholeAgents } from "../../bench/whole-agents.ts";
import { Dissemination } from "../../server/core/membership/swim/dissemination.ts";
import { buildLinks } from "../../server/core/overlay/topology.ts";

const TEN: Measured = { broadcastMs: 10, mostMs: 10, messages: 5, bytes: 50, cpuMs: 1, memoryKiB: 100, speed: 100 };

describe("the benchmark of scale", () => {
  before(() => {
    setFlagsFromString("--expose-gc");
    global.gc = runInNewContext("gc") as NonNullable<typeof global.gc>;
  });

  it("holds each cost against the logarithm, from the smallest size", () => {
    const measured = { ...TEN, broadcastMs: 20, messages: 4, bytes: 101 };
    const figures = costFigures("100 of them", 100, measured, { size: 10, measured: TEN });
    const met = (what: string): boolean | undefined => figures.find(({ name }) => name === `100 of them: ${what}`)?.met;
    assert.deepEqual(
      [met("broadcast to all"), met("messages of each, idle"), met("bytes of each, idle"), met("memory of each")],
      [true, true, false, true],
    );
    assert.ok(costFigures("10", 10, TEN, { size: 10, measured: TEN }).every(({ goal }) => goal === ""));
  });

  it("measures members and whole agents, whose messages it counts for the same time", () => {
    const members = measureSwim(8, true);
    // A ping and an answer to another's each period, and what is still news.
    assert.ok(members.messages >= 4 && members.messages < 12, `${members.messages} a second`);
    const agents = measureAgents(8, true);
    assert.ok(agents.messages > members.messages, `${agents.messages} and ${members.messages}`);
    // What is kept is told by a process of its own: in this one others' leavings are collected meanwhile. What so few compute may be less than a step of the clock.
    const mayBeNothing = ["memoryKiB", "cpuMs"];
    const isMeasured = (what: string, value: number): boolean =>
      value > 0 ? value < Number.POSITIVE_INFINITY || what === "speed" : mayBeNothing.includes(what);
    for (const one of [members, agents])
      for (const [what, value] of Object.entries(one)) assert.ok(isMeasured(what, value), `${what}: ${value}`);
  });

  it("begins with agents that have heard of all the others, and have nothing to tell of that: else they have", () => {
    const ids = Array.from({ length: 50 }, (_, at) => `a${at + 1}`);
    const links = buildLinks("k-regular", ids, { degree: 4 });
    const toldAfter = (begin: (made: WholeAgents) => void): number => {
      const made = wholeAgents({ consensus: "gossip", ids, links, seed: "settled", witness: NOBODY });
      begin(made);
      return newsTold(() => made.schedule.runUntil(1_000_000, () => false));
    };
    assert.equal(
      toldAfter(({ worlds }) => startSettled(worlds, ids, links)),
      0,
    );
    assert.ok(toldAfter(({ start }) => start()) > 50 * 49);
  });

  it("begins nothing that memory has no room for, and says what it would take", () => {
    checkRoom(10);
    assert.throws(() => checkRoom(50_000), /their lists of members alone would keep \d+\.\d GiB \([\d,]+ KiB each\)/);
  });
});

/** Pieces of news that members told each other meanwhile. */
function newsTold(run: () => void): number {
  let told = 0;
  const { take } = Dissemination.prototype;
  Dissemination.prototype.take = function (...asked) {
    const taken = take.apply(this, asked);
    told += taken.length;
    return taken;
  };
  try {
    run();
  } finally {
    Dissemination.prototype.take = take;
  }
  return told;
}
