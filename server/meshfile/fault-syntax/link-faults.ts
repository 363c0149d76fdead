import { isScalar } from "yaml";
import type { DelayDistribution, FaultSpec, Toxic, ToxicName } from "../../contract/faults.ts";
import { MAX_BYTES, MAX_DELAY_MS, MAX_TOXICS } from "../faults/limits.ts";
import type { MapReading } from "../reading.ts";
import {
  DELAY_SHAPES,
  DIRECTIONS,
  FLAP_KEYS,
  LATENCY_KEYS,
  LINK_KEYS,
  LOSSY_KEYS,
  REORDER_KEYS,
  SLICING_KEYS,
  SLOW_KEYS,
  TOXIC_KEYS,
} from "./keys.ts";
import { type FaultScope, readEnds, readShare, readTime } from "./scope.ts";

type Described<K extends FaultSpec["kind"]> = Omit<Extract<FaultSpec, { readonly kind: K }>, "forMs">;

export function readSlow(scope: FaultScope, node: unknown): Described<"slow"> | undefined {
  const { reading } = scope;
  const map = reading.map(node, "slow", SLOW_KEYS);
  if (!map) return undefined;
  const ends = readEnds(scope, map, "slow");
  const delayMs = readTime(scope, map, "delay", "slow.delay", 1, MAX_DELAY_MS);
  const jitterMs = map.has("jitter") ? reading.durationMs(map.get("jitter"), "slow.jitter", 0, MAX_DELAY_MS) : 0;
  if (ends === undefined || delayMs === undefined || jitterMs === undefined) return undefined;
  return { kind: "slow", ...ends, delayMs, jitterMs };
}

export function readLossy(scope: FaultScope, node: unknown): Described<"lossy"> | undefined {
  const map = scope.reading.map(node, "lossy", LOSSY_KEYS);
  if (!map) return undefined;
  const ends = readEnds(scope, map, "lossy");
  const loss = readShare(scope, map.get("loss"), "lossy.loss", map.node);
  return ends === undefined || loss === undefined ? undefined : { kind: "lossy", ...ends, loss };
}

export function readLink(scope: FaultScope, node: unknown): Described<"link"> | undefined {
  const { reading } = scope;
  const map = reading.map(node, "link", LINK_KEYS);
  if (!map) return undefined;
  const ends = readEnds(scope, map, "link");
  const direction = map.has("direction")
    ? reading.oneOf(map.get("direction"), "link.direction", DIRECTIONS)
    : undefined;
  const toxics = readToxics(scope, map);
  if (ends === undefined || toxics === undefined || (map.has("direction") && direction === undefined)) return undefined;
  return { kind: "link", ...ends, ...(direction === undefined ? {} : { direction }), toxics };
}

function readToxics(scope: FaultScope, map: MapReading): Toxic[] | undefined {
  const { reading } = scope;
  if (!map.has("toxics")) {
    reading.problem(map.node, "missingKey", "link.toxics is missing: a list such as [{ loss: 0.1 }].");
    return undefined;
  }
  const items = reading.list(map.get("toxics"), "link.toxics");
  if (!items) return undefined;
  if (items.length < 1 || items.length > MAX_TOXICS) {
    reading.problem(
      reading.resolve(map.get("toxics")),
      "outOfRange",
      `A link takes 1 to ${MAX_TOXICS} toxics, not ${items.length}.`,
    );
    return undefined;
  }
  const toxics = items.map((item) => readToxic(scope, item)).filter((toxic) => toxic !== undefined);
  return toxics.length === items.length ? toxics : undefined;
}

