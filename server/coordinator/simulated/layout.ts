/** What a simulated swarm has on disk, beside its coordinator's files: who it is, for a terminal that looks for it. Nothing of it is found again by a later coordinator but to be removed. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { asFields, text } from "../../live/checked-json.ts";
import { PUBLIC_MODE, replaceFile } from "../../live/durable-file.ts";
import { ignoreHome, readJson, removeSwarm, swarmPaths } from "../../live/layout.ts";
import { isId } from "../../live/swarm-file.ts";

export interface SimulatedHere {
  readonly id: string;
  readonly name: string;
  /** Path of its mesh file. */
  readonly file: string;
}

/** The ids of the simulated swarms of a folder, running or not, in alphabetical order. */
export function simulatedIn(folder: string): string[] {
  const home = dirname(swarmPaths(folder, "any").root);
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .filter((name) => isId(name) && existsSync(pathOf(folder, name)))
    .sort();
}

/** @throws LayoutProblem when it is not there, or damaged */
export function readSimulated(folder: string, id: string): SimulatedHere {
  return readJson(pathOf(folder, id), (value) => {
    const fields = asFields(value, "simulated");
    return { id, name: text(fields, "name", "simulated"), file: text(fields, "file", "simulated") };
  });
}

/** Its folder is there. */
export function writeSimulated(folder: string, { id, name, file }: SimulatedHere): void {
  ignoreHome(folder);
  replaceFile(pathOf(folder, id), JSON.stringify({ name, file }), PUBLIC_MODE);
}

export function removeSimulated(folder: string, id: string): void {
  removeSwarm(folder, id);
}

function pathOf(folder: string, id: string): string {
  return join(swarmPaths(folder, id).root, "simulated.json");
}
