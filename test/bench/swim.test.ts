import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import type { NetworkOptions } from "../../bench/membership-network.ts";
import { confidence95, deviation, fittedLine, mean } from "../../bench/statistics.ts";
import { crashes, expectedFirstPing, longestGap, memberLoad, probeGaps, quietGroup } from "../../bench/swim-group.ts";
import { alarms, latencies, VARIANTS, type Variant } from "../../bench/swim-slow.ts";
import { SwimMembership } from "../../server/core/membership/swim/swim.ts";
import type { MembershipReady, SwimMessage } from "../../server/core/membership/types.ts";

type Make = NonNullable<NetworkOptions["make"]>;

/** Probes half as often as it should. */
const lazy: Make = (config, ...rest) =>
  new SwimMembership({ ...config, probeIntervalMs: 2 * config.probeIntervalMs }, ...rest);

/** Says what it is asked to, but changed. */
class Altered extends SwimMembership {
  readonly alter: (ready: MembershipReady) => MembershipReady;

  constructor(alter: (ready: MembershipReady) => MembershipReady, given: ConstructorParameters<typeof SwimMembership>) {
    super(...given);
    this.alter = alter;
  }

  override take(now: number): MembershipReady | undefined {
    const ready = super.take(now);
    return ready && this.alter(ready);
  }
}

/** Keeps all news to itself. */
const secretive: Make = (...given) =>
  new Altered(
    (ready) => ({
      ...ready,
      messages: ready.messages.map(({ to, message }) => ({ to, message: { ...(message as SwimMessage), news: [] } })),
    }),
    given,
  );

/** Tells everybody whenever it tells anybody, as with heartbeats. */
const chatty: Make = (...given) =>
  new Altered(
    ({ observations }) => ({
      observations,
      messages: given[0].members
        .filter((to) => to !== given[0].id)
        .map((to) => ({ to, message: { type: "spread", news: [] } })),
    }),
    given,
  );

function assertFirstPingAsExpected(size: number, trials: number, make?: Make): void {
  const { firstPing } = crashes(quietGroup({ size, seed: 1, ...(make && { make }) }), trials);
  const [measured, expected] = [mean(firstPing), expectedFirstPing(size, "roundRobin")];
  // Three standard errors.
  const margin = (3 / 1.96) * confidence95(firstPing);
  ok(margin < 0.25, `${trials} trials are too few: ±${margin}`);
  ok(Math.abs(measured - expected) < margin, `${size} members: ${measured} instead of ${expected} ± ${margin}`);
}

function assertConstantLoad(make?: Make): void {
  const [few, many] = [8, 64].map((size) => memberLoad(quietGroup({ size, seed: 1, ...(make && { make }) }), 60));
  ok(few && many);
  ok(Math.abs(many.sent / few.sent - 1) < 0.1, `sent ${few.sent} among 8, ${many.sent} among 64`);
  ok(Math.abs(many.received / few.received - 1) < 0.1, `received ${few.received} among 8, ${many.received} among 64`);
  ok(Math.abs(few.sent - 2) < 0.1, `${few.sent} messages a member and period`);
}

function assertSpreadsLogarithmically(make?: Make): void {
  const points = [8, 16, 32, 64].map((size) => {
    const { spread } = crashes(quietGroup({ size, seed: 1, ...(make && { make }) }), 80);
    ok(spread.reached > 0.99, `${spread.reached} of ${size} members were reached`);
    ok(spread.told > 0.5, `${spread.told} of ${size} members were told`);
    return [Math.log(size), mean(spread.periods)] as const;
  });
  const { slope, r2 } = fittedLine(points);
  ok(slope > 0.5 && slope < 1.5, `${slope} periods for each e-fold of members`);
  ok(r2 > 0.9, `log n explains ${r2}`);
}

const SLOW = { kind: "blocked", members: 6, heldUpMs: 16_384, runMs: 64 } as const;

/** Fewer than a tenth of SWIM's. */
function assertFewFalsePositives(variant: Variant): void {
  const measure = (one: Variant) =>
    alarms({ size: 32, slowness: SLOW, variant: one, virtualMs: 60_000, seed: 1 }).falsePositives;
  const [without, withIt] = [measure(VARIANTS.SWIM), measure(variant)];
  ok(without > 100, `SWIM holds ${without} failed wrongly: nothing to be seen`);
  ok(withIt < without / 10, `${withIt} held failed wrongly, ${without} by SWIM`);
}

