/**
 * Where everything of a picture stands: agents, closed groups, and the regions of open ones. Pure, so that it can run in the worker and be tested without one.
 */
import { forceLayout } from "./force.ts";
import { GROUPS_FROM, type Group, groupsOf, zoneGroups } from "./groups.ts";
import { type RingDrawing, ringGroups, ringLayout } from "./hash-ring.ts";
import { circle, layoutByKind, type Pair, type Position, SPACING } from "./layout.ts";

/** linked: by what the topology says, or who is linked with whom. ring: by a hash of the ids. */
export const LAYOUT_NAMES = ["linked", "ring"] as const;
export type LayoutName = (typeof LAYOUT_NAMES)[number];

export interface Arranging {
  readonly topology: string;
  readonly layout: LayoutName;
  readonly agents: readonly string[];
  readonly links: readonly Pair[];
  /** Of agents, in their order: where the mesh file has zones, they are the groups. */
  readonly zones?: readonly (readonly [agent: string, zone: string])[];
  /** The groups before: see groupsOf. */
  readonly previous: readonly Group[];
  /** Which groups are closed: all but those named, or only those named. */
  readonly closed: { readonly all: boolean; readonly except: readonly string[] };
}

/** The room of an open group. */
export interface Region {
  readonly group: string;
  readonly centre: Position;
  readonly radius: number;
}

export interface Arrangement {
  readonly groups: readonly Group[];
  /** Of agents that are drawn, and of closed groups by their ids. */
  readonly positions: ReadonlyMap<string, Position>;
  /** Of open groups, where others are closed or the groups are zones. */
  readonly regions: readonly Region[];
  /** Where the layout is one. */
  readonly ring: RingDrawing | null;
}

/** Agents nearer to one another than this are too many to be drawn each, CSS pixels. */
const CROWDED_PX = 24;
/** What names take of the room. */
const NAMES_PX = 100;

/** Whether all agents together would be too many for a picture of this size. Cheap: where only the worker could tell exactly, it estimates. */
export function isCrowded(
  { topology, layout, agents, links }: Omit<Arranging, "previous" | "closed">,
  room: { readonly width: number; readonly height: number },
): boolean {
  if (agents.length < GROUPS_FROM) return false;
  const known = layout === "ring" ? ringLayout(agents).positions : layoutByKind(topology, agents, links);
  const side = SPACING * 1.15 * Math.sqrt(agents.length);
  const places =
    known === null
      ? [
          { x: 0, y: 0 },
          { x: side, y: side },
        ]
      : [...known.values()];
  const extent = (values: readonly number[]): number => Math.max(1, Math.max(...values) - Math.min(...values));
  const width = (room.width - NAMES_PX) / extent(places.map(({ x }) => x));
  const height = (room.height - NAMES_PX) / extent(places.map(({ y }) => y));
  const scale = Math.min(width, height);
  return SPACING * scale < CROWDED_PX;
}

export function isClosed({ all, except }: Arranging["closed"], group: string): boolean {
  return all !== except.includes(group);
}

export function arrange(question: Arranging): Arrangement {
  const { topology, layout, agents, links, zones = [], previous } = question;
  const zoned = zoneGroups(zones);
  const linked = (): readonly Group[] => (zoned.length > 0 ? zoned : groupsOf(topology, agents, links, previous));
  const groups = layout === "ring" ? ringGroups(agents) : linked();
  const closed = groups.filter((group) => isClosed(question.closed, group.id));
  if (layout === "ring") return { groups, ...ringLayout(agents, closed), regions: [] };
  if (closed.length === 0 && zoned.length === 0) {
    const positions = layoutByKind(topology, agents, links) ?? forceLayout(agents, links);
    return { groups, positions, regions: [], ring: null };
  }
  return { groups, ...groupedLayout(question, groups, new Set(closed.map(({ id }) => id))), ring: null };
}

/** Half the room of a closed group, and what is left free around each; picture units. */
const CLOSED_RADIUS = SPACING * 0.5;
const MARGIN = SPACING * 0.55;
const GAP = SPACING * 0.3;

