import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { LinkState } from "../../../../server/core/overlay/link-state/link-state.ts";
import type { LinkAdvert, LinkStateMessage } from "../../../../server/core/overlay/link-state/types.ts";
import { type Random, seededRandom } from "../../../../server/core/random.ts";
import { advert, cryptoOf, SWARM } from "./adverts.ts";

const AGAIN_MS = 100;
type Make = (...given: ConstructorParameters<typeof LinkState>) => LinkState;
const honest: Make = (...given) => new LinkState(...given);
const adverts = (...told: readonly LinkAdvert[]): LinkStateMessage => ({ type: "adverts", adverts: told });

/** Agents that tell each other of their links, over those links. */
class Flood {
  readonly roster: readonly string[];
  readonly cores = new Map<string, LinkState>();
  readonly links = new Set<string>();
  readonly #random: Random;
  readonly #loss: number;
  readonly #make: Make;
  now = 0;

  constructor(size: number, { seed = 1, loss = 0, make = honest } = {}) {
    this.roster = Array.from({ length: size }, (_, at) => `a${at + 1}`);
    this.#random = seededRandom(seed);
    this.#loss = loss;
    this.#make = make;
    for (const id of this.roster) this.start(id, 1);
  }

  start(id: string, incarnation: number): void {
    const config = { id, swarm: SWARM, incarnation, againMs: AGAIN_MS };
    const random = seededRandom(`${id}/${incarnation}`);
    this.cores.set(id, this.#make(config, this.roster, this.now, random, cryptoOf(id)));
  }

  core(id: string): LinkState {
    return this.cores.get(id) as LinkState;
  }

  up(a: string, b: string): void {
    this.links.add([a, b].sort().join());
    this.core(a).up(b);
    this.core(b).up(a);
  }

  down(a: string, b: string): void {
    this.links.delete([a, b].sort().join());
    this.core(a).down(b);
    this.core(b).down(a);
  }

  /** Until nobody has anything to say, in any order. */
  settle(): void {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (const id of this.#random.shuffled(this.roster)) {
        const ready = this.core(id).take();
        if (ready === undefined) continue;
        quiet = false;
        if (ready.broadcast !== undefined) this.#broadcast(id, ready.broadcast);
        for (const { to, message } of ready.messages) if (this.#crosses(id, to)) this.core(to).heard(id, message);
      }
    }
  }

  /** To all that a link leads to, each by the first copy that is not lost. */
  #broadcast(origin: string, told: LinkAdvert): void {
    const reached = new Set([origin]);
    for (const from of reached)
      for (const to of this.roster) {
        if (reached.has(to) || !this.#crosses(from, to)) continue;
        reached.add(to);
        this.core(to).heardBroadcast([told]);
      }
  }

  #crosses(from: string, to: string): boolean {
    return this.links.has([from, to].sort().join()) && !this.#random.chance(this.#loss);
  }

  rounds(count: number): void {
    for (let round = 0; round < count; round++) {
      this.now += AGAIN_MS;
      for (const core of this.cores.values()) core.tick(this.now);
      this.settle();
    }
  }

  known(id: string): string[] {
    return this.core(id)
      .links()
      .map(({ a, b }) => [a, b].sort().join())
      .sort();
  }

  /** @returns those who know other links than there are */
  mistaken(): string[] {
    const all = [...this.links].sort().join(" ");
    return this.roster.filter((id) => this.known(id).join(" ") !== all);
  }

  /** Links come and go; the others stay connected in a ring. */
  churn(steps: number): void {
    for (const [at, id] of this.roster.entries()) this.up(id, this.roster[(at + 1) % this.roster.length] as string);
    for (let step = 0; step < steps; step++) {
      const [a, b] = this.#random.shuffled(this.roster) as [string, string];
      const distance = Math.abs(this.roster.indexOf(a) - this.roster.indexOf(b));
      if (distance === 1 || distance === this.roster.length - 1) continue;
      if (this.links.has([a, b].sort().join())) this.down(a, b);
      else this.up(a, b);
      if (this.#random.chance(0.5)) this.settle();
    }
    this.settle();
  }
}

/** Broadcasts of itself, and tells neighbours nothing. */
class Mute extends LinkState {
  override take() {
    const ready = super.take();
    return ready && { ...ready, messages: [] };
  }
}

/** Tells neighbours, and all of nothing. */
class Quiet extends LinkState {
  override take() {
    const ready = super.take();
    return ready && { messages: ready.messages, changed: ready.changed, forged: ready.forged };
  }
}

describe("link state", () => {
  it("is the same at all after any changes, in any order, where nothing is lost", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const flood = new Flood(9, { seed });
      flood.churn(60);
      deepEqual(flood.mistaken(), [], `seed ${seed}`);
    }
  });