function readToxic(scope: FaultScope, node: unknown): Toxic | undefined {
  const { reading } = scope;
  const map = reading.map(node, "A toxic", TOXIC_KEYS);
  if (!map) return undefined;
  const names = TOXIC_KEYS.filter(({ key }) => map.has(key)).map(({ key }) => key as ToxicName);
  const [toxic] = names;
  if (toxic === undefined || names.length > 1) {
    if (names.length === 0 && map.strange) return undefined;
    const all = TOXIC_KEYS.map(({ key }) => key).join(", ");
    reading.problem(
      map.node,
      "toxicKind",
      names.length > 1
        ? `A toxic is one of ${names.join(" and ")}, not both: write them as two items of the list.`
        : `A toxic needs one of ${all}.`,
    );
    return undefined;
  }
  const value = map.get(toxic);
  const what = `toxics.${toxic}`;
  switch (toxic) {
    case "loss":
    case "duplicate":
    case "corrupt": {
      const share = readShare(scope, value, what, map.node);
      return share === undefined ? undefined : { toxic, share };
    }
    case "latency": {
      const delay = readLatency(scope, value);
      return delay && { toxic, delay };
    }
    case "bandwidth": {
      const bytesPerSecond = reading.integer(value, what, 1, MAX_BYTES);
      return bytesPerSecond === undefined ? undefined : { toxic, bytesPerSecond };
    }
    case "dataLimit": {
      const bytes = reading.integer(value, what, 1, MAX_BYTES);
      return bytes === undefined ? undefined : { toxic, bytes };
    }
    case "timeout":
    case "reset": {
      const afterMs = reading.durationMs(value, what, toxic === "timeout" ? 0 : 1, MAX_DELAY_MS);
      return afterMs === undefined ? undefined : { toxic, afterMs };
    }
    case "slowClose": {
      const delayMs = reading.durationMs(value, what, 0, MAX_DELAY_MS);
      return delayMs === undefined ? undefined : { toxic, delayMs };
    }
    case "reorder": {
      const inner = reading.map(value, what, REORDER_KEYS);
      const share = inner && readShare(scope, inner.get("share"), `${what}.share`, inner.node);
      const byMs = inner && readTime(scope, inner, "by", `${what}.by`, 1, MAX_DELAY_MS);
      return share === undefined || byMs === undefined ? undefined : { toxic, share, byMs };
    }
    case "slicing": {
      const inner = reading.map(value, what, SLICING_KEYS);
      if (inner && !inner.has("bytes")) reading.problem(inner.node, "missingKey", `${what}.bytes is missing.`);
      const bytes = inner?.has("bytes")
        ? reading.integer(inner.get("bytes"), `${what}.bytes`, 1, MAX_BYTES)
        : undefined;
      const everyMs = inner && readTime(scope, inner, "every", `${what}.every`, 0, MAX_DELAY_MS);
      return bytes === undefined || everyMs === undefined ? undefined : { toxic, bytes, everyMs };
    }
    case "flap": {
      const inner = reading.map(value, what, FLAP_KEYS);
      const upMs = inner && readTime(scope, inner, "up", `${what}.up`, 1, MAX_DELAY_MS);
      const downMs = inner && readTime(scope, inner, "down", `${what}.down`, 1, MAX_DELAY_MS);
      return upMs === undefined || downMs === undefined ? undefined : { toxic, upMs, downMs };
    }
  }
}

/** `50ms`, or `{ ms: 50, shape: normal, spread: 10 }`. */
function readLatency(scope: FaultScope, node: unknown): DelayDistribution | undefined {
  const { reading } = scope;
  if (isScalar(reading.resolve(node))) {
    const ms = reading.durationMs(node, "toxics.latency", 0, MAX_DELAY_MS);
    return ms === undefined ? undefined : { shape: "constant", ms };
  }
  const map = reading.map(node, "toxics.latency", LATENCY_KEYS);
  if (!map) return undefined;
  const ms = readTime(scope, map, "ms", "latency.ms", 0, MAX_DELAY_MS);
  const shape = map.has("shape") ? reading.oneOf(map.get("shape"), "latency.shape", DELAY_SHAPES) : "constant";
  if (ms === undefined || shape === undefined) return undefined;
  if (!map.has("spread")) {
    if (shape === "constant") return { shape, ms };
    reading.problem(map.node, "missingKey", `A ${shape} latency needs \`spread:\`.`);
    return undefined;
  }
  const spread = readSpread(scope, map, shape);
  return spread === undefined ? undefined : { shape, ms, spread };
}

function readSpread({ reading }: FaultScope, map: MapReading, shape: DelayDistribution["shape"]): number | undefined {
  const node = map.get("spread");
  switch (shape) {
    case "constant":
      reading.problem(map.keyNode("spread"), "misplacedKey", "A constant latency has no `spread`; name a `shape`.");
      return undefined;
    case "pareto":
      return reading.number(node, "latency.spread", 0.1, 100);
    case "logNormal":
      return reading.number(node, "latency.spread", 0, 10);
    default:
      return reading.durationMs(node, "latency.spread", 0, MAX_DELAY_MS);
  }
}
