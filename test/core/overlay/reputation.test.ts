import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MEMBER_STATES, type MemberState } from "../../../server/core/membership/types.ts";
import {
  HONESTY_AFTER_A_LIE,
  LATENCY_GRAIN_MS,
  LATENCY_HALF_LIFE_MS,
  LATENCY_LIMIT_MS,
  type PeerReputation,
  PRESENCE,
  Reputation,
  UPTIME_HALF_LIFE_MS,
} from "../../../server/core/overlay/reputation.ts";

const EPOCH_MS = 1_800_000_000_000;
const PEERS = ["a2", "a3", "a4", "a5"];
const TRUSTED: PeerReputation = { score: 1, uptime: 1, latency: 1, honesty: 1, proofs: 0 };

type Input = { readonly peer: string; readonly afterMs: number } & (
  | { readonly type: "seen"; readonly state: MemberState }
  | { readonly type: "delivered"; readonly latencyMs: number }
  | { readonly type: "lied"; readonly proof: string }
);

const common = { peer: fc.constantFrom(...PEERS), afterMs: fc.double({ min: 0, max: 600_000, noNaN: true }) };
const seenInput = fc.record({
  ...common,
  type: fc.constant("seen" as const),
  state: fc.constantFrom<MemberState>(...MEMBER_STATES),
});
const anyInput: fc.Arbitrary<Input> = fc.oneof(
  seenInput,
  fc.record({
    ...common,
    type: fc.constant("delivered" as const),
    latencyMs: fc.oneof(fc.double({ min: -50, max: 500, noNaN: true }), fc.constant(2e14)),
  }),
  fc.record({ ...common, type: fc.constant("lied" as const), proof: fc.constantFrom("p1", "p2", "p3") }),
);

interface Subject {
  readonly reputation: Reputation;
  now: number;
}

function fresh(): Subject {
  return { reputation: new Reputation(), now: EPOCH_MS };
}

function take(subject: Subject, input: Input): void {
  subject.now += input.afterMs;
  const { reputation, now } = subject;
  if (input.type === "seen") reputation.seen(input.peer, input.state, now);
  else if (input.type === "delivered") reputation.delivered(input.peer, input.latencyMs, now);
  else reputation.lied(input.peer, input.proof);
}

function taken(inputs: readonly Input[], read: (subject: Subject) => void = () => {}): Subject {
  const subject = fresh();
  for (const input of inputs) {
    take(subject, input);
    read(subject);
  }
  return subject;
}

function all({ reputation, now }: Subject): PeerReputation[] {
  return PEERS.map((peer) => reputation.of(peer, now));
}

function near(found: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(found - expected) <= tolerance, `${found}, not ${expected}`);
}

/** A peer's link as it is when it has long been so. */
function steady(reputation: Reputation, latencies: Readonly<Record<string, number>>): void {
  for (let frame = 0; frame < 200; frame++)
    for (const [peer, latencyMs] of Object.entries(latencies)) reputation.delivered(peer, latencyMs, EPOCH_MS);
}

describe("a reputation", () => {
  it("is full for whoever nothing is known of", () => {
    assert.deepEqual(new Reputation().of("a9", EPOCH_MS), TRUSTED);
    const { reputation } = fresh();
    reputation.seen("a2", "alive", EPOCH_MS);
    assert.deepEqual(reputation.of("a2", EPOCH_MS + 1e9), TRUSTED);
  });

  it("is the product of three parts, each from 0 to 1, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.array(anyInput, { maxLength: 60 }),
        fc.double({ min: 0, max: 1e7, noNaN: true }),
        (inputs, later) => {
          const subject = taken(inputs);
          subject.now += later;
          for (const { score, uptime, latency, honesty } of all(subject)) {
            for (const part of [score, uptime, latency, honesty]) assert.ok(part >= 0 && part <= 1, `${part}`);
            assert.equal(score, uptime * latency * honesty);
          }
        },
      ),
    );
  });

  it("is the same for the same inputs, however often it was read between them", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 60 }), (inputs) => {
        const read = taken(inputs, (subject) => void all(subject));
        assert.deepEqual(all(read), all(taken(inputs)));
      }),
    );
  });
});

