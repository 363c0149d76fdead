import { CONSENSUS } from "../../contract/consensus.ts";
import { meshText } from "../../meshfile/write.ts";
import type { Shrunk } from "./shrink.ts";

/** `dir/NAME.mesh.yaml` and seed 42: `dir/NAME.seed-42.mesh.yaml`. @param again from 2 on, where that is taken */
export function shrunkPath(file: string, seed: number, again = 1): string {
  const base = file.replace(/(\.mesh)?\.ya?ml$/, "");
  return `${base}.seed-${seed}${again === 1 ? "" : `-${again}`}.mesh.yaml`;
}

/** The file's text, which begins with what broke and how to see it. @param file the original's name, without its folder @param seed that failed in it */
export function shrunkText({ mesh, report, runs }: Shrunk, file: string, seed: number): string {
  const { violation, beyondPromise, virtualMs } = report;
  return meshText(mesh, [
    `${violation?.invariant} breaks at ${((violation?.atMs ?? virtualMs) / 1000).toFixed(3)} s of virtual time:`,
    ...wrapped(violation?.detail ?? ""),
    ...(beyondPromise.length === 0
      ? []
      : [`${CONSENSUS[mesh.consensus].title} does not promise to survive this: ${beyondPromise.join(", ")}`]),
    `Shrunk from seed ${seed} of ${file} in ${runs} runs. To see it: agent-mesh simulate FILE`,
  ]);
}

const WIDTH = 100;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
