import type { TaskOutcome } from "../../core/tasks/types.ts";
import { LineReader } from "../lines.ts";
import { TaskRun } from "./task-run.ts";
import type { FromWarden, ToWarden } from "./warden-protocol.ts";

/**
 * The process between an agent and the programs that it runs: tasks, and policies that vote. It holds the read end of a pipe whose write end only
 * the agent has: however the agent ends, SIGKILL included, the pipe closes, and the warden ends the process group of each and itself. No signal
 * handler and no OS-specific call is needed for that. It is in a process group of its own, so that a signal to the agent's group does not end it first.
 */
export function runWarden(): void {
  const runs = new Map<number, TaskRun>();
  let held = false;
  const hold = (value: boolean): void => {
    held = value;
    for (const run of runs.values()) run.hold(value);
  };
  const send = (message: FromWarden): void => {
    if (!process.stdout.write(`${JSON.stringify(message)}\n`)) hold(true);
  };
  const end = (): never => {
    for (const run of runs.values()) run.kill();
    process.exit(0);
  };
  const lines = new LineReader((line) => {
    const message = JSON.parse(line) as ToWarden;
    if (message.type === "stop") {
      runs.get(message.run)?.stop(message.reason);
      return;
    }
    if (message.type === "leased") {
      runs.get(message.run)?.leased(message.untilMs);
      return;
    }
    const { run } = message;
    const events = {
      started: (pid: number) => send({ type: "started", run, pid }),
      output: (stream: "stdout" | "stderr", text: string) => send({ type: "output", run, stream, text }),
      ended: (outcome: TaskOutcome, leaseOver: boolean) => {
        runs.delete(run);
        send({ type: "ended", run, outcome, leaseOver });
      },
    };
    const started = new TaskRun(message, events);
    runs.set(run, started);
    started.hold(held);
  });
  process.stdout.on("drain", () => hold(false));
  // The agent is gone; the end of stdin says so too.
  process.stdout.on("error", end);
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => lines.add(text));
  process.stdin.on("end", end);
  process.stdin.on("error", end);
  // It ends with its agent, not before.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
}
