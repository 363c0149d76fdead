import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { elections, meanBroadcastMs } from "../../bench/election.ts";
import { type ElectionRules, trial } from "../../bench/election-trial.ts";
import { seededRandom } from "../../server/core/random.ts";

const measured = (timeoutMinMs: number, timeoutMaxMs: number, rules: ElectionRules, trials = 200) =>
  elections({ timeoutMinMs, timeoutMaxMs, rules, patienceMs: 20_000 }, trials, 1);

describe("Figure 16 of the Raft paper", function () {
  this.timeout(30_000);

  it("is measured where a broadcast takes about 15 ms", () => {
    const ms = meanBroadcastMs(2000, 1);
    ok(ms > 13 && ms < 17, `${ms} ms`);
  });

  it("without randomness votes split again and again, and a third of the elections takes longer than 10 s", () => {
    const none = measured(150, 150, "paper", 60);
    ok(none.lostTermShare > 0.9, `${none.lostTermShare}`);
    ok(none.longShare > 0.2, `${none.longShare}`);
  });

  it("a little randomness ends that: the median and the worst fall as it grows to 25 ms", () => {
    const [one, five, many] = [151, 155, 175].map((max) => measured(150, max, "paper"));
    ok(one && five && many);
    ok(
      one.medianMs > five.medianMs && five.medianMs > many.medianMs,
      `${one.medianMs} ${five.medianMs} ${many.medianMs}`,
    );
    ok(one.maxMs > five.maxMs && five.maxMs > many.maxMs, `${one.maxMs} ${five.maxMs} ${many.maxMs}`);
    ok(one.lostTermShare > many.lostTermShare);
  });

  it("a vote that is durable before others are asked makes votes split more often", () => {
    const [first, together] = [measured(150, 155, "voteFirst"), measured(150, 155, "paper")];
    ok(first.medianMs > 2 * together.medianMs, `${first.medianMs} ${together.medianMs}`);
  });

  it("shorter timeouts find the next leader sooner", () => {
    const medians = [150, 100, 50, 25, 12].map((min) => measured(min, 2 * min, "paper").medianMs);
    deepEqual(
      medians,
      [...medians].sort((a, b) => b - a),
    );
  });

  it("with pre-votes hardly any term is lost, whatever the randomness", () => {
    for (const max of [150, 155, 300]) {
      const { lostTermShare, longShare } = measured(150, max, "core");
      ok(lostTermShare < 0.35, `150-${max}: ${lostTermShare}`);
      deepEqual(longShare, 0);
    }
  });

  it("no downtime is shorter than half of the shortest timeout, and one seed gives one downtime", () => {
    for (let seed = 0; seed < 200; seed++) {
      const once = () =>
        trial({ timeoutMinMs: 150, timeoutMaxMs: 300, rules: "core", patienceMs: 20_000 }, seededRandom(seed));
      const { downtimeMs } = once();
      ok(downtimeMs >= 75 && downtimeMs < 20_000, `seed ${seed}: ${downtimeMs} ms`);
      deepEqual(once().downtimeMs, downtimeMs);
    }
  });
});
