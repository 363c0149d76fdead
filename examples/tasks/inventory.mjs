// Lists the files below a folder with their sizes, largest first.
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";

const root = process.argv[2] ?? ".";
const found = [];
for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  if (path.includes(".agent-mesh")) continue;
  found.push({ path: relative(root, path), bytes: (await stat(path)).size });
}
found.sort((a, b) => b.bytes - a.bytes || a.path.localeCompare(b.path));
for (const { path, bytes } of found) console.log(String(bytes).padStart(8), path);
console.log(`${found.length} files, ${found.reduce((sum, file) => sum + file.bytes, 0)} bytes`);
