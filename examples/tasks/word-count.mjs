// Counts lines, words and characters of one file.
import { readFile } from "node:fs/promises";

const file = process.argv[2];
if (!file) {
  console.error("usage: node word-count.mjs FILE");
  process.exit(2);
}
const text = await readFile(file, "utf8");
console.log(
  `${file}: ${text.split("\n").length} lines, ${text.split(/\s+/).filter(Boolean).length} words, ${text.length} characters`,
);
