import { type ChildProcess, spawn } from "node:child_process";
import type { PausedAgents } from "./guardian/pauses.ts";
import { programEnvironment, programPath } from "./programs.ts";

/** The coordinator's end of a guardian process (guardian/pauses.ts). One is enough for all swarms of a coordinator. */
export interface PauseGuardian {
  readonly pid: number | undefined;
  /** Whom to let go on if this process is gone for longer than the grace period; replaces what was told before. To be told before the pause. */
  tell(paused: PausedAgents): void;
  /** Ends it without letting anybody go on. */
  close(): void;
  /** Closes the pipe as the death of this process would: whom it was told of goes on after the grace period. */
  abandon(): void;
}

/** @param problem is called when it ended although it was not closed; a new one must then be started. */
export function startPauseGuardian(problem: (why: string) => void): PauseGuardian {
  const child: ChildProcess = spawn(process.execPath, [programPath("guardian"), "pauses"], {
    env: programEnvironment(),
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    windowsHide: true,
  });
  let closed = false;
  const ended = (why: string): void => {
    if (!closed) problem(`The process that watches over paused agents ended: ${why}.`);
    closed = true;
  };
  child.on("error", (error) => ended(error.message));
  child.on("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
  // Its end is told above.
  child.stdin?.on("error", () => {});
  child.unref();
  return {
    pid: child.pid,
    tell: (paused) => {
      child.stdin?.write(`${JSON.stringify(paused)}\n`);
    },
    close: () => {
      closed = true;
      child.stdin?.end(`${JSON.stringify({ graceMs: 0, paused: [] } satisfies PausedAgents)}\n`);
    },
    abandon: () => {
      closed = true;
      child.stdin?.end();
    },
  };
}
