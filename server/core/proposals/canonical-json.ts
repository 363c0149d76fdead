import { compareText, shownValue } from "../text.ts";
import { JsonReader, JsonSyntaxError } from "./json-reader.ts";

/** Arrays and objects within each other, the outermost counted. */
export const MAX_JSON_DEPTH = 64;

/**
 * JSON in the one form of it that equal values share, so that digests of it can be compared (RFC 8785): no white space, an object's members by the UTF-16 code
 * units of their names, numbers and strings as ECMAScript writes them.
 * @throws RangeError with a sentence, for what JSON has no form of (undefined, a function, a number that is not finite, half of a surrogate pair, an object that is no plain one) and for
 * what lies deeper than MAX_JSON_DEPTH, which everything that contains itself does.
 */
export function canonicalJson(value: unknown): string {
  return written(value, 0);
}

/**
 * What a JSON text (RFC 8259) says; else a sentence without a full stop that says what is wrong and where. Stricter than the RFC asks, as RFC 8785 does (§3.1, I-JSON): no name twice in an object,
 * no half of a surrogate pair, no number beyond a double's range. What comes out always has a canonical form.
 */
export function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: new JsonReader(text, MAX_JSON_DEPTH).read() };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { problem: error.message };
    throw error;
  }
}

function written(value: unknown, depth: number): string {
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) throw new RangeError(`JSON has no number ${value}; give a finite one`);
      return JSON.stringify(value);
    case "string":
      return writtenText(value);
    case "object":
      break;
    default:
      throw new RangeError(`JSON has no form of ${typeof value}; leave it out, or give null`);
  }
  if (value === null) return "null";
  if (depth === MAX_JSON_DEPTH)
    throw new RangeError(`it is nested more than ${MAX_JSON_DEPTH} levels deep; make it flatter`);
  // By index, and not by map, which passes over holes.
  if (Array.isArray(value)) return `[${Array.from(value, (item) => written(item, depth + 1)).join(",")}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype)
    throw new RangeError("JSON has no form of an object that is no plain one; give its fields");
  const members = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return `{${members.map(([name, member]) => `${writtenText(name)}:${written(member, depth + 1)}`).join(",")}}`;
}

function writtenText(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  throw new RangeError(
    `the text ${shownValue(text)} is not valid Unicode (half of a surrogate pair); send well-formed text`,
  );
}
