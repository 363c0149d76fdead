import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SearchSummary } from "../../../server/contract/simulation.ts";
import { progressText } from "../../../server/faces/cli/search-progress.ts";
import { type JsonLine, Terminal } from "../terminal.ts";

describe("searching many seeds on the command line", function () {
  this.timeout(120_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  async function search(...args: string[]): Promise<{ code: number | null; lines: JsonLine[] }> {
    const { code, stdout } = await terminal.run("simulate", ...args, "--json");
    return {
      code,
      lines: stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as JsonLine),
    };
  }

  it("comes to the same with one thread and with three, but for the time it takes", async () => {
    const file = terminal.mesh(
      "agents: 3\nfaults:\n  - { at: 500ms, crash: leader, for: 1s }\nexpect: { leaderWithin: 500ms }\nsimulate: { for: 2s }\n",
    );
    const found = [];
    for (const jobs of ["1", "3"]) {
      const { code, lines } = await search(file, "--seeds", "24", "--jobs", jobs, "--no-shrink");
      assert.equal(code, 1);
      const {
        jobs: told,
        realMs,
        ...summary
      } = lines.at(-1) as unknown as SearchSummary & {
        jobs: number;
        realMs: number;
      };
      assert.equal(told, Number(jobs));
      assert.ok(realMs > 0);
      found.push([summary, lines.filter(({ type }) => type === "seed")]);
    }
    assert.deepEqual(found[0], found[1]);
    const [summary] = found[0] as [SearchSummary];
    assert.equal(summary.seeds, 24);
    assert.ok(summary.brokenCount > 0 && summary.brokenCount < 24 && summary.broken.length === summary.brokenCount);
    assert.ok((summary.coverage.faults.crash ?? 0) >= 24, "each seed met the planned crash");
  });

  it("tells of more than twenty seeds only those that broke, and what was met; of all with --each", async () => {
    const file = terminal.mesh("agents: 3\nsimulate: { for: 2s }\n");
    const quiet = await terminal.run("simulate", file, "--seeds", "21");
    assert.equal(quiet.code, 0);
    assert.doesNotMatch(quiet.stdout, /^seed /m);
    assert.match(quiet.stdout, /^21 seeds, 0 broken; /m);
    assert.match(quiet.stdout, /^ {2}faults met: .*crash \d+/m);
    assert.match(quiet.stdout, /^ {2}transitions met: \d+ of \d+/m);
    const each = await terminal.run("simulate", file, "--seeds", "21", "--each");
    assert.equal(each.stdout.match(/^seed \d+ /gm)?.length, 21);
  });

  it("shrinks a seed that broke to a file beside the original, which breaks for the same reason by itself", async () => {
    const file = terminal.mesh(
      [
        "agents: 5",
        "faults:",
        "  - { at: 300ms, slow: { a: a2, delay: 20ms }, for: 1s }",
        "  - { at: 500ms, byzantine: { agent: a4, behaviour: forge }, for: 2s }",
        "  - { at: 900ms, pause: a1, for: 200ms }",
        "",
      ].join("\n"),
    );
    const { code, lines } = await search(file, "--seeds", "1");
    assert.equal(code, 1);
    const broken = lines.find(({ type }) => type === "summary") as unknown as SearchSummary;
    const shrunk = lines.find(({ type }) => type === "shrunk");
    assert.equal(shrunk?.invariant, broken.broken[0]?.invariant);
    assert.equal(shrunk?.file, join(terminal.folder, "test.seed-1.mesh.yaml"));
    assert.ok(Number(shrunk?.agents) < 5 && Number(shrunk?.faults) <= 1, JSON.stringify(shrunk));
    const text = readFileSync(String(shrunk?.file), "utf8");
    assert.match(text, /^# .+ breaks at \d+\.\d{3} s of virtual time:\n/);
    assert.match(text, /Raft does not promise to survive this: /);
    assert.match(text, /Shrunk from seed 1 of test\.mesh\.yaml in \d+ runs/);
    assert.equal((await terminal.run("check", String(shrunk?.file))).code, 0);
    // It names its own seed, and is small already.
    const again = await search(String(shrunk?.file));
    assert.equal(again.code, 1);
    const summary = again.lines.find(({ type }) => type === "summary") as unknown as SearchSummary;
    assert.deepEqual([summary.seeds, summary.broken[0]?.invariant], [1, shrunk?.invariant]);
    assert.deepEqual(readdirSync(terminal.folder).toSorted(), ["test.mesh.yaml", "test.seed-1.mesh.yaml"]);
  });

  it("refuses a number of threads that makes no sense", async () => {
    for (const jobs of ["0", "65", "two"]) {
      const { code, stderr } = await terminal.run("simulate", terminal.mesh("agents: 3\n"), "--jobs", jobs);
      assert.equal(code, 2);
      assert.match(stderr, /--jobs takes a number of threads from 1 to 64/);
    }
  });

  it("says how far it is, how fast, and how long it will take", () => {
    assert.equal(
      progressText({ done: 4200, seeds: 100_000, broken: 2, realMs: 60_000, virtualMs: 6_960_000 }),
      "[=                       ] 4,200 of 100,000 seeds, 70/s, 116 times real time, 2 broken, 23 min left",
    );
    assert.match(progressText({ done: 0, seeds: 10, broken: 0, realMs: 5, virtualMs: 0 }), /0 of 10 seeds, 0\.0\/s/);
  });
});
