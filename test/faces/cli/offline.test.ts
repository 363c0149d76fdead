import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SeedReport } from "../../../server/contract/coordinator.ts";
import type { MeshDiagnostic } from "../../../server/contract/mesh.ts";
import { type Ended, type JsonLine, Terminal } from "../terminal.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE = join(dirname(dirname(dirname(HERE))), "package.json");

describe("without a swarm, agent-mesh", function () {
  this.timeout(30_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  it("helps, and says its version", async () => {
    for (const words of [["help"], ["--help"], ["status", "-h"]]) {
      const { code, stdout } = await terminal.run(...words);
      assert.equal(code, 0);
      for (const command of [
        "up",
        "check",
        "simulate",
        "status",
        "submit",
        "fault",
        "heal",
        "metrics",
        "memory",
        "stop",
      ])
        assert.ok(stdout.includes(`agent-mesh ${command}`), command);
    }
    const { version } = JSON.parse(readFileSync(PACKAGE, "utf8")) as { version: string };
    assert.equal((await terminal.run("--version")).stdout, `${version}\n`);
    assert.deepEqual(await terminal.json(0, "--version"), { version });
  });

  for (const words of [
    [],
    ["dance"],
    ["status", "--colour"],
    ["status", "now"],
    ["up"],
    ["up", "a", "b"],
    ["up", "x.mesh.yaml", "--for", "soon"],
    ["check", "x.mesh.yaml", "--wait"],
    ["fault", "melt", "a1"],
    ["heal"],
    ["submit"],
    ["submit", "node"],
    ["submit", "--attempts", "0", "--", "node"],
    ["memory", "get", "n"],
    ["memory", "put", "n", "k", "v", "--expect", "3"],
    ["memory", "cas", "n", "k", "v"],
    ["metrics", "--last", "-3s"],
    ["simulate", "x.mesh.yaml", "--seeds", "9..3"],
    ["check", "no-such-file.mesh.yaml"],
    ["status"],
  ]) {
    it(`refuses with exit code 2 and one sentence: agent-mesh ${words.join(" ")}`, async () => {
      const { code, stderr, stdout } = await terminal.run(...words);
      assert.equal(code, 2);
      if (words.length === 0) assert.match(stdout, /agent-mesh up FILE/);
      else assert.match(stderr, /^agent-mesh: [^\n]+\n$/);
      assert.deepEqual(readdirSync(terminal.folder), []);
    });
  }

  it("says errors as JSON with --json", async () => {
    const { code, stdout, stderr } = await terminal.run("status", "--json");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.deepEqual(Object.keys(JSON.parse(stderr) as object), ["type", "message"]);
  });

  it("check says that a file is good, and what it is", async () => {
    const file = terminal.mesh("agents: 4\ntopology: ring\n");
    assert.equal(
      (await terminal.run("check", file)).stdout,
      `${file}: test, 4 agents, ring (at most 2 hops), raft: good.\n`,
    );
    assert.deepEqual(await terminal.json(0, "check", file), { file, ok: true, diagnostics: [] });
    const drawn = terminal.mesh("agents: 9\ntopology: { kind: k-regular, degree: 3 }\n");
    const told = (await terminal.run("check", drawn)).stdout;
    assert.equal(told, `${drawn}: test, 9 agents, k-regular of degree 3 (at most 3 hops), raft: good.\n`);
  });

  it("check says how many liars a file's swarm survives, and refuses one that would survive none", async () => {
    const good = terminal.mesh("agents: 7\nconsensus: pbft\n");
    assert.equal(
      (await terminal.run("check", good)).stdout,
      `${good}: test, 7 agents, mesh, pbft (survives 2 liars): good.\n`,
    );
    const bad = terminal.mesh("agents: 3\nconsensus: pbft\n");
    const { code, stdout } = await terminal.run("check", bad);
    assert.equal(code, 2);
    assert.match(stdout, /:1:9: error: consensus: pbft needs at least 4 agents, not 3.* n >= 3f \+ 1 .*\[tooFew\]\n$/);
  });

  const huge = `agents: 3\n#${"x".repeat(300_000)}\n`;
  for (const [what, text, place, code] of [
    ["is not YAML", "agents: [1, 2\ntopology: }\n", "\\d+:\\d+", "notYaml"],
    ["has an unknown key", "agents: 3\ntopologie: ring\n", "2:1", "unknownKey"],
    ["has a wrong type", "agents: 3\nname: [x]\n", "2:7", "wrongType"],
    ["has an impossible count", "agents: 1000000\n", "1:9", "outOfRange"],
    ["has a duplicate id", "agents: [a, b, a]\n", "1:16", "duplicateId"],
    ["is huge", huge, "1:1", "\\w+"],
    ["is far beyond huge", huge.repeat(5), undefined, ""],
  ] as const) {
    it(`check, up and simulate refuse a file that ${what} with its place, and start nothing`, async () => {
      const file = terminal.mesh(text);
      for (const command of ["check", "up", "simulate"]) {
        const ended = await terminal.run(command, file);
        assert.equal(ended.code, 2, command);
        const said = command === "check" ? `${ended.stdout}${ended.stderr}` : ended.stderr;
        const expected =
          place === undefined
            ? /test\.mesh\.yaml cannot be read: it has \d+ bytes; a mesh file has at most \d+/
            : new RegExp(`test\\.mesh\\.yaml:${place}: error: .+ \\[${code}\\]`);
        assert.match(said, expected, command);
        assert.ok(said.length < 3000, "short");
        assert.ok(!/\n {4}at /.test(said), "no stack");
      }
      assert.deepEqual(readdirSync(terminal.folder), ["test.mesh.yaml"]);
      if (place === undefined) return;
      const checked = await terminal.json<{ ok: boolean; diagnostics: MeshDiagnostic[] }>(2, "check", file);
      assert.ok(!checked.ok && checked.diagnostics.length > 0);
    });
  }

  it("simulate gives a line a seed and the same hashes in another process", async () => {
    const file = terminal.mesh("agents: 3\n");
    const seeds = async (range: string): Promise<SeedReport[]> => {
      const { code, stdout } = await terminal.run("simulate", file, "--seeds", range, "--json");
      assert.equal(code, 0);
      const lines = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as JsonLine);
      assert.equal(lines.at(-1)?.type, "summary");
      return lines.slice(0, -1) as unknown as SeedReport[];
    };
    const first = await seeds("2");
    assert.deepEqual(
      first.map(({ seed }) => seed),
      [1, 2],
    );
    assert.equal(new Set(first.map(({ traceHash }) => traceHash)).size, 2);
    assert.deepEqual(await seeds("2..2"), first.slice(1));
    const { stdout } = await terminal.run("simulate", file, "--seeds", "2");
    assert.ok(stdout.includes(`seed 1  trace ${first[0]?.traceHash} `), stdout);
    assert.match(
      stdout,
      /^2 seeds, 0 broken; [\d,]+ messages delivered, \d+ s of virtual time in [\d.]+ s \([\d.]+ seeds\/s\)$/m,
    );
  });

  it("simulate exits with 1 and names seed, virtual time and invariant when a promise is broken", async () => {
    const file = terminal.mesh("agents: 3\n");
    const broken = await breakIt(file, "--seeds", "3");
    assert.equal(broken.code, 1, broken.stdout);
    const line = /^seed (\d+) .* BROKEN (.+) at (\d+\.\d{3}) s: .+$/m.exec(broken.stdout);
    assert.ok(line, broken.stdout);
    assert.match(broken.stdout, /^3 seeds, [1-3] broken; /m);
    const asJson = await breakIt(file, "--seeds", `${line[1]}..${line[1]}`, "--json");
    assert.equal(asJson.code, 1);
    const [report] = asJson.stdout.split("\n").map((text) => (text === "" ? {} : JSON.parse(text))) as SeedReport[];
    assert.equal(report?.violation?.invariant, line[2]);
    assert.equal(((report?.violation?.atMs ?? 0) / 1000).toFixed(3), line[3]);
  });

  it("simulate stops between two seeds at Ctrl-C, and says how far it came", async () => {
    const running = terminal.start(["simulate", terminal.mesh("agents: 3\n"), "--seeds", "100000", "--json"]);
    await running.line("seed");
    running.signal("SIGINT");
    const { code } = await running.ended();
    assert.equal(code, 130);
    assert.equal(running.lines.at(-1)?.type, "summary");
  });
});

function breakIt(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(HERE, "broken-simulate.ts"), "simulate", ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
