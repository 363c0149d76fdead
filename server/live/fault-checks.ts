/** A fault as it comes from outside: from a face, a control client, or the journal. Shapes and sizes are checked here; whether it makes sense is resolveFault's to say. */
import {
  BYZANTINE_BEHAVIOURS,
  type DelayDistribution,
  type DiskTrouble,
  FAULT_KINDS,
  type FaultSpec,
  type MessageAction,
  type MessageMatch,
  PARTITION_SHAPES,
  type Toxic,
} from "../contract/faults.ts";
import { MESSAGE_TYPES, type MessageType } from "../contract/timeline.ts";
import {
  MAX_BYTES,
  MAX_COPIES,
  MAX_COUNT,
  MAX_DELAY_MS,
  MAX_DRIFT_PPM,
  MAX_FOR_MS,
  MAX_SKEW_MS,
  MAX_SLOWDOWN,
  MAX_TOXICS,
} from "../meshfile/faults/limits.ts";
import type { Fields } from "./checked-json.ts";
import { asFields, integer, list, number, oneOf, text, WrongShape } from "./checked-json.ts";

const MAX_FIELDS = 20;
const TOXICS = [
  "loss",
  "latency",
  "bandwidth",
  "duplicate",
  "reorder",
  "corrupt",
  "slicing",
  "timeout",
  "reset",
  "slowClose",
  "dataLimit",
  "flap",
] as const satisfies readonly Toxic["toxic"][];
const DELAY_SHAPES = ["constant", "uniform", "normal", "logNormal", "pareto"] as const;
const DISK_TROUBLES = ["slow", "failing", "full", "bitRot", "tornTail", "lostSyncs"] as const;

/** @throws WrongShape */
export function checkedFault(value: unknown, where: string): FaultSpec {
  const fields = asFields(value, where);
  const kind = oneOf(fields, "kind", where, FAULT_KINDS);
  const forMs = optional(fields, "forMs", (name) => number(fields, name, where, 1, MAX_FOR_MS));
  const target = (name: string): string => text(fields, name, where, 100);
  const link = () => ({ a: target("a"), ...optional(fields, "b", target) });
  switch (kind) {
    case "crash":
    case "pause":
    case "isolate":
      return { kind, agent: target("agent"), ...forMs };
    case "partition": {
      const sides = list(fields, "sides", where, 1000).map((side, at) =>
        agentIds({ side }, "side", `${where}.sides[${at}]`),
      );
      return {
        kind,
        sides,
        ...optional(fields, "shape", (name) => oneOf(fields, name, where, PARTITION_SHAPES)),
        ...forMs,
      };
    }
    case "slow": {
      const jitter = optional(fields, "jitterMs", (name) => number(fields, name, where, 0, MAX_DELAY_MS));
      return { kind, ...link(), delayMs: number(fields, "delayMs", where, 0, MAX_DELAY_MS), ...jitter, ...forMs };
    }
    case "lossy":
      return { kind, ...link(), loss: number(fields, "loss", where, 0, 1), ...forMs };
    case "link": {
      const direction = optional(fields, "direction", (name) =>
        oneOf(fields, name, where, ["both", "out", "in"] as const),
      );
      const toxics = list(fields, "toxics", where, MAX_TOXICS).map((one, at) =>
        checkedToxic(one, `${where}.toxics[${at}]`),
      );
      return { kind, ...link(), ...direction, toxics, ...forMs };
    }
    case "message":
      return {
        kind,
        match: checkedMatch(fields.match, `${where}.match`),
        action: checkedAction(fields.action, `${where}.action`),
        ...optional(fields, "count", (name) => integer(fields, name, where, 1, MAX_COUNT)),
        ...optional(fields, "probability", (name) => number(fields, name, where, 0, 1)),
        ...forMs,
      };
    case "disk":
      return { kind, agent: target("agent"), disk: checkedDisk(fields.disk, `${where}.disk`), ...forMs };
    case "clock": {
      const drift = optional(fields, "driftPpm", (name) => number(fields, name, where, -MAX_DRIFT_PPM, MAX_DRIFT_PPM));
      const skewMs = number(fields, "skewMs", where, -MAX_SKEW_MS, MAX_SKEW_MS);
      return { kind, agent: target("agent"), skewMs, ...drift, ...forMs };
    }
    case "cpu":
      return { kind, agent: target("agent"), slowdown: number(fields, "slowdown", where, 1, MAX_SLOWDOWN), ...forMs };
    case "byzantine": {
      const behaviour = oneOf(fields, "behaviour", where, BYZANTINE_BEHAVIOURS);
      return { kind, agent: target("agent"), behaviour, ...forMs };
    }
  }
}

