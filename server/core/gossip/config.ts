import type { AgentId, Configuration } from "../consensus.ts";
import { placesIn } from "../places.ts";
import { LISTED_PLACES } from "../reconciliation/comparison.ts";
import { compareText, textProblem } from "../text.ts";
import { MAX_CHUNK_BYTES, MAX_ID_BYTES, MAX_MEMBERS } from "./limits.ts";
import type { GossipConfig } from "./types.ts";

const ID_RULE = { maxBytes: MAX_ID_BYTES, mayBeEmpty: false };

export function withDefaults(config: GossipConfig): Required<GossipConfig> {
  return {
    broadcasts: false,
    maxAheadMs: 60_000,
    maxMessageBytes: 256 * 1024,
    maxMessageOperations: 1024,
    retainBytes: 8 * 1024 * 1024,
    maxWaitingBytes: 8 * 1024 * 1024,
    maxChunkBytes: 256 * 1024,
    listedMembers: LISTED_PLACES,
    later: [],
    ...config,
  };
}

const SORTED = new WeakMap<readonly AgentId[], readonly AgentId[]>();

/** The members in the order that their places are of. Worked out once for a list, which is not to change: of a simulated swarm all agents have the same. */
export function sortedMembers({ members }: GossipConfig): readonly AgentId[] {
  const known = SORTED.get(members);
  if (known !== undefined) return known;
  const sorted = members.toSorted(compareText);
  SORTED.set(members, sorted);
  return sorted;
}

const CONFIGURATIONS = new WeakMap<readonly AgentId[], Configuration>();

/** All vote, as far as anybody does: they are the members from the first to the last. One for a list, which is not to change: what follows from it is worked out once for all agents, too. */
export function configurationOf(voters: readonly AgentId[]): Configuration {
  const known = CONFIGURATIONS.get(voters);
  if (known !== undefined) return known;
  const configuration = { voters, outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  CONFIGURATIONS.set(voters, configuration);
  return configuration;
}

const WELL_NAMED = new WeakSet<readonly AgentId[]>();

function wellNamed(members: readonly AgentId[]): boolean {
  if (WELL_NAMED.has(members)) return true;
  if (members.some((member) => textProblem("an id", member, ID_RULE) !== undefined)) return false;
  WELL_NAMED.add(members);
  return true;
}

/** @throws RangeError where it cannot work. */
export function checkConfig(config: GossipConfig): void {
  const { id, members, later = [], fanout, antiEntropyMs, maxChunkBytes = 1 } = config;
  const places = placesIn(members);
  if (!places.has(id) && !later.includes(id)) throw new RangeError(`gossip: ${id} is not one of its own members`);
  if (places.size !== members.length) throw new RangeError("gossip: members are named once each");
  checkLater(members, later);
  if (!wellNamed(members)) throw new RangeError(`gossip: a member's id has between 1 and ${MAX_ID_BYTES} bytes`);
  if (!Number.isInteger(fanout) || fanout < 1)
    throw new RangeError(`gossip: a fanout of ${fanout}; at least 1 is needed`);
  if (!(antiEntropyMs > 0))
    throw new RangeError(`gossip: anti-entropy every ${antiEntropyMs} ms; more than 0 is needed`);
  if (!(maxChunkBytes >= 1 && maxChunkBytes <= MAX_CHUNK_BYTES))
    throw new RangeError(`gossip: parts of ${maxChunkBytes} bytes; between 1 and ${MAX_CHUNK_BYTES} are possible`);
}

/** @param later those who came after these. @throws RangeError where they cannot be */
export function checkLater(members: readonly AgentId[], later: readonly AgentId[]): void {
  const places = placesIn(members);
  if (later.some((id) => places.has(id)) || new Set(later).size !== later.length)
    throw new RangeError("gossip: whoever came later is named once, and no founder");
  if (members.length + later.length > MAX_MEMBERS)
    throw new RangeError(`gossip: there are at most ${MAX_MEMBERS} members`);
  if (!wellNamed(later)) throw new RangeError(`gossip: a member's id has between 1 and ${MAX_ID_BYTES} bytes`);
}
