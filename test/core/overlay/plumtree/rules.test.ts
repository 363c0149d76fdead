import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { MAX_ANNOUNCED, MAX_HOPS, MAX_PAYLOAD_BYTES } from "../../../../server/core/overlay/plumtree/limits.ts";
import { Plumtree } from "../../../../server/core/overlay/plumtree/plumtree.ts";
import type { BroadcastId, PlumtreeConfig, PlumtreeMessage } from "../../../../server/core/overlay/plumtree/types.ts";

const CONFIG: PlumtreeConfig = {
  id: "me",
  incarnation: 1,
  missingMs: 100,
  againMs: 20,
  gatherMs: 10,
  threshold: 3,
  remembered: 100,
  keptBytes: 1000,
};
const PAYLOAD = Uint8Array.of(1, 2, 3);

function idOf(number: number, origin = "o"): BroadcastId {
  return { origin, incarnation: 1, number };
}

/** One agent, by hand. */
class Subject {
  readonly core: Plumtree;
  readonly delivered: string[] = [];
  readonly observed: string[] = [];

  constructor(neighbours: readonly string[], config: Partial<PlumtreeConfig> = {}) {
    this.core = new Plumtree({ ...CONFIG, ...config });
    for (const peer of neighbours) this.core.neighbourUp(peer);
  }

  /** Messages as "to: type". */
  heard(from: string, message: PlumtreeMessage, now = 0): string[] {
    this.core.heard(from, message, now);
    return this.sent(now);
  }

  pushed(from: string, number: number, hops = 1, now = 0): string[] {
    return this.heard(from, { type: "broadcast", id: idOf(number), hops, payload: PAYLOAD }, now);
  }

  announced(from: string, number: number, hops = 1, now = 0): string[] {
    return this.heard(from, { type: "ihave", announcements: [{ id: idOf(number), hops }] }, now);
  }

  tickAt(now: number): string[] {
    this.core.tick(now);
    return this.sent(now);
  }

  sent(now: number): string[] {
    const ready = this.core.take(now);
    this.delivered.push(...(ready?.deliveries ?? []).map(({ id, from }) => `${id.number} from ${from}`));
    this.observed.push(
      ...(ready?.observations ?? []).map((one) => `${one.type} ${one.peer}${"reason" in one ? ` ${one.reason}` : ""}`),
    );
    return (ready?.messages ?? []).map(({ to, message }) => `${to}: ${tell(message)}`);
  }
}

function tell(message: PlumtreeMessage): string {
  switch (message.type) {
    case "broadcast":
      return `broadcast ${message.id.number} at ${message.hops}`;
    case "ihave":
      return `ihave ${message.announcements.map(({ id, hops }) => `${id.number} at ${hops}`).join(", ")}`;
    case "graft":
      return message.id === undefined ? "graft" : `graft ${message.id.number}`;
    case "prune":
      return "prune";
  }
}

