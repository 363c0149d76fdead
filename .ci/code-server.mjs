// A VS Code for the browser (code-server), installed once into a cache folder. node .ci/code-server.mjs installs it.
//
// Only what is used gets compiled: kerberos, sqlite3 and the Windows modules are left out, which saves minutes.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { npmCommand, ownNode, root, step, toolEnvironment } from "./command.mjs";
import { ensureInstalled } from "./install.mjs";
import { withLock } from "./lock.mjs";
import { Refusal, runMain, say } from "./say.mjs";

/** code-server's own version; the VS Code in it is 1.139.1. */
export const codeServerVersion = "4.139.1";

const stepDeadlineMs = 10 * 60_000;
const lockWaitMs = 20 * 60_000;

/** Where downloads that outlive a clean build are kept; the environment variable AGENT_MESH_CACHE moves it. */
export function cacheDir() {
  return process.env.AGENT_MESH_CACHE ?? join(root, ".cache");
}

/** The script that starts the installed code-server; it must be run by `ownNode()`, for which it was compiled. */
function codeServerEntry() {
  return join(installDir(), "node_modules", "code-server", "out", "node", "entry.js");
}

/**
 * Installs code-server unless that was done before.
 * @throws {Refusal} when it cannot run on this system or a step of the installation fails
 */
export async function ensureCodeServer() {
  if (process.platform === "win32") {
    throw new Refusal(
      "There is no VS Code for the browser on Windows. Install the desktop VS Code, with code on the PATH.",
    );
  }
  if (isInstalled()) return;
  const onWait = (pid) => say(`Process ${pid} is installing code-server; waiting for it.`);
  await withLock(join(cacheDir(), "code-server.lock"), { deadlineMs: lockWaitMs, onWait }, async () => {
    if (!isInstalled()) await install();
  });
}

/**
 * The program and arguments that run code-server with everything it keeps inside `home`: user data, extensions, and a
 * configuration of its own in place of the person's.
 */
export function codeServerCommand(home) {
  const config = join(home, "config.yaml");
  mkdirSync(home, { recursive: true });
  if (!existsSync(config)) writeFileSync(config, "auth: none\n");
  const dirs = ["--user-data-dir", join(home, "user-data"), "--extensions-dir", join(home, "extensions")];
  return [ownNode(), codeServerEntry(), "--config", config, ...dirs];
}

/**
 * The arguments that make it serve on a loopback port.
 * @param {number} port
 * @param {number} reconnectionGraceS how many seconds the extension host outlives a window that was lost; three hours
 *   unless said
 */
export function serveArguments(port, reconnectionGraceS) {
  const grace = ["--reconnection-grace-time", String(reconnectionGraceS)];
  return [
    "--auth",
    "none",
    "--bind-addr",
    `127.0.0.1:${port}`,
    "--disable-telemetry",
    "--disable-update-check",
    ...grace,
  ];
}

/** The environment to run code-server in: without what makes it take itself for one started inside a VS Code. */
export function serverEnvironment() {
  const environment = toolEnvironment();
  for (const key of Object.keys(environment))
    if (/^(VSCODE_|CODE_SERVER|PORT$|PASSWORD$)/.test(key)) delete environment[key];
  return environment;
}

async function install() {
  const directory = installDir();
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "private": true }\n');
  const server = join(directory, "node_modules", "code-server");
  const vscode = join(server, "lib", "vscode");
  const quiet = ["--no-audit", "--no-fund", "--loglevel=warn"];
  const production = ["install", "--omit=dev", "--ignore-scripts", ...quiet];
  const steps = [
    ["downloading", directory, ["install", `code-server@${codeServerVersion}`, "--ignore-scripts", ...quiet]],
    ["VS Code's packages", vscode, production],
    ["its built-in extensions", join(vscode, "extensions"), production],
    ["compiling argon2", server, ["rebuild", "argon2", ...quiet]],
    [
      "compiling the terminal and the log",
      vscode,
      ["rebuild", "@vscode/spdlog", "@vscode/native-watchdog", "node-pty", ...quiet],
    ],
  ];
  for (const [index, [what, cwd, args]] of steps.entries()) {
    await step(
      `Installing code-server ${codeServerVersion}, ${index + 1} of ${steps.length}: ${what}`,
      [...npmCommand(ownNode()), ...args],
      {
        cwd,
        env: installEnvironment(),
        log: join(root, "out", "logs", `code-server-${index + 1}.log`),
        deadlineMs: stepDeadlineMs,
        hint: "It needs the npm registry and, to compile, python3, make and a C++ compiler (Debian: apt-get install -y python3 make g++).",
      },
    );
  }
  writeFileSync(markerPath(), JSON.stringify(marker()));
}

/** The environment without what an outer `npm run` or `npm ci` says of its own package. */
function installEnvironment() {
  const environment = toolEnvironment();
  for (const key of Object.keys(environment)) {
    if (/^npm_(package|lifecycle|command|config_(local_prefix|prefix|repository|global))/.test(key))
      delete environment[key];
  }
  return environment;
}

function installDir() {
  return join(cacheDir(), `code-server-${codeServerVersion}`);
}

/** Written last: an installation without it was interrupted. */
function markerPath() {
  return join(installDir(), "installed.json");
}

function marker() {
  const node = JSON.parse(readFileSync(join(root, "node_modules", "node", "package.json"), "utf8")).version;
  return {
    codeServer: codeServerVersion,
    nodeMajor: Number(node.split(".")[0]),
    platform: `${process.platform}-${process.arch}`,
  };
}

function isInstalled() {
  return existsSync(markerPath()) && readFileSync(markerPath(), "utf8") === JSON.stringify(marker());
}

async function main() {
  await ensureInstalled();
  await ensureCodeServer();
  say(`code-server ${codeServerVersion} is in ${installDir()}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await runMain(main);