describe("uptime", () => {
  it("halves with every half-life of absence, and comes back as it went", () => {
    const { reputation, now } = fresh();
    reputation.seen("a2", "failed", now);
    for (const lives of [0, 0.5, 1, 2, 10])
      near(reputation.of("a2", now + lives * UPTIME_HALF_LIFE_MS).uptime, 0.5 ** lives);
    reputation.seen("a2", "alive", now + 2 * UPTIME_HALF_LIFE_MS);
    near(reputation.of("a2", now + 3 * UPTIME_HALF_LIFE_MS).uptime, 1 - 0.75 / 2);
    near(reputation.of("a2", now + 60 * UPTIME_HALF_LIFE_MS).uptime, 1);
  });

  it("goes half the way down for one that is only suspected", () => {
    const { reputation, now } = fresh();
    reputation.seen("a2", "suspected", now);
    near(reputation.of("a2", now + UPTIME_HALF_LIFE_MS).uptime, 0.75);
    near(reputation.of("a2", now + 60 * UPTIME_HALF_LIFE_MS).uptime, 0.5);
  });

  it("is the exponentially weighted share of the time, as adding up the stretches gives it", () => {
    fc.assert(
      fc.property(
        fc.array(seenInput, { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0, max: 300_000, noNaN: true }),
        (inputs, later) => {
          const mine = inputs.map((input) => ({ ...input, peer: "a2" }));
          const { reputation, now } = taken(mine);
          // What the time up to so long ago weighs.
          const weightBefore = (ageMs: number) => 0.5 ** (ageMs / UPTIME_HALF_LIFE_MS);
          let ageMs = later;
          let left = weightBefore(ageMs);
          let sum = 0;
          let until = 1;
          for (const { state, afterMs } of mine.toReversed()) {
            sum += PRESENCE[state] * (until - left);
            until = left;
            ageMs += afterMs;
            left = weightBefore(ageMs);
          }
          // Nobody had said anything yet: that counts as alive.
          // To what a double has of a ms since the epoch.
          near(reputation.of("a2", now + later).uptime, sum + until, 1e-6);
        },
      ),
    );
  });
});

