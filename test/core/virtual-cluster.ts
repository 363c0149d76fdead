import type { AgentId } from "../../server/core/consensus.ts";
import { type Random, seededRandom } from "../../server/core/random.ts";
import { EventQueue } from "./event-queue.ts";

/** What messages and disks do in a cluster. */
export interface Surroundings {
  readonly seed: string;
  /** Probabilities of one message. */
  readonly loss?: number;
  readonly duplication?: number;
  /** ms, drawn uniformly: unequal ones reorder. */
  readonly delayMs?: readonly [number, number];
  readonly syncMs?: readonly [number, number];
}

/** One agent of a cluster, and the core that is tested in it. */
export class VirtualAgent<Subject> {
  readonly id: AgentId;
  /** undefined while it is down. */
  subject: Subject | undefined;
  life = 0;
  turnAsked = false;
  alarmAt = Number.POSITIVE_INFINITY;

  constructor(id: AgentId) {
    this.id = id;
  }
}

/** Agents in virtual time: jumps to the next thing that happens, everything from one seed. What an agent was about to do ends with its life. */
export abstract class VirtualCluster<Subject, Agent extends VirtualAgent<Subject>> {
  abstract readonly agents: readonly Agent[];
  now: number;
  loss: number;
  duplication: number;
  readonly blocked = new Set<string>();
  readonly random: Random;
  readonly #delayMs: readonly [number, number];
  readonly #syncMs: readonly [number, number];
  readonly #events = new EventQueue();
  #order = 0;

  /** @param now to begin with, ms */
  constructor({ seed, loss = 0, duplication = 0, delayMs = [0.1, 5], syncMs = [0.1, 2] }: Surroundings, now: number) {
    this.now = now;
    this.random = seededRandom(seed);
    this.loss = loss;
    this.duplication = duplication;
    this.#delayMs = delayMs;
    this.#syncMs = syncMs;
  }

  abstract start(agent: Agent): void;

  /** Takes what the core wants, and calls `setAlarm`. */
  protected abstract turn(agent: Agent, subject: Subject): void;

  protected abstract tick(agent: Agent, subject: Subject): void;

  block(from: AgentId, to: AgentId): void {
    this.blocked.add(`${from} ${to}`);
  }

  heal(): void {
    this.blocked.clear();
    this.loss = 0;
    this.duplication = 0;
    for (const agent of this.agents) if (agent.subject === undefined) this.start(agent);
  }

  after(delayMs: number, run: () => void): void {
    this.#events.push({ at: this.now + delayMs, order: this.#order++, run });
  }

  /** Runs until the time is up or `until` holds. Returns whether it held. */
  run(durationMs: number, until: () => boolean = () => false): boolean {
    const end = this.now + durationMs;
    while (!until()) {
      const event = this.#events.pop(end);
      if (event === undefined) {
        this.now = end;
        return until();
      }
      this.now = event.at;
      event.run();
    }
    return true;
  }

  /** Has an agent take a turn, after whatever else it is told in the meantime: also where its core was called directly. */
  wake(agent: Agent): void {
    if (agent.turnAsked || agent.subject === undefined) return;
    agent.turnAsked = true;
    // Now and then several inputs share a turn.
    const patienceMs = this.random.chance(0.1) ? 6 : 0.2;
    this.afterInLife(agent, this.random.float() * patienceMs, (subject) => {
      agent.turnAsked = false;
      this.turn(agent, subject);
    });
  }

  /** What happens only if the agent lives the same life then. */
  protected afterInLife(agent: Agent, delayMs: number, run: (subject: Subject) => void): void {
    const { life } = agent;
    this.after(delayMs, () => {
      if (agent.life === life && agent.subject !== undefined) run(agent.subject);
    });
  }

  /** @param waitMs until `deadline`, by the agent's clock */
  protected setAlarm(agent: Agent, deadline: number, waitMs: number): void {
    if (deadline === agent.alarmAt) return;
    agent.alarmAt = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.afterInLife(agent, Math.max(0, waitMs), (subject) => {
      if (agent.alarmAt !== deadline) return;
      agent.alarmAt = Number.POSITIVE_INFINITY;
      this.tick(agent, subject);
      this.wake(agent);
    });
  }

  /** The disk syncs. */
  protected sync(agent: Agent, durable: (subject: Subject) => void): void {
    const [least, most] = this.#syncMs;
    this.afterInLife(agent, least + this.random.float() * (most - least), (subject) => {
      durable(subject);
      this.wake(agent);
    });
  }

  protected forget(agent: Agent): void {
    agent.subject = undefined;
    agent.turnAsked = false;
    agent.alarmAt = Number.POSITIVE_INFINITY;
  }

  /** A message on its way: it may be lost, come twice, late, or not at all. */
  protected carry(from: AgentId, to: AgentId, arrive: (agent: Agent, subject: Subject) => void): void {
    const copies = this.random.chance(this.duplication) ? 2 : 1;
    const [least, most] = this.#delayMs;
    const agent = this.agents.find(({ id }) => id === to) as Agent;
    for (let copy = 0; copy < copies; copy++) {
      const lost = this.random.chance(this.loss);
      const delayMs = least + this.random.float() * (most - least);
      if (lost || this.blocked.has(`${from} ${to}`)) continue;
      this.after(delayMs, () => {
        if (agent.subject === undefined || this.blocked.has(`${from} ${to}`)) return;
        arrive(agent, agent.subject);
        this.wake(agent);
      });
    }
  }
}
