// Builds the bundles in dist/ with esbuild: node .ci/build.mjs [--strict] [--minify] [--watch] [NAME...]
//
// A bundle whose sources did not change since it was made is left alone, so that a build with nothing to do takes a
// fraction of a second. Outputs are renamed into place: a process that starts from dist/ meanwhile sees the old bundle
// or the new one, never half of one. One build runs at a time; a second waits for it.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { copies, entries } from "./entries.mjs";
import { withLock } from "./lock.mjs";
import { Refusal, runMain, say, seconds } from "./say.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const recordsDir = join(root, "out", "build");
const lockWaitMs = 180_000;

/**
 * Brings bundles up to date.
 * @param {{ names?: string[], strict?: boolean, minify?: boolean, quiet?: boolean }} options which bundles (all, unless
 *   named); whether a source that does not exist is an error; whether every bundle must be minified (a minified bundle
 *   serves where none was asked for); whether to print only what changed
 * @returns {Promise<{ built: string[], current: string[], missing: string[] }>}
 * @throws {Refusal} when a bundle cannot be built; the others are built all the same
 */
export async function build({ names = [], strict = false, minify = false, quiet = false } = {}) {
  const chosen = chooseEntries(names);
  const missing = chosen.filter((entry) => !existsSync(join(root, entry.source)));
  if (strict && missing.length > 0) {
    throw new Refusal(`Cannot build: ${missing.map((entry) => entry.source).join(", ")} does not exist.`);
  }
  for (const entry of quiet ? [] : missing)
    say(`${entry.source} does not exist yet: dist/${entry.output} is left out.`);
  const wanted = chosen.filter((entry) => !missing.includes(entry));
  const result = { built: [], current: [], missing: missing.map((entry) => entry.name) };
  if (wanted.every((entry) => isCurrent(entry, minify)) && copiesAreCurrent()) {
    result.current = wanted.map((entry) => entry.name);
    return result;
  }
  const onWait = (pid) => say(`Process ${pid} is building; waiting for it.`);
  await withLock(join(recordsDir, "lock"), { deadlineMs: lockWaitMs, onWait }, async () => {
    copyFiles();
    const failures = [];
    for (const entry of wanted) {
      if (isCurrent(entry, minify)) {
        result.current.push(entry.name);
        continue;
      }
      const startedAt = performance.now();
      const failure = await bundle(entry, minify);
      if (failure !== undefined) {
        failures.push(entry.source);
        continue;
      }
      result.built.push(entry.name);
      const bytes = statSync(join(dist, entry.output)).size;
      say(`dist/${entry.output}: ${Math.round(bytes / 1024)} kB in ${seconds(performance.now() - startedAt)}`);
    }
    if (failures.length > 0) {
      throw new Refusal(
        `Cannot build ${failures.join(", ")}: see the errors above. Its old bundle, if any, is out of date.`,
      );
    }
  });
  return result;
}

function chooseEntries(names) {
  const unknown = names.filter((name) => !entries.some((entry) => entry.name === name));
  if (unknown.length > 0) {
    const known = entries.map((entry) => entry.name).join(", ");
    throw new Refusal(`There is no bundle called ${unknown.join(", ")}. There are: ${known}.`);
  }
  return names.length === 0 ? entries : entries.filter((entry) => names.includes(entry.name));
}

/** Bundles one entry and records what it was made of. Returns what went wrong, already printed, or undefined. */
async function bundle(entry, minify) {
  const esbuild = await import("esbuild");
  // Stamps are taken before esbuild reads: a file that changes while it does makes the bundle out of date, not current.
  const stampedAtMs = Date.now();
  const outcome = await esbuild.build(esbuildOptions(entry, minify)).catch((error) => error);
  if (outcome.outputFiles === undefined) return outcome;
  publish(entry, outcome, minify, stampedAtMs);
  return undefined;
}

function esbuildOptions(entry, minify) {
  const { alwaysMinify = false, ...options } = entry.options;
  const small = minify || alwaysMinify;
  return {
    ...options,
    entryPoints: [join(root, entry.source)],
    outfile: join(dist, entry.output),
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    minify: small,
    sourcemap: minify ? false : "linked",
    legalComments: "none",
    logLevel: "warning",
    loader: { ".svg": "text", ".ttf": "file" },
  };
}

