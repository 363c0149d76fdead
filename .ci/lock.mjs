// A lock between processes on one machine: a file that names its holder. A dead holder's lock is taken over.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Refusal } from "./say.mjs";

/**
 * Runs `work` while holding the lock file at `path`.
 * @param {string} path the lock file
 * @param {{ deadlineMs: number, onWait?: (pid: number) => void }} options how long to wait for another holder, and
 *   who is told (once) that there is one
 * @param {() => Promise<T> | T} work
 * @template T
 */
export async function withLock(path, { deadlineMs, onWait }, work) {
  const giveUpAt = performance.now() + deadlineMs;
  let told = false;
  for (;;) {
    const holder = tryTake(path);
    if (holder === undefined) break;
    if (performance.now() > giveUpAt) {
      throw new Refusal(
        `Process ${holder} has held ${path} for longer than ${deadlineMs / 1000} s. End that process, or delete the file if it is not one of ours.`,
      );
    }
    if (!told) onWait?.(holder);
    told = true;
    await delay(50);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Takes the lock and returns undefined, or returns the living holder's process id. */
function tryTake(path) {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}`;
  // Linked, not written in place: the file is never seen without its holder in it.
  writeFileSync(own, `${process.pid}\n`);
  try {
    for (;;) {
      try {
        linkSync(own, path);
        return undefined;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      const holder = readHolder(path);
      if (holder !== undefined && isAlive(holder)) return holder;
      buryDead(path);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes a dead holder's lock, and puts it back if a living process took it since it was read. */
function buryDead(path) {
  const grave = `${path}.dead.${process.pid}`;
  try {
    renameSync(path, grave);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  const holder = readHolder(grave);
  if (holder !== undefined && isAlive(holder)) linkSync(grave, path);
  rmSync(grave, { force: true });
}

function readHolder(path) {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
