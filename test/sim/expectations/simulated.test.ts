import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { Agent } from "../../../server/agent/agent.ts";
import type { Expectations } from "../../../server/contract/expect.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import { meshOf } from "../meshes.ts";
import { MUTATIONS, mutated } from "../mutations.ts";

const FAULTS = [
  { trigger: { on: "time", atMs: 1000 }, fault: { kind: "crash", agent: "leader", forMs: 3000 } },
] as const;
const expecting = (expect: Partial<Expectations>) => {
  const mesh = meshOf(3, "mesh", { faults: FAULTS });
  return { ...mesh, expect: { ...mesh.expect, ...expect } };
};

describe("expectations of a simulated mesh", function () {
  this.timeout(30_000);

  it("are each answered, with numbers", () => {
    const mesh = expecting({
      leaderWithinMs: 5000,
      tasksDoneByMs: 20_000,
      availability: { share: 0.5, windowMs: null, answerWithinMs: null },
      maxElections: 10,
    });
    const task = { id: "t", command: "work", args: [], cwd: "", timeoutMs: 0, maxAttempts: 1, agent: "" };
    const { violation, expectations } = simulate({ ...mesh, tasks: [task] }, 1);
    equal(violation, null);
    deepEqual(
      expectations.map(({ name, held }) => `${name} ${held}`),
      [
        "electionSafety true",
        "logMatching true",
        "leaderCompleteness true",
        "stateMachineSafety true",
        "linearizableMemory true",
        "tasksExactlyOnce true",
        "leaseHeldOnce true",
        "liveness true",
        "recovery true",
        "leaderWithin true",
        "tasksDoneBy true",
        "availability true",
        "maxElections true",
      ],
    );
    for (const { name, measured } of expectations) match(measured, /\d/, name);
    const leaderless = Number.parseFloat(expectations.find(({ name }) => name === "leaderWithin")?.measured ?? "");
    ok(
      leaderless >= 300 && leaderless < 5000,
      `${leaderless} ms without a leader: an election takes one timeout at least`,
    );
  });

  it("fail the run where the mesh cannot meet them, with name, time and numbers", () => {
    for (const [expect, detail] of [
      [{ leaderWithinMs: 20 }, /no leader from 1\.\d+ s to/],
      [{ maxElections: 0 }, /Won by a\d of term \d+ at 1\.\d+ s/],
      [
        { availability: { share: 1, windowMs: 1000, answerWithinMs: 100 } },
        /failed or took too long; the worst stretch/,
      ],
    ] as const) {
      const { violation, expectations } = simulate(expecting(expect), 1);
      equal(violation?.invariant, Object.keys(expect)[0]?.replace(/Ms$/, ""));
      match(violation?.detail ?? "", detail);
      ok((violation?.atMs ?? 0) > 1000, "the crash comes a second after the mesh is ready");
      equal(expectations.filter(({ held }) => held === false).length, 1);
    }
  });

  it("ask a healed majority to serve while all others stay down or cut off", () => {
    const broken = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      const { violation, expectations } = simulate(meshOf(5), seed, { durationMs: 1000 });
      equal(violation, null);
      const detail = expectations.find(({ name }) => name === "recovery")?.detail ?? "";
      match(detail, /^a\d(, a\d)+ healed(; a\d (crashed|cut off)(, a\d (crashed|cut off))*)?\.$/);
      for (const [found] of detail.matchAll(/crashed|cut off/g)) broken.add(found);
    }
    equal(broken.size, 2);
  });

  it("find a mesh that only recovers when everybody is back", () => {
    // Needs to have heard of all others: as an agent that waits for everybody's acknowledgement would.
    class Unanimous extends Agent {
      readonly #up = new Set<string>();
      override linkUp(peer: string, now: number): void {
        this.#up.add(peer);
        super.linkUp(peer, now);
      }
      override linkDown(peer: string, now: number): void {
        this.#up.delete(peer);
        super.linkDown(peer, now);
      }
      override receive(peer: string, frame: Uint8Array, now: number): void {
        if (this.#up.size === 2) super.receive(peer, frame, now);
      }
    }
    const mesh = meshOf(3, "mesh", {
      faults: [{ trigger: { on: "time", atMs: 1 }, fault: { kind: "slow", a: "a1", delayMs: 1, forMs: 1 } }],
    });
    let crashes = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { violation } = simulate(mesh, seed, {
        durationMs: 500,
        createAgent: (config, world, recovered, now) => new Unanimous(config, world, recovered, now),
      });
      if (violation === null) continue;
      crashes++;
      equal(violation.invariant, "recovery", violation.detail);
      match(violation.detail, /among a\d, a\d: not within \d+ ms with a whole majority/);
    }
    ok(crashes > 0, "some seed crashes the third one instead of cutting it off");
  });

  it("are not judged by what the file takes out", () => {
    const mesh = meshOf(3);
    const run = (expect: Expectations, seed: number) =>
      mutated(MUTATIONS.localReads, (createAgent) =>
        simulate({ ...mesh, expect }, seed, { durationMs: 6000, ...(createAgent && { createAgent }) }),
      );
    let seed = 1;
    while (run(mesh.expect, seed).violation?.invariant !== "linearizable memory") ok(++seed < 100);
    const { violation, expectations } = run({ ...mesh.expect, invariants: ["electionSafety"] }, seed);
    equal(violation, null);
    deepEqual(
      expectations.map(({ name }) => name),
      ["electionSafety", "liveness", "recovery"],
    );
  });

  it("cost nothing of a run's sameness: the trace hash is that of a run nobody watches", () => {
    const events: TimelineEvent[] = [];
    const plain = simulate(expecting({}), 7);
    const watched = simulate(expecting({ leaderWithinMs: 5000, maxElections: 50 }), 7, {
      onEvent: (event) => events.push(event),
    });
    equal(watched.traceHash, plain.traceHash);
    ok(events.length > 0);
  });
});
