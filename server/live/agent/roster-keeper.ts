import type { RosterEntry, RosterLink } from "../../contract/client.ts";
import type { AgentId } from "../../core/consensus.ts";
import type { Link } from "../../core/overlay/types.ts";
import { publicKeyOf } from "../identity.ts";
import { isId, type SwarmFile } from "../swarm-file.ts";

/** A roster that the agent does not take. The message is for people, whole. */
export class RosterRefused extends Error {
  override readonly name = "RosterRefused";
}

/** Whom a running agent knows: from the swarm's file at its start, and from the coordinator since. */
export class RosterKeeper {
  #agents: readonly RosterEntry[];
  #links: readonly Link[];

  constructor({ agents, links }: Pick<SwarmFile, "agents" | "links">) {
    this.#agents = agents;
    this.#links = links;
  }

  get agents(): readonly RosterEntry[] {
    return this.#agents;
  }

  get ids(): readonly AgentId[] {
    return this.#agents.map(({ id }) => id);
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  /**
   * Takes a roster that begins with the known one, and all links.
   * @returns whether that is anything new
   * @throws RosterRefused; then nothing has changed
   */
  take(agents: readonly RosterEntry[], links: readonly RosterLink[]): boolean {
    this.#refuseUnlessGrown(agents);
    const ids = new Set(agents.map(({ id }) => id));
    if (ids.size !== agents.length) throw new RosterRefused("The roster names an agent twice.");
    for (const { a, b } of links)
      if (!ids.has(a) || !ids.has(b) || a === b)
        throw new RosterRefused(`The link ${a} - ${b} does not join two agents of the roster.`);
    if (agents.length === this.#agents.length && sameLinks(links, this.#links)) return false;
    this.#agents = agents;
    this.#links = links;
    return true;
  }

  #refuseUnlessGrown(agents: readonly RosterEntry[]): void {
    this.#agents.forEach((known, at) => {
      const given = agents[at];
      if (
        given?.id !== known.id ||
        given.port !== known.port ||
        given.host !== known.host ||
        given.publicKey !== known.publicKey
      )
        throw new RosterRefused(
          `The roster must begin with the one that is known, but place ${at + 1} is not ${known.id} with its address and key.`,
        );
    });
    for (const { id, publicKey } of agents.slice(this.#agents.length)) {
      if (!isId(id)) throw new RosterRefused(`${JSON.stringify(id)} is not the id of an agent.`);
      try {
        publicKeyOf(publicKey);
      } catch (error) {
        throw new RosterRefused(`The public key of ${id} cannot be used: ${(error as Error).message}.`);
      }
    }
  }
}

function sameLinks(one: readonly Link[], other: readonly Link[]): boolean {
  return one.length === other.length && one.every(({ a, b }, at) => a === other[at]?.a && b === other[at]?.b);
}
