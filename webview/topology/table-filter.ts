/** Which agents and links the tables list: by words, and by state. */
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import { lookOf } from "../glyphs.ts";
import { conditionName } from "../troubles.ts";
import { isSlow, isTroubled, linkId, usualLatencyMs } from "./link-style.ts";
import { type Condition, conditionOf } from "./shown.ts";

export const FILTER_STATES = {
  all: "Any state",
  wrong: "Anything wrong",
  failed: "Failed, or link not up",
  suspected: "Suspected, or link slow",
  troubled: "With faults",
} as const;
export type FilterState = keyof typeof FILTER_STATES;

export interface MeshFilter {
  /** Words that must all occur, whatever their case. */
  readonly text: string;
  readonly state: FilterState;
}

export const NO_FILTER: MeshFilter = { text: "", state: "all" };

/** An agent is found by its id, its zone and its state in words; a link by its ends and its state. The same arrays as in the swarm where all are listed. */
export function filterMesh(
  swarm: SwarmView,
  { text, state }: MeshFilter,
): { readonly agents: readonly AgentView[]; readonly links: readonly LinkView[] } {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0 && state === "all") return swarm;
  const usualMs = usualLatencyMs(swarm.links);
  // A word that names an agent means that one: a1 is not a12.
  const names = new Set(swarm.agents.map(({ id }) => id.toLowerCase()));
  const found = (ids: readonly string[], said: string): boolean =>
    words.every((word) => (names.has(word) ? ids.includes(word) : `${ids.join(" ")} ${said}`.includes(word)));
  const agents = swarm.agents.filter((agent) => {
    const condition = conditionName(agent, lookOf(agent, swarm.health.quorum), swarm.faults);
    const said = `${condition} ${agent.zone ?? ""}`.toLowerCase();
    return isAgentLike(conditionOf(agent, swarm), state) && found([agent.id.toLowerCase()], said);
  });
  const links = swarm.links.filter(
    (link) =>
      isLinkLike(link, usualMs, state) &&
      found([link.a.toLowerCase(), link.b.toLowerCase()], `${linkId(link)} ${link.state}`.toLowerCase()),
  );
  return { agents, links };
}

function isAgentLike(condition: Condition, state: FilterState): boolean {
  if (state === "all") return true;
  return state === "wrong" ? condition !== "well" : condition === state;
}

function isLinkLike(link: LinkView, usualMs: number | null, state: FilterState): boolean {
  const slow = isSlow(link, { usualMs });
  switch (state) {
    case "all":
      return true;
    case "wrong":
      return link.state !== "up" || isTroubled(link) || slow;
    case "failed":
      return link.state !== "up";
    case "suspected":
      return slow;
    case "troubled":
      return isTroubled(link);
  }
}
