import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "mocha";
import { Transcript } from "./transcript.ts";

const FOLDER = new URL("transcripts/", import.meta.url);

/**
 * Each transcript is a story: comments (#), commands (>), and below each command what it printed. UPDATE_TRANSCRIPTS=1 writes them
 * anew; the difference is then read in review.
 */
describe("the transcripts of gossip", () => {
  for (const name of readdirSync(FOLDER).toSorted()) {
    it(`happens as in transcripts/${name}`, () => {
      const path = new URL(name, FOLDER);
      const before = readFileSync(path, "utf8");
      const after = replayed(before);
      if (process.env.UPDATE_TRANSCRIPTS === "1") writeFileSync(path, after);
      else assert.equal(after, before);
    });
  }

  it("tell a difference", () => {
    const right = replayed("> members a b\n> propose a x\n");
    assert.match(right, /a issued fromSeq=0 toSeq=1/);
    assert.equal(replayed(right), right);
    const wrong = right.replace("toSeq=1", "toSeq=2");
    assert.notEqual(replayed(wrong), wrong);
  });
});

/** The transcript with the output that its commands have now. */
function replayed(transcript: string): string {
  const cluster = new Transcript();
  const out: string[] = [];
  for (const line of transcript.split("\n")) {
    if (line.startsWith("#") || line === "") out.push(line);
    else if (line.startsWith("> "))
      out.push(
        line,
        ...cluster
          .run(line.slice(2))
          .split("\n")
          .map((printed) => `  ${printed}`),
      );
  }
  return out.join("\n");
}
