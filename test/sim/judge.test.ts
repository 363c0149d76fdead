import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Judgement } from "../../server/agent/world.ts";
import type { VotingPolicy } from "../../server/contract/proposals.ts";
import { seededRandom } from "../../server/core/random.ts";
import { SimJudge } from "../../server/sim/judge.ts";
import { Schedule } from "../../server/sim/schedule.ts";

const SCHEMA: VotingPolicy = { kind: "schema", schema: "{}" };

class Subject {
  readonly said: (Judgement & { readonly atMs: number })[] = [];
  readonly judge: SimJudge;
  readonly #schedule = new Schedule();

  constructor(policy: VotingPolicy, seed = "judge") {
    const said = (judgement: Judgement): unknown => this.said.push({ ...judgement, atMs: this.#schedule.nowMs });
    this.judge = new SimJudge(this.#schedule, seededRandom(seed), policy, said);
  }

  consider(id: string): void {
    this.judge.consider({ id, subject: "s", body: "{}", voters: ["a1"], threshold: 10_000, timeoutMs: 1000 });
  }

  wait(ms: number): void {
    this.#schedule.runUntil(this.#schedule.nowUs + ms * 1000, () => false);
  }
}

describe("a simulated judge", () => {
  it("approves or rejects at once where its policy says so, with the reason it gives", () => {
    for (const [policy, choice, reason] of [
      [{ kind: "approve" }, "approve", ""],
      [{ kind: "reject", reason: "never" }, "reject", "never"],
    ] as const) {
      const subject = new Subject(policy);
      subject.consider("p");
      equal(subject.said.length, 0);
      subject.wait(1);
      deepEqual(
        subject.said.map(({ atMs: _, ...judgement }) => judgement),
        [{ proposalId: "p", choice, reason }],
      );
    }
  });

  it("takes its time where it has to look, and approves some and rejects some, the same for the same seed", () => {
    const run = (seed: string) => {
      const subject = new Subject(SCHEMA, seed);
      for (let number = 1; number <= 100; number++) subject.consider(`p${number}`);
      subject.wait(100);
      return subject.said;
    };
    const said = run("one");
    equal(said.length, 100);
    ok(said.every(({ atMs }) => atMs >= 1 && atMs <= 81));
    const rejected = said.filter(({ choice }) => choice === "reject");
    ok(rejected.length > 10 && rejected.length < 50, `${rejected.length}`);
    for (const { reason } of rejected) match(reason, /its schema says no/);
    deepEqual(run("one"), said);
    ok(JSON.stringify(run("two")) !== JSON.stringify(said));
  });

  it("says nothing of what it is no longer asked, nor after its process was killed; and once of what it is asked again", () => {
    const subject = new Subject(SCHEMA);
    for (const id of ["p", "q"]) subject.consider(id);
    subject.judge.dismiss("p");
    subject.wait(100);
    deepEqual(
      subject.said.map(({ proposalId }) => proposalId),
      ["q"],
    );
    subject.consider("r");
    subject.judge.crash();
    subject.consider("r");
    subject.wait(200);
    equal(subject.said.filter(({ proposalId }) => proposalId === "r").length, 1);
  });
});
