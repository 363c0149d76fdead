import { NOBODYS } from "../../server/contract/simulated.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";

/** @param what is done only with processes, as the beginning of a sentence. @throws Error for a simulated swarm, before anything is asked */
export function refuseSimulated({ name, simulated }: Pick<SwarmView, "name" | "simulated">, what: string): void {
  if (simulated !== undefined)
    throw new Error(`${what} only in a swarm of processes, and ${name} has none: Init Swarm brings one up.`);
}

/** @throws Error for the run that a seed is judged by, before anything is asked */
export function refuseJudged({ simulated }: Pick<SwarmView, "simulated">): void {
  if (simulated?.judged) throw new Error(NOBODYS);
}
