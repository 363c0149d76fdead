import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import { unreachable } from "../invariant.ts";
import {
  checkTaskCommand,
  MAX_AGENT_ID_BYTES,
  MAX_ARG_BYTES,
  MAX_ARGS,
  MAX_COMMAND_BYTES,
  MAX_CWD_BYTES,
  MAX_ERROR_BYTES,
  MAX_OUTPUT_TAIL_BYTES,
  MAX_REASON_BYTES,
  MAX_SIGNAL_BYTES,
  MAX_TASK_ID_BYTES,
} from "./limits.ts";
import type { TaskCommand, TaskOutcome, TaskSpec } from "./types.ts";

const Tag = { submit: 1, assign: 2, renew: 3, revoke: 4, complete: 5, cancel: 6 } as const;

/** @throws RangeError with the sentence of `checkTaskCommand`: what no replica could read must not reach the log. */
export function encodeTaskCommand(command: TaskCommand): Uint8Array {
  const problem = checkTaskCommand(command);
  if (problem !== undefined) throw new RangeError(problem);
  const writer = new ByteWriter();
  writer.byte(Tag[command.type]);
  if (command.type === "submit") {
    writeTaskSpec(writer, command.spec);
    return writer.finish();
  }
  writer.text(command.id);
  switch (command.type) {
    case "assign":
      writer.text(command.agent);
      writer.varint(command.leaseMs);
      break;
    case "renew":
      writer.varint(command.token);
      writer.varint(command.leaseMs);
      break;
    case "revoke":
      writer.varint(command.token);
      writer.text(command.reason);
      break;
    case "complete":
      writer.varint(command.token);
      writeTaskOutcome(writer, command.outcome);
      break;
    case "cancel":
      break;
    default:
      return unreachable(command, "task command");
  }
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeTaskCommand(bytes: Uint8Array): TaskCommand {
  return readTaskCommand(new ByteReader(bytes));
}

/** The same of all that is left to read. */
export function readTaskCommand(reader: ByteReader): TaskCommand {
  const command = readCommand(reader);
  reader.end();
  const problem = checkTaskCommand(command);
  if (problem !== undefined) throw new MalformedBytes(problem);
  return command;
}

function readCommand(reader: ByteReader): TaskCommand {
  const tag = reader.byte();
  if (tag === Tag.submit) return { type: "submit", spec: readTaskSpec(reader) };
  const id = reader.text(MAX_TASK_ID_BYTES);
  switch (tag) {
    case Tag.assign:
      return { type: "assign", id, agent: reader.text(MAX_AGENT_ID_BYTES), leaseMs: reader.varint() };
    case Tag.renew:
      return { type: "renew", id, token: reader.varint(), leaseMs: reader.varint() };
    case Tag.revoke:
      return { type: "revoke", id, token: reader.varint(), reason: reader.text(MAX_REASON_BYTES) };
    case Tag.complete:
      return { type: "complete", id, token: reader.varint(), outcome: readTaskOutcome(reader) };
    case Tag.cancel:
      return { type: "cancel", id };
    default:
      throw new MalformedBytes(`unknown task command ${tag}`);
  }
}

export function writeTaskSpec(writer: ByteWriter, spec: TaskSpec): void {
  writer.text(spec.id);
  writer.text(spec.command);
  writer.varint(spec.args.length);
  for (const arg of spec.args) writer.text(arg);
  writer.text(spec.cwd);
  writer.varint(spec.timeoutMs);
  writer.varint(spec.maxAttempts);
  writer.text(spec.agent);
}

/** Lengths are checked; the rest by `checkTaskSpec`. @throws MalformedBytes */
export function readTaskSpec(reader: ByteReader): TaskSpec {
  const id = reader.text(MAX_TASK_ID_BYTES);
  const command = reader.text(MAX_COMMAND_BYTES);
  const args: string[] = [];
  for (let left = reader.count(MAX_ARGS); left > 0; left--) args.push(reader.text(MAX_ARG_BYTES));
  const cwd = reader.text(MAX_CWD_BYTES);
  const timeoutMs = reader.varint();
  const maxAttempts = reader.varint();
  return { id, command, args, cwd, timeoutMs, maxAttempts, agent: reader.text(MAX_AGENT_ID_BYTES) };
}

export function writeTaskOutcome(writer: ByteWriter, outcome: TaskOutcome): void {
  const { exitCode } = outcome;
  writer.boolean(exitCode !== null);
  // Zigzag: small numbers of either sign stay short.
  if (exitCode !== null) writer.varint(exitCode >= 0 ? exitCode * 2 : -exitCode * 2 - 1);
  writer.text(outcome.signal);
  writer.text(outcome.error);
  writer.text(outcome.outputTail);
  writer.double(outcome.durationMs);
}

/** Lengths are checked; the rest by `checkTaskOutcome`. @throws MalformedBytes */
export function readTaskOutcome(reader: ByteReader): TaskOutcome {
  let exitCode: number | null = null;
  if (reader.boolean()) {
    const zigzag = reader.varint();
    exitCode = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
  const signal = reader.text(MAX_SIGNAL_BYTES);
  const error = reader.text(MAX_ERROR_BYTES);
  const outputTail = reader.text(MAX_OUTPUT_TAIL_BYTES);
  return { exitCode, signal, error, outputTail, durationMs: reader.double() };
}
