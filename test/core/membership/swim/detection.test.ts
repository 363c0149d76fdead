import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { LOCAL } from "./settings.ts";
import {
  assertNoFalseAlarm,
  cutOne,
  detectionMs,
  forSeeds,
  goodbye,
  killAndRestart,
  load,
  lossy,
  partitionAndHeal,
  pauseAndResume,
  quickRestart,
  swarm,
} from "./swarm.ts";

const MINUTE_MS = 60_000;

/** At that share of them, ascending: 1 is the largest. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

describe("members that probe each other, in a simulated network", function () {
  this.timeout(20_000);

  it("all know soon that one was killed, and that it is back, without a false alarm (200 seeds, all topologies)", () => {
    const detected: number[] = [];
    const back: number[] = [];
    forSeeds(200, (seed) => {
      const [detectedMs, backMs] = killAndRestart(seed);
      detected.push(detectedMs);
      back.push(backMs);
    });
    // The closed link's probe and the shortest suspicion; where few have a link with it, fewer confirm.
    assert.ok(quantile(detected, 0) >= 2 * LOCAL.probeTimeoutMs + LOCAL.probeIntervalMs);
    assert.ok(quantile(detected, 0.5) < 1100, `half are known after ${quantile(detected, 0.5)} ms`);
    assert.ok(quantile(detected, 1) < 2300, `the last is known after ${quantile(detected, 1)} ms`);
    // What nobody happened to be told is found out by comparing.
    assert.ok(quantile(back, 0.95) <= 200, `${quantile(back, 0.95)} ms`);
  });

  it("know of it without the hint of a closed link, too, a few periods later (60 seeds)", () => {
    const times: number[] = [];
    forSeeds(60, (seed) => times.push(killAndRestart(seed, { overUdp: true }, 8000)[0]));
    assert.ok(quantile(times, 0.5) < 1500, `${quantile(times, 0.5)} ms`);
    assert.ok(quantile(times, 1) < 3500, `${quantile(times, 1)} ms`);
  });

  it("know of it among thirty, with links and without", () => {
    forSeeds(6, (seed) => {
      killAndRestart(seed, { size: 30 });
      killAndRestart(seed, { size: 30, overUdp: true });
    });
  });

  it("do not hold a quick restart against anybody, and never fail the new life", () => {
    for (const gapMs of [5, 60, 150, 300, 500])
      forSeeds(12, (seed) => {
        quickRestart(seed, gapMs);
        quickRestart(seed, gapMs, { overUdp: true });
      });
  });

  it("overlook a stop that is shorter than a period", () => {
    forSeeds(40, (seed) => {
      const { network, victim } = swarm(seed);
      network.pause(victim, 250);
      network.runUntil(network.nowMs + 3000);
      assertNoFalseAlarm(network);
    });
  });

  it("do not fail who stopped for less than a suspicion takes, and know at once that it goes on", () => {
    forSeeds(60, (seed) => {
      const [tookMs, failed] = pauseAndResume(seed, 350 + 5 * seed);
      assert.equal(failed, false);
      assert.ok(tookMs <= 200, `${tookMs} ms`);
    });
  });

  it("fail who stopped for longer with its links open, and know soon that it goes on; and it accuses nobody", () => {
    forSeeds(60, (seed) => {
      const [tookMs, failed] = pauseAndResume(seed, 4000 + 100 * seed);
      assert.equal(failed, true);
      assert.ok(tookMs <= 100, `${tookMs} ms`);
    });
  });

  it("do not even suspect because one link closed, or because two cannot hear each other but for others' help", () => {
    forSeeds(40, (seed) => cutOne(seed));
    forSeeds(20, (seed) => cutOne(seed, { overUdp: true }));
  });

  it("hold the other side of a partition failed, and are all alive within 300 ms after it heals (all topologies)", () => {
    const healed: number[] = [];
    forSeeds(60, (seed) => healed.push(partitionAndHeal(seed)[1]));
    forSeeds(20, (seed) => healed.push(partitionAndHeal(seed, { overUdp: true }, 5000)[1]));
    assert.ok(quantile(healed, 1) <= 300, `${quantile(healed, 1)} ms`);
  });

  it("heal among thirty", () => {
    for (const kind of ["mesh", "ring", "grid"] as const)
      forSeeds(2, (seed) => void partitionAndHeal(seed, { size: 30, kind }));
  });

  it("hear a goodbye everywhere, and hold nobody failed that said it", () => {
    forSeeds(60, (seed) => goodbye(seed));
    forSeeds(20, (seed) => goodbye(seed, { overUdp: true }));
  });

  it("fail nobody when a twentieth or a tenth of all messages is lost (12 members, 10 minutes each), and suspect somebody wrongly once in a while", () => {
    for (const [loss, most] of [
      [0.05, 20],
      [0.1, 200],
    ] as const) {
      let suspicions = 0;
      forSeeds(5, (seed) => {
        suspicions += lossy(seed, loss, MINUTE_MS);
        suspicions += lossy(seed, loss, MINUTE_MS, { overUdp: true });
      });
      // Of 18,000 probes.
      assert.ok(suspicions <= most, `${suspicions} at a loss of ${loss}`);
    }
  });

  it("still know of a kill while a tenth of all messages is lost", () => {
    forSeeds(10, (seed) => {
      const subject = swarm(seed, { size: 12, kind: "mesh", loss: 0.1 });
      subject.network.runUntil(10_000);
      subject.network.kill(subject.victim);
      detectionMs(subject, 5000);
    });
  });

  it("send two messages a period each, however many they are, and with comparisons a fifth of one more: half of that where those are by checksums", () => {
    const settings = { ...LOCAL, syncIntervalMs: Number.POSITIVE_INFINITY };
    for (const size of [10, 30, 100, 300]) {
      const [mean, most] = load(size, { settings });
      // A ping and an answer.
      assert.ok(Math.abs(mean - 2) < 0.02, `${mean} messages a period among ${size}`);
      assert.ok(most < 3, `${most} at one of ${size}`);
    }
    // One comparison in ten periods, and the answer to one; among more than 16 a checksum that is the other's, too, is not answered.
    for (const [size, messages] of [
      [10, 2.2],
      [100, 2.1],
      [200, 2.1],
    ] as const) {
      const [mean] = load(size);
      assert.ok(Math.abs(mean - messages) < 0.03, `${mean} messages a period among ${size}`);
    }
  });

  it("are the same for the same seed, and not for another", () => {
    const run = (seed: number) => {
      const { network, victim } = swarm(seed, { loss: 0.05 });
      network.kill(victim);
      network.runUntil(4000);
      return network.sightings;
    };
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1), run(2));
  });
});
