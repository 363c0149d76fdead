import { whyNotReachable } from "../contract/address.ts";
import type { ConsensusKind } from "../contract/consensus.ts";
import { CONSENSUS_KINDS } from "../contract/consensus.ts";
import type { DetectorKind, ReadMode, RecordingLimits, Timing } from "../contract/mesh.ts";
import { DETECTOR_KINDS, READ_MODES, TIMING_PROFILES } from "../contract/mesh.ts";
import type { ProposalSettings } from "../contract/proposals.ts";
import type { Link, TopologyKind } from "../core/overlay/types.ts";
import { DEGREE, TOPOLOGY_KINDS } from "../core/overlay/types.ts";
import type { Zones } from "../core/overlay/zones.ts";
import { faultsToleratedBy } from "../core/pbft/replicas.ts";
import { TIMING } from "../meshfile/timing.ts";
import type { Fields } from "./checked-json.ts";
import { asFields, flag, integer, list, number, oneOf, text, WrongShape } from "./checked-json.ts";
import { checkedProposals } from "./proposal-checks.ts";

/** More would not fit a machine. */
export const MAX_AGENTS = 1_000;
const MAX_MS = 365 * 24 * 3_600_000;
/** Fit for a folder's name on every system. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export interface RosterAgent {
  readonly id: string;
  readonly port: number;
  /** An address of its machine, where agents of other hosts reach it over TLS; absent: it listens on 127.0.0.1 only. */
  readonly host?: string;
  /** As identity.ts writes it. */
  readonly publicKey: string;
  /** Where it is; absent in a swarm without zones. */
  readonly zone?: string;
  /** It came to a running swarm: it begins without voters and waits until the others count it. */
  readonly joined?: boolean;
  /** It joined by itself, and runs where whoever started it does: its process is not the coordinator's. */
  readonly foreign?: boolean;
  /** It is being added, as this; a coordinator that finds it so goes on with that. */
  readonly joining?: MemberKind;
  /** It is being removed; the same. */
  readonly leaving?: boolean;
  /** It was removed, for good: it keeps its place in the roster, and has no links. */
  readonly left?: boolean;
}

export const MEMBER_KINDS = ["voter", "learner"] as const;
export type MemberKind = (typeof MEMBER_KINDS)[number];

/**
 * What all processes of a swarm know of it: `swarm.json`. Written by the coordinator, before the first agent starts and whenever agents come and go: the
 * agents that run are told then, and those that do not read it when they start.
 */
export interface SwarmFile {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  /** Path of the mesh file; "" when made by the quick pick. */
  readonly file: string;
  /** The folder that tasks run in; absolute. */
  readonly folder: string;
  readonly createdAtMs: number;
  readonly topology: TopologyKind;
  /** How many links a newcomer gets: of k-regular and small-world, and of links that a plan made. */
  readonly degree?: number;
  /** Its links are not those that every agent read at its start: a plan changed them. */
  readonly rewired?: boolean;
  readonly consensus: ConsensusKind;
  /** The same at all agents, for as long as the swarm lives. */
  readonly reads: ReadMode;
  /** eventual: replicated by gossip beside the consensus; absent: by that. The same, as well. */
  readonly memory?: "eventual";
  /** How agents find out who is alive: all in the same way. */
  readonly detector: DetectorKind;
  /** An address of the coordinator's machine at which agents of other hosts take part; absent: all are on this machine. */
  readonly listen?: string;
  /** All that it ever had, in the order that every agent knows: it only grows. */
  readonly agents: readonly RosterAgent[];
  readonly links: readonly Link[];
  readonly timing: Timing;
  /** Tasks one agent runs at a time. */
  readonly slots: number;
  readonly taskLeaseMs: number;
  /** How long agents live without a coordinator. */
  readonly graceMs: number;
  /** Agents never end because their coordinator is gone. */
  readonly detached: boolean;
  /** How proposals are decided, and how agents vote on them; absent: as usual. Schemas are compiled by the agents that need them. */
  readonly proposals?: ProposalSettings;
  /** What each agent records of itself; absent or null: nothing. */
  readonly recording?: RecordingLimits | null;
}

/** @throws WrongShape naming the field */
export function checkedSwarm(value: unknown): SwarmFile {
  const where = "swarm";
  const fields = asFields(value, where);
  integer(fields, "version", where, 1, 1);
  const agents = list(fields, "agents", where, MAX_AGENTS).map((agent, at) =>
    rosterAgent(agent, `${where}.agents[${at}]`),
  );
  const ids = new Set(agents.map((agent) => agent.id));
  if (ids.size !== agents.length) throw new WrongShape(`${where}.agents names an agent twice`);
  return {
    version: 1,
    id: checkedId(fields, "id", where),
    name: text(fields, "name", where),
    file: text(fields, "file", where),
    folder: text(fields, "folder", where),
    createdAtMs: number(fields, "createdAtMs", where, 0, Number.MAX_SAFE_INTEGER),
    topology: oneOf(fields, "topology", where, TOPOLOGY_KINDS),
    ...(fields.degree !== undefined && { degree: integer(fields, "degree", where, DEGREE.min, DEGREE.max) }),
    ...(fields.rewired === true && { rewired: true }),
    consensus: oneOf(fields, "consensus", where, CONSENSUS_KINDS),
    // A swarm that was made before there was a choice asks a majority.
    reads: fields.reads === undefined ? "readIndex" : oneOf(fields, "reads", where, READ_MODES),
    ...(fields.memory !== undefined && { memory: oneOf(fields, "memory", where, ["eventual"]) }),
    // One that was made before there was a choice listens to heartbeats.
    detector: fields.detector === undefined ? "heartbeat" : oneOf(fields, "detector", where, DETECTOR_KINDS),
    ...(fields.listen !== undefined && { listen: checkedHost(text(fields, "listen", where), `${where}.listen`) }),
    agents,
    links: list(fields, "links", where, MAX_AGENTS * MAX_AGENTS).map((one, at) =>
      link(one, `${where}.links[${at}]`, ids),
    ),
    timing: timing(asFields(fields.timing, `${where}.timing`), `${where}.timing`),
    slots: integer(fields, "slots", where, 0, 1_000),
    taskLeaseMs: number(fields, "taskLeaseMs", where, 1, MAX_MS),
    graceMs: number(fields, "graceMs", where, 0, MAX_MS),
    detached: flag(fields, "detached", where),
    ...(fields.proposals !== undefined && { proposals: checkedProposals(fields.proposals, `${where}.proposals`) }),
    recording: recording(fields.recording, `${where}.recording`),
  };
}

