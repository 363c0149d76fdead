/** Decides what of a swarm is in groups and where all of it stands, and asks for it anew only when agents, links or the person's wishes are others. */
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { type Arrangement, isClosed, isCrowded, type LayoutName } from "./arrange.ts";
import type { TopologyGraph } from "./graph.ts";
import type { Group } from "./groups.ts";
import type { LayoutService } from "./layout-service.ts";
import { ISLAND_LIMIT, islandsOf, sidesOf } from "./sides.ts";

/** What the person wants of the layout. */
export interface LayoutWishes {
  readonly layout: LayoutName;
  /** auto: groups are closed where there is no room for all agents. */
  readonly groups: "auto" | "open" | "closed";
  /** Groups that the person opened or closed one by one. */
  readonly opened: readonly string[];
  readonly shut: readonly string[];
}

export class PictureLayout {
  readonly #layouts: LayoutService;
  /** What the current layout was made for; another key needs another layout. */
  #key = "";
  #groups: readonly Group[] = [];
  #groupsOf = "";
  #busy = false;
  #closed: ReadonlySet<string> = new Set();

  constructor(layouts: LayoutService) {
    this.#layouts = layouts;
  }

  /** Whether the answer to the last question has not come yet. */
  get busy(): boolean {
    return this.#busy;
  }

  /** As last laid out; none where there are few agents. */
  get groups(): readonly Group[] {
    return this.#groups;
  }

  isClosed(group: string): boolean {
    return this.#closed.has(group);
  }

  groupOf(agent: string): Group | undefined {
    return this.#groups.find(({ agents }) => agents.includes(agent));
  }

  /** The picture is gone: the next one is laid out from the start. */
  forget(): void {
    this.#key = "";
  }

  /** Calls back when something stands elsewhere or is in another group; maybe later. */
  layOut(graph: TopologyGraph, swarm: SwarmView, wishes: LayoutWishes, room: HTMLElement, done: () => void): void {
    const { topology } = swarm;
    const { layout } = wishes;
    const agents = swarm.agents.map((agent) => agent.id);
    const linked = layout === "linked";
    const sides = linked && agents.length <= ISLAND_LIMIT ? sidesOf(agents, swarm.links) : [agents];
    const links = swarm.links.map((link) => [link.a, link.b] as const);
    const size = { width: room.clientWidth, height: room.clientHeight };
    const tall = size.height > size.width * 1.15;
    const all =
      wishes.groups === "auto" ? isCrowded({ topology, layout, agents, links }, size) : wishes.groups === "closed";
    const closed = { all, except: all ? wishes.opened : wishes.shut };
    const which = `${swarm.id}|${topology}|${layout}`;
    const wished = `${closed.all} ${closed.except.join()}`;
    const zones = swarm.agents.flatMap(({ id, zone }) => (zone === undefined ? [] : [[id, zone] as const]));
    const key = `${which}|${zones.map(([, zone]) => zone).join()}|${sides.map((side) => side.join()).join("|")}|${sides.length > 1 && tall}|${linksKey(links)}|${wished}`;
    if (key === this.#key) return;
    this.#key = key;
    if (sides.length > 1) {
      const { islands, positions } = islandsOf(
        sides,
        CONSENSUS[swarm.consensus].ordered ? swarm.health.quorum : 1,
        tall,
        (agent) => swarm.members?.voters.includes(agent) ?? true,
      );
      this.#groups = [];
      this.#closed = new Set();
      this.#busy = false;
      graph.place({ positions, closed: [], regions: [], islands, ring: null });
      done();
      return;
    }
    const previous = which === this.#groupsOf ? this.#groups : [];
    this.#busy = true;
    this.#layouts.arrange({ topology, layout, agents, links, zones, previous, closed }, (arrangement) => {
      if (this.#key !== key) return;
      this.#busy = false;
      this.#groupsOf = which;
      this.#take(graph, arrangement, closed);
      done();
    });
  }

  #take(
    graph: TopologyGraph,
    { groups, positions, regions, ring }: Arrangement,
    closed: Parameters<typeof isClosed>[0],
  ): void {
    this.#groups = groups;
    const names = new Map(groups.map((group) => [group.id, group.name]));
    const shut = groups.filter((group) => isClosed(closed, group.id));
    this.#closed = new Set(shut.map(({ id }) => id));
    graph.place({
      positions,
      closed: shut,
      regions: regions.map((region) => ({ ...region, name: names.get(region.group) ?? "" })),
      islands: [],
      ring,
    });
  }
}

/** Which links there are, whatever their figures. */
function linksKey(pairs: readonly (readonly [string, string])[]): string {
  let hash = 0;
  for (const char of pairs.flat().join()) hash = (hash * 31 + char.charCodeAt(0)) | 0;
  return `${pairs.length}:${hash}`;
}