describe("Plumtree's tree (SRDS 2007, Gossip and Tree Construction)", () => {
  it("is all links at first: a broadcast goes to every neighbour, and is delivered to others only", () => {
    const subject = new Subject(["a", "b"]);
    deepEqual(subject.core.broadcast(PAYLOAD, 0), { origin: "me", incarnation: 1, number: 1 });
    deepEqual(subject.sent(0), ["a: broadcast 1 at 1", "b: broadcast 1 at 1"]);
    deepEqual(subject.delivered, []);
  });

  it("carries what is new on to all others, a hop further", () => {
    const subject = new Subject(["a", "b", "c"]);
    deepEqual(subject.pushed("b", 7, 4), ["a: broadcast 7 at 5", "c: broadcast 7 at 5"]);
    deepEqual(subject.delivered, ["7 from b"]);
  });

  it("loses a link over which comes what was here already, at both of its ends, and delivers nothing twice", () => {
    const subject = new Subject(["a", "b"]);
    subject.pushed("a", 7);
    deepEqual(subject.pushed("b", 7), ["b: prune"]);
    deepEqual([subject.core.eager, subject.core.lazy], [["a"], ["b"]]);
    deepEqual([subject.delivered, subject.observed], [["7 from a"], ["pruned b"]]);
    subject.heard("a", { type: "prune" });
    deepEqual(subject.core.eager, []);
  });

  it("has a broadcast announced where it is not pushed: gathered for a while, one message a neighbour", () => {
    const subject = new Subject(["a", "b"]);
    subject.heard("b", { type: "prune" });
    deepEqual(subject.pushed("a", 7, 1, 0), []);
    deepEqual(subject.pushed("a", 8, 2, 4), []);
    equal(subject.core.deadline(), CONFIG.gatherMs);
    deepEqual(subject.tickAt(CONFIG.gatherMs), ["b: ihave 7 at 2, 8 at 3"]);
    deepEqual(subject.tickAt(1000), []);
  });

  it("gains the link over which something new was pushed", () => {
    const subject = new Subject(["a", "b"]);
    subject.heard("b", { type: "prune" });
    subject.pushed("b", 7);
    deepEqual(subject.core.eager, ["a", "b"]);
  });

  it("goes no further than MAX_HOPS, whatever was forgotten on the way", () => {
    const subject = new Subject(["a", "b"]);
    deepEqual(subject.pushed("a", 7, MAX_HOPS), []);
    deepEqual(subject.delivered, ["7 from a"]);
    deepEqual(subject.heard("b", { type: "graft", id: idOf(7) }), []);
  });

  it("has no link of strangers: what they push is taken, and passed on, and that is all", () => {
    const subject = new Subject(["a"]);
    deepEqual(subject.pushed("stranger", 7), ["a: broadcast 7 at 2"]);
    deepEqual(subject.pushed("stranger", 7), ["stranger: prune"]);
    deepEqual([subject.core.eager, subject.core.lazy], [["a"], []]);
  });
});

describe("Plumtree's repair (SRDS 2007, Fault Tolerance and Tree Repair)", () => {
  it("asks for what was announced and does not come, whoever announced it first, and pushes to it from then on", () => {
    const subject = new Subject(["a", "b"]);
    for (const peer of ["a", "b"]) subject.heard(peer, { type: "prune" });
    subject.announced("b", 7, 3, 0);
    subject.announced("a", 7, 2, 50);
    deepEqual(subject.tickAt(99), []);
    deepEqual(subject.tickAt(100), ["b: graft 7"]);
    deepEqual([subject.core.eager, subject.observed], [["b"], ["grafted b missing"]]);
  });

  it("asks the next who announced it after the shorter time, each once, and gives up after the last", () => {
    const subject = new Subject(["a", "b"]);
    subject.announced("b", 7, 3, 0);
    subject.announced("b", 7, 3, 1);
    subject.announced("a", 7, 2, 2);
    deepEqual(subject.tickAt(100), ["b: graft 7"]);
    deepEqual(subject.tickAt(120), ["a: graft 7"]);
    deepEqual(subject.tickAt(140), []);
    equal(subject.core.held.missing, 0);
    subject.announced("a", 7, 2, 150);
    deepEqual(subject.tickAt(250), ["a: graft 7"], "announced anew, it is asked for anew");
  });

  it("asks for nothing that comes in time", () => {
    const subject = new Subject(["a", "b"]);
    subject.announced("b", 7, 3, 0);
    subject.pushed("a", 7, 4, 50);
    deepEqual(subject.tickAt(100), []);
    equal(subject.core.deadline(), Number.POSITIVE_INFINITY);
    subject.announced("b", 7, 3, 110);
    equal(subject.core.held.missing, 0);
  });

  it("answers a graft with what is asked for, as long as it is kept, and pushes to whoever asked", () => {
    const subject = new Subject(["a", "b"], { keptBytes: 5 });
    subject.heard("b", { type: "prune" });
    subject.pushed("a", 7, 4);
    deepEqual(subject.heard("b", { type: "graft", id: idOf(7) }), ["b: broadcast 7 at 5"]);
    deepEqual(subject.core.eager, ["a", "b"]);
    subject.pushed("a", 8);
    deepEqual(subject.heard("b", { type: "graft", id: idOf(7) }), [], "two are more than it keeps");
    deepEqual(subject.heard("b", { type: "graft", id: idOf(99) }), []);
  });

  it("asks nobody who is no neighbour any more, and takes a new one for a link of the tree", () => {
    const subject = new Subject(["a", "b"]);
    subject.announced("b", 7, 3, 0);
    subject.core.neighbourDown("b");
    deepEqual(subject.tickAt(100), []);
    subject.core.neighbourUp("c");
    deepEqual(subject.core.eager, ["a", "c"]);
  });
});

