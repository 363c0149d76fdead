/**
 * Agents on a circle by a hash of their ids, one point each, as consistent hashing places them (Karger et al. 1997): whoever comes next clockwise owns what lies between. It is a way to look at a
 * swarm: nothing is stored by it.
 */
import { GROUPS_FROM, type Group } from "./groups.ts";
import { type Position, SPACING } from "./layout.ts";

/** Where an agent stands on the ring, and how much of it is its own. Shares of the whole, 0..1. */
export interface RingPlace {
  /** From the top, clockwise. */
  readonly at: number;
  /** From the agent before it up to itself. */
  readonly share: number;
  /** Who comes next, clockwise. */
  readonly next: string;
}

/** How much of the ring is left free between those on it: more where there are few, so that they stand where their hashes are. */
const FREE_SHARE = { few: 0.4, many: 0.12 };
const MANY_FROM = 24;

/** 32-bit FNV-1a, mixed by MurmurHash3's finaliser, as a share of the whole: 0 <= share < 1. */
export function ringShare(id: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(id)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export function ringPlaces(agents: readonly string[]): ReadonlyMap<string, RingPlace> {
  const ordered = clockwise(agents);
  return new Map(
    ordered.map(({ agent, at }, i) => {
      const before = ordered.at(i - 1)!.at;
      const share = ordered.length === 1 ? 1 : (at - before + 1) % 1;
      return [agent, { at, share, next: ordered[(i + 1) % ordered.length]!.agent }] as const;
    }),
  );
}

/** The circle, and where on it the hashes of those that stand on it are exactly. */
export interface RingDrawing {
  readonly radius: number;
  /** From the exact place to where there was room. */
  readonly ticks: readonly { readonly exact: Position; readonly placed: Position }[];
}

export interface RingLayout {
  readonly positions: ReadonlyMap<string, Position>;
  readonly ring: RingDrawing;
}

/**
 * In the order of the hashes, each as near to its own as those beside it leave room: the sum of the squared distances is the least that there is (isotonic regression, Ayer et al. 1955). A closed
 * stretch stands in the middle of its agents.
 */
export function ringLayout(agents: readonly string[], closed: readonly Group[] = []): RingLayout {
  const hidden = new Set(closed.flatMap((group) => group.agents));
  const placed = [
    ...clockwise(agents.filter((agent) => !hidden.has(agent))),
    ...closed.map(({ id, agents: members }) => ({ agent: id, at: middleOf(members) })),
  ].sort((a, b) => a.at - b.at);
  const free = placed.length < MANY_FROM ? FREE_SHARE.few : FREE_SHARE.many;
  const around = Math.max((placed.length * SPACING) / (1 - free), 2 * Math.PI * 1.3 * SPACING);
  const radius = around / (2 * Math.PI);
  const places = spacedOnCircle(
    placed.map(({ at }) => at),
    SPACING / around,
  );
  const positions = new Map(placed.map(({ agent }, i) => [agent, onRing(places[i]!, radius)]));
  const ticks = placed.map(({ agent, at }) => ({ exact: onRing(at, radius), placed: positions.get(agent)! }));
  return { positions, ring: { radius, ticks } };
}

/** Rising places on a circle of length 1, moved as little as keeps them `gap` apart. */
export function spacedOnCircle(places: readonly number[], gap: number): readonly number[] {
  if (places.length < 2) return places;
  // The circle is cut in the middle of its longest empty stretch.
  let from = 0;
  let longest = 0;
  places.forEach((at, i) => {
    const empty = (at - places.at(i - 1)! + 1) % 1;
    if (empty > longest) [from, longest] = [i, empty];
  });
  const cut = places[from]! - longest / 2;
  const ordered = places.map((_, i) => (places[(from + i) % places.length]! - cut + 2) % 1);
  // Neighbours whose means are too near become one block around its mean.
  const blocks: { sum: number; count: number }[] = [];
  ordered.forEach((at, i) => {
    blocks.push({ sum: at - i * gap, count: 1 });
    for (let last = blocks.at(-1)!, before = blocks.at(-2); before !== undefined; before = blocks.at(-2)) {
      if (before.sum / before.count <= last.sum / last.count) break;
      blocks.splice(-2, 2, { sum: before.sum + last.sum, count: before.count + last.count });
      last = blocks.at(-1)!;
    }
  });
  const most = 1 - places.length * gap;
  const spaced = blocks.flatMap(({ sum, count }) =>
    Array.from({ length: count }, () => Math.max(0, Math.min(most, sum / count))),
  );
  const moved = places.map(() => 0);
  spaced.forEach((at, i) => {
    moved[(from + i) % places.length] = (at + i * gap + cut + 2) % 1;
  });
  return moved;
}

/** Stretches of equal length, each with whom it holds; none where there is nobody. */
export function ringGroups(agents: readonly string[]): readonly Group[] {
  if (agents.length < GROUPS_FROM) return [];
  const count = Math.max(8, Math.round(Math.sqrt(agents.length)));
  const stretches = Array.from({ length: count }, (): string[] => []);
  for (const { agent, at } of clockwise(agents)) stretches[Math.floor(at * count)]!.push(agent);
  const percent = (i: number): string => `${Math.round((1000 * i) / count) / 10}`;
  return stretches
    .map((members, i) => ({
      id: `stretch:${i}/${count}`,
      name: `${percent(i)}–${percent(i + 1)} %`,
      agents: members,
    }))
    .filter((group) => group.agents.length > 0);
}

function onRing(at: number, radius: number): Position {
  const angle = 2 * Math.PI * at - Math.PI / 2;
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

function clockwise(agents: readonly string[]): readonly { readonly agent: string; readonly at: number }[] {
  const placed = agents.map((agent) => ({ agent, at: ringShare(agent) }));
  return placed.sort((a, b) => a.at - b.at || (a.agent < b.agent ? -1 : 1));
}

function middleOf(agents: readonly string[]): number {
  return agents.reduce((sum, agent) => sum + ringShare(agent), 0) / agents.length;
}
