import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import type { MeshDiagnostic } from "../contract/mesh.ts";
import { parseDurationMs } from "./duration.ts";
import type { KeyMeaning } from "./keys.ts";

/** A value of the file that knows where it stands, so that what is wrong with it is said there. */
export class Reading {
  readonly diagnostics: MeshDiagnostic[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #end: number;

  constructor(document: Document, lines: LineCounter, length: number) {
    this.#document = document;
    this.#lines = lines;
    this.#end = length;
  }

  problem(at: Node | null | undefined, code: string, message: string, severity: "error" | "warning" = "error"): void {
    const range = at?.range;
    this.problemAt(range?.[0] ?? 0, range?.[1] ?? Math.min(1, this.#end), code, message, severity);
  }

  problemAt(from: number, to: number, code: string, message: string, severity: "error" | "warning" = "error"): void {
    const start = this.#lines.linePos(Math.min(from, this.#end));
    const end = this.#lines.linePos(Math.min(Math.max(to, from), this.#end));
    this.diagnostics.push({
      line: Math.max(1, start.line),
      column: Math.max(1, start.col),
      endLine: Math.max(1, end.line),
      endColumn: Math.max(1, end.col),
      severity,
      message,
      code,
    });
  }

  resolve(node: unknown): Node | null {
    if (isAlias(node)) return node.resolve(this.#document) ?? null;
    return isMap(node) || isSeq(node) || isScalar(node) ? node : null;
  }

  /** A mapping whose keys are all known; others are reported with the nearest known one. */
  map(node: unknown, what: string, keys: readonly KeyMeaning[]): MapReading | undefined {
    const value = this.resolve(node);
    if (!isMap(value)) {
      this.problem(value, "wrongType", `${what} must be a mapping with the keys ${keys.map((k) => k.key).join(", ")}.`);
      return undefined;
    }
    let strange = false;
    for (const pair of value.items) {
      const key = scalarText(pair.key);
      if (key !== undefined && keys.some((known) => known.key === key)) continue;
      strange = true;
      const near = key === undefined ? undefined : nearest(key, keys);
      this.problem(
        pair.key as Node | null,
        "unknownKey",
        `${what} has no key "${key ?? String(pair.key)}".${near ? ` Did you mean "${near}"?` : ` Known keys: ${keys.map((k) => k.key).join(", ")}.`}`,
      );
    }
    return new MapReading(this, value, strange);
  }

  list(node: unknown, what: string): readonly unknown[] | undefined {
    const value = this.resolve(node);
    if (isSeq(value)) return value.items;
    this.problem(value, "wrongType", `${what} must be a list.`);
    return undefined;
  }

  text(node: unknown, what: string): string | undefined {
    const value = this.resolve(node);
    if (isScalar(value) && (typeof value.value === "string" || typeof value.value === "number"))
      return String(value.value);
    this.problem(value, "wrongType", `${what} must be a text.`);
    return undefined;
  }

  integer(node: unknown, what: string, min: number, max: number): number | undefined {
    const value = this.resolve(node);
    const number = isScalar(value) ? value.value : undefined;
    if (typeof number !== "number" || !Number.isInteger(number)) {
      this.problem(value, "wrongType", `${what} must be a whole number from ${min} to ${max}.`);
      return undefined;
    }
    if (number < min || number > max) {
      this.problem(value, "outOfRange", `${what} must be from ${min} to ${max}, not ${number}.`);
      return undefined;
    }
    return number;
  }

  /** Any finite number, or one within [min, max]. */
  number(node: unknown, what: string, min = -Number.MAX_VALUE, max = Number.MAX_VALUE): number | undefined {
    const value = this.resolve(node);
    const number = isScalar(value) ? value.value : undefined;
    if (typeof number !== "number" || !Number.isFinite(number)) {
      this.problem(value, "wrongType", `${what} must be a number.`);
      return undefined;
    }
    if (number < min || number > max) {
      this.problem(value, "outOfRange", `${what} must be from ${min} to ${max}, not ${number}.`);
      return undefined;
    }
    return number;
  }

  boolean(node: unknown, what: string): boolean | undefined {
    const value = this.resolve(node);
    if (isScalar(value) && typeof value.value === "boolean") return value.value;
    this.problem(value, "wrongType", `${what} must be true or false.`);
    return undefined;
  }

  durationMs(node: unknown, what: string, minMs: number, maxMs = 24 * 3_600_000): number | undefined {
    const value = this.resolve(node);
    const ms = isScalar(value) ? parseDurationMs(value.value) : undefined;
    if (ms === undefined) {
      this.problem(value, "wrongType", `${what} must be a time such as 250ms, 3s or 2m.`);
      return undefined;
    }
    if (ms < minMs || ms > maxMs) {
      this.problem(value, "outOfRange", `${what} must be from ${minMs} ms to ${maxMs} ms, not ${ms} ms.`);
      return undefined;
    }
    return ms;
  }

  /** A value as JavaScript knows it. @throws Error when its aliases unfold to too much */
  plain(node: Node): unknown {
    return node.toJS(this.#document);
  }

  oneOf<T extends string>(node: unknown, what: string, values: readonly T[]): T | undefined {
    const text = this.text(node, what);
    if (text === undefined) return undefined;
    const found = values.find((value) => value === text);
    if (found === undefined)
      this.problem(this.resolve(node), "unknownValue", `${what} must be one of ${values.join(", ")}, not "${text}".`);
    return found;
  }
}

export class MapReading {
  readonly node: YAMLMap;
  /** It has keys that are not known, which was told: what is missing may be one of them. */
  readonly strange: boolean;
  readonly #reading: Reading;

  constructor(reading: Reading, node: YAMLMap, strange: boolean) {
    this.#reading = reading;
    this.node = node;
    this.strange = strange;
  }

  pair(key: string): Pair | undefined {
    return this.node.items.find((pair) => scalarText(pair.key) === key);
  }

  has(key: string): boolean {
    return this.pair(key) !== undefined;
  }

  /** The value's node, or undefined when the key is absent. An empty value (`key:`) is a null node, reported by whoever reads it. */
  get(key: string): unknown {
    return this.pair(key)?.value;
  }

  keyNode(key: string): Node | null {
    return this.#reading.resolve(this.pair(key)?.key);
  }
}

function scalarText(node: unknown): string | undefined {
  return isScalar(node) && (typeof node.value === "string" || typeof node.value === "number")
    ? String(node.value)
    : undefined;
}

function nearest(key: string, known: readonly KeyMeaning[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(key.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(key.toLowerCase(), candidate.key.toLowerCase());
    if (distance < bestDistance) {
      best = candidate.key;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const swap = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(swap, (previous[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
