import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";

/**
 * The line that joins a swarm from a terminal: through the agent that was chosen, or one that runs. The join secret is not in it, but what prints it.
 * @throws Error for a swarm that takes nobody in
 */
export function joinCommand(
  {
    id,
    name,
    folder,
    consensus,
    memory,
    agents,
  }: Pick<SwarmView, "id" | "name" | "folder" | "consensus" | "memory" | "agents">,
  chosen?: string,
): string {
  if (consensus === "pbft")
    throw new Error(`${name} decides by ${CONSENSUS[consensus].title}: its members are fixed, and nobody joins it.`);
  if (memory === "eventual")
    throw new Error(`${name}'s memory is eventual: its members are fixed, and nobody joins it.`);
  // Of agents of other hosts nobody here knows how they are reached.
  const running = agents.filter(({ process, foreign }) => process === "running" && foreign !== true);
  const seed = running.find((agent) => agent.id === chosen) ?? running[0];
  if (seed === undefined) throw new Error(`No agent of ${name} runs: there is nobody to join it through.`);
  const listen = seed.host === undefined ? "" : ` --listen ${seed.host}`;
  return `agent-mesh secret --dir ${quoted(folder)} --swarm ${id} | agent-mesh join 127.0.0.1:${seed.port} --secret -${listen}`;
}

/** As POSIX shells, and PowerShell, take it: as it is where nothing in it means anything to them. */
function quoted(path: string): string {
  return /^[\w./:\\-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
