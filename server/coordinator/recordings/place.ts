import { realpathSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import type { RecordingPlace } from "../../contract/coordinator.ts";
import { keptRecordings, swarmPaths } from "../../live/layout.ts";
import { isId } from "../../live/swarm-file.ts";
import { Refusal } from "../refusal.ts";

/** The folder of a recording, which lies in the `.agent-mesh` of the named folder, and not behind a link out of there. @throws Refusal */
export function recordingPath({ folder, swarm, kept }: RecordingPlace): string {
  if (!isAbsolute(folder)) throw new Refusal("refused", `${folder} is no absolute path of a folder.`);
  if (!isId(swarm)) throw new Refusal("refused", `${JSON.stringify(swarm)} is not the id of a swarm.`);
  const path = kept ? keptRecordings(folder, swarm) : swarmPaths(folder, swarm).agents;
  let real: string;
  let expected: string;
  try {
    expected = join(realpathSync(folder), relative(folder, path));
    real = realpathSync(path);
  } catch {
    throw new Refusal("refused", `There is no recording of ${swarm} in ${folder}.`);
  }
  if (real !== expected)
    throw new Refusal("refused", `${path} is a link to ${real}: only what lies in .agent-mesh is read.`);
  return real;
}
