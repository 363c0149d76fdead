import type { TaskOutcome } from "../../core/tasks/types.ts";

/** What an agent and its warden say to each other: JSON, one message a line, on the warden's stdin and stdout. */
export type ToWarden =
  | {
      readonly type: "start";
      /** Unique in the agent's life. */
      readonly run: number;
      readonly command: string;
      readonly args: readonly string[];
      /** Relative to `folder`. */
      readonly cwd: string;
      readonly folder: string;
      /** 0 = unlimited. */
      readonly timeoutMs: number;
      /** Added to the warden's environment. */
      readonly environment: Readonly<Record<string, string>>;
      /** All that comes on its standard input. Absent: it has none. */
      readonly input?: string;
      /** Its output is not told as it comes, only the end of it with its outcome. */
      readonly quiet?: true;
    }
  /** The run's lease lasts until then (`machineMs`); without a later word it is ended then. Never said: it has no end. */
  | { readonly type: "leased"; readonly run: number; readonly untilMs: number }
  | { readonly type: "stop"; readonly run: number; readonly reason: string };

export type FromWarden =
  | { readonly type: "started"; readonly run: number; readonly pid: number }
  | { readonly type: "output"; readonly run: number; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "ended"; readonly run: number; readonly outcome: TaskOutcome; readonly leaseOver: boolean };

/** A clock that all processes of this machine share and that nobody sets (CLOCK_MONOTONIC and its like), ms from anywhere. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
