import type { MemoryOperation } from "../history.ts";
import { linearize, SEARCH_LIMITS, type SearchLimits } from "./linearizability.ts";
import { ABSENT, RegisterModel } from "./register-model.ts";

/** How one key's history was judged. */
export type KeyVerdict =
  | { readonly type: "linearizable"; readonly key: string; readonly operations: number }
  /** The search reached its limits: nothing is known. */
  | { readonly type: "undecided"; readonly key: string; readonly operations: number; readonly detail: string }
  | { readonly type: "broken"; readonly key: string; readonly operations: number; readonly unexplained: Unexplained };

/** An operation that no order of the history can place, and what stood around it. */
export interface Unexplained {
  readonly operation: MemoryOperation;
  /** One sentence: which, why. */
  readonly reason: string;
  /** What the longest order placed last, oldest first; empty when no order had to be tried. */
  readonly before: readonly MemoryOperation[];
  /** What the key held then. */
  readonly held: string;
  /** Under way at the same time, and not placed. */
  readonly during: readonly MemoryOperation[];
  /** What was asked next. */
  readonly after: readonly MemoryOperation[];
}

const NEIGHBOURS = 4;

/** Each key by itself: a history of independent objects is linearizable when each object's is (Herlihy and Wing, 1990, locality). Keys in the order they first occur. */
export function judgeMemory(history: readonly MemoryOperation[], limits: SearchLimits = SEARCH_LIMITS): KeyVerdict[] {
  const keys = new Map<string, MemoryOperation[]>();
  for (const operation of history) {
    const ofKey = keys.get(operation.key);
    if (ofKey) ofKey.push(operation);
    else keys.set(operation.key, [operation]);
  }
  return [...keys].map(([key, operations]) => judgeKey(key, operations, limits));
}

function judgeKey(key: string, all: readonly MemoryOperation[], limits: SearchLimits): KeyVerdict {
  const judged = withoutIdle(all);
  const operations = judged.length;
  const model = new RegisterModel(judged);
  if (model.contradiction !== undefined) {
    const operation = judged[model.contradiction.operation] as MemoryOperation;
    const failed = writerThatFailed(operation, all);
    const why = failed === undefined ? "" : `: ${describeOperation(failed)}`;
    return {
      type: "broken",
      key,
      operations,
      unexplained: {
        operation,
        reason: `${describeOperation(operation)} ${model.contradiction.problem}${why}`,
        before: [],
        held: "",
        ...around(operation, judged, new Set()),
      },
    };
  }
  const times = judged.map(({ invokedUs, returnedUs }) => ({ invokedAt: invokedUs, returnedAt: returnedUs }));
  const result = linearize(times, ABSENT, model.step, limits);
  switch (result.type) {
    case "linearizable":
      return { type: "linearizable", key, operations };
    case "undecided":
      return {
        type: "undecided",
        key,
        operations,
        detail: `undecided after ${result.steps} steps: of its ${operations} operations at most ${result.placed} could be placed until then`,
      };
    case "broken": {
      const operation = judged[result.operation] as MemoryOperation;
      const placed = new Set(result.order.map((at) => judged[at] as MemoryOperation));
      const held = model.describe(result.state);
      return {
        type: "broken",
        key,
        operations,
        unexplained: {
          operation,
          reason:
            `no order of its ${operations} operations explains ${describeOperation(operation)}; ` +
            `the longest places ${placed.size} and then has ${held}`,
          before: [...placed].slice(-NEIGHBOURS),
          held,
          ...around(operation, judged, placed),
        },
      };
    }
  }
}

/**
 * Without what cannot matter. A read without an answer tells and changes nothing; what failed had no effect. A write of unknown outcome whose value nobody read
 * explains nothing where there are reads and writes alone: in any order that places it, nothing stands between it and the next write. Each one that is left out
 * halves what the search has to try.
 */
