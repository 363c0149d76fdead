import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { HuntRequest } from "./hunter.ts";
import type { Hunt, Mutant } from "./mutant.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** Tries seeds until one shows that something is broken. Rejects when a patch does not fit the source any more. */
export function hunt(mutant: Mutant, seeds: number, firstSeed = 1): Promise<Hunt> {
  const request: HuntRequest = { mutant, root: ROOT, firstSeed, seeds };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./hunter.ts", import.meta.url), { workerData: request });
    worker.once("message", resolve);
    worker.once("error", (error) => reject(new Error(`${mutant.name}: ${error.message}`, { cause: error })));
    worker.once("exit", (code) => reject(new Error(`${mutant.name}: its thread ended with ${code}, without a word`)));
  });
}

/** All of them, so many at a time. */
export async function huntAll(
  mutants: readonly Mutant[],
  seeds: number,
  jobs: number,
  onHunt: (hunt: Hunt) => void,
): Promise<readonly Hunt[]> {
  const waiting = [...mutants];
  const hunts = new Map<string, Hunt>();
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const found = await hunt(mutant, seeds);
      hunts.set(mutant.name, found);
      onHunt(found);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return mutants.map(({ name }) => hunts.get(name) as Hunt);
}
