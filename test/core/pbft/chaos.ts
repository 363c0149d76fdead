import type { SpokenBehaviour } from "../../../server/agent/tamper/byzantine/liar.ts";
import { pbftLie } from "../../../server/agent/tamper/byzantine/pbft/lie.ts";
import { Seen } from "../../../server/agent/tamper/byzantine/pbft/seen.ts";
import type { AgentId } from "../../../server/core/consensus.ts";
import { faultsToleratedBy } from "../../../server/core/pbft/replicas.ts";
import type { PbftConfig } from "../../../server/core/pbft/types.ts";
import { type Random, seededRandom } from "../../../server/core/random.ts";
import { type Agent, Cluster, type Lie, type MakeSubject } from "./cluster.ts";

export type Behaviour = SpokenBehaviour | "silent";

export const BEHAVIOURS = [
  "equivocate",
  "doubleVote",
  "wrongDigest",
  "forge",
  "replay",
  "badProof",
  "corruptState",
  "lieAboutLog",
  "silent",
] as const satisfies readonly Behaviour[];

export interface ChaosOptions {
  readonly seed: string;
  readonly replicas: number;
  /** How many lie; absent: a number from 1 to as many as are survived. */
  readonly liars?: number;
  /** How they lie; absent: each in one to three ways that are drawn. */
  readonly behaviours?: readonly Behaviour[];
  /** The others crash as well, and the network loses, repeats, reorders and cuts. Absent: true. */
  readonly trouble?: boolean;
  readonly make?: MakeSubject;
  readonly config?: Partial<PbftConfig>;
}

export interface ChaosEnd {
  readonly cluster: Cluster;
  readonly lying: ReadonlyMap<AgentId, readonly Behaviour[]>;
  /** What should have come about once all was healed, and did not; empty: nothing. */
  readonly unfinished: readonly string[];
}

const STEPS = 60;
/** How long after the healing all is to be done: exponential timeouts may have grown. */
const PATIENCE_MS = 60_000;

/** In these ways, one after the other; liars that share what they have seen are in it together. */
export function lieOf(behaviours: readonly Behaviour[], seen: Seen): Lie {
  const lies = behaviours.map((behaviour): Lie => (behaviour === "silent" ? () => [] : pbftLie(behaviour, seen)));
  return (liar, to, message) =>
    lies.reduce((told, lie) => told.flatMap((one) => lie(liar, to, one)), [message] as ReturnType<Lie>);
}

/**
 * Liars, crashes and a bad network for a while, then all but the liars are healed.
 * @throws InvariantViolation when what must hold whatever happens does not
 */
export function chaos(options: ChaosOptions): ChaosEnd {
  const { seed, replicas, trouble = true } = options;
  const random = seededRandom(`chaos ${seed}`);
  const lying = drawLiars(options, random);
  const seen = new Seen();
  const slowestMs = trouble ? random.pick([2, 10, 18, 26, 34]) : 5;
  const cluster = new Cluster({
    replicas,
    seed,
    delayMs: [0.1, slowestMs],
    ...(trouble && { loss: random.pick([0, 0.1, 0.2]), duplication: 0.05 }),
    ...(options.make && { make: options.make }),
    ...(options.config && { config: options.config }),
    liars: new Map([...lying].map(([id, behaviours]) => [id, lieOf(behaviours, seen)])),
  });
  const proposals = new Proposals(cluster);
  for (let step = 0; step < STEPS; step++) {
    const agent = random.pick(cluster.agents);
    proposals.propose(agent, random.int(1, 3));
    if (random.chance(0.3)) cluster.read(agent);
    if (trouble) disturb(cluster, random);
    cluster.run(random.float() * 60);
  }
  cluster.run(200);
  cluster.heal();
  for (const agent of cluster.agents) {
    proposals.propose(agent, 2);
    cluster.read(agent);
  }
  cluster.run(PATIENCE_MS, () => unfinished(cluster, proposals).length === 0);
  return { cluster, lying, unfinished: unfinished(cluster, proposals) };
}

function drawLiars({ replicas, liars, behaviours }: ChaosOptions, random: Random): Map<AgentId, readonly Behaviour[]> {
  const count = liars ?? random.int(1, faultsToleratedBy(replicas));
  const ids = Array.from({ length: replicas }, (_, at) => `n${at + 1}`);
  const lying = random.shuffled(ids).slice(0, count);
  return new Map(lying.map((id) => [id, behaviours ?? random.shuffled(BEHAVIOURS).slice(0, random.int(1, 3))]));
}

function disturb(cluster: Cluster, random: Random): void {
  const { agents, ids } = cluster;
  const crash = (agent: Agent, forMs: number) => {
    cluster.crash(agent);
    cluster.after(forMs, () => {
      if (agent.subject === undefined) cluster.start(agent);
    });
  };
  if (random.chance(0.06)) crash(random.pick(agents), random.float() * 500);
  if (random.chance(0.04)) for (const agent of agents) crash(agent, random.float() * 100);
  if (random.chance(0.05)) {
    const alone = random.pick(ids);
    for (const other of ids) {
      cluster.block(alone, other);
      cluster.block(other, alone);
    }
    cluster.after(random.float() * 600, () => cluster.blocked.clear());
  }
  if (random.chance(0.03)) for (const a of ids) for (const b of ids) if (random.chance(0.4)) cluster.block(a, b);
}

/** What each life of each agent proposed: a crashed one's may be lost. */
class Proposals {
  readonly #cluster: Cluster;
  readonly #all: { readonly agent: Agent; readonly life: number; readonly texts: readonly string[] }[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  propose(agent: Agent, count: number): void {
    this.#all.push({ agent, life: agent.life, texts: this.#cluster.propose(agent, count) });
  }

  /** Of honest agents that are still in the life that they proposed it in. */
  missing(): readonly string[] {
    const { honest, checkers } = this.#cluster;
    return this.#all
      .filter(({ agent, life }) => agent.life === life && honest.includes(agent))
      .flatMap(({ texts }) => texts.filter((text) => checkers.placeOf(text) === undefined));
  }
}

function unfinished(cluster: Cluster, proposals: Proposals): readonly string[] {
  const { honest } = cluster;
  const where = honest.map(({ subject }) => {
    const { id, role, term, stableSeq, executedSeq, proposedSeq } = (subject as NonNullable<typeof subject>).status();
    return { executedSeq, text: `${id} ${role} view ${term}: ${stableSeq}/${executedSeq}/${proposedSeq}` };
  });
  const missing = proposals.missing();
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`not executed: ${missing.join(", ")}`);
  if (new Set(where.map(({ executedSeq }) => executedSeq)).size > 1) problems.push("not equally far");
  for (const { id, reads } of honest) if (reads.size > 0) problems.push(`${reads.size} reads of ${id} not answered`);
  return problems.length === 0 ? [] : [...problems, ...where.map(({ text }) => text)];
}

/** Honest replicas that were seen to lie, and so by mistake. */
export function wronglyAccused({ cluster, lying }: ChaosEnd): readonly string[] {
  return cluster.observations.flatMap(({ id, observation }) => {
    if (lying.has(id)) return [];
    if (observation.type === "equivocation" && !lying.has(observation.culprit)) return [JSON.stringify(observation)];
    if (observation.type === "disbelieved" && !lying.has(observation.from)) return [JSON.stringify(observation)];
    return [];
  });
}
