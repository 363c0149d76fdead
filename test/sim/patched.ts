import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Patch } from "../mutants/mutant.ts";

export interface PatchedCall {
  readonly patches: readonly Patch[];
  /** Of the project: what patches' files are relative to. */
  readonly root: string;
  /** A URL, and the name of the function in it. */
  readonly module: string;
  readonly name: string;
  readonly given: readonly unknown[];
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** What a function gives where the sources are patched. What it is given and gives is copied between threads. @param module of this folder */
export function patchedCall<Result>(
  patches: readonly Patch[],
  module: string,
  name: string,
  ...given: readonly unknown[]
): Promise<Result> {
  const url = new URL(module, import.meta.url).href;
  const workerData: PatchedCall = { patches, root: ROOT, module: url, name, given };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./patched-thread.ts", import.meta.url), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`${name}: its thread ended with ${code}, without a word`)));
  });
}