describe("the experiments of the SWIM paper", function () {
  this.timeout(90_000);

  it("expect what the paper does: e / (e - 1) for random targets, and a little less in rounds", () => {
    const limit = Math.E / (Math.E - 1);
    ok(Math.abs(expectedFirstPing(512, "random") - limit) < 0.002);
    for (const size of [2, 8, 64, 512]) {
      ok(expectedFirstPing(size, "roundRobin") <= expectedFirstPing(size, "random"));
    }
    // Of two, one pings the other in every period. Of three, each of the two others pings it in one period of two: the sum over k of the squares of 1, 1/2, 1/8, 0.
    equal(expectedFirstPing(2, "roundRobin"), 1);
    equal(expectedFirstPing(3, "roundRobin"), 1 + 1 / 4 + 1 / 64);
  });

  it("a crashed member is first pinged in vain when it is expected to be", () => {
    assertFirstPingAsExpected(8, 400);
    assertFirstPingAsExpected(32, 300);
  });

  it("that is not so of members that probe half as often", () => {
    throws(() => assertFirstPingAsExpected(8, 400, lazy), /instead of/);
  });

  it("no member waits longer than 2n - 1 periods for its next probe of n others, and some wait that long", () => {
    for (const size of [4, 8, 64]) {
      const gaps = probeGaps(size, 2000, 1);
      equal(gaps.longest, longestGap(size));
      ok(Math.abs(gaps.mean - (size - 1)) < 0.1, `${gaps.mean} periods among ${size}`);
    }
  });

  it("a member's load is two messages a period, however many there are", () => {
    assertConstantLoad();
  });

  it("that is not so of members that tell everybody", () => {
    throws(() => assertConstantLoad(chatty), /among 64/);
  });

  it("piggybacked news reaches all, in a time that grows with the logarithm of their number", () => {
    assertSpreadsLogarithmically();
  });

  it("that is not so of members that keep news to themselves", () => {
    throws(() => assertSpreadsLogarithmically(secretive), /members were (reached|told)/);
  });

  it("one seed gives one result", () => {
    const once = () => crashes(quietGroup({ size: 16, seed: 5 }), 20);
    deepEqual(once(), once());
  });
});

describe("the experiments of Lifeguard", function () {
  this.timeout(90_000);

  it("slow members hold healthy ones failed by SWIM, and hardly any with Lifeguard", () => {
    assertFewFalsePositives(VARIANTS.Lifeguard);
    assertFewFalsePositives(VARIANTS["Lifeguard, allowances"]);
  });

  it("that is not so with Lifeguard switched off, nor with the buddy system alone", () => {
    throws(() => assertFewFalsePositives(VARIANTS.SWIM), /held failed wrongly, \d+ by SWIM/);
    throws(() => assertFewFalsePositives(VARIANTS["buddy system"]), /held failed wrongly, \d+ by SWIM/);
  });

  it("a crash is known to all as soon with it as without it, and sooner with a shorter suspicion", () => {
    const worst = (variant: Variant) =>
      Math.max(...latencies({ size: 32, variant, groups: 2, crashesPerGroup: 4, seed: 1 }).lastMs);
    const [swim, lifeguard, shorter] = [
      worst(VARIANTS.SWIM),
      worst(VARIANTS.Lifeguard),
      worst(VARIANTS["Lifeguard, alpha 2"]),
    ];
    ok(lifeguard < 1.2 * swim, `${lifeguard} ms, ${swim} ms by SWIM`);
    ok(shorter < 0.8 * lifeguard, `${shorter} ms with alpha 2, ${lifeguard} ms with 5`);
  });

  it("a crash that not everybody notices is no result", () => {
    throws(
      () =>
        latencies({
          size: 8,
          variant: VARIANTS.SWIM,
          groups: 1,
          crashesPerGroup: 1,
          seed: 1,
          make: (config, ...rest) => new SwimMembership({ ...config, suspicionMultiplier: 1000 }, ...rest),
        }),
      /not everybody noticed/,
    );
  });
});

describe("statistics", () => {
  it("of known values", () => {
    equal(mean([1, 2, 6]), 3);
    equal(deviation([2, 4, 4, 4, 5, 5, 7, 9]).toFixed(3), "2.138");
    equal(confidence95([0, 2]).toFixed(3), (1.96).toFixed(3));
    deepEqual(
      fittedLine([
        [0, 1],
        [1, 3],
        [2, 5],
      ]),
      { slope: 2, intercept: 1, r2: 1 },
    );
  });

  it("without values there are none", () => {
    throws(() => mean([]), RangeError);
    throws(() => deviation([1]), RangeError);
    throws(() => fittedLine([[1, 1]]), RangeError);
  });
});
