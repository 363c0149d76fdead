// Votes on a release: it must be tested, and no larger than one evening's reading. The proposal comes as JSON on standard input.
// Exit code 0 approves, any other rejects; the last line is the reason that is signed with the vote.
import { text } from "node:stream/consumers";

const MOST_FILES = 40;

const { body } = JSON.parse(await text(process.stdin));
if (body.tested !== true) {
  console.log(`version ${body.version} has not been tested`);
  process.exitCode = 1;
} else if (body.files > MOST_FILES) {
  console.log(`${body.files} changed files are too many to review; at most ${MOST_FILES}`);
  process.exitCode = 1;
} else console.log(`tested, ${body.files ?? 0} changed files`);
