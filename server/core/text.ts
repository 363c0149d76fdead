import { utf8 } from "./bytes.ts";

export interface TextRule {
  /** UTF-8 bytes. */
  readonly maxBytes: number;
  readonly mayBeEmpty: boolean;
}

/** A sentence that says what is wrong with a text from outside, or undefined. `what` opens the sentence: "the key". */
export function textProblem(what: string, text: string, rule: TextRule): string | undefined {
  if (text === "" && !rule.mayBeEmpty) return `${what} is empty; give at least one character`;
  if (!text.isWellFormed()) return `${what} is not valid Unicode (half of a surrogate pair); send well-formed text`;
  if (text.length * 3 <= rule.maxBytes) return undefined;
  const bytes = utf8Bytes(text, rule.maxBytes);
  if (bytes > rule.maxBytes)
    return `${what} is longer than the ${rule.maxBytes} bytes of UTF-8 that are allowed; shorten it`;
  return undefined;
}

/** Bytes of UTF-8; not counted exactly when it cannot fit. */
function utf8Bytes(text: string, enoughBytes: number): number {
  return text.length > enoughBytes ? text.length : utf8(text).length;
}

/** Code unit order: the same everywhere, whatever the locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A value from outside, short, as a sentence about it can name it. Never throws: what is no text or number is not turned into one. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  return (typeof value === "object" && value !== null) || typeof value === "function" ? "an object" : String(value);
}
