import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** In the environment of a task's processes: which run they belong to. */
export const RUN_VARIABLE = "AGENT_MESH_RUN";

/** Asks a process group (whose leader has this process id) to end. On Windows, where there is no such signal, nothing. */
export function terminateGroup(pid: number): void {
  if (process.platform !== "win32") signal(-pid, "SIGTERM");
}

/**
 * Ends a process and all it started, at once. On POSIX its group; on Linux also those of its descendants that left the group, found by the run
 * that their environment names; on Windows the process tree.
 */
export function killGroup(pid: number, run: string): void {
  if (process.platform === "win32") {
    execFile("taskkill", ["/pid", String(pid), "/T", "/F"], { windowsHide: true }, () => {
      // It fails when the process has ended already, which is what is wanted.
    });
    return;
  }
  signal(-pid, "SIGKILL");
  for (const stray of processesOf(run)) signal(stray, "SIGKILL");
}

function processesOf(run: string): number[] {
  if (process.platform !== "linux") return [];
  const mark = `${RUN_VARIABLE}=${run}\0`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => environmentOf(name).includes(mark))
    .map(Number);
}

/** "" for a process that has ended or is somebody else's. */
function environmentOf(pid: string): string {
  try {
    return `${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`;
  } catch {
    return "";
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // ESRCH: it has ended. EPERM: it became another user's, or (macOS) is a zombie.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
