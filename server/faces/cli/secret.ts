import { addressText } from "../../contract/address.ts";
import { readJoinSecret, readSwarm } from "../../live/layout.ts";
import { presentAgents } from "../../live/swarm-file.ts";
import { type Flags, UsageError } from "./arguments.ts";
import { findSwarmFolder } from "./find-folder.ts";
import type { Output } from "./output.ts";
import { chooseSwarm, swarmsHere } from "./swarms-here.ts";

/** `secret`: what an agent must know to join a swarm of this folder. Alone on stdout, for `agent-mesh join ... --secret -`. @returns the exit code */
export function secretCommand(flags: Flags, output: Output): number {
  const folder = findSwarmFolder(flags.dir, process.cwd());
  const { id, name } = chooseSwarm(swarmsHere(folder), flags.swarm, folder);
  const secret = readJoinSecret(folder, id);
  if (secret === undefined)
    throw new UsageError(`Swarm ${name} (${id}) has no join secret: it was brought up by a version without one.`);
  const addresses = presentAgents(readSwarm(folder, id)).map(addressText);
  output.answer({ swarm: id, secret, addresses }, () => secret);
  if (!output.json && process.stdout.isTTY)
    output.note(`Whoever knows it can join ${name}, as agent-mesh join ${addresses[0]} --secret - asks for it.`);
  return 0;
}