function rosterAgent(value: unknown, where: string): RosterAgent {
  const fields = asFields(value, where);
  return {
    id: checkedId(fields, "id", where),
    port: integer(fields, "port", where, 1, 65_535),
    ...(fields.host !== undefined && { host: checkedHost(text(fields, "host", where), `${where}.host`) }),
    publicKey: text(fields, "publicKey", where),
    ...(fields.zone !== undefined && { zone: text(fields, "zone", where) }),
    ...(fields.joined === true && { joined: true }),
    ...(fields.foreign === true && { foreign: true }),
    ...(fields.joining !== undefined && { joining: oneOf(fields, "joining", where, MEMBER_KINDS) }),
    ...(fields.leaving === true && { leaving: true }),
    ...(fields.left === true && { left: true }),
  };
}

/** @throws WrongShape */
export function checkedHost(host: string, where: string): string {
  const why = whyNotReachable(host);
  if (why !== undefined) throw new WrongShape(`${where}: ${JSON.stringify(host)} ${why}`);
  return host;
}

/** By the ids of those that were not removed. */
export function presentZones({
  agents,
}: {
  readonly agents: readonly Pick<RosterAgent, "id" | "zone" | "left">[];
}): Zones {
  return new Map(agents.flatMap(({ id, zone, left }) => (zone === undefined || left === true ? [] : [[id, zone]])));
}

/** Those that were not removed. */
export function presentAgents({ agents }: Pick<SwarmFile, "agents">): RosterAgent[] {
  return agents.filter(({ left }) => left !== true);
}

/** How many of its agents may lie. */
export function faultsToleratedIn({ consensus, agents }: Pick<SwarmFile, "consensus" | "agents">): number {
  return consensus === "pbft" ? faultsToleratedBy(presentAgents({ agents }).length) : 0;
}

/** Those that the swarm began with: the first of its roster. */
export function foundersOf({ agents }: Pick<SwarmFile, "agents">): string[] {
  return agents.filter(({ joined }) => joined !== true).map(({ id }) => id);
}

/** Who votes before the first change of members; an agent that joined learns it from the others. */
export function firstVoters(swarm: Pick<SwarmFile, "agents">, of: RosterAgent): string[] {
  return of.joined === true ? [] : foundersOf(swarm);
}

function link(value: unknown, where: string, ids: ReadonlySet<string>): Link {
  const fields = asFields(value, where);
  const made = { a: text(fields, "a", where), b: text(fields, "b", where) };
  for (const end of [made.a, made.b])
    if (!ids.has(end)) throw new WrongShape(`${where} names ${JSON.stringify(end)}, which is no agent of the swarm`);
  if (made.a === made.b) throw new WrongShape(`${where} joins ${made.a} with itself`);
  return made;
}

function recording(value: unknown, where: string): RecordingLimits | null {
  if (value === undefined || value === null) return null;
  const fields = asFields(value, where);
  return {
    sizeBytes: integer(fields, "sizeBytes", where, 1, Number.MAX_SAFE_INTEGER),
    ageMs: number(fields, "ageMs", where, 1, MAX_MS),
    keep: flag(fields, "keep", where),
  };
}

function timing(fields: Fields, where: string): Timing {
  const ms = (name: keyof Timing): number => number(fields, name, where, 1, MAX_MS);
  const profile = oneOf(fields, "profile", where, TIMING_PROFILES);
  // Absent in a swarm that was made before agents probed each other.
  const since = (name: keyof Timing): number =>
    fields[name] === undefined ? (TIMING[profile][name] as number) : ms(name);
  return {
    profile,
    heartbeatMs: ms("heartbeatMs"),
    electionTimeoutMinMs: ms("electionTimeoutMinMs"),
    electionTimeoutMaxMs: ms("electionTimeoutMaxMs"),
    probeIntervalMs: since("probeIntervalMs"),
    probeTimeoutMs: since("probeTimeoutMs"),
    suspicionMultiplier:
      fields.suspicionMultiplier === undefined
        ? TIMING[profile].suspicionMultiplier
        : number(fields, "suspicionMultiplier", where, 0.5, 20),
    memberHeartbeatMs: ms("memberHeartbeatMs"),
    suspectAfterMs: ms("suspectAfterMs"),
    failAfterMs: ms("failAfterMs"),
    failAfterClosedMs: ms("failAfterClosedMs"),
  };
}

/** An id names a folder, so nothing that could lead out of one passes. */
function checkedId(fields: Fields, name: string, where: string): string {
  const id = text(fields, name, where);
  if (!isId(id))
    throw new WrongShape(`${where}.${name} must be letters, digits, - and _, at most 64, but is ${JSON.stringify(id)}`);
  return id;
}

export function isId(id: string): boolean {
  return ID.test(id);
}