describe("Plumtree's shortening (SRDS 2007, Optimization)", () => {
  it("puts a link in another's place that would have been so many hops shorter", () => {
    const subject = new Subject(["a", "b", "c"]);
    for (const peer of ["b", "c"]) subject.heard(peer, { type: "prune" });
    subject.announced("b", 7, 4, 0);
    subject.announced("c", 7, 3, 1);
    deepEqual(subject.pushed("a", 7, 6, 5), ["c: graft", "a: prune"]);
    deepEqual(subject.core.eager, ["c"]);
    deepEqual(subject.observed.slice(-2), ["grafted c shorter", "pruned a"]);
  });

  it("lets a tree be that is only a little longer, or is not to be shortened at all", () => {
    for (const [hops, threshold] of [
      [5, 3],
      [1000, Number.POSITIVE_INFINITY],
    ] as const) {
      const subject = new Subject(["a", "b"], { threshold });
      subject.heard("b", { type: "prune" });
      subject.announced("b", 7, 3, 0);
      deepEqual(subject.pushed("a", 7, hops, 5), []);
      deepEqual(subject.core.eager, ["a"]);
    }
  });
});

describe("what Plumtree keeps", () => {
  it("is bounded: what it remembers, the payloads, what is missing, and what is to be announced", () => {
    const subject = new Subject(["a", "b"], { remembered: 10, keptBytes: 12 });
    subject.heard("b", { type: "prune" });
    for (let number = 1; number <= 50; number++) subject.pushed("a", number);
    for (let number = 101; number <= 150; number++) subject.announced("b", number);
    deepEqual(subject.core.held, { remembered: 10, bytes: 12, missing: 10 });
    const last = Array.from({ length: 10 }, (_, at) => `${at + 41} at 2`).join(", ");
    deepEqual(subject.tickAt(CONFIG.gatherMs), [`b: ihave ${last}`]);
  });

  it("leaves in several messages where there is too much for one", () => {
    const subject = new Subject(["a", "b"], { remembered: 1000, keptBytes: 10_000 });
    subject.heard("b", { type: "prune" });
    for (let number = 1; number <= MAX_ANNOUNCED + 1; number++) subject.pushed("a", number);
    equal(subject.tickAt(CONFIG.gatherMs).length, 2);
  });

  it("is delivered again once it is forgotten, and not before", () => {
    const subject = new Subject(["a"], { remembered: 2 });
    for (const number of [1, 2, 1, 3, 2, 1]) subject.pushed("a", number);
    deepEqual(subject.delivered, ["1 from a", "2 from a", "3 from a", "1 from a"]);
  });

  it("tells lives of an origin apart", () => {
    const subject = new Subject(["a"]);
    for (const incarnation of [1, 2, 1])
      subject.heard("a", { type: "broadcast", id: { ...idOf(1), incarnation }, hops: 1, payload: PAYLOAD });
    equal(subject.delivered.length, 2);
  });
});

describe("the settings of Plumtree", () => {
  it("are refused where they make no sense, saying which and what would, and so is too long a broadcast", () => {
    const wrong: [Partial<PlumtreeConfig>, RegExp][] = [
      [{ incarnation: 0 }, /incarnation \(0\) must be a whole number from 1/],
      [{ missingMs: 0 }, /missingMs \(0\) must be above 0/],
      [{ againMs: Number.NaN }, /againMs/],
      [{ threshold: 0 }, /threshold/],
      [{ gatherMs: -1 }, /gatherMs \(-1\) must be at least 0/],
      [{ remembered: 0.5 }, /remembered \(0\.5\)/],
      [{ keptBytes: 0 }, /keptBytes/],
    ];
    for (const [part, message] of wrong)
      throws(
        () => new Plumtree({ ...CONFIG, ...part }),
        (error) => error instanceof RangeError && message.test(error.message),
      );
    const subject = new Subject(["a"]);
    throws(() => subject.core.broadcast(new Uint8Array(MAX_PAYLOAD_BYTES + 1), 0), RangeError);
    ok(subject.sent(0).length === 0);
  });
});
