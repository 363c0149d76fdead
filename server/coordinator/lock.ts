/** One coordinator a swarm. The lock is a file with the holder's process id and start time; one whose holder is dead is taken over. */
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { asFields, integer, text } from "../live/checked-json.ts";
import { PUBLIC_MODE, replaceFile } from "../live/durable-file.ts";
import type { ProcessIdentity } from "../live/process.ts";
import { identityOf, isRunning } from "../live/process.ts";
import { Refusal } from "./refusal.ts";

interface Holder extends ProcessIdentity {
  /** Tells two holders within one process apart. */
  readonly nonce: string;
}

export interface Lock {
  /** The process id of the dead holder it was taken from; null when it was free. */
  readonly takenFrom: number | null;
  release(): void;
}

/** The living process that holds the lock, or undefined. A file that cannot be believed is nobody's. */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const holder = read(path);
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

/**
 * The folder is made when it does not exist.
 * @throws Refusal `alreadyRunning` naming the process that holds it
 */
export function acquireLock(path: string, what: string): Lock {
  mkdirSync(dirname(path), { recursive: true });
  const own: Holder = { ...identityOf(process.pid), nonce: randomUUID() };
  if (create(path, own)) return lockOf(path, own, null);
  // Two that find a dead holder must not both take its place: the one that makes the second file does.
  const guard = `${path}.takeover`;
  if (!create(guard, own)) {
    if (lockHolder(guard) !== undefined) throw refusal(what, lockHolder(guard)!.pid);
    rmSync(guard, { force: true });
    if (!create(guard, own)) throw refusal(what, read(guard)?.pid ?? 0);
  }
  try {
    const holder = lockHolder(path);
    if (holder !== undefined) throw refusal(what, holder.pid);
    const dead = read(path)?.pid ?? 0;
    replaceFile(path, JSON.stringify(own), PUBLIC_MODE);
    return lockOf(path, own, dead);
  } finally {
    rmSync(guard, { force: true });
  }
}

function refusal(what: string, pid: number): Refusal {
  return new Refusal(
    "alreadyRunning",
    `${what} is run by another coordinator, process ${pid}. Use that one, or end it and try again.`,
  );
}

function lockOf(path: string, own: Holder, takenFrom: number | null): Lock {
  return {
    takenFrom,
    release: () => {
      if (read(path)?.nonce === own.nonce) rmSync(path, { force: true });
    },
  };
}

function create(path: string, own: Holder): boolean {
  try {
    const file = openSync(path, "wx", PUBLIC_MODE);
    try {
      writeSync(file, JSON.stringify(own));
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function read(path: string): Holder | undefined {
  try {
    const fields = asFields(JSON.parse(readFileSync(path, "utf8")), "lock");
    return {
      pid: integer(fields, "pid", "lock", 1, Number.MAX_SAFE_INTEGER),
      startTime: text(fields, "startTime", "lock", 200),
      nonce: text(fields, "nonce", "lock", 100),
    };
  } catch {
    // Missing, half written by one that died, or not ours: no living holder is named.
    return undefined;
  }
}
