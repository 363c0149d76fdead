/** What `consensus:` asks of the rest of a mesh file: each kind promises something else, and takes something else for it. */
import { CONSENSUS, CONSENSUS_KINDS, type ConsensusKind } from "../contract/consensus.ts";
import type { ByzantineBehaviour } from "../contract/faults.ts";
import { MEMORY_MODES, type MemoryMode, type Mesh } from "../contract/mesh.ts";
import { MAX_REPLICAS } from "../core/pbft/limits.ts";
import { faultsToleratedBy, MIN_REPLICAS } from "../core/pbft/replicas.ts";
import type { MapReading, Reading } from "./reading.ts";

/** What decides, and what replicates the memory; absent: what decides. */
export interface Replicated {
  readonly consensus: ConsensusKind;
  readonly memory?: MemoryMode;
}

export function readConsensus(reading: Reading, node: unknown): ConsensusKind | undefined {
  return reading.oneOf(node, "consensus", CONSENSUS_KINDS);
}

/** Where the file says nothing, the memory is as the consensus has it. */
export function readMemory(reading: Reading, map: MapReading, consensus: ConsensusKind): MemoryMode {
  const usual = consensus === "gossip" ? "eventual" : "consensus";
  if (!map.has("memory")) return usual;
  const memory = reading.oneOf(map.get("memory"), "memory", MEMORY_MODES) ?? usual;
  const problem = MEMORY_PROBLEMS[`${consensus} ${memory}`];
  if (problem !== undefined) reading.problem(reading.resolve(map.get("memory")), ...problem);
  return problem === undefined ? memory : usual;
}

const MEMORY_PROBLEMS: Readonly<Record<string, readonly [code: string, sentence: string]>> = {
  "gossip consensus": [
    "notWithGossip",
    "memory: consensus takes one order for all, and consensus: gossip gives none: its memory is eventual. Take this out, or use raft or pbft.",
  ],
  "pbft eventual": [
    "notWithPbft",
    "memory: eventual believes what any agent says, and with consensus: pbft nobody is trusted. Take this out, or use raft.",
  ],
};

/** Says where the file asks PBFT for what it does not do. */
export function checkPbft(reading: Reading, map: MapReading, { agents, reads }: Pick<Mesh, "agents" | "reads">): void {
  const count = agents.length;
  if (count < MIN_REPLICAS)
    reading.problem(
      reading.resolve(map.get(map.has("agents") ? "agents" : "consensus")),
      "tooFew",
      tooFewAgents(count),
    );
  if (count > MAX_REPLICAS)
    reading.problem(
      reading.resolve(map.get("agents")),
      "outOfRange",
      `consensus: pbft takes at most ${MAX_REPLICAS} agents, not ${count}.`,
    );
  if (reads === "lease")
    reading.problem(
      reading.resolve(map.get("reads")),
      "notWithPbft",
      "reads: lease trusts the leader's clock, and with consensus: pbft nobody is trusted. Take this out: reads then ask a quorum.",
    );
}

/** Says where the file asks of a swarm by gossip what takes one order for all. */
export function checkGossip(reading: Reading, map: MapReading): void {
  if (map.has("tasks"))
    reading.problem(
      map.keyNode("tasks"),
      "notWithGossip",
      "tasks: a task is leased to one agent, which takes one order for all, and consensus: gossip gives none. Take them out, or use raft or pbft.",
    );
  if (map.has("reads"))
    reading.problem(
      reading.resolve(map.get("reads")),
      "notWithGossip",
      "reads: in a swarm by gossip each agent answers a read with what it has, and nobody else is asked. Take this out, or use raft or pbft.",
    );
}

/** Why so few agents cannot decide by PBFT (Castro and Liskov 1999, §3). */
export function tooFewAgents(count: number): string {
  const examples = [4, 7, 10].map((n) => `${n} survive ${liarsSurvivedBy(n)}`);
  return `consensus: pbft needs at least ${MIN_REPLICAS} agents, not ${count}: surviving f liars takes n >= 3f + 1 agents, so ${count} would survive none. ${examples.join(", ")}.`;
}

/** What so many agents survive under PBFT, in words. */
export function liarsSurvivedBy(count: number): string {
  return liars(faultsToleratedBy(count));
}

/** "1 liar", "2 liars". */
export function liars(count: number): string {
  return `${count} ${count === 1 ? "liar" : "liars"}`;
}

/** Raft's and gossip's. */
const SHARED_EVENTS: readonly string[] = [
  "configurationChanged",
  "snapshotTaken",
  "snapshotSending",
  "snapshotInstalled",
];

/** What is of the other kind of consensus, as a sentence; undefined where it is not, or is of a memory beside it. @param what such as `message.types`, @param of the words of the kind it is of */
export function ofAnotherKind(
  what: string,
  name: string,
  words: "events" | "messageTypes",
  { consensus, memory = "consensus" }: Replicated,
): string | undefined {
  const of = CONSENSUS_KINDS.find((kind) => kind !== consensus && has(CONSENSUS[kind][words], name));
  if (of === undefined || (consensus === "gossip" && has(SHARED_EVENTS, name))) return undefined;
  if (of === "gossip" && memory === "eventual") return undefined;
  const [own, other] = [CONSENSUS[consensus], CONSENSUS[of]];
  const nouns = words === "events" ? (["an event", "events"] as const) : (["a message", "messages"] as const);
  return `${what}: ${name} is ${nouns[0]} of ${other.title}, and this swarm decides by ${own.title}, whose ${nouns[1]} are ${own[words].join(", ")}.`;
}

/** Why agents of this kind of consensus cannot lie so, as a sentence; undefined where they can. */
export function lieOfAnotherKind(behaviour: ByzantineBehaviour, consensus: ConsensusKind): string | undefined {
  const { behaviours, title } = CONSENSUS[consensus];
  if (has(behaviours, behaviour)) return undefined;
  const others = CONSENSUS_KINDS.filter((kind) => has(CONSENSUS[kind].behaviours, behaviour));
  const able = others.map((kind) => CONSENSUS[kind].title).join(" or ");
  return `byzantine.behaviour: only ${able} has what ${behaviour} lies about, and this swarm decides by ${title}, whose agents can lie so: ${behaviours.join(", ")}.`;
}

function has(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