/** Puts outputs in place by renaming, then the record by which the next build knows them to be current. */
function publish(entry, outcome, minify, stampedAtMs) {
  for (const file of outcome.outputFiles) {
    mkdirSync(dirname(file.path), { recursive: true });
    const fresh = `${file.path}.${process.pid}.new`;
    writeFileSync(fresh, file.contents);
    if (entry.executable && file.path.endsWith(".cjs")) chmodSync(fresh, 0o755);
    renameSync(fresh, file.path);
  }
  const inputs = Object.keys(outcome.metafile.inputs)
    .filter((path) => !path.startsWith("node_modules/") && existsSync(join(root, path)))
    .map((path) => [path, stampBefore(path, stampedAtMs)]);
  const outputs = outcome.outputFiles.map((file) => relative(dist, file.path).split(sep).join("/"));
  for (const path of readRecord(entry)?.outputs ?? []) {
    if (!outputs.includes(path)) rmSync(join(dist, path), { force: true });
  }
  const record = { minify, toolStamp: toolStamp(), inputs, outputs };
  mkdirSync(recordsDir, { recursive: true });
  writeFileSync(recordPath(entry), JSON.stringify(record));
}

/** A file's stamp, or one that matches nothing when the file changed after `beforeMs`. */
function stampBefore(path, beforeMs) {
  return statSync(join(root, path)).mtimeMs > beforeMs ? "changed while building" : stamp(join(root, path));
}

function stamp(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? "absent" : `${stats.mtimeMs}:${stats.size}`;
}

/** Stands for everything but the sources: the installed packages and these build scripts. */
function toolStamp() {
  return ["package-lock.json", ".ci/build.mjs", ".ci/entries.mjs", "tsconfig.base.json"]
    .map((path) => stamp(join(root, path)))
    .join(" ");
}

function recordPath(entry) {
  return join(recordsDir, `${entry.name}.json`);
}

/** What the bundle in dist/ was made of, or undefined when it was never made. */
function readRecord(entry) {
  return existsSync(recordPath(entry)) ? JSON.parse(readFileSync(recordPath(entry), "utf8")) : undefined;
}

function isCurrent(entry, minify) {
  const record = readRecord(entry);
  return (
    record !== undefined &&
    (record.minify || !minify) &&
    record.toolStamp === toolStamp() &&
    record.outputs.every((path) => existsSync(join(dist, path))) &&
    record.inputs.every(([path, was]) => stamp(join(root, path)) === was)
  );
}

function copiesAreCurrent() {
  return copies.every(([from, to]) => {
    const source = statSync(join(root, "node_modules", from), { throwIfNoEntry: false });
    const copy = statSync(join(dist, to), { throwIfNoEntry: false });
    return source !== undefined && copy !== undefined && source.size === copy.size;
  });
}

function copyFiles() {
  for (const [from, to] of copies) {
    const target = join(dist, to);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, "node_modules", from), target);
  }
}

/** Rebuilds every bundle whenever one of its sources changes, until interrupted. */
async function watch(names, minify) {
  const esbuild = await import("esbuild");
  copyFiles();
  for (const entry of chooseEntries(names)) {
    if (!existsSync(join(root, entry.source))) {
      say(`${entry.source} does not exist yet: dist/${entry.output} is left out.`);
      continue;
    }
    let stampedAtMs = 0;
    const onStart = () => {
      stampedAtMs = Date.now();
    };
    const onEnd = (outcome) => {
      if (outcome.errors.length > 0) return;
      publish(entry, outcome, minify, stampedAtMs);
      say(`dist/${entry.output}`);
    };
    const setup = (building) => {
      building.onStart(onStart);
      building.onEnd(onEnd);
    };
    const plugin = { name: "publish", setup };
    const context = await esbuild.context({ ...esbuildOptions(entry, minify), plugins: [plugin] });
    await context.watch();
  }
  say("Watching. Ctrl-C ends it.");
}

async function main(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      strict: { type: "boolean" },
      minify: { type: "boolean" },
      watch: { type: "boolean" },
      quiet: { type: "boolean" },
    },
  });
  if (values.watch) return watch(positionals, values.minify ?? false);
  const { built, current } = await build({ names: positionals, ...values });
  if (!values.quiet) say(`Built ${built.length}, up to date ${current.length}.`);
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await runMain(main);
