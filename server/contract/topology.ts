/** Which links a running swarm could have instead of those it has, and what that would be good for. Nothing is estimated but what is said to be. */

/** Links an agent: at least, as far as there are so many others, and at most. */
export interface LinksEach {
  readonly least: number;
  readonly most: number;
}

/** What a message takes on it, one way, ms: as measured; of one that is to be added, at most. null: not known. */
export interface PlannedLink {
  readonly a: string;
  readonly b: string;
  readonly latencyMs: number | null;
}

/** What a topology is like. */
export interface TopologyFigures {
  readonly links: number;
  readonly fewestLinks: number;
  readonly mostLinks: number;
  /** Hops between the two that are farthest apart; null: not connected. */
  readonly diameter: number | null;
  /** Without whom the others fall apart. */
  readonly articulationPoints: readonly string[];
  /** The fewest links whose loss cuts somebody off, and whom; null: fewer than two agents. */
  readonly smallestCut: { readonly links: number; readonly side: readonly string[] } | null;
  /** The fewest agents whose failure leaves the others apart; null: too many agents to find out. */
  readonly agentCut: number | null;
  /** On the fastest ways, the mean of all pairs, one way, ms; null: too little was measured. Counts what is new by its upper bound. */
  readonly meanLatencyMs: number | null;
  /** Links that were measured to be far slower than usual. */
  readonly slowLinks: number;
  /** Of each zone; none where there are fewer than two. */
  readonly zones: readonly ZoneFigures[];
}

export interface ZoneFigures {
  readonly zone: string;
  readonly agents: number;
  /** Of links that lead out of it: how many there are, and how many of its agents have one. */
  readonly linksOut: number;
  readonly agentsOut: number;
  /** Without all of its agents, the others hang together. */
  readonly survived: boolean;
}

export interface TopologyPlanView extends LinksEach {
  /** Of which agents and links it was made: it is carried out only while they are the same. */
  readonly basis: string;
  readonly add: readonly PlannedLink[];
  readonly drop: readonly PlannedLink[];
  /** What a link usually takes, ms; null: nothing was measured. */
  readonly usualMs: number | null;
  readonly before: TopologyFigures;
  readonly after: TopologyFigures;
  /** All of it as `agent-mesh optimise` prints it. */
  readonly text: string;
}

/** A plan that is to be carried out. */
export interface RewireRequest {
  readonly swarm: string;
  /** Names it for progress. */
  readonly operation: string;
  readonly basis: string;
  readonly least: number;
  readonly add: readonly { readonly a: string; readonly b: string }[];
  readonly drop: readonly { readonly a: string; readonly b: string }[];
}

/** What was done: how many links came, went, and are there now. */
export interface Rewired {
  readonly added: number;
  readonly dropped: number;
  readonly links: number;
}
