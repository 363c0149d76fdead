import type { MemoryCall, MemoryOperation, MemoryOutcome } from "../history.ts";

export const HISTORY_LIMIT_BYTES = 256 * 1024 * 1024;
const MAX_OPERATIONS = 1_000_000;
const MAX_NAME = 1000;
/** As Jepsen's, and the names that key-value examples of Porcupine use. */
const FUNCTIONS = {
  read: "read",
  get: "read",
  write: "write",
  put: "write",
  cas: "cas",
  casVersion: "casVersion",
  delete: "delete",
} as const;
type F = (typeof FUNCTIONS)[keyof typeof FUNCTIONS];
const TYPES = ["invoke", "ok", "fail", "info"] as const;

/** What is wrong with a line of a history, and which line. */
export class HistoryProblem extends Error {
  override readonly name = "HistoryProblem";
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export interface ReadHistory {
  readonly operations: readonly MemoryOperation[];
  readonly processes: number;
  /** Operations whose outcome is unknown: info, or no line that ends them. */
  readonly unknown: number;
  /** Lines of the nemesis, which are no operations. */
  readonly skipped: number;
}

interface Line {
  readonly number: number;
  readonly process: string;
  readonly type: (typeof TYPES)[number];
  readonly f: F;
  readonly key: string;
  readonly value: unknown;
  /** Ns; undefined when the history tells no times. */
  readonly time: number | undefined;
  readonly version: number | undefined;
}

/**
 * Reads JSON lines `{process, type, f, value, time?, key?, version?}`. With times their order counts, without them that of the lines.
 * @throws HistoryProblem
 */
export function readHistory(text: string): ReadHistory {
  const lines: Line[] = [];
  let skipped = 0;
  let number = 0;
  for (const raw of text.split("\n")) {
    number++;
    if (raw.trim() === "") continue;
    const line = readLine(raw, number);
    if (line === undefined) skipped++;
    else lines.push(line);
    if (lines.length > 2 * MAX_OPERATIONS)
      throw new HistoryProblem(number, `A history has at most ${MAX_OPERATIONS} operations; split it by key.`);
  }
  const timed = lines.length > 0 && lines.every(({ time }) => time !== undefined);
  const untimed = lines.find(({ time }) => time === undefined);
  if (!timed && untimed && lines.some(({ time }) => time !== undefined))
    throw new HistoryProblem(
      untimed.number,
      "This line has no `time`, and others have one. Give all of them one, or none.",
    );
  if (timed) lines.sort((a, b) => (a.time as number) - (b.time as number) || a.number - b.number);
  const operations = paired(lines, timed);
  return {
    operations,
    processes: new Set(lines.map(({ process }) => process)).size,
    unknown: operations.filter(({ outcome }) => outcome.type === "unknown").length,
    skipped,
  };
}

function paired(lines: readonly Line[], timed: boolean): MemoryOperation[] {
  const open = new Map<string, { readonly line: Line; readonly place: number }>();
  const found: { readonly at: number; readonly operation: MemoryOperation }[] = [];
  const usOf = (line: Line, place: number): number => (timed ? (line.time as number) / 1000 : place);
  const add = (asked: Line, place: number, end: Line | undefined, endPlace: number): void => {
    const outcome = outcomeOf(asked, end);
    const returned = end !== undefined && outcome.type !== "unknown";
    const times = timed ? `, ${seconds(asked.time)} to ${end === undefined ? "" : seconds(end.time)} s` : "";
    found.push({
      at: place,
      operation: {
        client: `process ${asked.process}`,
        key: asked.key,
        call: callOf(asked),
        outcome,
        invokedUs: usOf(asked, place),
        returnedUs: returned ? usOf(end, endPlace) : Number.POSITIVE_INFINITY,
        where: `${end === undefined ? `line ${asked.number}` : `lines ${asked.number} and ${end.number}`}${times}`,
      },
    });
  };
  for (const [place, line] of lines.entries()) {
    const before = open.get(line.process);
    if (line.type === "invoke") {
      if (before !== undefined)
        throw new HistoryProblem(
          line.number,
          `Process ${line.process} calls ${line.f} while its ${before.line.f} of line ${before.line.number} is under way: a process has one operation at a time.`,
        );
      open.set(line.process, { line, place });
      continue;
    }
    if (before === undefined)
      throw new HistoryProblem(
        line.number,
        `Process ${line.process} ends ${line.f} (${line.type}) without having called it.`,
      );
    if (before.line.f !== line.f || before.line.key !== line.key)
      throw new HistoryProblem(
        line.number,
        `Process ${line.process} ends ${line.f} of key ${line.key}, and what it called in line ${before.line.number} is ${before.line.f} of key ${before.line.key}.`,
      );
    open.delete(line.process);
    add(before.line, before.place, line, place);
  }
  for (const { line, place } of open.values()) add(line, place, undefined, 0);
  return found.sort((a, b) => a.at - b.at).map(({ operation }) => operation);
}

/** undefined for a line of the nemesis. */
function readLine(raw: string, number: number): Line | undefined {
  const problem = (message: string): HistoryProblem => new HistoryProblem(number, message);
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch (error) {
    throw problem(
      `Not JSON: ${error instanceof Error ? error.message : String(error)}. A history has one JSON object a line.`,
    );
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw problem("A line must be a JSON object.");
  const fields = parsed as Readonly<Record<string, unknown>>;
  const { process, key = "", value = null, time, version } = fields;
  if (process === "nemesis") return undefined;
  if (!(Number.isSafeInteger(process) || (typeof process === "string" && process.length <= MAX_NAME)))
    throw problem("`process` must be a whole number or a text.");
  const type = TYPES.find((one) => one === fields.type);
  if (type === undefined) throw problem(`\`type\` must be one of ${TYPES.join(", ")}.`);
  const f =
    typeof fields.f === "string" && Object.hasOwn(FUNCTIONS, fields.f)
      ? FUNCTIONS[fields.f as keyof typeof FUNCTIONS]
      : undefined;
  if (f === undefined) throw problem(`\`f\` must be one of ${Object.keys(FUNCTIONS).join(", ")}.`);
  if (!((typeof key === "string" && key.length <= MAX_NAME) || typeof key === "number"))
    throw problem("`key` must be a text or a number.");
  if (time !== undefined && !(typeof time === "number" && time >= 0))
    throw problem("`time` must be a number of ns, from 0.");
  if (version !== undefined && !(Number.isSafeInteger(version) && (version as number) >= 0))
    throw problem("`version` must be a whole number, from 0.");
  const line = {
    number,
    process: String(process),
    type,
    f,
    key: String(key),
    value,
    time,
    version: version as number | undefined,
  };
  if (type === "invoke") callOf(line);
  return line;
}

/** @throws HistoryProblem */
function callOf({ f, value, number }: Line): MemoryCall {
  const pair = Array.isArray(value) && value.length === 2 ? value : undefined;
  switch (f) {
    case "read":
      return { type: "get" };
    case "write":
      if (value === null)
        throw new HistoryProblem(
          number,
          "A write needs a `value` other than null; what takes a value away is `delete`.",
        );
      return { type: "put", value: canonical(value) };
    case "delete":
      return { type: "delete" };
    case "cas":
      if (pair === undefined || pair[1] === null)
        throw new HistoryProblem(
          number,
          "`cas` takes `value: [expected, new]`; expected null stands for nothing there.",
        );
      return {
        type: "compareAndSwap",
        expected: pair[0] === null ? null : canonical(pair[0]),
        value: canonical(pair[1]),
      };
    case "casVersion":
      if (pair === undefined || !Number.isSafeInteger(pair[0]) || pair[1] === null)
        throw new HistoryProblem(
          number,
          "`casVersion` takes `value: [expected version, new]`; version 0 stands for nothing there.",
        );
      return { type: "compareAndSet", expectedVersion: pair[0] as number, value: canonical(pair[1]) };
  }
}

function outcomeOf(asked: Line, end: Line | undefined): MemoryOutcome {
  if (end === undefined || end.type === "info") return { type: "unknown" };
  const version = end.version === undefined ? {} : { version: end.version };
  if (end.type === "fail")
    return asked.f === "casVersion" && end.version !== undefined
      ? { type: "conflict", version: end.version }
      : { type: "failed" };
  switch (asked.f) {
    case "read":
      return { type: "item", value: end.value === null ? null : canonical(end.value), ...version };
    case "delete":
      return typeof end.value === "boolean" ? { type: "deleted", existed: end.value } : { type: "deleted" };
    default:
      return { type: "written", ...version };
  }
}

/** The same text for the same JSON value, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function seconds(time: number | undefined): string {
  return ((time ?? 0) / 1e9).toFixed(6);
}
