import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { canonicalJson, MAX_JSON_DEPTH, parseJson } from "../../../server/core/proposals/canonical-json.ts";
import { anyJson } from "./arbitraries.ts";

function read(text: string): unknown {
  const parsed = parseJson(text);
  assert.ok("value" in parsed, "problem" in parsed ? parsed.problem : "");
  return parsed.value;
}

function problemOf(text: string): string {
  const parsed = parseJson(text);
  assert.ok("problem" in parsed, `accepted: ${text}`);
  return parsed.problem;
}

function nested(levels: number): string {
  return "[".repeat(levels) + "]".repeat(levels);
}

/** A double, by its bits. */
function double(bits: string): number {
  return new DataView(Uint8Array.from(Buffer.from(bits, "hex")).buffer).getFloat64(0);
}

/** The same value with every object's members in another order. */
function reordered(value: unknown, order: (names: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => reordered(item, order));
  if (value === null || typeof value !== "object") return value;
  const members = value as Record<string, unknown>;
  return Object.fromEntries(order(Object.keys(members)).map((name) => [name, reordered(members[name], order)]));
}

describe("the canonical form of JSON", () => {
  it("writes RFC 8785's example (§3.2.2 and §3.2.3) as it says", () => {
    const text = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    const form = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
    assert.equal(canonicalJson(read(text)), form);
  });

  it("sorts names by their UTF-16 code units, as RFC 8785, §3.2.3 shows", () => {
    const text = String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`;
    const order = [...canonicalJson(read(text)).matchAll(/:"([^"]+)"/g)].map(([, meaning]) => meaning);
    assert.deepEqual(order, [
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  /** RFC 8785, appendix B. */
  const numbers: [bits: string, form: string][] = [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
  ];
  for (const [bits, form] of numbers)
    it(`writes the double ${bits} as ${form}`, () => assert.equal(canonicalJson(double(bits)), form));

  it("is the same for the same value, in whatever order its members came", () =>
    fc.assert(
      fc.property(anyJson, fc.boolean(), (value, backwards) => {
        const other = reordered(value, (names) => (backwards ? names.reverse() : names.sort()));
        assert.equal(canonicalJson(other), canonicalJson(value));
      }),
    ));

  it("reads back as the value it was made of, and has no other form", () =>
    fc.assert(
      fc.property(anyJson, (value) => {
        const form = canonicalJson(value);
        assert.deepEqual(read(form), value);
        assert.equal(canonicalJson(read(JSON.stringify(value, undefined, 2))), form);
      }),
    ));

  it("keeps a member named __proto__", () => {
    const text = '{"__proto__":{"admin":true}}';
    assert.equal(canonicalJson(read(text)), text);
    assert.equal((read(text) as { admin?: boolean }).admin, undefined);
  });

  const circle: unknown[] = [];
  circle.push(circle);
  class Point {
    readonly x = 1;
  }
  const formless: [string, unknown, RegExp][] = [
    ["undefined", undefined, /no form of undefined; leave it out/],
    ["a function", () => 1, /no form of function/],
    ["a symbol", Symbol("a"), /no form of symbol/],
    ["a bigint", 1n, /no form of bigint/],
    ["undefined in an object", { a: undefined }, /no form of undefined/],
    ["a hole in an array", new Array<number>(2), /no form of undefined/],
    ["infinity", [Number.POSITIVE_INFINITY], /no number Infinity/],
    ["what is no number", { a: Number.NaN }, /no number NaN/],
    ["half of a surrogate pair", "\ud83d", /not valid Unicode/],
    ["half of a surrogate pair in a name", { "\udc00": 1 }, /not valid Unicode/],
    ["a date", new Date(0), /no plain one/],
    ["a map", new Map(), /no plain one/],
    ["an object of a class", new Point(), /no plain one/],
    ["what contains itself", circle, /more than 64 levels deep/],
  ];
  for (const [what, value, sentence] of formless)
    it(`refuses ${what}`, () => assert.throws(() => canonicalJson(value), { name: "RangeError", message: sentence }));
});

describe("the reader of JSON", () => {
  it("takes 64 levels, and says where a level too many begins", () => {
    assert.equal(canonicalJson(read(nested(MAX_JSON_DEPTH))), nested(MAX_JSON_DEPTH));
    assert.match(problemOf(nested(MAX_JSON_DEPTH + 1)), /^line 1, column 65: nested more than 64 levels deep/);
    assert.throws(() => canonicalJson(JSON.parse(nested(MAX_JSON_DEPTH + 1))), /more than 64 levels deep/);
  });

  it("does not overflow the stack, however deep a text is", () => {
    for (const text of ["[".repeat(1_000_000), '{"a":'.repeat(1_000_000), nested(1_000_000)])
      assert.match(problemOf(text), /nested more than 64 levels deep/);
  });

  const broken: [text: string, sentence: RegExp][] = [
    ["", /^line 1, column 1: the text ends where a value must stand$/],
    [" \n ", /^line 2, column 2: the text ends where a value/],
    ["{", /^line 1, column 2: the text ends where a member's name/],
    ["{a:1}", /column 2: "a" stands where a member's name/],
    ["{'a':1}", /column 2: "'" stands where a member's name/],
    ['{"a" 1}', /column 6: "1" stands where a colon/],
    ['{"a":1 "b":2}', /column 8: "\\"" stands where a comma or the object's closing brace/],
    ['{"a":1,}', /column 8: "}" stands where a member's name/],
    ['{"a":}', /column 6: "}" stands where a value/],
    ["[1,]", /column 4: "]" stands where a value/],
    ["[1 2]", /column 4: "2" stands where a comma or the array's closing bracket/],
    ["[\n  1,\n  oops\n]", /^line 3, column 3: "o" stands where a value/],
    ["[1", /column 3: the text ends where a comma/],
    ["1 2", /column 3: "2" stands after the end of the value/],
    ["01", /column 2: "1" stands after the end/],
    ["1.", /column 2: "." stands after the end/],
    [".5", /column 1: "." stands where a value/],
    ["+1", /column 1: "\+" stands where a value/],
    ["-", /column 1: "-" stands where a value/],
    ["NaN", /column 1: "N" stands where a value/],
    ["undefined", /column 1: "u" stands where a value/],
    ["nul", /column 1: "n" stands where a value/],
    ["\ufeff1", /column 1: "\ufeff" stands where a value/],
    ["🦊", /column 1: "🦊" stands where a value/],
    ["1e999", /column 1: a number that is too large/],
    ['"abc', /column 1: a string does not end/],
    ['"abc\\', /column 5: a backslash that begins no escape/],
    ['"\\x"', /column 2: a backslash that begins no escape/],
    ['"\\u12g4"', /column 2: a backslash that begins no escape/],
    ['"a\tb"', /column 3: a control character/],
    ['"\\ud83d"', /column 1: a string is not valid Unicode/],
    ['"\ud83d"', /column 1: a string is not valid Unicode/],
    ['{"a":1,"b":[{"a":1,"\\u0061":2}]}', /column 20: the name "a" stands twice/],
  ];
  for (const [text, sentence] of broken)
    it(`says what is wrong, and where: ${JSON.stringify(text)}`, () => assert.match(problemOf(text), sentence));

  it("takes halves of a surrogate pair that make one", () => assert.equal(read('"\\ud83e\\udd8a"'), "🦊"));

  it("agrees with the engine's own reader on any text, but for what it is stricter about", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\u0 1-.eE+tn\t', "", '"a":1,')), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(anyJson, fc.nat(2), damage, (value, space, changes) => {
        let text = JSON.stringify(value, undefined, space);
        for (const [place, piece] of changes) {
          const at = place % (text.length + 1);
          text = text.slice(0, at) + piece + text.slice(at + 1);
        }
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          problemOf(text);
          return;
        }
        const parsed = parseJson(text);
        if ("value" in parsed) assert.deepEqual(parsed.value, expected);
        else assert.match(parsed.problem, /stands twice|not valid Unicode|too large|nested more/);
      }),
      { numRuns: 2000 },
    );
  });
});
