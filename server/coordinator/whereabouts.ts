/** Where a swarm's agents are reached: by the coordinator, and by each other. */
import type { FarAgent } from "../client/connection.ts";
import { urlHost } from "../contract/address.ts";
import type { RosterEntry, RosterLink } from "../contract/client.ts";
import { publicKeyOf } from "../live/identity.ts";
import { connecting } from "../live/secure.ts";
import type { RosterAgent, SwarmFile } from "../live/swarm-file.ts";

/** How the coordinator reaches an agent of another host. @returns nothing of those of this machine */
export function farOf({ agents, listen }: SwarmFile, id: string): { readonly far?: FarAgent } {
  const { host, port, publicKey } = agents.find((agent) => agent.id === id) as RosterAgent;
  if (host === undefined || host === listen) return {};
  return { far: { host: urlHost(host), connecting: connecting({ host, port }, publicKeyOf(publicKey)) } };
}

export interface ToldRoster {
  readonly roster: readonly RosterEntry[];
  readonly links: readonly RosterLink[];
}

/** Whom agents are to know where that is not what they read when they started; else undefined. */
export function changedRoster({ agents, links, rewired }: SwarmFile): ToldRoster | undefined {
  if (rewired !== true && !agents.some(({ joined, left }) => joined === true || left === true)) return undefined;
  const roster = agents.map(({ id, port, host, publicKey }) => {
    return { id, port, ...(host !== undefined && { host }), publicKey };
  });
  return { roster, links };
}
