import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, resolve, sep } from "node:path";
import type { ReadBeside } from "../meshfile/schema-source.ts";

/** Reads the files that a mesh file names: those inside its folder only, also by way of symbolic links. @param meshFile its path */
export function filesBeside(meshFile: string): ReadBeside {
  const folder = dirname(resolve(meshFile));
  return (path, maxBytes) => {
    const named = resolve(folder, path);
    const stats = statSync(named, { throwIfNoEntry: false });
    if (stats === undefined) throw new Error(`there is no ${basename(path)} in ${dirname(named)}.`);
    const home = realpathSync(folder);
    if (!realpathSync(named).startsWith(home.endsWith(sep) ? home : home + sep))
      throw new Error(`it lies outside ${folder}.`);
    if (!stats.isFile()) throw new Error("it is not a file.");
    if (stats.size > maxBytes)
      throw new Error(`it has ${stats.size} bytes, and at most ${maxBytes} are read; make it smaller.`);
    return readFileSync(named, "utf8");
  };
}
