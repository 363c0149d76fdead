import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A process, told from a later one with the same id by when it started. On Linux clock ticks since boot, elsewhere what `ps` or
 * Windows say; "" where neither does (then the id alone must do).
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: startTimeOf(pid) };
}

/** Whether it still runs: it exists, has not ended (a zombie has), and is not another one that was given the same id. */
export function isRunning(process: ProcessIdentity): boolean {
  if (!exists(process.pid)) return false;
  const startTime = startTimeOf(process.pid);
  return startTime !== "ended" && (process.startTime === "" || startTime === "" || startTime === process.startTime);
}

/** SIGKILL (on Windows: TerminateProcess). False when it was gone. */
export function kill(process: ProcessIdentity): boolean {
  return signalIfRunning(process, "SIGKILL");
}

/** SIGTERM: an agent ends in good order. On Windows, where there is none, it is killed. False when it was gone. */
export function terminate(process: ProcessIdentity): boolean {
  return signalIfRunning(process, "SIGTERM");
}

/** SIGSTOP. @throws Error on Windows. False when it was gone. */
export function pause(process: ProcessIdentity): boolean {
  refuseOnWindows();
  return signalIfRunning(process, "SIGSTOP");
}

/** SIGCONT. @throws Error on Windows. False when it was gone. */
export function resume(process: ProcessIdentity): boolean {
  refuseOnWindows();
  return signalIfRunning(process, "SIGCONT");
}

function refuseOnWindows(): void {
  if (process.platform === "win32")
    throw new Error("Windows cannot pause a process: it has no SIGSTOP. Crash or isolate the agent instead.");
}

function signalIfRunning(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return isRunning(identity) && sent(identity.pid, signal);
}

function exists(pid: number): boolean {
  return sent(pid, 0);
}

function sent(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: there is such a process, but it is somebody else's, so not one of ours.
    if (code === "ESRCH" || code === "EPERM") return false;
    throw error;
  }
}

/** "ended" for a process that is gone or a zombie, of which no thread is left. */
function startTimeOf(pid: number): string {
  if (process.platform === "linux") return linuxStartTime(pid);
  if (process.platform === "win32") return "";
  return psStartTime(pid);
}

function linuxStartTime(pid: number): string {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "ended";
    throw error;
  }
  return startTimeIn(stat);
}

/**
 * Fields 3 (state), 20 (number of threads) and 22 (start time) of proc(5)'s stat; the command before them is in brackets and may contain anything.
 * The state is that of the first thread, which may be a zombie while others still hold the process's ports and files.
 */
export function startTimeIn(stat: string): string {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isZombie = fields[0] === "Z" || fields[0] === "X";
  return isZombie && Number(fields[17]) <= 1 ? "ended" : (fields[19] ?? "");
}

function psStartTime(pid: number): string {
  try {
    const line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, LC_ALL: "C" },
    }).trim();
    return line.startsWith("Z") ? "ended" : line.replace(/^\S+\s+/, "");
  } catch {
    // ps exits with 1 when there is no such process.
    return "ended";
  }
}
