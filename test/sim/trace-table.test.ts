import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { after, before, describe, it } from "mocha";
import { simulate } from "../../server/sim/simulate.ts";
import { NO_FAULT, traceRuns, traceTable } from "./trace-runs.ts";

const run = promisify(execFile);
const TABLE = new URL("fixtures/traces.json", import.meta.url);
const REWRITE = "UPDATE_TRACES=1 npm test -- test/sim/trace-table.test.ts";

type Table = Readonly<Record<string, string>>;

/** Lines that tell what is different, and what that means; none where nothing is. */
function differences(written: Table, computed: Table): readonly string[] {
  const names = [...new Set([...Object.keys(written), ...Object.keys(computed)])];
  const different = names.filter((name) => written[name] !== computed[name]);
  if (different.length === 0) return [];
  return [
    `${different.length} of ${names.length} runs left another trace than the table says. A change of what agents do, of the simulated world or of what a seed draws does that: then the`,
    `table is to be written again, with ${REWRITE}. A change that should alter nothing of it must not, and a difference between`,
    "machines or versions of Node is always an error: something depends on a clock, an order or an engine.",
    ...different.map(
      (name) => `  ${name}: ${computed[name] ?? "no such run"}, in the table ${written[name] ?? "nothing"}`,
    ),
  ];
}

/** Other versions of Node on PATH, each once, as paths to them. */
async function otherNodes(): Promise<readonly { readonly path: string; readonly version: string }[]> {
  const found = new Map<string, string>();
  const names = process.platform === "win32" ? ["node.exe"] : ["node"];
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of names) {
      const path = await realpath(join(folder, name)).catch(() => undefined);
      if (path === undefined) continue;
      const answer = await run(path, ["--version"]).catch(() => undefined);
      const version = answer?.stdout.trim() ?? process.version;
      if (version !== process.version && !found.has(version)) found.set(version, path);
    }
  return [...found].map(([version, path]) => ({ version, path }));
}

describe("the table of trace hashes", function () {
  this.timeout(120_000);
  let folder: string;
  let computed: Table;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "agent-mesh-traces-"));
    computed = traceTable();
    if (process.env.UPDATE_TRACES === "1") await writeFile(TABLE, `${JSON.stringify(computed, undefined, 2)}\n`);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("holds what every run leaves: same mesh, same seed, same trace", async () => {
    const written = JSON.parse(await readFile(TABLE, "utf8")) as Table;
    equal(differences(written, computed).join("\n"), "");
  });

  it("is the same under every other version of Node on PATH", async () => {
    const nodes = await otherNodes();
    if (nodes.length === 0) {
      process.stdout.write(`      (no other Node is on PATH: only ${process.version} was tried)\n`);
      return;
    }
    const outfile = join(folder, "trace-print.mjs");
    const entry = new URL("trace-print.ts", import.meta.url).pathname;
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    for (const { path, version } of nodes) {
      const { stdout } = await run(path, [outfile], { maxBuffer: 1 << 20 });
      deepEqual(differences(computed, JSON.parse(stdout) as Table), [], `Node ${version}`);
      process.stdout.write(`      (Node ${version}: the same)\n`);
    }
  });

  it("has no fault that does nothing", () => {
    const without = computed[`${NO_FAULT} | seed 1`];
    ok(without);
    // A record that a crash tears was not acknowledged yet: an agent that drops it, as it must, is like one that never wrote it.
    const idle = Object.keys(computed).filter((name) => computed[name] === without && !name.includes("tornTail"));
    deepEqual(idle, [`${NO_FAULT} | seed 1`]);
  });

  it("tells which run is different, and how to write it again", () => {
    const lines = differences({ a: "1", b: "2" }, { a: "1", b: "3", c: "4" });
    ok(lines.some((line) => line.includes("UPDATE_TRACES=1")));
    deepEqual(lines.slice(3), ["  b: 3, in the table 2", "  c: 4, in the table nothing"]);
    deepEqual(differences({ a: "1" }, { a: "1" }), []);
  });

  it("is not the same for another mesh: one heartbeat that is a millisecond longer shows", () => {
    const [first] = traceRuns();
    ok(first);
    const { mesh, seed, options } = first;
    const other = { ...mesh, timing: { ...mesh.timing, heartbeatMs: mesh.timing.heartbeatMs + 1 } };
    notEqual(simulate(other, seed, options).traceHash, simulate(mesh, seed, options).traceHash);
  });
});
