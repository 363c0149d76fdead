import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { simulatedIn } from "../../coordinator/simulated/layout.ts";
import { swarmsIn } from "../../live/layout.ts";
import { UsageError } from "./arguments.ts";

/**
 * The folder whose swarm is meant: the given one; else the nearest of the present folder and those above it that has swarms; else the one such folder just below.
 * @throws UsageError when there is none or more than one below.
 */
export function findSwarmFolder(given: string | undefined, present: string): string {
  if (given !== undefined) return resolve(present, given);
  for (let folder = resolve(present); ; folder = dirname(folder)) {
    if (hasSwarms(folder)) return folder;
    if (dirname(folder) === folder) break;
  }
  const below = readdirSync(present, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules" && hasSwarms(join(present, entry.name)))
    .map((entry) => join(present, entry.name));
  const [only] = below;
  if (only !== undefined && below.length === 1) return only;
  throw new UsageError(
    below.length === 0
      ? "No swarm is running here. Bring one up with `agent-mesh up FILE`, or name its folder with --dir."
      : `Swarms are running in ${below.join(" and ")}: choose with --dir.`,
  );
}

function hasSwarms(folder: string): boolean {
  try {
    return swarmsIn(folder).length + simulatedIn(folder).length > 0;
  } catch {
    // Not a folder that we may look into: none of its swarms can be ours.
    return false;
  }
}
