import { equal, fail, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { CYCLE_MS, OverlayNetwork, type OverlayOptions, type Spread } from "../../../../bench/overlay-network.ts";
import { Plumtree } from "../../../../server/core/overlay/plumtree/plumtree.ts";
import type { PlumtreeConfig, PlumtreeMessage, PlumtreeReady } from "../../../../server/core/overlay/plumtree/types.ts";
import { assertConnected } from "../network-checks.ts";

/** Longer than any broadcast takes, what has to be asked for included. */
const BROADCAST_MS = 4000;
type Make = OverlayOptions["makeTree"];

function network(size: number, seed: string, makeTree?: Make, tree: Partial<PlumtreeConfig> = {}): OverlayNetwork {
  const made = new OverlayNetwork({
    size,
    seed,
    closes: true,
    encoded: true,
    tree,
    ...(makeTree && { makeTree }),
  });
  made.joinAll();
  made.run(3 * CYCLE_MS);
  return made;
}

/** Everybody gets every broadcast, and once. @throws AssertionError */
function assertDelivered(subject: OverlayNetwork, { reached, running }: Spread): void {
  if (reached < running) fail(`${reached} of ${running} got it`);
  for (const [name, deliveries] of subject.deliveries) {
    const places = deliveries.map(({ place }) => place);
    if (new Set(places).size < places.length) fail(`${name} was delivered twice to one agent`);
  }
}

/** The links that are pushed over are the same from both ends, and one fewer than agents: a tree, as everybody is reached. @throws AssertionError */
function assertTree(subject: OverlayNetwork): void {
  const running = subject.running();
  const eager = new Map(running.map((place) => [`a${place + 1}`, subject.tree(place).eager]));
  let ends = 0;
  for (const [id, peers] of eager)
    for (const peer of peers) {
      ends++;
      if (!eager.get(peer)?.includes(id)) fail(`${id} pushes to ${peer}, which does not push to it`);
    }
  if (ends !== 2 * (running.length - 1)) fail(`${ends / 2} links of the tree among ${running.length} agents`);
}

/** Broadcasts by one agent until the tree has settled; then some, and more while agents fail. */
function trial(size: number, seed: string, makeTree?: Make): void {
  const subject = network(size, seed, makeTree);
  const [from] = subject.drawn(1) as [number];
  for (let times = 0; times < 4; times++) assertDelivered(subject, subject.broadcast(from, BROADCAST_MS));
  assertTree(subject);
  const settled = subject.broadcast(from, BROADCAST_MS);
  if (settled.payloads !== size - 1) fail(`${settled.payloads} payloads for ${size - 1} others`);
  for (let times = 0; times < 3; times++) {
    subject.kill(subject.drawn(Math.floor(subject.running().length * 0.2)));
    // At once: nobody has noticed.
    const [sender] = subject.drawn(1) as [number];
    subject.broadcast(sender, BROADCAST_MS);
    subject.run(2 * CYCLE_MS);
    assertConnected(subject);
    assertDelivered(subject, subject.broadcast(sender, BROADCAST_MS));
  }
}

class Tampered extends Plumtree {
  override take(now: number): PlumtreeReady | undefined {
    const ready = super.take(now);
    return ready && { ...ready, messages: ready.messages.filter(({ message }) => this.gives(message)) };
  }

  protected gives(_message: PlumtreeMessage): boolean {
    return true;
  }
}

class NeverPrunes extends Tampered {
  readonly #had = new Set<string>();

  override heard(from: string, message: PlumtreeMessage, now: number): void {
    if (message.type === "prune") return;
    if (message.type === "broadcast") {
      const name = JSON.stringify(message.id);
      if (this.#had.has(name)) return;
      this.#had.add(name);
    }
    super.heard(from, message, now);
  }
}

class NeverGrafts extends Tampered {
  protected override gives(message: PlumtreeMessage): boolean {
    return message.type !== "graft";
  }
}

class DeliversTwice extends Plumtree {
  override take(now: number): PlumtreeReady | undefined {
    const ready = super.take(now);
    return ready && { ...ready, deliveries: ready.deliveries.flatMap((one) => [one, one]) };
  }
}

describe("broadcasts by Plumtree", function () {
  this.timeout(60_000);

  it("reach everybody once, settle on a tree without a payload too many, and find their way when agents fail", () => {
    for (const size of [2, 5, 12, 60]) for (let seed = 1; seed <= 12; seed++) trial(size, String(seed));
  });

  it("reach everybody from many senders, one after the other and at the same time, on one tree", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const subject = network(60, String(seed), undefined, { threshold: Number.POSITIVE_INFINITY });
      for (const from of subject.drawn(20)) assertDelivered(subject, subject.broadcast(from, BROADCAST_MS));
      const names = subject.drawn(30).map((from) => subject.send(from, new Uint8Array(100)));
      subject.run(BROADCAST_MS);
      for (const name of names) equal(subject.deliveries.get(name)?.length, 59);
      assertTree(subject);
    }
  });

  it("reach everybody where messages are lost, as others announce them", () => {
    let lost = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const subject = network(60, String(seed));
      const [from] = subject.drawn(1) as [number];
      for (let times = 0; times < 4; times++) subject.broadcast(from, BROADCAST_MS);
      subject.loss = 0.02;
      for (let times = 0; times < 10; times++) {
        const { reached, running } = subject.broadcast(from, BROADCAST_MS);
        lost += running - reached;
      }
    }
    // Of 4,800: a leaf of the tree that is lost, and all that would tell of it.
    ok(lost < 24, `${lost} lacked one`);
  });

  it("takes fewer hops where the tree is shortened", () => {
    const hops = (threshold: number) => {
      let sum = 0;
      for (let seed = 1; seed <= 4; seed++) {
        const subject = network(150, String(seed), undefined, { threshold });
        const [first] = subject.drawn(1) as [number];
        for (let times = 0; times < 4; times++) subject.broadcast(first, BROADCAST_MS);
        // Another sender, for whom the tree was not made.
        const [from] = subject.drawn(1) as [number];
        for (let times = 0; times < 15; times++) subject.broadcast(from, BROADCAST_MS);
        sum += subject.broadcast(from, BROADCAST_MS).lastHop;
      }
      return sum / 4;
    };
    const [shortened, as] = [hops(2), hops(Number.POSITIVE_INFINITY)];
    ok(shortened < as, `${shortened} and ${as} hops`);
  });
});

describe("the checks of broadcasts", function () {
  this.timeout(60_000);
  const caught = (make: Make, sentence: RegExp) =>
    throws(() => {
      for (let seed = 1; seed <= 12; seed++) trial(12, String(seed), make);
    }, sentence);

  it("notice one that prunes nothing", () =>
    caught((config) => new NeverPrunes(config), /pushes to|links of the tree/));
  it("notice one that asks for nothing", () => caught((config) => new NeverGrafts(config), /of \d+ got it/));
  it("notice one that delivers twice", () => caught((config) => new DeliversTwice(config), /delivered twice/));
});
