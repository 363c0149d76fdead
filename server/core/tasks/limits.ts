import { headOf, shownValue, symbolBytes, textProblem, utf8Length } from "../text.ts";
import type { TaskCommand, TaskOutcome, TaskSpec } from "./types.ts";

/** Bytes are of UTF-8. */
export const MAX_TASK_ID_BYTES = 128;
export const MAX_AGENT_ID_BYTES = 128;
export const MAX_COMMAND_BYTES = 4096;
export const MAX_CWD_BYTES = 4096;
export const MAX_ARGS = 1024;
export const MAX_ARG_BYTES = 32 * 1024;
/** All arguments together. */
export const MAX_ARGS_BYTES = 64 * 1024;
export const MAX_ATTEMPTS = 1000;
/** A year. */
export const MAX_TIMEOUT_MS = 366 * 24 * 3600 * 1000;
/** A day: a lease is renewed while its holder lives, it need not be long. */
export const MAX_LEASE_MS = 24 * 3600 * 1000;
export const MAX_REASON_BYTES = 1024;
export const MAX_SIGNAL_BYTES = 32;
export const MAX_ERROR_BYTES = 4096;
export const MAX_OUTPUT_TAIL_BYTES = 16 * 1024;

const MAX_DURATION_MS = Number.MAX_SAFE_INTEGER;

/** A sentence that says what is wrong with a spec and what to do, or undefined. */
export function checkTaskSpec(spec: TaskSpec): string | undefined {
  return (
    textProblem("the task's id", spec.id, { maxBytes: MAX_TASK_ID_BYTES, mayBeEmpty: false }) ??
    textProblem("the task's command", spec.command, { maxBytes: MAX_COMMAND_BYTES, mayBeEmpty: false }) ??
    textProblem("the task's agent", spec.agent, { maxBytes: MAX_AGENT_ID_BYTES, mayBeEmpty: true }) ??
    argsProblem(spec.args) ??
    cwdProblem(spec.cwd) ??
    nulProblem("the task's command", spec.command) ??
    rangeProblem("the task's time limit (timeoutMs)", spec.timeoutMs, 0, MAX_TIMEOUT_MS) ??
    rangeProblem("the task's attempts (maxAttempts)", spec.maxAttempts, 1, MAX_ATTEMPTS)
  );
}

/** The same for a whole command. What passes can be encoded, and what decodes passes. */
export function checkTaskCommand(command: TaskCommand): string | undefined {
  if (command.type === "submit") return checkTaskSpec(command.spec);
  const idProblem = textProblem("the task's id", command.id, { maxBytes: MAX_TASK_ID_BYTES, mayBeEmpty: false });
  if (idProblem !== undefined || command.type === "cancel") return idProblem;
  if (command.type === "assign")
    return (
      textProblem("the agent", command.agent, { maxBytes: MAX_AGENT_ID_BYTES, mayBeEmpty: false }) ??
      rangeProblem("the lease (leaseMs)", command.leaseMs, 1, MAX_LEASE_MS)
    );
  const tokenProblem = rangeProblem("the fencing token", command.token, 1, Number.MAX_SAFE_INTEGER);
  if (tokenProblem !== undefined) return tokenProblem;
  switch (command.type) {
    case "renew":
      return rangeProblem("the lease (leaseMs)", command.leaseMs, 1, MAX_LEASE_MS);
    case "revoke":
      return textProblem("the reason", command.reason, { maxBytes: MAX_REASON_BYTES, mayBeEmpty: true });
    case "complete":
      return checkTaskOutcome(command.outcome);
  }
}

export function checkTaskOutcome(outcome: TaskOutcome): string | undefined {
  const { exitCode, durationMs } = outcome;
  // 32 bits, signed as POSIX and Node report it or unsigned as Windows does.
  if (exitCode !== null && !(Number.isInteger(exitCode) && exitCode >= -(2 ** 31) && exitCode < 2 ** 32))
    return `the exit code ${shownValue(exitCode)} is none; give a 32-bit integer or null`;
  if (typeof durationMs !== "number" || !(durationMs >= 0 && durationMs <= MAX_DURATION_MS))
    return `the duration ${shownValue(durationMs)} ms is none; give a number that is not negative`;
  return (
    textProblem("the signal", outcome.signal, { maxBytes: MAX_SIGNAL_BYTES, mayBeEmpty: true }) ??
    textProblem("the error", outcome.error, { maxBytes: MAX_ERROR_BYTES, mayBeEmpty: true }) ??
    textProblem("the output's tail", outcome.outputTail, { maxBytes: MAX_OUTPUT_TAIL_BYTES, mayBeEmpty: true })
  );
}

/** An outcome cut to the limits, for executors: of the output the end is kept, of the error the beginning. */
export function boundedOutcome(outcome: TaskOutcome): TaskOutcome {
  return {
    exitCode: outcome.exitCode,
    signal: headOf(outcome.signal, MAX_SIGNAL_BYTES),
    error: headOf(outcome.error, MAX_ERROR_BYTES),
    outputTail: tail(outcome.outputTail, MAX_OUTPUT_TAIL_BYTES),
    durationMs: Math.max(0, outcome.durationMs),
  };
}

/** Succeeded: the command ran to its end and said so. */
export function succeeded(outcome: TaskOutcome): boolean {
  return outcome.exitCode === 0 && outcome.error === "";
}

function argsProblem(args: readonly string[]): string | undefined {
  if (args.length > MAX_ARGS)
    return `the task has ${args.length} arguments; at most ${MAX_ARGS} are allowed: put them into a file`;
  let total = 0;
  for (const [at, arg] of args.entries()) {
    const what = `the task's argument ${at + 1}`;
    const problem = textProblem(what, arg, { maxBytes: MAX_ARG_BYTES, mayBeEmpty: true }) ?? nulProblem(what, arg);
    if (problem !== undefined) return problem;
    total += utf8Length(arg);
  }
  if (total > MAX_ARGS_BYTES)
    return `the task's arguments have ${total} bytes together; at most ${MAX_ARGS_BYTES} are allowed: put them into a file`;
  return undefined;
}

function cwdProblem(cwd: string): string | undefined {
  const problem =
    textProblem("the task's folder (cwd)", cwd, { maxBytes: MAX_CWD_BYTES, mayBeEmpty: true }) ??
    nulProblem("the task's folder (cwd)", cwd);
  if (problem !== undefined) return problem;
  if (/^([/\\]|[A-Za-z]:)/.test(cwd) || cwd.split(/[/\\]/).includes(".."))
    return `the task's folder (cwd) "${cwd}" leaves the swarm's folder; give a path inside it, relative to it`;
  return undefined;
}

function nulProblem(what: string, text: string): string | undefined {
  return text.includes("\0") ? `${what} contains a NUL character, which no program can be given; remove it` : undefined;
}

function rangeProblem(what: string, value: number, min: number, max: number): string | undefined {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return undefined;
  return `${what} is ${shownValue(value)}; give a whole number from ${min} to ${max}`;
}

function tail(text: string, maxBytes: number): string {
  // No symbol has fewer bytes than code units: what lies further back cannot fit, and need not be looked at.
  const symbols = [...text.slice(-maxBytes).toWellFormed()];
  let from = symbols.length;
  for (let bytes = 0; from > 0; from--) {
    bytes += symbolBytes(symbols[from - 1] as string);
    if (bytes > maxBytes) break;
  }
  return symbols.slice(from).join("");
}
