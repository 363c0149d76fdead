import type { AgentId, Configuration } from "../consensus.ts";
import { placesIn } from "../places.ts";

/** Members of a configuration that the roster has, and how many of them vote: worked out once, and for all agents that share both lists. */
export interface Counted {
  readonly roster: readonly AgentId[];
  readonly configuration: Configuration;
  /** In the roster's order. */
  readonly list: readonly AgentId[];
  readonly size: number;
  /** How many of the voters, and of those that a joint phase phases out, are among them. */
  readonly voters: number;
  readonly outgoing: number;
  has(id: AgentId): boolean;
  votes(id: AgentId): boolean;
  isOutgoing(id: AgentId): boolean;
}

const COUNTED = new WeakMap<Configuration, Counted>();

export function countedOf(roster: readonly AgentId[], configuration: Configuration): Counted {
  const known = COUNTED.get(configuration);
  if (known?.roster === roster) return known;
  const { voters, outgoing, learners } = configuration;
  const here = placesIn(roster);
  const belongs = new Set([...voters, ...outgoing, ...learners]);
  const [voting, phasedOut] = [placesIn(voters), placesIn(outgoing)];
  const list = roster.filter((id) => belongs.has(id));
  const among = (ids: readonly AgentId[]): number => ids.filter((id) => here.has(id)).length;
  const counted: Counted = {
    roster,
    configuration,
    list: list.length === roster.length ? roster : list,
    size: list.length,
    voters: among(voters),
    outgoing: among(outgoing),
    has: (id) => belongs.has(id) && here.has(id),
    votes: (id) => voting.has(id),
    isOutgoing: (id) => phasedOut.has(id),
  };
  COUNTED.set(configuration, counted);
  return counted;
}

/** Who answers: of those that are counted all but the silent ones, or one alone. Takes room for those only. */
export class Answering {
  readonly #counted: Counted | undefined;
  readonly #silent: ReadonlySet<AgentId>;
  readonly #alone: AgentId | undefined;
  readonly size: number;
  /** How many of the voters, and of those that a joint phase phases out. */
  readonly voters: number;
  readonly outgoing: number;

  static readonly nobody = new Answering(undefined, new Set(), undefined);

  /** @param silent some of those that are counted. @param alone one of them: nobody else answers */
  constructor(counted: Counted | undefined, silent: ReadonlySet<AgentId>, alone: AgentId | undefined) {
    this.#counted = counted;
    this.#silent = silent;
    this.#alone = alone;
    const of = (all: number, is: (id: AgentId) => boolean): number => {
      if (alone !== undefined) return is(alone) ? 1 : 0;
      for (const id of silent) if (is(id)) all--;
      return all;
    };
    this.size = counted === undefined ? 0 : of(counted.size, () => true);
    this.voters = counted === undefined ? 0 : of(counted.voters, counted.votes);
    this.outgoing = counted === undefined ? 0 : of(counted.outgoing, counted.isOutgoing);
  }

  has(id: AgentId): boolean {
    if (this.#alone !== undefined) return id === this.#alone;
    return this.#counted?.has(id) === true && !this.#silent.has(id);
  }

  /** In the roster's order. */
  list(): readonly AgentId[] {
    const { list = [] } = this.#counted ?? {};
    return this.#alone === undefined && this.#silent.size === 0 ? list : list.filter((id) => this.has(id));
  }
}
