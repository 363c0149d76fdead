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
  // No code unit takes less than a byte.
  if (text.length > rule.maxBytes || utf8Length(text) > rule.maxBytes)
    return `${what} is longer than the ${rule.maxBytes} bytes of UTF-8 that are allowed; shorten it`;
  return undefined;
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

/** The beginning of a text: as many whole symbols as fit, well-formed. @param maxBytes of UTF-8 */
export function headOf(text: string, maxBytes: number): string {
  let kept = "";
  let bytes = 0;
  // No symbol has fewer bytes than code units: what lies further on cannot fit, and need not be looked at.
  for (const symbol of text.slice(0, maxBytes + 1).toWellFormed()) {
    bytes += symbolBytes(symbol);
    if (bytes > maxBytes) break;
    kept += symbol;
  }
  return kept;
}

/** Bytes of UTF-8 that a well-formed text takes. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Half of a pair, which takes four bytes.
    const half = unit >= 0xd800 && unit <= 0xdfff;
    bytes += unit < 0x80 ? 1 : unit < 0x800 || half ? 2 : 3;
  }
  return bytes;
}

/** Bytes of UTF-8 that one symbol of a well-formed text takes. */
export function symbolBytes(symbol: string): number {
  const code = symbol.codePointAt(0) as number;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
