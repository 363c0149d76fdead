// One SHA-256 over all files below a folder, in the order of their names: the same folder gives the same digest on every agent.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const root = process.argv[2] ?? ".";
const names = (await readdir(root, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((name) => !name.includes(".agent-mesh"))
  .sort();
const hash = createHash("sha256");
for (const name of names)
  hash
    .update(name)
    .update("\0")
    .update(await readFile(name));
console.log(hash.digest("hex"));
