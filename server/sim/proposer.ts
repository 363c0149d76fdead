import type { ClientReply } from "../agent/world.ts";
import type { ClientOperation, ClientResult } from "../contract/client.ts";
import { PROPOSALS_BY_DEFAULT, type ProposalSettings } from "../contract/proposals.ts";
import type { Random } from "../core/random.ts";
import type { AskedProposal } from "./checkers/proposals.ts";
import { SimClient } from "./client.ts";
import type { Schedule } from "./schedule.ts";
import type { SimWorld } from "./world.ts";

export interface ProposerOptions {
  readonly settings: ProposalSettings;
  /** Whom a proposal may name as voters. */
  readonly agents: readonly string[];
  /** Whoever is named may have left by then, and whoever is asked may have come so lately that it knows nobody: both refuse what is right otherwise. */
  readonly membersChange: boolean;
  readonly electionTimeoutMaxMs: number;
  /** One attempt at one agent. */
  readonly attemptMs: number;
  /** All attempts of one proposal. */
  readonly patienceMs: number;
}

export interface ProposerListener {
  /** Before any agent is asked. */
  proposed(proposal: AskedProposal): void;
  proposalAcknowledged(id: string): void;
  surprised(detail: string): void;
}

/** How the workload does things. */
export interface Performer {
  /** Whether one more operation may be begun; it counts as one then. */
  mayBegin(): boolean;
  perform(
    client: SimClient,
    operation: ClientOperation,
    patienceMs: number,
    done: (result: ClientResult | undefined) => void,
  ): void;
}

const CLIENTS = 2;
/** Agents forget the oldest of those that are decided beyond so many, and are not to be blamed for it. */
const MAX_PROPOSALS = 1000;

/** Whether a mesh file says anything of proposals: only then some are made in its simulation. */
export function proposes({ threshold, timeoutMs, schema, policy, policies }: ProposalSettings): boolean {
  const usual = PROPOSALS_BY_DEFAULT;
  const asUsual = threshold === usual.threshold && timeoutMs === usual.timeoutMs && schema === usual.schema;
  return !(asUsual && policy.kind === usual.policy.kind && Object.keys(policies).length === 0);
}

/**
 * Clients that put something to the vote now and then, one proposal at a time each: to all agents or to some of them, with thresholds from just above a half to all, and with time for a few election
 * timeouts or more. A file's schema is none of its concern: it is held against proposals before an agent is asked. All it draws, it draws from a source of its own.
 */
export class Proposer {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #options: ProposerOptions;
  readonly #performer: Performer;
  readonly #listener: ProposerListener;
  readonly #clients: readonly SimClient[];
  #running = false;
  #made = 0;

  constructor(
    schedule: Schedule,
    random: Random,
    worlds: readonly SimWorld[],
    options: ProposerOptions,
    performer: Performer,
    listener: ProposerListener,
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#options = options;
    this.#performer = performer;
    this.#listener = listener;
    this.#clients = Array.from({ length: CLIENTS }, (_, at) => {
      const name = `p${at + 1}`;
      return new SimClient(schedule, random.fork(`client ${name}`), worlds, name, options.attemptMs);
    });
  }

  start(): void {
    this.#running = true;
    for (const client of this.#clients) this.#think(client);
  }

  stop(): void {
    this.#running = false;
  }

  /** @returns whether the reply was for one of its clients. */
  replied(agent: number, reply: ClientReply): boolean {
    return this.#clients.some((client) => client.replied(agent, reply));
  }

  agentCrashed(agent: number): void {
    for (const client of this.#clients) client.agentCrashed(agent);
  }

  #think(client: SimClient): void {
    this.#schedule.afterMs(this.#options.electionTimeoutMaxMs * this.#random.float(), () => {
      if (this.#running && this.#made < MAX_PROPOSALS && this.#performer.mayBegin()) this.#propose(client);
    });
  }

  #propose(client: SimClient): void {
    const proposal = this.#drawn();
    this.#listener.proposed(proposal);
    this.#performer.perform(client, { op: "propose", proposal }, this.#options.patienceMs, (result) => {
      if (result?.ok) this.#listener.proposalAcknowledged(proposal.id);
      else if (result?.code === "refused" || (result?.code === "invalid" && !this.#options.membersChange))
        this.#listener.surprised(`${client.name}'s ${proposal.id} was refused (${result.code}): ${result.message}`);
      this.#think(client);
    });
  }

  #drawn(): AskedProposal {
    const random = this.#random;
    const { agents } = this.#options;
    const number = ++this.#made;
    const voters = random.chance(0.5) ? random.shuffled(agents).slice(0, random.int(1, agents.length)) : undefined;
    return {
      id: `p${number}`,
      subject: `proposal ${number}`,
      body: this.#body(number),
      ...(voters && { voters }),
      threshold: this.#threshold(),
      timeoutMs: this.#timeoutMs(),
    };
  }

  /** JSON that is not in its canonical form yet. */
  #body(number: number): string {
    const random = this.#random;
    const value = {
      version: `1.${number}`,
      share: random.int(0, 1000) / 1000,
      canary: random.chance(0.5),
      agents: random.shuffled(this.#options.agents),
      "": [null, { b: number, a: -number }],
    };
    return JSON.stringify(value, undefined, random.int(0, 2));
  }

  #threshold(): number {
    const draw = this.#random.float();
    if (draw < 0.3) return this.#options.settings.threshold;
    if (draw < 0.5) return 1;
    return draw < 0.7 ? 0.51 : this.#random.int(5100, 10_000) / 10_000;
  }

  #timeoutMs(): number {
    const { settings, electionTimeoutMaxMs } = this.#options;
    const draw = this.#random.float();
    const share = this.#random.float();
    if (draw < 0.15) return settings.timeoutMs;
    return Math.round(electionTimeoutMaxMs * (draw < 0.7 ? 2 + 3 * share : 5 + 10 * share));
  }
}
