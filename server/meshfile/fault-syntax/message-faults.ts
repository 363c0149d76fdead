import { isMap, isScalar, isSeq } from "yaml";
import type { FaultSpec, MessageAction, MessageMatch } from "../../contract/faults.ts";
import { MESSAGE_TYPES, type MessageType } from "../../contract/timeline.ts";
import { ofAnotherKind } from "../consensus-section.ts";
import { MAX_COPIES, MAX_COUNT, MAX_DELAY_MS } from "../faults/limits.ts";
import type { MapReading, Reading } from "../reading.ts";
import { MESSAGE_KEYS } from "./keys.ts";
import { type FaultScope, readShare, readTarget } from "./scope.ts";

type Message = Omit<Extract<FaultSpec, { readonly kind: "message" }>, "forMs">;
type WantedFields = NonNullable<MessageMatch["fields"]>;

const ACTIONS = ["drop", "delay", "duplicate", "corrupt"] as const;
const RANGE_KEYS = [
  { key: "min", meaning: "The least." },
  { key: "max", meaning: "The most." },
];
const MAX_FIELDS = 20;

/** `{ types: [append], to: a3, drop: true, count: 2 }`. */
export function readMessage(scope: FaultScope, node: unknown): Message | undefined {
  const { reading } = scope;
  const map = reading.map(node, "message", MESSAGE_KEYS);
  if (!map) return undefined;
  const problems = reading.diagnostics.length;
  const types = map.has("types") ? readTypes(scope, map.get("types")) : undefined;
  const from = map.has("from") ? readTarget(scope, map.get("from"), "message.from") : undefined;
  const to = map.has("to") ? readTarget(scope, map.get("to"), "message.to") : undefined;
  const fields = map.has("fields") ? readFields(reading, map.get("fields")) : undefined;
  const action = readAction(reading, map);
  const count = map.has("count") ? reading.integer(map.get("count"), "message.count", 1, MAX_COUNT) : undefined;
  const probability = map.has("probability")
    ? readShare(scope, map.get("probability"), "message.probability", map.node)
    : undefined;
  if (action === undefined || reading.diagnostics.length > problems) return undefined;
  return {
    kind: "message",
    match: {
      ...(types === undefined ? {} : { types }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(fields === undefined ? {} : { fields }),
    },
    action,
    ...(count === undefined ? {} : { count }),
    ...(probability === undefined ? {} : { probability }),
  };
}

function readTypes({ reading, mesh }: FaultScope, node: unknown): MessageType[] | undefined {
  const value = reading.resolve(node);
  const items = isSeq(value) ? value.items : [node];
  const types = items.map((item) => {
    const type = reading.oneOf(item, "message.types", MESSAGE_TYPES);
    const other = type && mesh && ofAnotherKind("message.types", type, "messageTypes", mesh);
    if (other) reading.problem(reading.resolve(item), "otherConsensus", other);
    return type;
  });
  if (types.length > 0) return types.filter((type) => type !== undefined);
  reading.problem(value, "outOfRange", "message.types needs at least one type; without the key, all match.");
  return undefined;
}

function readAction(reading: Reading, map: MapReading): MessageAction | undefined {
  const named = ACTIONS.filter((action) => map.has(action));
  const [action] = named;
  if (action === undefined || named.length > 1) {
    if (named.length === 0 && map.strange) return undefined;
    reading.problem(
      map.node,
      "messageAction",
      `A message rule needs exactly one of ${ACTIONS.join(", ")}${named.length > 1 ? `, not ${named.join(" and ")}` : ""}.`,
    );
    return undefined;
  }
  if (map.has("jitter") && action !== "delay")
    reading.problem(map.keyNode("jitter"), "misplacedKey", "message.jitter belongs to `delay`.");
  const what = `message.${action}`;
  const node = map.get(action);
  switch (action) {
    case "drop":
    case "corrupt": {
      const on = reading.boolean(node, what);
      if (on === false) reading.problem(reading.resolve(node), "outOfRange", `${what} is true, or not there at all.`);
      return on ? { action } : undefined;
    }
    case "delay": {
      const delayMs = reading.durationMs(node, what, 1, MAX_DELAY_MS);
      const jitterMs = map.has("jitter")
        ? reading.durationMs(map.get("jitter"), "message.jitter", 0, MAX_DELAY_MS)
        : undefined;
      return delayMs === undefined ? undefined : { action, delayMs, ...(jitterMs === undefined ? {} : { jitterMs }) };
    }
    case "duplicate": {
      const copies = reading.integer(node, what, 1, MAX_COPIES);
      return copies === undefined ? undefined : { action, copies };
    }
  }
}

/** What a message's field is called is the protocol's: any name will do. */
function readFields(reading: Reading, node: unknown): WantedFields | undefined {
  const value = reading.resolve(node);
  if (!isMap(value) || value.items.length > MAX_FIELDS) {
    reading.problem(
      value,
      "wrongType",
      `message.fields must be a mapping of at most ${MAX_FIELDS} fields, such as { term: 3, granted: true }.`,
    );
    return undefined;
  }
  const fields: Record<string, WantedFields[string]> = {};
  for (const pair of value.items) {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    const wanted = readWanted(reading, pair.value, `message.fields.${name}`);
    if (wanted !== undefined) Object.defineProperty(fields, name, { value: wanted, enumerable: true });
  }
  return fields;
}

function readWanted(reading: Reading, node: unknown, what: string): WantedFields[string] | undefined {
  const value = reading.resolve(node);
  if (isScalar(value)) {
    const scalar = value.value;
    if (typeof scalar === "string" || typeof scalar === "number" || typeof scalar === "boolean") return scalar;
  }
  if (!isMap(value)) {
    reading.problem(value, "wrongType", `${what} must be a text, a number, true, false, or { min, max }.`);
    return undefined;
  }
  const map = reading.map(node, what, RANGE_KEYS);
  const end = (key: "min" | "max") => {
    const number = map?.has(key) ? reading.number(map.get(key), `${what}.${key}`) : undefined;
    return number === undefined ? {} : { [key]: number };
  };
  return { ...end("min"), ...end("max") };
}