/** @throws WrongShape */
export function checkedToxic(value: unknown, where: string): Toxic {
  const fields = asFields(value, where);
  const toxic = oneOf(fields, "toxic", where, TOXICS);
  const share = () => number(fields, "share", where, 0, 1);
  const ms = (name: string) => number(fields, name, where, 0, MAX_DELAY_MS);
  const bytes = (name: string) => integer(fields, name, where, 1, MAX_BYTES);
  switch (toxic) {
    case "loss":
    case "duplicate":
    case "corrupt":
      return { toxic, share: share() };
    case "latency":
      return { toxic, delay: checkedDelay(fields.delay, `${where}.delay`) };
    case "bandwidth":
      return { toxic, bytesPerSecond: bytes("bytesPerSecond") };
    case "reorder":
      return { toxic, share: share(), byMs: ms("byMs") };
    case "slicing":
      return { toxic, bytes: bytes("bytes"), everyMs: ms("everyMs") };
    case "timeout":
    case "reset":
      return { toxic, afterMs: ms("afterMs") };
    case "slowClose":
      return { toxic, delayMs: ms("delayMs") };
    case "dataLimit":
      return { toxic, bytes: bytes("bytes") };
    case "flap":
      return { toxic, upMs: ms("upMs"), downMs: ms("downMs") };
  }
}

function checkedDelay(value: unknown, where: string): DelayDistribution {
  const fields = asFields(value, where);
  return {
    shape: oneOf(fields, "shape", where, DELAY_SHAPES),
    ms: number(fields, "ms", where, 0, MAX_DELAY_MS),
    ...optional(fields, "spread", (name) => number(fields, name, where, 0, MAX_DELAY_MS)),
  };
}

/** @throws WrongShape */
export function checkedMatch(value: unknown, where: string): MessageMatch {
  const fields = asFields(value, where);
  return {
    ...optional(fields, "types", (name) => messageTypes(fields, name, where)),
    ...optional(fields, "from", (name) => text(fields, name, where, 100)),
    ...optional(fields, "to", (name) => text(fields, name, where, 100)),
    ...optional(fields, "fields", (name) => checkedMatchFields(fields[name], `${where}.${name}`)),
  };
}

/** @throws WrongShape */
export function messageTypes(fields: Fields, name: string, where: string): MessageType[] {
  return list(fields, name, where, MESSAGE_TYPES.length).map((_, at, all) =>
    oneOf({ type: all[at] }, "type", `${where}.${name}[${at}]`, MESSAGE_TYPES),
  );
}

/** @throws WrongShape */
export function checkedMatchFields(value: unknown, where: string): NonNullable<MessageMatch["fields"]> {
  const fields = asFields(value, where);
  const entries = Object.entries(fields);
  if (entries.length > MAX_FIELDS) throw new WrongShape(`${where} has more than ${MAX_FIELDS} fields`);
  return Object.fromEntries(
    entries.map(([name, wanted]) => {
      const at = `${where}.${name.slice(0, 50)}`;
      if (typeof wanted === "number" || typeof wanted === "boolean") return [name, wanted] as const;
      if (typeof wanted === "string") return [name, text(fields, name, where, 200)] as const;
      const range = asFields(wanted, at);
      const end = (of: string) => optional(range, of, () => number(range, of, at, -Number.MAX_VALUE, Number.MAX_VALUE));
      return [name, { ...end("min"), ...end("max") } as { min?: number; max?: number }] as const;
    }),
  );
}

/** @throws WrongShape */
export function checkedAction(value: unknown, where: string): MessageAction {
  const fields = asFields(value, where);
  const action = oneOf(fields, "action", where, ["drop", "delay", "duplicate", "corrupt"] as const);
  switch (action) {
    case "drop":
    case "corrupt":
      return { action };
    case "delay": {
      const jitter = optional(fields, "jitterMs", (name) => number(fields, name, where, 0, MAX_DELAY_MS));
      return { action, delayMs: number(fields, "delayMs", where, 0, MAX_DELAY_MS), ...jitter };
    }
    case "duplicate":
      return { action, copies: integer(fields, "copies", where, 1, MAX_COPIES) };
  }
}

/** @throws WrongShape */
export function checkedDisk(value: unknown, where: string): DiskTrouble {
  const fields = asFields(value, where);
  const trouble = oneOf(fields, "trouble", where, DISK_TROUBLES);
  return trouble === "slow" ? { trouble, delayMs: number(fields, "delayMs", where, 0, MAX_DELAY_MS) } : { trouble };
}

/** @throws WrongShape */
export function agentIds(fields: Fields, name: string, where: string): string[] {
  return list(fields, name, where, 1000).map((one) => {
    if (typeof one !== "string" || one.length > 100) throw new WrongShape(`${where}.${name} must be a list of agents`);
    return one;
  });
}

/** The field if it is there: nothing, or an object of it alone. */
function optional<K extends string, V>(fields: Fields, name: K, read: (name: K) => V): { readonly [key in K]?: V } {
  return fields[name] === undefined ? {} : ({ [name]: read(name) } as { readonly [key in K]?: V });
}
