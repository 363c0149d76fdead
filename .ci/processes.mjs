// Which processes a process has started, and an end to them all.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const pollMs = 50;

/**
 * The living descendants of a process, itself first. A descendant whose parent has ended is no longer found: ask while
 * the parent lives. On Windows, which has no cheap way to tell, only the process itself.
 * @param {number} pid
 * @returns {number[]}
 */
export function processTree(pid) {
  const parents = parentOfEach();
  const tree = [pid];
  for (const member of tree) for (const [child, parent] of parents) if (parent === member) tree.push(child);
  return tree;
}

/** The process ids of every process that this user may see. None on Windows. */
export function allProcesses() {
  return parentOfEach().map(([pid]) => pid);
}

/** A process's command line, its arguments joined by spaces, or "" when it is gone. Not on Windows. */
export function commandLine(pid) {
  if (process.platform === "linux") return readOr(`/proc/${pid}/cmdline`, "").replaceAll("\0", " ").trim();
  return spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() ?? "";
}

/** The directory a process works in, or "" when it is gone or that cannot be told. Linux only. */
export function workingDirectory(pid) {
  if (process.platform !== "linux") return "";
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(error.code)) return "";
    throw error;
  }
}

/**
 * Asks processes to end, and ends those that have not within `graceMs`.
 * @param {number[]} pids
 * @param {number} graceMs
 */
export async function endProcesses(pids, graceMs) {
  for (const pid of pids) signal(pid, "SIGTERM");
  await waitForEnd(pids, graceMs);
  for (const pid of pids) signal(pid, "SIGKILL");
}

/** Waits until these processes are gone, at most `deadlineMs`. Returns those that are still there. */
export async function waitForEnd(pids, deadlineMs) {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const left = pids.filter(isAlive);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await delay(pollMs);
  }
}

/** Whether a process exists and has not ended. */
export function isAlive(pid) {
  if (!signal(pid, 0)) return false;
  // An ended process whose parent has not asked for its exit code yet still takes signals.
  return process.platform !== "linux" || !/^\d+ \(.*\) [ZX]/s.test(readOr(`/proc/${pid}/stat`, "0 () X"));
}

/** Sends a signal; false when there is no such process. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}

/** [process id, its parent's process id] of every process. */
function parentOfEach() {
  if (process.platform === "win32") return [];
  if (process.platform === "linux") {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => [Number(pid), parentIn(readOr(`/proc/${pid}/stat`, ""))]);
  }
  const listed = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout ?? "";
  return listed
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
}

/** The parent named in the text of /proc/PID/stat: the second field after the command's closing bracket. */
function parentIn(stat) {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // ESRCH: the process ended between opening and reading.
    if (error.code === "ENOENT" || error.code === "ESRCH") return otherwise;
    throw error;
  }
}
