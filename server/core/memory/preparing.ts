import { totalOf } from "./counter.ts";
import type { EventualMemory } from "./eventual.ts";
import { MAX_COUNTED, MAX_ELEMENTS, MAX_REPLACED } from "./limits.ts";
import { addsOf, type ObservedSet } from "./observed-set.ts";
import type { MemoryCommand } from "./types.ts";

export type Prepared = { readonly command: MemoryCommand } | { readonly problem: string };

const EMPTY: ObservedSet = new Map();

/**
 * What a write becomes where a client asks for it, before it is told to anybody: a set's change names what this agent knows of the element. Or a sentence that says why it cannot be: a key has one type, as far as this
 * agent knows. What comes of others is applied all the same.
 * @param command within its limits. @param timeMs what has expired by then has no type any more.
 */
export function prepare(memory: EventualMemory, command: MemoryCommand, timeMs = memory.timeMs): Prepared {
  const problem = typeProblem(memory, command, timeMs) ?? roomProblem(memory, command);
  if (problem !== undefined) return { problem };
  if (command.type !== "add" && command.type !== "remove") return { command };
  const { namespace, key, element, type } = command;
  const adds = addsOf(memory.typed.set(namespace, key) ?? EMPTY, element);
  if (type === "remove" && adds.length > MAX_REPLACED)
    return { problem: `${adds.length} adds of the element wait to become one; add it once more, then remove it` };
  const replaces = adds.slice(0, MAX_REPLACED).map(({ session, sequence }) => ({ session, sequence }));
  return { command: { ...command, replaces } };
}

const TAKES = {
  put: "value",
  delete: "value",
  compareAndSet: "value",
  increment: "counter",
  add: "set",
  remove: "set",
} as const satisfies Record<MemoryCommand["type"], string>;
const INSTEAD = {
  counter: "increment it, also by less than 0",
  set: "add and remove elements: without any it is gone",
  value: "put or delete it",
} as const;

function typeProblem(
  memory: EventualMemory,
  { type, namespace, key }: MemoryCommand,
  timeMs: number,
): string | undefined {
  const item = memory.get(namespace, key, timeMs);
  if (item === undefined) return undefined;
  const { type: is = "value" } = item;
  if (is === TAKES[type]) return undefined;
  return `${namespace} ${key} holds a ${is}, and ${type} is for a ${TAKES[type]}: a key has one type; ${INSTEAD[is]}, or take another key`;
}

function roomProblem(memory: EventualMemory, command: MemoryCommand): string | undefined {
  const { namespace, key } = command;
  if (command.type === "increment") {
    const counter = memory.typed.counter(namespace, key);
    const sum = counter === undefined ? 0 : command.by > 0 ? counter.added : counter.taken;
    if (counter === undefined || sum + Math.abs(command.by) <= MAX_COUNTED) return undefined;
    return `${namespace} ${key} stands at ${totalOf(counter)} and has counted as far as a counter does; go on with another key`;
  }
  if (command.type !== "add") return undefined;
  const set = memory.typed.set(namespace, key) ?? EMPTY;
  if (set.size < MAX_ELEMENTS || set.has(command.element)) return undefined;
  return `${namespace} ${key} has ${set.size} elements, and a set takes ${MAX_ELEMENTS}; split it over several keys`;
}
