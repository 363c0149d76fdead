/** A text that is no JSON. Its message is a sentence without a full stop that says what is wrong and where. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WHITE_SPACE = /[ \t\n\r]*/y;
/** As much of a string as stands for itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of them in a string (RFC 8259, §7).
const PLAIN_TEXT = /[^"\\\u0000-\u001f]*/y;
const HEX = /[0-9a-fA-F]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const WORDS: readonly (readonly [word: string, value: boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/**
 * Reads JSON (RFC 8259) by recursive descent, as deep as it is told and no deeper. The engine's own reader would take the last of two members with the same name, overflow a number to infinity,
 * and word its errors as its version likes, while what is answered here must be the same wherever a recording is recomputed.
 */
export class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  /** @throws JsonSyntaxError */
  read(): unknown {
    const value = this.#value(0);
    this.#take(WHITE_SPACE);
    if (this.#at < this.#text.length) this.#fail(`${this.#shown()} after the end of the value; send one value only`);
    return value;
  }

  #value(depth: number): unknown {
    this.#take(WHITE_SPACE);
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth + 1);
      case "[":
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(depth: number): unknown {
    this.#open(depth);
    const members: Record<string, unknown> = {};
    const names = new Set<string>();
    if (this.#takes("}")) return members;
    do {
      this.#take(WHITE_SPACE);
      const nameAt = this.#at;
      if (this.#text[this.#at] !== '"')
        this.#fail(`${this.#shown()} where a member's name in double quotes must stand`);
      const name = this.#string();
      if (names.has(name))
        this.#fail(`the name ${JSON.stringify(name)} stands twice in one object; keep one of them`, nameAt);
      names.add(name);
      if (!this.#takes(":")) this.#fail(`${this.#shown()} where a colon must follow a member's name`);
      const value = this.#value(depth);
      // Assigned, it would be no member.
      if (name === "__proto__")
        Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true });
      else members[name] = value;
    } while (this.#takes(","));
    if (!this.#takes("}")) this.#fail(`${this.#shown()} where a comma or the object's closing brace must stand`);
    return members;
  }

  #array(depth: number): unknown {
    this.#open(depth);
    const items: unknown[] = [];
    if (this.#takes("]")) return items;
    do items.push(this.#value(depth));
    while (this.#takes(","));
    if (!this.#takes("]")) this.#fail(`${this.#shown()} where a comma or the array's closing bracket must stand`);
    return items;
  }

  #open(depth: number): void {
    if (depth > this.#maxDepth) this.#fail(`nested more than ${this.#maxDepth} levels deep; make it flatter`);
    this.#at++;
  }

  #string(): string {
    const from = this.#at++;
    let text = this.#take(PLAIN_TEXT);
    for (let next = this.#text[this.#at]; next !== '"'; next = this.#text[this.#at]) {
      if (next === undefined) this.#fail("a string does not end; close it with a double quote", from);
      if (next !== "\\") this.#fail("a control character in a string; write it as an escape (\\n, \\t, \\u0000)");
      text += this.#escape() + this.#take(PLAIN_TEXT);
    }
    this.#at++;
    if (!text.isWellFormed())
      this.#fail("a string is not valid Unicode (half of a surrogate pair); send well-formed text", from);
    return text;
  }

  #escape(): string {
    const from = this.#at++;
    const letter = this.#text[this.#at++];
    const plain = ESCAPES.get(letter ?? "");
    if (plain !== undefined) return plain;
    const digits = letter === "u" ? this.#take(HEX) : "";
    if (digits === "") this.#fail("a backslash that begins no escape; write it as \\\\", from);
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #scalar(): unknown {
    const from = this.#at;
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const digits = this.#take(NUMBER);
    if (digits === "") this.#fail(`${this.#shown()} where a value must stand`);
    const number = Number(digits);
    if (!Number.isFinite(number)) this.#fail("a number that is too large to be kept; write it as a string", from);
    return number;
  }

  /** Passes over white space and the character, if that comes next. */
  #takes(character: string): boolean {
    this.#take(WHITE_SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** What of this kind stands here, which is passed over; may be nothing. @param kind sticky */
  #take(kind: RegExp): string {
    kind.lastIndex = this.#at;
    const [taken = ""] = kind.exec(this.#text) ?? [];
    this.#at += taken.length;
    return taken;
  }

  #shown(): string {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? "the text ends" : `${JSON.stringify(String.fromCodePoint(code))} stands`;
  }

  #fail(what: string, at = this.#at): never {
    const before = this.#text.slice(0, at).split("\n");
    throw new JsonSyntaxError(`line ${before.length}, column ${(before.at(-1) as string).length + 1}: ${what}`);
  }
}
