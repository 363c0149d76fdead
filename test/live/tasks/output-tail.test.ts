import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { OutputBuffer } from "../../../server/live/agent/output-buffer.ts";
import { OutputTail, TAIL_BYTES } from "../../../server/live/tasks/output-tail.ts";

describe("the tail of a task's output", () => {
  it("is all of a short one", () => {
    const tail = new OutputTail();
    for (const piece of ["Grüße ", "", "an 🐘\n"]) tail.add(piece);
    assert.equal(tail.text(), "Grüße an 🐘\n");
  });

  it("is the end of a long one: at most 16 KiB of UTF-8, never cut within a character", () => {
    const character = fc.constantFrom("a", "ß", "中", "🐘", "\n");
    const piece = fc.array(character, { maxLength: 6_000 }).map((characters) => characters.join(""));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const tail = new OutputTail();
        for (const one of pieces) tail.add(one);
        const whole = pieces.join("");
        const text = tail.text();
        const bytes = Buffer.byteLength(text);
        assert.ok(whole.endsWith(text), "it is the end");
        assert.ok(bytes <= TAIL_BYTES && text.isWellFormed());
        assert.ok(bytes === Buffer.byteLength(whole) || bytes > TAIL_BYTES - 4, `${bytes} bytes are as many as fit`);
      }),
      { numRuns: 60 },
    );
  });
});

describe("live output on its way to observers", () => {
  it("is collected by task and stream, and taken once", () => {
    const buffer = new OutputBuffer();
    buffer.add("t1", 4, "stdout", "a");
    buffer.add("t1", 4, "stderr", "x");
    buffer.add("t1", 4, "stdout", "b");
    assert.deepEqual(buffer.take(), [
      { push: "taskOutput", taskId: "t1", token: 4, stream: "stdout", text: "ab" },
      { push: "taskOutput", taskId: "t1", token: 4, stream: "stderr", text: "x" },
    ]);
    assert.deepEqual(buffer.take(), []);
  });

  it("is bounded, and says how much it leaves out", () => {
    const buffer = new OutputBuffer();
    for (let at = 0; at < 100; at++) buffer.add("t1", 4, "stdout", "x".repeat(10_000));
    const [push] = buffer.take();
    const text = push?.text ?? "";
    assert.ok(text.length < 300_000, String(text.length));
    const [, left] = /\[(\d+) characters left out/.exec(text) ?? [];
    assert.equal(Number(left) + text.replace(/\n\[.*\]\n/, "").length, 1_000_000);
  });
});
