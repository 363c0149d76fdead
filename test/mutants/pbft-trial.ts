import type { AgentId } from "../../server/core/consensus.ts";
import { InvariantViolation } from "../../server/core/invariant.ts";
import { Pbft } from "../../server/core/pbft/pbft.ts";
import { faultsToleratedBy } from "../../server/core/pbft/replicas.ts";
import type { PbftReady } from "../../server/core/pbft/types.ts";
import type { Random } from "../../server/core/random.ts";
import { type Agent, Cluster, type Lie } from "../core/pbft/cluster.ts";
import type { Violation } from "./mutant.ts";
import { type Conspiracy, liesIn, usurping, WAYS, type WayName } from "./pbft-lies.ts";

const MAX_AHEAD_MS = 60_000;
/** In one run of so many the liars do nothing but claim views for themselves. */
const USURPED_EVERY = 50;
const USURPED_AT = 13;
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^agreement/, "agreement"],
  [/^validity/, "validity"],
  [/^once/, "executed once"],
  [/executes \d+ in place/, "total order"],
  [/reads at/, "linearizable reads"],
  [/contradicts itself/, "no contradiction"],
  [/^time/, "bounded time"],
  [/^window/, "the window"],
];
const LIVENESS = "liveness";
const HONESTY = "honest replicas are believed";

/** As a replica, and looked at from outside after each turn. */
class Watched extends Pbft {
  readonly #every: number;
  readonly #began: (id: AgentId) => void;

  /** @param began is told when it begins a view as its primary. */
  constructor(began: (id: AgentId) => void, ...[config, restored, crypto, now]: ConstructorParameters<typeof Pbft>) {
    super(config, restored, crypto, now);
    this.#every = config.checkpointEvery;
    this.#began = began;
  }

  override take(now: number): PbftReady | undefined {
    const ready = super.take(now);
    for (const { timeMs, index } of ready?.committed ?? [])
      promise(timeMs <= now + MAX_AHEAD_MS, `time: entry ${index} is of ${timeMs}, and it is ${now}`);
    for (const observation of ready?.observations ?? [])
      if (observation.type === "viewEntered" && observation.primary === this.id) this.#began(this.id);
    const { proposedSeq, stableSeq } = this.status();
    promise(proposedSeq <= stableSeq + 2 * this.#every, `window: ${proposedSeq} is taken part in above ${stableSeq}`);
    return ready;
  }
}

/**
 * One run of replicas among which up to f lie, through crashes, loss, delay, slow disks and partitions; then all of that heals, and whatever is asked for must be done. Which settings, which faults and which lies a
 * run has is drawn from its seed (swarm testing: Groce et al., ISSTA 2012).
 */
export function tried(seed: number): Violation | null {
  try {
    return new Trial(seed).run();
  } catch (error) {
    if (error instanceof InvariantViolation) {
      const [, name] = NAMES.find(([form]) => form.test(error.message)) ?? [/./, "the core's own invariants"];
      return { invariant: name, detail: error.message };
    }
    // What one made, the other cannot read; or no disk takes it.
    if (error instanceof RangeError || (error instanceof Error && error.name === "MalformedBytes"))
      return { invariant: "the world goes on", detail: error.message };
    throw error;
  }
}

class Trial {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #ids: readonly AgentId[];
  readonly #crashes: number;
  /** How long a disk takes, at least and at most. */
  readonly #syncMs: [number, number];
  readonly #partitions: number;
  /** How likely a primary is to crash while it begins its view. */
  readonly #stillbirths: number;
  #healed = false;

  constructor(seed: number) {
    // A stream of its own for the settings: one more setting does not change all others.
    const random = new Cluster({ replicas: 4, seed: `settings ${seed}` }).random;
    const replicas = random.pick([4, 4, 4, 5, 6, 7]);
    const every = random.pick([2, 4, 8]);
    const liars = this.#liars(random, replicas, every, seed % USURPED_EVERY === USURPED_AT);
    this.#crashes = random.pick([0, 0.06, 0.12]);
    this.#partitions = random.pick([0, 0.05, 0.12]);
    this.#syncMs = [0.1, random.pick([2, 20])];
    this.#cluster = new Cluster({
      replicas,
      seed: `trial ${seed}`,
      make: (...given) => new Watched((id) => this.#begins(id), ...given),
      loss: random.pick([0, 0.05, 0.2]),
      duplication: random.pick([0, 0.1]),
      delayMs: [0.1, random.pick([1, 10, 40])],
      syncMs: this.#syncMs,
      config: {
        checkpointEvery: every,
        maxAheadMs: MAX_AHEAD_MS,
        maxInflightBatches: random.pick([1, 4, 16]),
        compactJournalBytes: random.pick([512, 8 * 1024]),
      },
      liars,
    });
    this.#stillbirths = random.pick([0, 0, 0.5]);
    this.#random = this.#cluster.random;
    this.#ids = this.#cluster.ids;
  }