function withoutIdle(all: readonly MemoryOperation[]): MemoryOperation[] {
  const effective = all.filter(
    ({ call, outcome }) => outcome.type !== "failed" && (call.type !== "get" || outcome.type !== "unknown"),
  );
  if (effective.some(({ call }) => call.type !== "get" && call.type !== "put")) return effective;
  const read = new Set(effective.flatMap(({ outcome }) => (outcome.type === "item" ? [outcome.value] : [])));
  return effective.filter(
    ({ call, outcome }) => call.type !== "put" || outcome.type !== "unknown" || read.has(call.value),
  );
}

function around(
  operation: MemoryOperation,
  all: readonly MemoryOperation[],
  placed: ReadonlySet<MemoryOperation>,
): { readonly during: readonly MemoryOperation[]; readonly after: readonly MemoryOperation[] } {
  const rest = all.filter((other) => other !== operation && !placed.has(other));
  const overlaps = (other: MemoryOperation): boolean =>
    other.invokedUs <= operation.returnedUs && other.returnedUs >= operation.invokedUs;
  const byCall = (a: MemoryOperation, b: MemoryOperation): number => a.invokedUs - b.invokedUs;
  return {
    // The newest: of unknown outcomes all stay under way for ever.
    during: rest.filter(overlaps).sort(byCall).slice(-NEIGHBOURS),
    after: rest
      .filter((other) => other.invokedUs > operation.returnedUs)
      .sort(byCall)
      .slice(0, NEIGHBOURS),
  };
}

function writerThatFailed({ outcome }: MemoryOperation, all: readonly MemoryOperation[]): MemoryOperation | undefined {
  if (outcome.type !== "item") return undefined;
  return all.find(
    (other) => other.outcome.type === "failed" && "value" in other.call && other.call.value === outcome.value,
  );
}

/** The whole finding, a line each, for a person. */
export function unexplainedLines({ reason, before, held, during, after }: Unexplained): string[] {
  const list = (title: string, operations: readonly MemoryOperation[]): string[] =>
    operations.length === 0 ? [] : [title, ...operations.map((operation) => `  ${describeOperation(operation)}`)];
  return [
    reason,
    ...list(`placed last before it, and the key then holds ${held}:`, before),
    ...list("under way at the same time, and not placed:", during),
    ...list("asked next:", after),
  ];
}

export function describeOperation(operation: MemoryOperation): string {
  const { client, call, outcome, where } = operation;
  return `${client}'s ${describeCall(call)} -> ${describeOutcome(outcome)} [${where ?? timesOf(operation)}]`;
}

function timesOf({ invokedUs, returnedUs, gaveUpUs }: MemoryOperation): string {
  const end = returnedUs === Number.POSITIVE_INFINITY ? gaveUpUs : returnedUs;
  const to = end === undefined ? "" : (end / 1000).toFixed(3);
  return `${(invokedUs / 1000).toFixed(3)} to ${to} ms`;
}

function describeCall(call: MemoryOperation["call"]): string {
  switch (call.type) {
    case "put":
      return `put ${call.value}`;
    case "compareAndSet":
      return `compareAndSet ${call.expectedVersion} to ${call.value}`;
    case "compareAndSwap":
      return `compareAndSwap ${call.expected ?? "nothing"} to ${call.value}`;
    default:
      return call.type;
  }
}

function describeOutcome(outcome: MemoryOperation["outcome"]): string {
  switch (outcome.type) {
    case "item":
      if (outcome.value === null) return "nothing";
      return outcome.version === undefined ? outcome.value : `${outcome.value} (version ${outcome.version})`;
    case "written":
      return outcome.version === undefined ? "written" : `version ${outcome.version}`;
    case "conflict":
      return `conflict with version ${outcome.version}`;
    case "deleted":
      return outcome.existed === undefined ? "deleted" : `existed ${outcome.existed}`;
    default:
      return outcome.type;
  }
}
