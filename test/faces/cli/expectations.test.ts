import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SeedReport } from "../../../server/contract/coordinator.ts";
import type { ExpectationResult } from "../../../server/contract/expect.ts";
import type { HistoryLine } from "../../../server/contract/history.ts";
import { Terminal } from "../terminal.ts";

const EXAMPLES = join(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))), "examples", "histories");
const FAULTS = "faults:\n  - { at: 500ms, crash: leader, for: 1s }\n";

describe("expectations and histories on the command line", function () {
  this.timeout(60_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  it("up: judges a running swarm, writes its history, and ends with 1 when an expectation does not hold", async () => {
    const expect = "expect: { availability: 0.2, leaderWithin: 10s, maxElections: 0, recovery: off }\n";
    const file = terminal.mesh(`agents: 3\n${FAULTS}${expect}`);
    const history = join(terminal.folder, "history.jsonl");
    const { running } = await terminal.up(file, "--for", "4s", "--history", history);
    const { code } = await running.ended();
    assert.equal(code, 1);
    const results = running.lines.filter(({ type }) => type === "expectation") as unknown as ExpectationResult[];
    const byName = new Map(results.map((result) => [result.name, result]));
    const many = byName.get("maxElections");
    assert.equal(many?.held, false);
    assert.match(many.detail, /^Won by a\d of term \d+ at \d/);
    for (const name of ["availability", "leaderWithin", "linearizableMemory", "liveness", "electionSafety"] as const)
      assert.equal(byName.get(name)?.held, true, `${name}: ${JSON.stringify(byName.get(name))}`);
    assert.ok(Number.parseInt(byName.get("leaderWithin")?.measured ?? "", 10) >= 100, "an election takes its time");
    assert.equal(byName.get("logMatching")?.held, null);
    assert.ok(!byName.has("recovery"));
    const notices = running.lines.filter(({ type }) => type === "notice").map(({ message }) => String(message));
    assert.ok(notices.some((message) => /small workload runs in the background/.test(message)));
    assert.ok(
      notices.some((message) => /1 of 12 expectations do not hold\. maxElections: 1/.test(message)),
      notices.join("\n"),
    );
    const checked = await terminal.json<{ linearizable: boolean; operations: number }>(0, "check-history", history);
    assert.equal(checked.linearizable, true);
    assert.ok(checked.operations > 20, `${checked.operations} operations`);
    await terminal.assertNothingLeft();
  });

  it("up: asks nothing of the memory, and says nothing, where the file expects nothing by name", async () => {
    const { code, stdout } = await terminal.run("up", terminal.mesh("agents: 3\n"), "--for", "300ms");
    assert.equal(code, 0);
    assert.ok(!/workload|holds|not known/.test(stdout), stdout);
  });

  it("up: refuses a history that cannot be written before it starts anything", async () => {
    const { code, stderr } = await terminal.run("up", terminal.mesh("agents: 3\n"), "--history", "/nowhere/h.jsonl");
    assert.equal(code, 2);
    assert.match(stderr, /--history \/nowhere\/h\.jsonl cannot be written/);
    await terminal.assertNothingLeft();
  });

  it("simulate: ends with 1, and says which expectation broke in which seeds", async () => {
    const file = terminal.mesh(`agents: 3\n${FAULTS}expect: { leaderWithin: 20ms }\n`);
    const { code, stdout } = await terminal.run("simulate", file, "--seeds", "2", "--no-shrink");
    assert.equal(code, 1);
    assert.match(stdout, /^seed 1 .*BROKEN leaderWithin at \d+\.\d+ s: There was no leader from /m);
    assert.match(stdout, /^ {2}leaderWithin: holds in 0 of 2 seeds, broken in 1, 2$/m);
    const { stdout: json } = await terminal.run("simulate", file, "--seeds", "1", "--no-shrink", "--json");
    const [seed] = json.split("\n").map((line) => (line === "" ? {} : JSON.parse(line))) as SeedReport[];
    assert.equal(seed?.expectations.find(({ name }) => name === "leaderWithin")?.held, false);
    assert.equal(seed?.expectations.find(({ name }) => name === "recovery")?.held, true);
  });

  it("history: gives a seed's operations, the same each time, and check-history finds them linearizable", async () => {
    const file = terminal.mesh(`agents: 3\n${FAULTS}`);
    const first = await terminal.run("history", "--simulate", file, "--seed", "4");
    assert.equal(first.code, 0);
    assert.equal((await terminal.run("history", "--simulate", file, "--seed", "4")).stdout, first.stdout);
    const lines = first.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as HistoryLine);
    assert.ok(lines.length > 200 && lines.every(({ index }, at) => index === at));
    const out = join(terminal.folder, "h.jsonl");
    await terminal.run("history", "--simulate", file, "--seed", "4", "--out", out);
    assert.equal(readFileSync(out, "utf8"), first.stdout);
    const { code, stdout } = await terminal.run("check-history", out);
    assert.equal(code, 0);
    assert.match(stdout, /^Linearizable: \d+ operations of \d+ processes on 4 keys/);
  });

  it("check-history: says which operation cannot be placed, with what stood around it", async () => {
    for (const [name, operation] of [
      ["stale-read", /process 0's get -> 1 \[lines 7 and 8/],
      ["lost-update", /process \d's compareAndSwap 10 to 1\d/],
      ["dirty-read", /process 2's get -> "new" .* process 1's put "new" -> failed/],
    ] as const) {
      const { code, stdout } = await terminal.run("check-history", join(EXAMPLES, `${name}.jsonl`));
      assert.equal(code, 1);
      assert.match(stdout, /^NOT linearizable: /);
      assert.match(stdout, operation);
    }
    assert.equal((await terminal.run("check-history", join(EXAMPLES, "correct.jsonl"))).code, 0);
  });

  it("refuse what makes no sense, with exit code 2", async () => {
    for (const [words, reason] of [
      [["check-history"], /takes one history/],
      [["check-history", "none.jsonl"], /cannot be read/],
      [["check-history", terminal.mesh("agents: 3\n")], /test\.mesh\.yaml:1: Not JSON/],
      [["history", "--seed", "3"], /--seed is for/],
      [["history", "x", "--simulate", "y"], /not both/],
      [["history"], /No swarm is running/],
    ] as const) {
      const { code, stderr } = await terminal.run(...words);
      assert.equal(code, 2, words.join(" "));
      assert.match(stderr, reason);
    }
  });
});
