// Packages the extension: node .ci/package.mjs makes agent-mesh-VERSION.vsix from fresh, minified bundles.

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { ownNode, root, step } from "./command.mjs";
import { ensureInstalled } from "./install.mjs";
import { withLock } from "./lock.mjs";
import { runMain, say } from "./say.mjs";

const shipped = ["package.json", "README.md", "CHANGELOG.md", "LICENSE", ".vscodeignore", "media", "dist"];
const deadlineMs = 120_000;
const lockWaitMs = 300_000;

/**
 * Builds every bundle and packages them, unless the package there is newer than all that goes into it.
 * @returns {Promise<string>} the package's path
 * @throws {Refusal} when a source is missing, does not build, or vsce refuses the package
 */
export async function ensurePackage() {
  await build({ strict: true, minify: true, quiet: true });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const vsix = join(root, `agent-mesh-${version}.vsix`);
  const onWait = (pid) => say(`Process ${pid} is packaging; waiting for it.`);
  await withLock(join(root, "out", "build", "package.lock"), { deadlineMs: lockWaitMs, onWait }, async () => {
    if (existsSync(vsix) && statSync(vsix).mtimeMs > newest(shipped.map((name) => join(root, name)))) return;
    await makePackage(vsix);
  });
  return vsix;
}

async function makePackage(vsix) {
  rmSync(vsix, { force: true });
  const vsce = join(root, "node_modules", "@vscode", "vsce", "vsce");
  const options = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--out", vsix];
  await step("Packaging the extension", [ownNode(), vsce, "package", ...options], {
    log: join(root, "out", "logs", "vsce.log"),
    deadlineMs,
  });
}

/** The latest time (ms since the epoch) at which any of these files, or a file within these folders, was changed. */
function newest(paths) {
  let latestMs = 0;
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const inside = stats.isDirectory() ? newest(readdirSync(path).map((name) => join(path, name))) : 0;
    latestMs = Math.max(latestMs, stats.mtimeMs, inside);
  }
  return latestMs;
}

async function main(args) {
  await ensureInstalled();
  const vsix = await ensurePackage();
  // Alone on its line, for programs that want to know where it is.
  if (args.includes("--print-path")) process.stdout.write(`${vsix}\n`);
  else say(`${vsix}: ${Math.round(statSync(vsix).size / 1024)} kB`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await runMain(main);
