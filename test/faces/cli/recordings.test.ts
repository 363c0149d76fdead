import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { RecordedState } from "../../../server/live/recordings/state.ts";
import { Terminal } from "../terminal.ts";

interface Answer {
  readonly startMs: number;
  readonly agents: readonly RecordedState[];
}

describe("with a recording, agent-mesh", function () {
  this.timeout(60_000);
  let terminal: Terminal;
  let folder: string;

  beforeEach(async () => {
    terminal = new Terminal();
    folder = join(terminal.folder, "recorded");
    const made = await terminal.run("simulate", terminal.mesh("agents: 3\n"), "--seeds", "7..7", "--record", folder);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /recorded in .*seed-7/);
  });
  afterEach(() => terminal.end());

  async function replay(...words: string[]): Promise<Answer> {
    const { code, stdout, stderr } = await terminal.run("replay", folder, "--json", ...words);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Answer;
  }

  it("replays one agent to a moment, and all of them to the end", async () => {
    const early = await replay("--agent", "a2", "--at", "2.5s");
    const [state] = early.agents;
    assert.ok(state);
    assert.deepEqual([early.agents.length, state.agent, state.from, state.failure], [1, "a2", "inputs", ""]);
    assert.ok(state.sinceStartMs <= 2_500 && state.atMs === early.startMs + state.sinceStartMs);
    assert.ok(state.checks > 0 && state.inputs > 100);
    assert.equal(state.raft.id, "a2");
    assert.ok(state.applied > 0 && state.memory.items > 0);
    const end = await replay();
    assert.ok(end.agents.length >= 3);
    const hashes = new Map<number, string>();
    for (const { agent, applied, stateHash } of end.agents) {
      assert.equal(hashes.get(applied) ?? stateHash, stateHash, `${agent} applied ${applied}, as another did`);
      hashes.set(applied, stateHash);
    }
    assert.ok((end.agents.find(({ agent }) => agent === "a2")?.applied ?? 0) > state.applied);
    assert.ok(end.agents[0]?.tasks.length);
  });

  it("gives the same state for a moment said as a date, and in words for people", async () => {
    const since = await replay("--agent", "a1", "--at", "2000ms");
    const at = new Date(since.startMs + 2_000).toISOString();
    // A date has whole ms.
    const dated = await replay("--agent", "a1", "--at", at);
    assert.ok(Math.abs((dated.agents[0]?.atMs ?? 0) - (since.agents[0]?.atMs ?? 0)) <= 1_000);
    const { stdout } = await terminal.run("replay", folder, "--agent", "a1", "--at", "2s");
    assert.match(stdout, /^a1\.\d+ at \d\.\d+ s/);
    assert.match(stdout, new RegExp(`state +${since.agents[0]?.stateHash} after entry ${since.agents[0]?.applied}`));
    assert.match(stdout, /comparisons with what it recorded of itself, all equal/);
  });

  it("exports it for ShiViz and for Chrome's trace viewer", async () => {
    const shiviz = await terminal.run("export", folder, "--format", "shiviz");
    assert.equal(shiviz.code, 0, shiviz.stderr);
    assert.equal(shiviz.stdout.split("\n")[0], String.raw`(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`);
    const file = join(terminal.folder, "trace.json");
    const chrome = await terminal.run("export", folder, "--format", "chrome", "--out", file, "--json");
    const told = JSON.parse(chrome.stdout) as { events: number; agents: string[] };
    const { traceEvents } = JSON.parse(readFileSync(file, "utf8")) as { traceEvents: unknown[] };
    assert.ok(told.events > 1_000 && traceEvents.length > told.events);
    assert.equal((shiviz.stdout.match(/^a\d \{/gm) ?? []).length > 1_000, true);
  });

  it("says what is wrong: no recording, no such agent, no such moment, no such format, damage", async () => {
    const empty = join(terminal.folder, "empty");
    mkdirSync(empty);
    const wrong: readonly [code: number, message: RegExp, ...words: string[]][] = [
      [2, /replay takes one recording/, "replay"],
      [1, /nowhere does not exist/, "replay", join(terminal.folder, "nowhere")],
      [1, /holds no recording \(\*\.meshrec\)/, "replay", empty],
      [2, /There is no agent a9 in this recording; it has a1, a2, a3/, "replay", folder, "--agent", "a9"],
      [2, /--at takes a time since the recording's start/, "replay", folder, "--at", "noon"],
      [2, /Nothing was recorded by then/, "replay", folder, "--at", "2001-01-01T00:00:00Z"],
      [2, /--format shiviz or --format chrome, not "pdf"/, "export", folder, "--format", "pdf"],
      [2, /at most 100 seeds/, "simulate", terminal.mesh("agents: 3\n"), "--seeds", "101", "--record", folder],
    ];
    for (const [code, message, ...words] of wrong) {
      const ended = await terminal.run(...words);
      assert.match(ended.stderr, message);
      assert.equal(ended.code, code, ended.stderr);
    }
    const place = join(folder, "seed-7", "a1");
    const path = join(place, readdirSync(place)[0] as string);
    const bytes = readFileSync(path);
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] as number) ^ 4;
    writeFileSync(path, bytes);
    const damaged = await terminal.run("replay", folder, "--agent", "a1");
    assert.equal(damaged.code, 1);
    assert.match(
      damaged.stderr,
      /meshrec is damaged at offset \d+: the checksum of the block of \d+ bytes does not match/,
    );
  });

  it("leaves out, and tells, what a killed writer left incomplete", async () => {
    const place = join(folder, "seed-7", "a1");
    const path = join(place, readdirSync(place)[0] as string);
    writeFileSync(path, readFileSync(path).subarray(0, -3));
    const ended = await terminal.run("replay", folder, "--agent", "a1");
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, /the last \d+ bytes were not written whole, and are left out/);
  });
});