  it("comes to be the same where a third of what is said is lost, as all is told again", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const flood = new Flood(9, { seed, loss: 0.33 });
      flood.churn(60);
      flood.rounds(60);
      deepEqual(flood.mistaken(), [], `seed ${seed}`);
    }
  });

  it("is seen not to be the same where agents do not tell neighbours what a broadcast missed, or broadcast nothing", () => {
    const mute = new Flood(9, { loss: 0.8, make: (...given) => new Mute(...given) });
    mute.churn(60);
    mute.rounds(60);
    ok(mute.mistaken().length > 0);
    const quiet = new Flood(9, { make: (...given) => new Quiet(...given) });
    quiet.churn(60);
    ok(quiet.mistaken().length > 0);
  });

  it("broadcasts its own, the latest once, and floods on only what a neighbour had to tell", () => {
    const core = new Flood(4).core("a1");
    for (const peer of ["a2", "a3"]) core.up(peer);
    deepEqual(core.take()?.broadcast, advert("a1", 1, 2, [1, 2]));
    equal(core.take(), undefined);
    const told = advert("a4", 1, 1);
    core.heardBroadcast([told]);
    deepEqual(core.take(), { messages: [], changed: true, forged: [] });
    core.heard("a2", adverts(told));
    equal(core.take(), undefined, "it is known");
    const newer = advert("a4", 1, 2);
    core.heard("a2", adverts(newer));
    deepEqual(core.take(), { messages: [{ to: "a3", message: adverts(newer) }], changed: true, forged: [] });
  });

  it("knows a link once both its ends say so, and an own one at once", () => {
    const core = new Flood(4).core("a1");
    core.heard("a2", adverts(advert("a3", 1, 1, [3])));
    deepEqual(core.links(), []);
    core.heard("a2", adverts(advert("a4", 1, 1, [2])));
    core.up("a2");
    deepEqual(core.links(), [
      { a: "a1", b: "a2" },
      { a: "a3", b: "a4" },
    ]);
    core.heard("a2", adverts(advert("a4", 1, 2)));
    deepEqual(core.links(), [{ a: "a1", b: "a2" }]);
  });

  it("forgets what an agent said in an earlier life, and takes no news from before", () => {
    const core = new Flood(4).core("a1");
    core.heard("a2", adverts(advert("a4", 1, 9, [2]), advert("a3", 1, 1, [3])));
    equal(core.links().length, 1);
    core.heard("a2", adverts(advert("a4", 2, 1)));
    core.heard("a3", adverts(advert("a4", 1, 10, [2])));
    deepEqual(core.links(), []);
  });

  it("believes nobody about its own links", () => {
    const core = new Flood(4).core("a1");
    core.up("a2");
    core.heard("a2", adverts(advert("a1", 99, 99, [2]), advert("a3", 1, 1, [0])));
    deepEqual(core.links(), [{ a: "a1", b: "a2" }]);
  });

  it("believes nobody about another's links, and says who told of them", () => {
    const core = new Flood(4).core("a1");
    core.up("a2");
    core.take();
    const truth = [advert("a3", 1, 1, [3]), advert("a4", 1, 1, [2])];
    core.heard("a2", adverts(...truth));
    core.take();
    const lies = [
      advert("a3", 1, 2, [], { signer: "a2" }),
      advert("a3", 1, 2, [], { swarm: "another" }),
      { ...advert("a3", 1, 2), peers: [1] },
      { ...(truth[0] as LinkAdvert), number: 2 },
      { ...(truth[0] as LinkAdvert), life: 2 },
    ];
    for (const lie of lies) {
      core.heard("a2", adverts(lie));
      deepEqual(core.take(), { messages: [], changed: false, forged: [{ origin: "a3", from: "a2" }] });
      core.heardBroadcast([lie]);
      deepEqual(core.take()?.forged, [{ origin: "a3" }], "who broadcast it is not known");
    }
    deepEqual(
      core.links(),
      [
        { a: "a3", b: "a4" },
        { a: "a1", b: "a2" },
      ].reverse(),
    );
    core.heard("a2", adverts(lies[0] as LinkAdvert, advert("a3", 1, 3)));
    equal(core.links().length, 2, "nothing of what follows a forged one is looked at");
    core.heard("a2", adverts(advert("a3", 1, 3)));
    equal(core.links().length, 1, "what is true counts, whoever tells it");
  });

  it("tells of a bounded number of forged adverts at a time", () => {
    const core = new Flood(4).core("a1");
    for (let number = 1; number <= 50; number++) core.heardBroadcast([advert("a3", 1, number, [], { signer: "a2" })]);
    equal(core.take()?.forged.length, 8);
    equal(core.take(), undefined);
  });

  it("knows a link with an agent that it is told of later, once it is", () => {
    const roster = ["a1", "a2", "a3", "a4"];
    const config = { id: "a1", swarm: SWARM, incarnation: 1, againMs: AGAIN_MS };
    const core = new LinkState(config, roster.slice(0, 3), 0, seededRandom(1), cryptoOf("a1"));
    core.up("a2");
    core.heard("a2", adverts(advert("a3", 1, 1, [3])));
    core.grow(roster);
    core.heard("a2", adverts(advert("a4", 1, 1, [2])));
    deepEqual(core.links(), [
      { a: "a1", b: "a2" },
      { a: "a3", b: "a4" },
    ]);
  });

  it("names those whom no link leads to", () => {
    const flood = new Flood(6);
    for (const [a, b] of [
      ["a1", "a2"],
      ["a2", "a3"],
      ["a5", "a6"],
    ] as const)
      flood.up(a, b);
    flood.settle();
    deepEqual(flood.core("a1").unreached(flood.roster), ["a4", "a5", "a6"]);
    deepEqual(flood.core("a5").unreached(flood.roster), ["a1", "a2", "a3", "a4"]);
    flood.up("a3", "a5");
    flood.settle();
    deepEqual(flood.core("a1").unreached(flood.roster), ["a4"]);
    flood.down("a2", "a3");
    flood.settle();
    deepEqual(flood.core("a1").unreached(flood.roster), ["a3", "a4", "a5", "a6"]);
  });

  it("compares numbers with a new neighbour: each tells what the other lacks, and nothing else", () => {
    const flood = new Flood(5);
    const [a, b] = [flood.core("a1"), flood.core("a2")];
    a.heardBroadcast([advert("a3", 1, 2), advert("a4", 1, 1)]);
    b.heardBroadcast([advert("a3", 1, 1), advert("a4", 1, 1), advert("a5", 1, 1)]);
    flood.up("a1", "a2");
    const [first] = a.take()?.messages ?? [];
    deepEqual(first, {
      to: "a2",
      message: {
        type: "known",
        known: [
          { origin: "a3", life: 1, number: 2 },
          { origin: "a4", life: 1, number: 1 },
          { origin: "a1", life: 1, number: 1 },
        ],
      },
    });
    b.take();
    b.heard("a1", first.message);
    const [news, numbers, ...more] = b.take()?.messages ?? [];
    deepEqual(news, { to: "a1", message: adverts(advert("a5", 1, 1), advert("a2", 1, 1, [0])) });
    equal(numbers?.message.type, "known", "a1 has newer ones of a3 and of itself");
    deepEqual(more, []);
    a.heard("a2", news?.message as LinkStateMessage);
    a.heard("a2", numbers?.message as LinkStateMessage);
    deepEqual(a.take()?.messages, [{ to: "a2", message: adverts(advert("a3", 1, 2), advert("a1", 1, 1, [1])) }]);
    a.heard("a2", { type: "known", known: [] });
    b.heard("a9", { type: "known", known: [] });
    equal(b.take(), undefined, "who is no neighbour is told nothing");
  });

  it("tells of many adverts in messages that can be read", () => {
    const roster = ["a1", "a2", ...Array.from({ length: 600 }, (_, at) => `b${at}`)];
    const crypto = { ...cryptoOf("a1"), verify: () => true };
    const config = { id: "a1", swarm: SWARM, incarnation: 1, againMs: AGAIN_MS };
    const core = new LinkState(config, roster, 0, seededRandom(1), crypto);
    const signature = new Uint8Array(64);
    core.heardBroadcast(roster.slice(2).map((origin) => ({ origin, life: 1, number: 1, peers: [], signature })));
    core.up("a2");
    core.take();
    core.heard("a2", { type: "known", known: [] });
    const messages = core.take()?.messages ?? [];
    deepEqual(
      messages.map(({ message }) => message.type === "adverts" && message.adverts.length),
      [256, 256, 89],
    );
    equal(core.take(), undefined, "once");
  });

  it("does not go on with more links than can be told of, nor with an agent that nobody knows", () => {
    const roster = ["a1", ...Array.from({ length: 65 }, (_, at) => `b${at}`)];
    const config = { id: "a1", swarm: SWARM, incarnation: 1, againMs: AGAIN_MS };
    const core = new LinkState(config, roster, 0, seededRandom(1), cryptoOf("a1"));
    throws(() => core.up("c1"), /a neighbour is in the roster/);
    throws(() => {
      for (let at = 0; at < 65; at++) core.up(`b${at}`);
    }, /no more links than it can tell of/);
  });
});