  run(): Violation | null {
    const cluster = this.#cluster;
    const random = this.#random;
    for (let step = 0; step < 60; step++) {
      const agent = random.pick(cluster.agents);
      cluster.propose(agent, random.int(1, 3));
      if (random.chance(0.4)) cluster.read(random.pick(cluster.agents));
      if (random.chance(this.#crashes)) this.#crash(random.pick(cluster.agents), 500);
      if (random.chance(this.#crashes / 3)) for (const one of cluster.agents) this.#crash(one, 100);
      if (random.chance(this.#partitions)) this.#cutOff(random.pick(this.#ids));
      if (random.chance(this.#partitions / 2)) this.#cutSome();
      cluster.run(random.float() * 60);
    }
    cluster.run(200);
    this.#healed = true;
    cluster.heal();
    // Disks too: one that takes longer than messages do keeps a view from deciding anything in time.
    this.#syncMs[1] = 2;
    const stuck = this.#goesOn();
    return this.#believes() ?? stuck;
  }

  #liars(random: Random, replicas: number, every: number, usurped: boolean): ReadonlyMap<AgentId, Lie> {
    const faulty = random.int(0, 4) === 0 ? 0 : faultsToleratedBy(replicas);
    const ids = Array.from({ length: replicas }, (_, at) => `n${at + 1}`);
    const eagerness = random.pick([0.1, 0.5, 1]);
    const plot: Conspiracy = {
      every,
      eagerness,
      view: 0,
      seq: 0,
      requests: [],
      said: [],
      later: new Map(),
      told: new Map(),
    };
    const all = Object.keys(WAYS) as WayName[];
    const ways = random.shuffled(all).slice(0, random.pick([1, 2, 4, all.length]));
    // Often it is the first primaries that lie.
    const chosen = random.chance(0.6) ? ids.slice(random.int(0, 1)) : random.shuffled(ids);
    return new Map(chosen.slice(0, faulty).map((id) => [id, usurped ? usurping(plot) : liesIn(ways, plot)]));
  }

  #crash(agent: Agent, mostMs: number): void {
    this.#cluster.crash(agent);
    this.#cluster.after(this.#random.float() * mostMs, () => {
      if (agent.subject === undefined) this.#cluster.start(agent);
    });
  }

  /** Before it is durable that it did, or after. */
  #begins(id: AgentId): void {
    if (this.#healed || !this.#random.chance(this.#stillbirths)) return;
    const agent = this.#cluster.agents.find((one) => one.id === id) as Agent;
    this.#cluster.after(this.#random.float() * this.#syncMs[1], () => {
      if (!this.#healed) this.#crash(agent, 300);
    });
  }

  #cutOff(id: AgentId): void {
    for (const other of this.#ids) {
      this.#cluster.block(id, other);
      this.#cluster.block(other, id);
    }
    this.#cluster.after(this.#random.float() * 600, () => this.#cluster.blocked.clear());
  }

  #cutSome(): void {
    for (const from of this.#ids)
      for (const to of this.#ids) if (this.#random.chance(0.4)) this.#cluster.block(from, to);
    this.#cluster.after(this.#random.float() * 600, () => this.#cluster.blocked.clear());
  }

  /** Whatever honest replicas ask for once messages arrive in time is executed by all of them, and reads are answered. */
  #goesOn(): Violation | null {
    const cluster = this.#cluster;
    const { honest, checkers } = cluster;
    const asked = honest.flatMap((agent) => cluster.propose(agent, 2));
    for (const agent of honest) cluster.read(agent);
    const done = (): boolean =>
      asked.every((command) => checkers.placeOf(command) !== undefined) &&
      honest.every(({ reads, applied }) => reads.size === 0 && applied === checkers.executedIndex);
    if (cluster.run(60_000, done)) return null;
    const lacking = asked.filter((command) => checkers.placeOf(command) === undefined).length;
    const at = honest.map(({ subject }) => {
      const { id, role, term, stableSeq, executedSeq } = (subject as Pbft).status();
      return `${id} ${role} of view ${term}, executed ${executedSeq}, stable ${stableSeq}`;
    });
    return { invariant: LIVENESS, detail: `${lacking} of ${asked.length} not executed after 60 s: ${at.join("; ")}` };
  }

  /** No honest replica finds fault with what another one said. */
  #believes(): Violation | null {
    const honest = new Set(this.#cluster.honest.map(({ id }) => id));
    for (const { id, observation } of this.#cluster.observations) {
      if (!honest.has(id)) continue;
      const { type } = observation;
      if (type === "disbelieved" && honest.has(observation.from))
        return {
          invariant: HONESTY,
          detail: `${id} refuses ${observation.message} of ${observation.from}: ${observation.reason}`,
        };
      if (type === "equivocation" && honest.has(observation.culprit))
        return { invariant: HONESTY, detail: `${id} has caught ${observation.culprit} in ${observation.kind}` };
    }
    return null;
  }
}

function promise(holds: boolean, what: string): void {
  if (!holds) throw new InvariantViolation(what);
}
