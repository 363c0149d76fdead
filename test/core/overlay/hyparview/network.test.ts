import { deepEqual, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { CYCLE_MS, OverlayNetwork, type OverlayOptions } from "../../../../bench/overlay-network.ts";
import { PAPER_VIEWS } from "../../../../server/core/overlay/hyparview/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { assertConnected, assertLinked, assertMutual, assertSound } from "../network-checks.ts";
import { BROKEN } from "./broken.ts";

const LIMITS = { active: PAPER_VIEWS.activeSize, passive: PAPER_VIEWS.passiveSize };
/** Long after all that an event brings about is over, and long before the next shuffles. */
const SETTLED_MS = 5000;
type Make = OverlayOptions["make"];

function seeds(count: number): string[] {
  return Array.from({ length: count }, (_, at) => String(at + 1));
}

/** So many agents after so many cycles, or as a broken subject makes them. */
function grown(size: number, seed: string, cycles: number, make?: Make, options: Partial<OverlayOptions> = {}) {
  const network = new OverlayNetwork({ size, seed, closes: true, encoded: true, ...options, ...(make && { make }) });
  network.joinAll();
  network.run(SETTLED_MS + cycles * CYCLE_MS);
  return network;
}

/** Agents come, crash, come back and leave, at any moment, for as long as a seed says; it is looked at all the time. */
function churn(seed: string, make?: Make): OverlayNetwork {
  const random = seededRandom(`churn/${seed}`);
  const size = random.int(3, 40);
  const network = grown(size, seed, 0, make);
  for (let step = 0; step < 60; step++) {
    const running = network.running();
    const place = random.int(0, size - 1);
    if (!running.includes(place)) network.start(place, random.shuffled(running).slice(0, 3));
    else if (running.length > 2) random.chance(0.5) ? network.kill([place]) : network.leave(place);
    network.run(random.chance(0.2) ? CYCLE_MS / 2 : random.int(0, 50));
    assertSound(network, LIMITS);
  }
  network.run(SETTLED_MS);
  assertMutual(network);
  return network;
}

/** A share of all crashes at once; their links close. Nobody shuffles before it is looked. */
function massFailure(size: number, share: number, seed: string, make?: Make): OverlayNetwork {
  const network = grown(size, seed, 4, make);
  network.kill(network.drawn(Math.floor(size * share)));
  network.run(SETTLED_MS);
  return network;
}

describe("an overlay by HyParView", function () {
  this.timeout(60_000);

  it("joins through anybody: all are connected, mutual and bounded, before the first shuffle", () => {
    for (const size of [2, 3, 6, 12, 40])
      for (const seed of seeds(20)) {
        const network = grown(size, seed, 0);
        assertSound(network, LIMITS);
        assertMutual(network);
        assertConnected(network);
        assertLinked(network, 1);
      }
  });

  it("gives everybody 3 to 5 links where fewer than 3 count as too few", () => {
    for (const size of [6, 12, 40, 200])
      for (const seed of seeds(5)) {
        const network = grown(size, seed, 5, undefined, { views: { activeLeast: 3 } });
        assertLinked(network, 3);
        assertConnected(network);
      }
  });

  it("stays sound whoever comes and goes, and is mutual once nothing is on its way", () => {
    for (const seed of seeds(80)) churn(seed);
  });

  it("is connected when up to 30 % have failed at once, without waiting for a shuffle", () => {
    for (const share of [0.1, 0.2, 0.3])
      for (const size of [12, 30, 100])
        for (const seed of seeds(10)) {
          const network = massFailure(size, share, seed);
          assertConnected(network);
          assertMutual(network);
        }
    assertConnected(massFailure(1000, 0.3, "1"));
  });

  it("is mended by its own traffic where messages were lost", () => {
    for (const seed of seeds(10)) {
      const network = grown(40, seed, 3, undefined, { loss: 0.2 });
      assertSound(network, LIMITS);
      network.loss = 0;
      network.run(25 * CYCLE_MS);
      assertMutual(network);
      assertConnected(network);
    }
  });

  it("is the same for the same seed, and another for another", () => {
    const views = (seed: string) => grown(30, seed, 2).active();
    deepEqual(views("1"), views("1"));
    ok(JSON.stringify(views("1")) !== JSON.stringify(views("2")));
  });
});

describe("the checks of an overlay", function () {
  this.timeout(60_000);
  const caught = (count: number, trial: (seed: string) => void, sentence: RegExp) =>
    throws(() => {
      for (const seed of seeds(count)) trial(seed);
    }, sentence);

  it("notice one that drops neighbours in silence", () => {
    caught(
      20,
      (seed) => churn(seed, (...given) => new BROKEN.DropsInSilence(...given)),
      /for a neighbour, which does not/,
    );
  });

  it("notice one that has too many neighbours", () => {
    caught(20, (seed) => churn(seed, (...given) => new BROKEN.TakesAll(...given)), /has (6|7|8|9|10) neighbours/);
  });

  it("notice one that does not see who is gone", () => {
    caught(5, (seed) => churn(seed, (...given) => new BROKEN.SeesNoFailure(...given)), /which does not run/);
  });

  it("notice one that replaces nobody: it falls apart", () => {
    const make: Make = (...given) => new BROKEN.ReplacesNobody(...given);
    caught(20, (seed) => assertConnected(massFailure(100, 0.3, seed, make)), /in parts of/);
  });

  it("notice one that learns of nobody: it falls apart, and has too few links before", () => {
    const make: Make = (...given) => new BROKEN.LearnsNothing(...given);
    caught(20, (seed) => assertConnected(massFailure(100, 0.3, seed, make)), /in parts of/);
    caught(5, (seed) => assertLinked(grown(40, seed, 5, make), 3), /neighbours, not 3/);
  });
});
