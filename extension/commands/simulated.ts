import type { SwarmView } from "../../server/contract/swarm.ts";

/** @param what is done only with processes, as the beginning of a sentence. @throws Error for a simulated swarm, before anything is asked */
export function refuseSimulated({ name, simulated }: Pick<SwarmView, "name" | "simulated">, what: string): void {
  if (simulated !== undefined)
    throw new Error(`${what} only in a swarm of processes, and ${name} has none: Init Swarm brings one up.`);
}