describe("latency", () => {
  it("is 1 at the median and below it, and falls as the median divided by its own above it", () => {
    const { reputation, now } = fresh();
    steady(reputation, { a2: 2, a3: 10, a4: 20, a5: 10, a6: 40 });
    const found = ["a2", "a3", "a4", "a5", "a6"].map((peer) => reputation.of(peer, now).latency);
    assert.deepEqual(found, [1, 1, 0.5, 1, 0.25]);
    assert.equal(reputation.score("a6", now), 0.25);
  });

  it("is told by the mean of the two in the middle where their number is even", () => {
    const { reputation, now } = fresh();
    steady(reputation, { a2: 10, a3: 30 });
    near(reputation.of("a3", now).latency, 20 / 30);
    assert.equal(reputation.of("a2", now).latency, 1);
  });

  it("is told by the mean of all frames, of which one that came a half-life ago counts half", () => {
    const { reputation, now } = fresh();
    steady(reputation, { a2: 10, a3: 10 });
    reputation.delivered("a4", 10, now);
    reputation.delivered("a4", 70, now + LATENCY_HALF_LIFE_MS);
    near(reputation.of("a4", now).latency, 10 / ((10 / 2 + 70) / (1 / 2 + 1)));
    near(reputation.of("a4", now + 1e9).latency, 10 / 50, 1e-9);
    reputation.delivered("a4", 10, now + 60 * LATENCY_HALF_LIFE_MS);
    near(reputation.of("a4", now).latency, 1);
  });

  it("takes no single slow frame among many for a slow link", () => {
    const { reputation, now } = fresh();
    steady(reputation, { a2: 10, a3: 10, a4: 10 });
    reputation.delivered("a4", 100, now);
    near(reputation.of("a4", now).latency, 10 / (2100 / 201));
  });

  it("tells nothing apart that is below the grain, and takes a clock that is ahead for a fast link", () => {
    const { reputation, now } = fresh();
    steady(reputation, { a2: 0.01, a3: 0.02, a4: LATENCY_GRAIN_MS, a5: -5 });
    for (const peer of PEERS) assert.equal(reputation.of(peer, now).latency, 1);
    const slower = fresh().reputation;
    steady(slower, { a2: 0.01, a3: 0.02, a4: 2 * LATENCY_GRAIN_MS });
    near(slower.of("a4", now).latency, 0.5);
  });

  it("forgets an absurd stamp as soon as the longest that counts", () => {
    const [absurd, longest] = [fresh(), fresh()].map(({ reputation }, at) => {
      steady(reputation, { a2: 10, a3: 10, a4: 10 });
      reputation.delivered("a2", at === 0 ? 2e14 : LATENCY_LIMIT_MS, EPOCH_MS);
      return reputation.of("a2", EPOCH_MS);
    });
    assert.deepEqual(absurd, longest);
    assert.ok((absurd as PeerReputation).latency > 0);
  });

  it("is held against those that are there: who is gone does not set what is usual", () => {
    const { reputation, now } = fresh();
    steady(reputation, { a2: 10, a3: 2, a4: 2 });
    near(reputation.of("a2", now).latency, 0.2);
    for (const gone of ["a3", "a4"]) reputation.seen(gone, "failed", now);
    assert.equal(reputation.of("a2", now).latency, 1);
    reputation.seen("a2", "left", now);
    assert.equal(reputation.of("a2", now).latency, 1, "nobody is left to be held against");
  });
});

describe("honesty", () => {
  it("halves with every proof of another lie, and does not come back by time", () => {
    const { reputation, now } = fresh();
    for (const [proof, proofs] of [
      ["p1", 1],
      ["p1", 1],
      ["p2", 2],
      ["p1", 2],
      ["p3", 3],
    ] as const) {
      reputation.lied("a2", proof);
      const { honesty, proofs: held } = reputation.of("a2", now);
      assert.deepEqual([honesty, held], [HONESTY_AFTER_A_LIE ** proofs, proofs]);
    }
    reputation.seen("a2", "alive", now);
    assert.equal(reputation.of("a2", now + 1e12).honesty, 0.125);
    assert.deepEqual(reputation.of("a3", now), TRUSTED);
  });

  it("never rises, and falls only with a proof that is new", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 60 }), (inputs) => {
        const subject = fresh();
        const told = new Set<string>();
        for (const input of inputs) {
          const before = all(subject);
          take(subject, input);
          for (const [at, { honesty }] of all(subject).entries()) {
            const news = input.type === "lied" && input.peer === PEERS[at] && !told.has(`${input.peer} ${input.proof}`);
            const was = (before[at] as PeerReputation).honesty;
            assert.equal(honesty, news ? was * HONESTY_AFTER_A_LIE : was);
          }
          if (input.type === "lied") told.add(`${input.peer} ${input.proof}`);
        }
      }),
    );
  });

  it("counts a bounded number of proofs, and stays above 0", () => {
    const { reputation, now } = fresh();
    for (let lie = 0; lie < 10_000; lie++) reputation.lied("a2", `p${lie}`);
    const { honesty, proofs } = reputation.of("a2", now);
    assert.equal(proofs, 16);
    assert.equal(honesty, HONESTY_AFTER_A_LIE ** 16);
  });
});

describe("choosing by reputation", () => {
  it("can be left to a core that knows no time: it is then as of the last input", () => {
    const { reputation, now } = fresh();
    reputation.seen("a2", "failed", now);
    assert.equal(reputation.trust("a2"), 1);
    reputation.delivered("a3", 1, now + UPTIME_HALF_LIFE_MS);
    near(reputation.trust("a2"), 0.5);
  });
});
