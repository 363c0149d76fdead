// Brings node_modules/ in line with package-lock.json. Needs nothing but Node and npm.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { npmCommand, ownNode, root, run, step } from "./command.mjs";
import { Refusal, say } from "./say.mjs";

const oldestNode = 20;
const deadlineMs = 15 * 60_000;

/**
 * Runs `npm ci` when node_modules/ is missing or was installed from another package-lock.json.
 * @throws {Refusal} when Node is too old, npm is missing, or the install fails
 */
export async function ensureInstalled() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < oldestNode) {
    throw new Refusal(
      `Agent Mesh needs Node ${oldestNode} or later; this is ${process.version}. Install a newer Node.`,
    );
  }
  const reason = staleness();
  if (reason === undefined) return;
  await requireNpm();
  say(reason);
  await step(
    "Installing packages (npm ci)",
    [...npmCommand(), "ci", "--ignore-scripts=false", "--no-audit", "--no-fund"],
    {
      env: process.env,
      log: join(root, "out", "logs", "npm-ci.log"),
      deadlineMs,
      hint: "Check that the npm registry can be reached, then try again.",
    },
  );
  const stillStale = staleness();
  if (stillStale !== undefined) {
    throw new Refusal(`npm ci ended well, but ${stillStale} Delete node_modules/ and try again.`);
  }
}

/** Why node_modules/ must be installed again, as a sentence, or undefined when it is as the lock file says. */
function staleness() {
  const installedPath = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedPath)) return "node_modules/ is not there yet.";
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  for (const [path, { version, optional }] of Object.entries(locked)) {
    if (path === "" || optional) continue;
    if (installed[path]?.version !== version) return `${path} is not the version in package-lock.json (${version}).`;
  }
  if (!existsSync(ownNode())) return `${ownNode()} is missing: the npm package "node" did not run its install script.`;
  return undefined;
}

async function requireNpm() {
  const { code } = await run([...npmCommand(), "--version"], { env: process.env, onOutput: () => {} }).catch(() => ({
    code: 127,
  }));
  if (code !== 0) throw new Refusal("npm cannot be run. Install npm (it comes with Node) and put it on the PATH.");
}
