// Runs other programs: with progress for the slow ones, a deadline, and nothing left behind when they or we are ended.

import { spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { setPriority, constants as system } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { processTree } from "./processes.mjs";
import { Refusal, say, seconds } from "./say.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const isWindows = process.platform === "win32";
const progressEveryMs = 10_000;
const lastLines = 25;
const running = new Set();

/** The environment of everything we start: the repository's own Node and tools come first on its PATH. */
export function toolEnvironment(extra = {}) {
  const [key, path] = pathVariable();
  return { ...process.env, [key]: [join(root, "node_modules", ".bin"), path].join(delimiter), ...extra };
}

/** The name and value of the environment's PATH; Windows may spell it Path. */
function pathVariable() {
  const key = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  return [key, process.env[key] ?? ""];
}

/** The repository's own Node (24), which runs TypeScript as it is; the machine's own may be older. */
export function ownNode() {
  return join(root, "node_modules", "node", "bin", isWindows ? "node.exe" : "node");
}

/** The program and first arguments that run npm without a shell, on `node`; without an outer npm, on the PATH's Node. */
export function npmCommand(node = process.execPath) {
  const script = process.env.npm_execpath;
  if (script?.endsWith(".js")) return [node, script];
  return isWindows ? ["cmd.exe", "/c", "npm"] : ["npm"];
}

/**
 * Runs a program to its end in a process group of its own.
 * @param {string[]} command program and arguments
 * @param {{ cwd?: string, env?: object, deadlineMs?: number, onOutput?: (text: string) => void, log?: string, mayLeave?: boolean, yields?: boolean }} options
 *   `onOutput` is given what it prints, which is otherwise shown as it comes; with `log` it goes to that file instead;
 *   `mayLeave` says that what it starts may outlive it; `yields`, that others come first where processors are short
 * @returns {Promise<{ code: number, overdue: boolean, elapsedMs: number }>} `code` is 128 when a signal ended it
 * @throws {Refusal} when the program cannot be started
 */
export async function run(
  command,
  { cwd = root, env = toolEnvironment(), deadlineMs, onOutput, log, mayLeave = false, yields = false } = {},
) {
  const [program, ...args] = command;
  const startedAt = performance.now();
  const file = log === undefined ? undefined : openLog(log);
  const output = file ?? (onOutput === undefined ? "inherit" : "pipe");
  const child = spawn(program, args, { cwd, env, detached: !isWindows, stdio: ["ignore", output, output] });
  running.add(child);
  if (yields && child.pid !== undefined) yieldToOthers(child.pid);
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", onOutput);
  let overdue = false;
  const timer =
    deadlineMs === undefined
      ? undefined
      : setTimeout(() => {
          overdue = true;
          endTree(child.pid);
        }, deadlineMs);
  try {
    const code = await new Promise((resolve, reject) => {
      child.on("error", (error) => reject(new Refusal(`Cannot run ${program}: ${error.message}.`)));
      child.on("close", (exitCode) => resolve(exitCode ?? 128));
    });
    return { code, overdue, elapsedMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
    running.delete(child);
    if (file !== undefined) closeSync(file);
    // What it left running in its group ends with it.
    if (!mayLeave && child.pid !== undefined && !isWindows) kill(-child.pid);
  }
}

/**
 * Runs one step of a longer job: says what it is, shows every ten seconds that it is still going, keeps its output in
 * a log file and prints the end of that only when it fails.
 * @param {string} what the step, as in "Installing packages"
 * @param {string[]} command program and arguments
 * @param {{ cwd?: string, env?: object, log: string, deadlineMs?: number, hint?: string }} options `hint` says what to
 *   do when it fails
 * @throws {Refusal} when it fails
 */
export async function step(what, command, { hint = "", log, ...options }) {
  say(`${what} …`);
  const startedAt = performance.now();
  const ticker = setInterval(() => say(`${what} … ${seconds(performance.now() - startedAt)} so far`), progressEveryMs);
  try {
    const { code, overdue, elapsedMs } = await run(command, { ...options, log });
    if (code === 0) {
      say(`${what}: done in ${seconds(elapsedMs)}`);
      return;
    }
    const end = readFileSync(log, "utf8").trimEnd().split("\n").slice(-lastLines).join("\n");
    const how = overdue ? `was ended after ${options.deadlineMs / 1000} s` : `failed with exit code ${code}`;
    throw new Refusal(`${end}\n\n${what} ${how}. Everything it printed: ${log}. ${hint}`.trimEnd());
  } finally {
    clearInterval(ticker);
  }
}

/** The first of these programs that is on the PATH, as its full path, or undefined. */
export function findProgram(...names) {
  const folders = pathVariable()[1]
    .split(delimiter)
    .filter((folder) => folder !== "");
  const endings = isWindows ? (process.env.PATHEXT ?? ".EXE;.CMD").split(";") : [""];
  const candidates = names.flatMap((name) =>
    folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending))),
  );
  return candidates.find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not for us: the next folder may have it.
    return false;
  }
}

/** From now on it, and what it starts, get the processors after others. */
function yieldToOthers(pid) {
  const { PRIORITY_BELOW_NORMAL } = system.priority;
  setPriority(pid, PRIORITY_BELOW_NORMAL);
  // Linux weighs whole sessions first, where it groups by them: the priority above counts only within one (sched(7), autogroup).
  const group = `/proc/${pid}/autogroup`;
  if (existsSync(group)) writeFileSync(group, String(PRIORITY_BELOW_NORMAL));
}

/** Ends a process, everything in its group, and everything that these started, at once. */
function endTree(pid) {
  if (isWindows) {
    spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"]);
    return;
  }
  for (const target of [...processTree(pid), -pid]) kill(target);
}

/** Ends a process, or a group where the number is negative, unless it has ended already. */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** From now on a Ctrl-C, a hang-up or a request to end also ends everything that `run` has started. */
export function endTogether() {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ]) {
    process.on(signal, () => {
      for (const child of running) endTree(child.pid);
      process.exit(code);
    });
  }
}

function openLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, "w");
}
