import type { ClientReply } from "../agent/world.ts";
import type { ClientOperation, ClientResult } from "../contract/client.ts";
import type { Link } from "../core/overlay/types.ts";
import type { Random } from "../core/random.ts";
import { SimClient } from "./client.ts";
import type { Schedule } from "./schedule.ts";
import type { SimWorld } from "./world.ts";

export interface MembersOptions {
  /** All agents that there may ever be; the first ones form the swarm, the others may join it. */
  readonly worlds: readonly SimWorld[];
  readonly founders: number;
  readonly linksOf: (roster: readonly string[]) => readonly Link[];
  /** Agents may come and go; otherwise only votes and leadership do. */
  readonly mayLeave: boolean;
  /** Between two things that are asked, on average, ms. */
  readonly everyMs: number;
  /** Of one request at one agent, and of all its attempts, ms. */
  readonly attemptMs: number;
  readonly patienceMs: number;
  /** Cuts these off from all others for a while. */
  readonly cut: (side: readonly string[], forMs: number) => void;
}

/** Somebody who changes the members of a run all the time, drawn from the seed. Two ask, and neither waits for the other. What is asked for, and who leaves when, depends on whether there is a leader who is asked. */
export abstract class ChangingMembers<Options extends MembersOptions = MembersOptions> {
  protected readonly schedule: Schedule;
  protected readonly random: Random;
  protected readonly options: Options;
  protected running = false;
  readonly #clients: readonly SimClient[];
  /** Clients that wait for an answer. */
  readonly #busy = new Set<SimClient>();
  /** All that anybody may have been told of, and their links. */
  protected roster: readonly string[];
  protected links: readonly Link[];

  constructor(schedule: Schedule, random: Random, options: Options) {
    this.schedule = schedule;
    this.random = random;
    this.options = options;
    const { worlds, founders, attemptMs } = options;
    this.#clients = ["members 1", "members 2"].map(
      (name) => new SimClient(schedule, random.fork(name), worlds, name, attemptMs),
    );
    this.roster = worlds.slice(0, founders).map(({ id }) => id);
    this.links = options.linksOf(this.roster);
    for (const world of worlds.slice(founders)) world.dismiss();
  }

  start(): void {
    this.running = true;
    this.#next();
  }

  stop(): void {
    this.running = false;
  }

  replied(agent: number, replies: readonly ClientReply[]): void {
    for (const reply of replies) for (const client of this.#clients) if (client.replied(agent, reply)) break;
  }

  agentCrashed(agent: number): void {
    for (const client of this.#clients) client.agentCrashed(agent);
  }

  /** Nobody waits for an answer any more. */
  get quiet(): boolean {
    return this.#busy.size === 0;
  }

  /** The members as they are now, once nothing about them is under way; undefined before. Everybody else leaves for good. */
  abstract settled(): readonly SimWorld[] | undefined;

  /** Asks for something. */
  protected abstract act(): void;

  protected get allBusy(): boolean {
    return this.#busy.size === this.#clients.length;
  }

  /** @param prefer whom it asks first; undefined: anybody @returns whether there was somebody to ask for it */
  protected perform(
    operation: ClientOperation,
    prefer: () => SimWorld | undefined,
    done: (result: ClientResult | undefined) => void,
  ): boolean {
    const client = this.#clients.find((one) => !this.#busy.has(one));
    if (client === undefined) return false;
    this.#busy.add(client);
    const first = prefer();
    if (first !== undefined) client.prefer(first.index);
    client.perform(operation, this.options.patienceMs, (result) => {
      this.#busy.delete(client);
      done(result);
    });
    return true;
  }

  /** Everybody learns at another moment that the swarm has grown. */
  protected introduce(world: SimWorld): void {
    const { worlds, linksOf, everyMs } = this.options;
    // Places are given in the order of `worlds`: those before it become known with it.
    this.roster = worlds.slice(0, Math.max(this.roster.length, world.index + 1)).map(({ id }) => id);
    this.links = linksOf(this.roster);
    for (const other of worlds) {
      if (other === world) other.grow(this.roster, this.links);
      else this.schedule.afterMs(everyMs * 0.3 * this.random.float(), () => other.grow(this.roster, this.links));
    }
  }

  #next(): void {
    this.schedule.afterMs(this.options.everyMs * 2 * this.random.float(), () => {
      if (!this.running) return;
      this.act();
      this.#next();
    });
  }
}