function groupedLayout(
  { topology, links, agents }: Arranging,
  groups: readonly Group[],
  closed: ReadonlySet<string>,
): Pick<Arrangement, "positions" | "regions"> {
  const groupOf = new Map(groups.flatMap(({ id, agents: members }) => members.map((agent) => [agent, id] as const)));
  const inside = new Map<string, Pair[]>();
  const between = new Map<string, Pair>();
  for (const [a, b] of links) {
    const [from, to] = [groupOf.get(a), groupOf.get(b)];
    if (from === undefined || to === undefined) continue;
    if (from !== to) between.set(from < to ? `${from} ${to}` : `${to} ${from}`, [from, to]);
    else if (!closed.has(from)) inside.set(from, [...(inside.get(from) ?? []), [a, b]]);
  }
  const rooms = groups.map((group) => {
    if (closed.has(group.id)) return { group, radius: CLOSED_RADIUS, members: new Map<string, Position>() };
    const members = centred(forceLayout(group.agents, inside.get(group.id) ?? []));
    const reach = Math.max(0, ...[...members.values()].map(({ x, y }) => Math.hypot(x, y)));
    return { group, radius: reach + MARGIN, members };
  });
  const start = groupPositions(topology, agents, links, groups, [...between.values()]);
  const centres = partedCircles(
    rooms.map(({ group, radius }) => ({ at: start.get(group.id) ?? { x: 0, y: 0 }, radius })),
  );
  const positions = new Map<string, Position>();
  const regions: Region[] = [];
  rooms.forEach(({ group, radius, members }, i) => {
    const centre = centres[i]!;
    if (closed.has(group.id)) positions.set(group.id, centre);
    else regions.push({ group: group.id, centre, radius });
    for (const [agent, at] of members) positions.set(agent, { x: centre.x + at.x, y: centre.y + at.y });
  });
  return { positions, regions };
}

/** Kinds whose agents stand on one circle in their order. */
const CIRCLES: readonly string[] = ["mesh", "ring", "k-regular", "small-world", "hyparview"];

/** Where groups stand while all are closed; the same whichever are open. */
function groupPositions(
  topology: string,
  agents: readonly string[],
  links: readonly Pair[],
  groups: readonly Group[],
  between: readonly Pair[],
): ReadonlyMap<string, Position> {
  const ids = groups.map(({ id }) => id);
  if (CIRCLES.includes(topology)) return apart(circle(onCircle(agents, groups)));
  const places = topology === "grid" ? layoutByKind(topology, agents, links) : null;
  if (places === null) return apart(forceLayout(ids, between));
  const middles = groups.map(({ agents: members }) => middleOf(members.map((agent) => places.get(agent)!)));
  const extent = Math.max(...middles.map(({ x }) => x)) - Math.min(...middles.map(({ x }) => x));
  const scale = (1.35 * SPACING * Math.sqrt(groups.length)) / Math.max(1, extent);
  return new Map(ids.map((id, i) => [id, { x: middles[i]!.x * scale, y: middles[i]!.y * scale }]));
}

/** With room for a group where a layout has room for an agent. */
function apart(positions: ReadonlyMap<string, Position>): ReadonlyMap<string, Position> {
  return new Map([...positions].map(([id, { x, y }]) => [id, { x: 1.35 * x, y: 1.35 * y }]));
}

/** In the order in which the middles of their agents stand on a circle of all. */
function onCircle(agents: readonly string[], groups: readonly Group[]): readonly string[] {
  const places = circle(agents);
  const turns = groups.map(({ id, agents: members }) => {
    const { x, y } = middleOf(members.map((agent) => places.get(agent)!));
    // From the top, clockwise.
    return { id, turn: (Math.atan2(y, x) + 2.5 * Math.PI) % (2 * Math.PI) };
  });
  return turns.sort((a, b) => a.turn - b.turn || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
}

/** Pushes circles apart until none touches another, each by as much as the other one is large: what is small makes room. */
export function partedCircles(
  circles: readonly { readonly at: Position; readonly radius: number }[],
): readonly Position[] {
  const x = circles.map(({ at }) => at.x);
  const y = circles.map(({ at }) => at.y);
  for (let round = 0, touching = true; round < 400 && touching; round++) {
    touching = false;
    for (let i = 0; i < circles.length; i++) {
      for (let j = i + 1; j < circles.length; j++) {
        const [p, q] = [circles[i]!.radius, circles[j]!.radius];
        let [dx, dy] = [x[j]! - x[i]!, y[j]! - y[i]!];
        let distance = Math.hypot(dx, dy);
        const lacking = p + q + GAP - distance;
        if (lacking <= 0.5) continue;
        touching = true;
        if (distance < 1) [dx, dy, distance] = [Math.cos(i + j), Math.sin(i + j), 1];
        const push = lacking / distance / (p + q);
        x[i]! -= dx * push * q;
        y[i]! -= dy * push * q;
        x[j]! += dx * push * p;
        y[j]! += dy * push * p;
      }
    }
  }
  return circles.map((_, i) => ({ x: x[i]!, y: y[i]! }));
}

function centred(positions: ReadonlyMap<string, Position>): ReadonlyMap<string, Position> {
  const middle = middleOf([...positions.values()]);
  return new Map([...positions].map(([id, { x, y }]) => [id, { x: x - middle.x, y: y - middle.y }]));
}

function middleOf(places: readonly Position[]): Position {
  const sum = places.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 });
  return { x: sum.x / places.length, y: sum.y / places.length };
}
