import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "mocha";

/** What carries out the commands of a transcript. */
interface Player {
  /** @returns what it printed, line by line */
  run(command: string): string;
}

interface Example {
  /** Commands, and what they print among other things. */
  readonly commands: string;
  readonly prints: RegExp;
  /** Put in place of what was printed. */
  readonly changed: readonly [from: string, to: string];
}

/**
 * The transcripts of a core, each a story: comments (#), commands (>), and below each command what it printed. UPDATE_TRANSCRIPTS=1 writes them
 * anew; the difference is then read in review.
 * @param example shows that a transcript that is not what happens is told from one that is
 */
export function describeTranscripts(title: string, folder: URL, start: () => Player, example: Example): void {
  describe(`the transcripts of ${title}`, () => {
    for (const name of readdirSync(folder).toSorted()) {
      it(`happens as in transcripts/${name}`, () => {
        const path = new URL(name, folder);
        const before = readFileSync(path, "utf8");
        const after = replayed(before, start());
        if (process.env.UPDATE_TRANSCRIPTS === "1") writeFileSync(path, after);
        else assert.equal(after, before);
      });
    }

    it("tell a difference", () => {
      const right = replayed(example.commands, start());
      assert.match(right, example.prints);
      assert.equal(replayed(right, start()), right);
      const wrong = right.replace(...example.changed);
      assert.notEqual(replayed(wrong, start()), wrong);
    });
  });
}

/** The transcript with the output that its commands have now. */
function replayed(transcript: string, player: Player): string {
  const out: string[] = [];
  for (const line of transcript.split("\n")) {
    if (line.startsWith("#") || line === "") out.push(line);
    else if (line.startsWith("> "))
      out.push(
        line,
        ...player
          .run(line.slice(2))
          .split("\n")
          .map((printed) => `  ${printed}`),
      );
  }
  return out.join("\n");
}
