import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { utf8 } from "../../server/core/bytes.ts";
import { headOf, textProblem, utf8Length } from "../../server/core/text.ts";

const anyText = fc.string({ unit: "binary", maxLength: 40 });

describe("text", () => {
  it("takes so many bytes as its UTF-8 has", () =>
    fc.assert(fc.property(anyText, (text) => assert.equal(utf8Length(text), utf8(text).length))));

  it("is too long exactly when its UTF-8 is", () =>
    fc.assert(
      fc.property(anyText, fc.nat(60), (text, maxBytes) => {
        const problem = textProblem("the text", text, { maxBytes, mayBeEmpty: true });
        assert.equal(problem === undefined, utf8(text).length <= maxBytes);
      }),
    ));

  it("is cut to as many whole symbols as fit, well-formed, whatever it was", () =>
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "é", "€", "🦊", "\ud83d", "\udc00") }),
        fc.nat(40),
        (text, maxBytes) => {
          const head = headOf(text, maxBytes);
          const whole = text.toWellFormed();
          assert.ok(whole.startsWith(head) && utf8(head).length <= maxBytes);
          const [next = ""] = whole.slice(head.length);
          if (next !== "") assert.ok(utf8(head + next).length > maxBytes);
        },
      ),
    ));
});
