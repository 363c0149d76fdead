// The run that a seed is judged by, as somebody watches it: it must be that very run.

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Mesh } from "../../../server/contract/mesh.ts";
import type { EventKind, TimelineEvent } from "../../../server/contract/timeline.ts";
import { parseMesh } from "../../../server/meshfile/mesh-file.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import { JudgedRun } from "../../../server/sim/watched/judged-run.ts";
import { furthestOf } from "../../../server/sim/watched/run.ts";

/** A judged run, and what it told. */
class Judged {
  readonly kinds = new Map<EventKind, number>();
  readonly faults: string[] = [];
  /** Lives begun, and ended, by place. */
  readonly lives = new Map<number, number>();
  ended = 0;
  events = 0;
  readonly run: JudgedRun;

  constructor(mesh: Mesh, seed: number, chaos?: boolean) {
    this.run = new JudgedRun(mesh, seed, chaos === undefined ? {} : { chaos }, {
      event: (agent, { kind, agent: id }: TimelineEvent) => {
        assert.equal(this.run.roster[agent], id);
        this.events++;
        this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
      },
      processStarted: (agent) => void this.lives.set(agent, (this.lives.get(agent) ?? 0) + 1),
      processEnded: () => void this.ended++,
      faultsChanged: () => undefined,
      faultEvent: (kind, _, { title }) => void this.faults.push(`${kind}: ${title}`),
      notice: () => assert.fail("a judged run has a verdict, and says nothing else"),
    });
    this.run.start();
  }

  /** To its end, so many virtual ms at a time. */
  whole(stepMs: number, enough: () => boolean = () => false): this {
    for (let ms = stepMs; this.run.verdict === undefined; ms = Math.min(ms, this.run.virtualMs) + stepMs) {
      assert.ok(ms < 1e7, "it ends");
      this.run.advance(ms, enough);
    }
    return this;
  }
}

function meshOf(text: string): Mesh {
  const { mesh, diagnostics } = parseMesh(text, "judged.mesh.yaml");
  assert.ok(mesh, JSON.stringify(diagnostics));
  return mesh;
}

const SHORT = "simulate: { for: 4s }";

describe("a judged run that is watched", function () {
  this.timeout(60_000);

  for (const [what, text, seed] of [
    ["raft under chaos", `agents: 5\n${SHORT}\n`, 1],
    ["raft with members that come and go", `agents: 5\nsimulate: { for: 4s, members: true }\n`, 2],
    ["pbft", `agents: 4\nconsensus: pbft\n${SHORT}\n`, 3],
    ["gossip", `agents: 6\nconsensus: gossip\n${SHORT}\n`, 4],
    ["gossip with members that come and go", "agents: 5\nconsensus: gossip\nsimulate: { for: 4s, members: true }\n", 6],
    ["a memory beside raft", `agents: 5\nmemory: eventual\n${SHORT}\n`, 5],
  ] as const)
    it(`is the one that simulate judges, however its time is sliced: ${what}`, () => {
      const mesh = meshOf(text);
      const { expectations, ...report } = simulate(mesh, seed, { chaos: true });
      let looks = 0;
      for (const judged of [
        new Judged(mesh, seed, true).whole(1000),
        new Judged(mesh, seed, true).whole(7, () => ++looks % 5 === 0),
      ]) {
        const { expectations: own, ...rest } = judged.run.report ?? assert.fail("it has ended");
        assert.deepEqual(rest, report);
        assert.deepEqual(own, expectations);
        assert.ok(judged.events > 100, `${judged.events} events`);
      }
      assert.notEqual(simulate(mesh, seed + 100, { chaos: true }).traceHash, report.traceHash);
    });

  it("ends with what was kept, and stays as it was then", () => {
    const { run, ...told } = new Judged(meshOf(`agents: 5\n${SHORT}\n`), 1, true).whole(100);
    assert.ok(run.verdict?.kept);
    assert.match(run.verdict.text, /^kept every promise \(\d+ operations, \d+ elections, \d+ entries\)$/);
    assert.deepEqual(run.faults.active, [], "all was healed before the end");
    assert.ok(told.faults.filter((fault) => fault.startsWith("faultInjected")).length > 3, told.faults.join("\n"));
    const endMs = run.virtualMs;
    run.advance(endMs + 60_000, () => false);
    assert.equal(run.virtualMs, endMs);
    assert.ok((furthestOf(run)?.machine.index ?? 0) > 10);
  });

  it("ends with the promise that broke, where and when", () => {
    const mesh = meshOf(
      "agents: 5\nfaults: [{ at: 1s, crash: leader, for: 2s }]\nexpect: { leaderWithin: 20ms }\nsimulate: { for: 4s }\n",
    );
    const judged = new Judged(mesh, 1).whole(50);
    const { verdict } = judged.run;
    assert.ok(verdict?.kept === false);
    assert.equal(verdict.invariant, "leaderWithin");
    assert.ok(verdict.atMs > 1000 && verdict.atMs < 2500, `${verdict.atMs} ms`);
    assert.match(verdict.text, /^broke “leaderWithin” at 1\.\d{3} s: There was no leader/);
    // Behind the file's own come those with which recovery is judged.
    assert.match(judged.faults.slice(0, 2).join("; "), /^faultInjected: (a\d) crashed; faultHealed: \1 crashed$/);
    assert.ok(judged.ended > 0);
  });

  it("knows agents that join from the beginning, and starts them when they do", () => {
    const mesh = meshOf("agents: 3\nsimulate: { for: 8s, members: true }\n");
    const judged = new Judged(mesh, 1, true);
    assert.deepEqual(judged.run.roster, ["a1", "a2", "a3", "joiner1", "joiner2"]);
    assert.deepEqual([...judged.lives.keys()], [0, 1, 2]);
    judged.whole(100);
    assert.ok(
      [3, 4].some((place) => judged.lives.has(place)),
      "one of them joined",
    );
  });
});
