/** What of a swarm is drawn one by one, and what in one piece: closed groups, and the links that end in them. */
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import { formatDuration, formatShare, plural } from "../format.ts";
import { lookOf } from "../glyphs.ts";
import { troublesOf } from "../troubles.ts";
import type { Group } from "./groups.ts";
import { isTroubled, linkId } from "./link-style.ts";

/** From good to bad: the worst state in a group is the one that its shape shows. */
export const CONDITIONS = ["well", "troubled", "suspected", "failed"] as const;
export type Condition = (typeof CONDITIONS)[number];

/** A group in figures. */
export interface GroupFigures {
  readonly group: Group;
  readonly worst: Condition;
  /** Each agent counts once, by its worst. */
  readonly counts: Readonly<Record<Condition, number>>;
  /** Who of it leads; "" where nobody does. */
  readonly leader: string;
  /** Links between its own agents. */
  readonly inside: number;
}

/** All links between two that are drawn of which one at least is a closed group. */
export interface Bundle {
  readonly a: string;
  readonly b: string;
  readonly links: readonly LinkView[];
}

export interface Shown {
  readonly agents: ReadonlyMap<string, AgentView>;
  readonly groups: ReadonlyMap<string, GroupFigures>;
  readonly links: ReadonlyMap<string, LinkView>;
  readonly bundles: ReadonlyMap<string, Bundle>;
}

/** @param closed the groups that are drawn in one piece */
export function shownOf(swarm: SwarmView, closed: readonly Group[]): Shown {
  const standIn = new Map(closed.flatMap(({ id, agents }) => agents.map((agent) => [agent, id] as const)));
  const inside = new Map<string, number>();
  const links = new Map<string, LinkView>();
  const bundles = new Map<string, { a: string; b: string; links: LinkView[] }>();
  for (const link of swarm.links) {
    const [from, to] = [standIn.get(link.a), standIn.get(link.b)];
    if (from === undefined && to === undefined) links.set(linkId(link), link);
    else if (from !== undefined && from === to) inside.set(from, (inside.get(from) ?? 0) + 1);
    else {
      const [a, b] = [from ?? link.a, to ?? link.b].sort() as [string, string];
      const id = bundleId(a, b);
      const bundle = bundles.get(id);
      if (bundle === undefined) bundles.set(id, { a, b, links: [link] });
      else bundle.links.push(link);
    }
  }
  const all = new Map(swarm.agents.map((agent) => [agent.id, agent]));
  return {
    agents: standIn.size === 0 ? all : new Map([...all].filter(([id]) => !standIn.has(id))),
    groups: new Map(closed.map((group) => [group.id, figuresOf(swarm, group, all, inside.get(group.id) ?? 0)])),
    links,
    bundles,
  };
}

export function bundleId(a: string, b: string): string {
  return `${a} = ${b}`;
}

export function conditionOf(agent: AgentView, { faults, health }: SwarmView): Condition {
  const { shape, suspected } = lookOf(agent, health.quorum);
  if (shape === "failed" || shape === "stopped" || agent.health === "failed") return "failed";
  if (suspected || agent.health === "suspected") return "suspected";
  if (shape === "paused" || agent.faults.length > 0 || troublesOf(agent, faults).length > 0) return "troubled";
  return "well";
}

function figuresOf(
  swarm: SwarmView,
  group: Group,
  agents: ReadonlyMap<string, AgentView>,
  inside: number,
): GroupFigures {
  const counts: Record<Condition, number> = { well: 0, troubled: 0, suspected: 0, failed: 0 };
  let leader = "";
  for (const id of group.agents) {
    const agent = agents.get(id);
    if (agent === undefined) continue;
    counts[conditionOf(agent, swarm)]++;
    if (lookOf(agent, swarm.health.quorum).shape === "leader") leader = id;
  }
  const worst = CONDITIONS.findLast((condition) => counts[condition] > 0) ?? "well";
  return { group, worst, counts, leader, inside };
}

/** The figures of a group that may be open. */
export function figuresOfGroup(swarm: SwarmView, group: Group): GroupFigures {
  const members = new Set(group.agents);
  const inside = swarm.links.filter(({ a, b }) => members.has(a) && members.has(b)).length;
  return figuresOf(swarm, group, new Map(swarm.agents.map((agent) => [agent.id, agent])), inside);
}

/** "2 failed, 1 suspected, 3 with faults"; "" where all are well. `short`: faults only where nothing is worse. */
export function conditionText({ counts }: Pick<GroupFigures, "counts">, length: "short" | "whole" = "whole"): string {
  const worse = counts.failed + counts.suspected > 0;
  return [
    counts.failed > 0 ? `${counts.failed} failed` : "",
    counts.suspected > 0 ? `${counts.suspected} suspected` : "",
    counts.troubled > 0 && !(worse && length === "short") ? `${counts.troubled} with faults` : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** All links of a bundle as one, to be drawn as one is: the traffic of all, the middle latency, the mean loss, and cut or down only where all are. */
export function asOneLink({ a, b, links }: Bundle): LinkView {
  const up = links.filter(({ state }) => state === "up");
  const latencies = up.flatMap(({ latencyP50Ms }) => (latencyP50Ms === null ? [] : [latencyP50Ms]));
  latencies.sort((p, q) => p - q);
  const sum = (value: (link: LinkView) => number): number => links.reduce((total, link) => total + value(link), 0);
  const mean = (value: (link: LinkView) => number): number => sum(value) / links.length;
  const all = (pick: (link: LinkView) => readonly string[]): readonly string[] => [...new Set(links.flatMap(pick))];
  return {
    a,
    b,
    state: up.length > 0 ? "up" : links.some(({ state }) => state === "cut") ? "cut" : "down",
    framesPerSecond: sum((link) => link.framesPerSecond),
    bytesPerSecond: sum((link) => link.bytesPerSecond),
    latencyP50Ms: latencies[Math.floor((latencies.length - 1) / 2)] ?? null,
    loss: mean((link) => link.loss),
    delayed: mean((link) => link.delayed),
    corrupted: mean((link) => link.corrupted),
    faults: all((link) => link.faults),
    faultsOut: [],
    faultsIn: [],
  };
}

/** "12 links", "12 links, 3 down, 30 % lost". */
export function bundleText(bundle: Bundle): string {
  const count = (state: LinkView["state"]): number => bundle.links.filter((link) => link.state === state).length;
  const { loss } = asOneLink(bundle);
  return [
    plural(bundle.links.length, "link"),
    count("down") > 0 ? `${count("down")} down` : "",
    count("cut") > 0 ? `${count("cut")} cut` : "",
    loss > 0 ? `${formatShare(loss)} lost` : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** "0.2 to 30 ms"; a dash where nothing was measured. */
export function latencyRange({ links }: Bundle): string {
  const known = links.flatMap(({ latencyP50Ms }) => (latencyP50Ms === null ? [] : [latencyP50Ms]));
  if (known.length === 0) return formatDuration(null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const shown = (ms: number): string => formatDuration(Math.round(ms * 100) / 100);
  return least === most ? shown(least) : `${shown(least)} to ${shown(most)}`;
}

/** Whether something is wrong with one of them. */
export function isTroubledBundle({ links }: Bundle): boolean {
  return links.some((link) => link.state !== "up" || isTroubled(link));
}
