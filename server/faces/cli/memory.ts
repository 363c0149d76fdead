import { CONSENSUS } from "../../contract/consensus.ts";
import type { MemoryOperation, MemoryRequest } from "../../contract/coordinator.ts";
import { type Arguments, durationFlag, integerFlag, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";
import type { Reached } from "./reach.ts";
import { eventualText, memoryText, sideNoteText } from "./tables.ts";

const USAGE =
  "memory takes get|put|cas|delete NAMESPACE KEY [TEXT], increment|decrement NAMESPACE KEY [BY], add|remove NAMESPACE KEY ELEMENT, or list NAMESPACE [PREFIX].";
/** Nobody counts further at once; the agent says how far it goes. */
const MAX_BY = Number.MAX_SAFE_INTEGER;

/** @returns the exit code: 1 where the key is missing, or the version is another. */
export async function memory({ coordinator, swarm }: Reached, given: Arguments, output: Output): Promise<number> {
  const answer = await coordinator.handle("memory", memoryRequest(swarm.id, given));
  output.answer(answer, () => memoryText(answer));
  if (!CONSENSUS[swarm.consensus].ordered || swarm.memory === "eventual") output.note(eventualText(answer));
  const side = sideNoteText(answer);
  if (side !== "") output.note(side);
  const missing = answer.type === "conflict" || (answer.type === "item" && answer.item === null);
  return missing ? 1 : 0;
}

/** @throws UsageError */
export function memoryRequest(swarm: string, given: Arguments): MemoryRequest {
  const { agent } = given.flags;
  return { ...memoryOperation(swarm, given), ...(agent === undefined ? {} : { agent }) };
}

function memoryOperation(swarm: string, { words, flags }: Arguments): MemoryOperation {
  const [op, namespace, key, text, ...more] = words;
  const ttlMs = durationFlag(flags.ttl, "ttl");
  const ttl = ttlMs === undefined ? {} : { ttlMs };
  const usage = new UsageError(USAGE);
  if (namespace === undefined || more.length > 0) throw usage;
  refuseOption(op !== "cas" && flags.expect !== undefined, "--expect", "cas");
  refuseOption(flags.local && op !== "get" && op !== "list", "--local", "get and list");
  const local = flags.local ? ({ consistency: "local" } as const) : {};
  refuseOption(op !== "list" && flags.limit !== undefined, "--limit", "list");
  refuseOption(op !== "put" && op !== "cas" && flags.ttl !== undefined, "--ttl", "put and cas");
  if (op === "list") {
    if (text !== undefined) throw usage;
    return {
      swarm,
      op,
      namespace,
      ...local,
      ...(key === undefined ? {} : { prefix: key }),
      limit: integerFlag(flags.limit, "limit", 1, 10_000) ?? 100,
    };
  }
  if (key === undefined) throw usage;
  if (op === "increment" || op === "decrement") {
    const by = text === undefined ? 1 : countOf(text, op);
    return { swarm, op: "increment", namespace, key, by: op === "increment" ? by : -by };
  }
  if (op === "get" || op === "delete") {
    if (text !== undefined) throw usage;
    return op === "get" ? { swarm, op, namespace, key, ...local } : { swarm, op, namespace, key };
  }
  if (text === undefined) throw usage;
  if (op === "add" || op === "remove") return { swarm, op, namespace, key, element: text };
  if (op === "put") return { swarm, op, namespace, key, text, ...ttl };
  const expectedVersion = integerFlag(flags.expect, "expect", 0, Number.MAX_SAFE_INTEGER);
  if (op !== "cas" || expectedVersion === undefined)
    throw op === "cas" ? new UsageError("memory cas takes --expect VERSION (0: the key must be absent).") : usage;
  return { swarm, op: "compareAndSet", namespace, key, text, expectedVersion, ...ttl };
}

/** @throws UsageError */
function countOf(text: string, op: string): number {
  const by = Number(text);
  if (!/^\d+$/.test(text) || by < 1 || by > MAX_BY)
    throw new UsageError(`memory ${op} takes a whole number from 1, not "${text}".`);
  return by;
}

function refuseOption(idle: boolean, option: string, where: string): void {
  if (idle) throw new UsageError(`${option} is for memory ${where}.`);
}
