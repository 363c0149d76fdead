import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { Mesh } from "../../contract/mesh.ts";
import type { BrokenSeed } from "../../contract/simulation.ts";
import { shrinkApart } from "../../coordinator/simulator/shrinker.ts";
import type { Shrunk } from "../../sim/shrink/shrink.ts";
import { shrunkPath, shrunkText } from "../../sim/shrink/shrunk-file.ts";
import type { Output } from "./output.ts";

/** Of each thing that broke, the first seed; of so many things. */
const MOST_SHRUNK = 3;

/** Writes small files, next to the original, that fail for the same reasons. One that was shrunk already is left as it is. */
export async function shrinkBroken(
  file: string,
  mesh: Mesh,
  chaos: boolean,
  broken: readonly BrokenSeed[],
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const firsts = new Map<string, BrokenSeed>();
  for (const one of broken) if (!firsts.has(one.invariant)) firsts.set(one.invariant, one);
  for (const { seed, invariant } of [...firsts.values()].slice(0, MOST_SHRUNK)) {
    if (mesh.simulate?.seed === seed) continue;
    const onSmaller = (found: Shrunk): void => output.passing(`Shrinking seed ${seed}: ${sizeText(found)}`);
    output.passing(`Shrinking seed ${seed} ...`);
    const shrunk = await shrinkApart({ mesh, chaos, seed, onSmaller, signal });
    if (shrunk === undefined) continue;
    const path = writeBeside(file, seed, shrunkText(shrunk, basename(file), seed));
    output.line(
      "shrunk",
      {
        seed,
        invariant,
        file: path,
        runs: shrunk.runs,
        agents: shrunk.mesh.agents.length,
        faults: shrunk.mesh.faults.length,
      },
      `Seed ${seed} (${invariant}) shrunk to ${sizeText(shrunk)}: ${path}`,
    );
  }
}

function sizeText({ mesh, runs }: Shrunk): string {
  const { agents, faults, simulate } = mesh;
  const chaos = simulate?.chaos === false ? "" : " and chaos";
  const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
  return `${many(agents.length, "agent")}, ${many(faults.length, "fault")}${chaos}, in ${runs} runs`;
}

/** Where a file of that name says something else, another name is taken. */
function writeBeside(file: string, seed: number, text: string): string {
  for (let again = 1; ; again++) {
    const path = shrunkPath(file, seed, again);
    try {
      writeFileSync(path, text, { flag: "wx" });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (readFileSync(path, "utf8") === text) return path;
    }
  }
}
