/** One drawing of the picture, planned before anything is painted: what stands where, so that the next one can tell which parts of the canvas have to change. */
import type { LinkView } from "../../server/contract/swarm.ts";
import type { Box } from "../elements/placement.ts";
import { isHighContrast } from "../theme.ts";
import { troublesOf } from "../troubles.ts";
import { type Label, type Measure, planLabels } from "./labels.ts";
import type { Position } from "./layout.ts";
import { markBox, type PlacedMark, placeLinkMarks } from "./link-marks.ts";
import { type LinkStyle, linkStyle } from "./link-style.ts";
import { glyphRadiusPx, groupRadiusPx, type Scene, sceneLook, type View } from "./scene.ts";
import { asOneLink } from "./shown.ts";
import { thingId, touches } from "./thing.ts";

/** A link or a bundle in its place, CSS pixels. */
export interface DrawnLink {
  readonly id: string;
  readonly from: Position;
  readonly to: Position;
  readonly state: LinkView["state"];
  readonly style: LinkStyle;
  /** CSS pixels. */
  readonly width: number;
}

export interface Frame {
  readonly scene: Scene;
  readonly view: View;
  /** Of agents and closed groups, CSS pixels. */
  readonly points: ReadonlyMap<string, Position>;
  /** Of an agent's glyph. */
  readonly radius: number;
  readonly links: readonly DrawnLink[];
  readonly marks: readonly PlacedMark[];
  readonly labels: readonly Label[];
}

export function planFrame(scene: Scene, view: View, measure: Measure): Frame {
  const radius = glyphRadiusPx(view.scale);
  const points = new Map<string, Position>();
  for (const ids of [scene.shown.agents.keys(), scene.shown.groups.keys()]) {
    for (const id of ids) {
      const at = view.positions[id];
      if (at !== undefined) points.set(id, view.toPage(at));
    }
  }
  const marks = placeLinkMarks(scene, points, radius);
  const labels = planLabels(scene, view, points, radius, marks.map(markBox), measure);
  return { scene, view, points, radius, links: drawnLinks(scene, view, points), marks, labels };
}

function drawnLinks(scene: Scene, view: View, points: ReadonlyMap<string, Position>): readonly DrawnLink[] {
  const { shown, usualMs, selected } = scene;
  const drawn = shown.links.size + shown.bundles.size;
  const around = { drawn, usualMs, highContrast: isHighContrast(scene.theme), spreads: scene.spread !== null };
  const zoom = Math.max(0.55, Math.min(1.8, view.scale));
  const found: DrawnLink[] = [];
  let covered = 0;
  const add = (id: string, link: LinkView, extra: number): void => {
    const [from, to] = [points.get(link.a), points.get(link.b)];
    if (from === undefined || to === undefined) return;
    const style = linkStyle(link, touches(selected, id, link), around);
    const width = (style.width + extra) * zoom;
    if (style.ink === "muted") covered += width * Math.hypot(to.x - from.x, to.y - from.y);
    found.push({ id, from, to, state: link.state, style, width });
  };
  // Wider the more it stands for.
  for (const [id, bundle] of shown.bundles) add(id, asOneLink(bundle), Math.log2(bundle.links.length) / 2);
  for (const [id, link] of shown.links) add(id, link, 0);
  return lighter(found, covered / Math.max(1, view.width * view.height), around.highContrast);
}

/** Ordinary links may cover so much of the picture as if they lay side by side; beyond it they get lighter. */
const COVERED_MAX = 0.12;

function lighter(links: readonly DrawnLink[], covered: number, highContrast: boolean): readonly DrawnLink[] {
  if (covered <= COVERED_MAX) return links;
  // In steps, so that a little more traffic does not paint all anew.
  const share = Math.max(highContrast ? 0.4 : 0.25, Math.round((8 * COVERED_MAX) / covered) / 8);
  return links.map((link) => {
    const { style } = link;
    return style.ink === "muted" ? { ...link, style: { ...style, opacity: style.opacity * share } } : link;
  });
}

/** What is to be seen of something, as a text that differs when it looks different, and where. */
interface Item {
  readonly look: string;
  readonly box: Box;
}

/**
 * The parts of the canvas where two drawings with the same places differ, CSS pixels; null where that cannot be told, or is too much to be worth it.
 * @param most so many parts are worth it
 */
export function changedParts(before: Frame, after: Frame, most: number): readonly Box[] | null {
  if (!samePlace(before, after)) return null;
  const [old, now] = [itemsOf(before), itemsOf(after)];
  const parts: Box[] = [];
  for (const [id, item] of now) {
    const was = old.get(id);
    if (was?.look === item.look) continue;
    if (was !== undefined) parts.push(was.box);
    parts.push(item.box);
    if (parts.length > most) return null;
  }
  for (const [id, { box }] of old) if (!now.has(id)) parts.push(box);
  return parts.length > most ? null : parts;
}

/** What is below everything else is the same, and all stand where they stood. */
function samePlace(before: Frame, after: Frame): boolean {
  const { view, scene, points } = before;
  const sameView =
    view.scale === after.view.scale && view.width === after.view.width && view.height === after.view.height;
  if (!sameView || scene.islands !== after.scene.islands || scene.regions !== after.scene.regions) return false;
  if (scene.ring !== after.scene.ring) return false;
  if (scene.theme !== after.scene.theme || points.size !== after.points.size) return false;
  const isRegion = (thing: Scene["selected"]): boolean =>
    thing?.kind === "group" && after.scene.regions.some(({ group }) => group === thing.group);
  if (scene.selected !== after.scene.selected && (isRegion(scene.selected) || isRegion(after.scene.selected)))
    return false;
  for (const [id, { x, y }] of after.points) {
    const was = points.get(id);
    if (was?.x !== x || was.y !== y) return false;
  }
  return true;
}

function itemsOf({ scene, view, points, radius, links, marks, labels }: Frame): ReadonlyMap<string, Item> {
  const items = new Map<string, Item>();
  const around = (id: string, r: number, look: string): void => {
    const at = points.get(id);
    if (at !== undefined) items.set(id, { look, box: { x: at.x - r, y: at.y - r, width: 2 * r, height: 2 * r } });
  };
  const faults = scene.swarm?.faults ?? [];
  const chosen = (id: string): string =>
    [scene.selected, scene.hovered].map((thing) => (thing !== null && thingId(thing) === id ? "x" : "-")).join("");
  for (const agent of scene.shown.agents.values()) {
    const { shape, suspected, votesShare } = sceneLook(scene, agent);
    const order = scene.spread?.order.get(agent.id) ?? 0;
    const troubles = troublesOf(agent, faults).join();
    const look = `${shape} ${suspected} ${votesShare} ${troubles} ${order} ${chosen(agent.id)}`;
    around(agent.id, radius * 2 + 14, look);
  }
  for (const { group, counts, leader, worst } of scene.shown.groups.values()) {
    const heard = group.agents.filter((agent) => scene.spread?.order.has(agent)).length;
    const look = `${worst} ${counts.failed} ${leader} ${group.agents.length} ${heard} ${chosen(group.id)}`;
    around(group.id, groupRadiusPx(view.scale, group.agents.length) * 1.6 + 10, look);
  }
  for (const { id, from, to, state, style, width } of links) {
    const look = `${state} ${style.ink} ${style.opacity} ${style.dashes} ${width}`;
    items.set(`link ${id}`, { look, box: linkBox(from, to, width) });
  }
  for (const { from, to } of scene.spread?.ways ?? []) {
    const [a, b] = [points.get(from), points.get(to)];
    if (a !== undefined && b !== undefined) items.set(`way ${from} ${to}`, { look: "", box: linkBox(a, b, 8) });
  }
  marks.forEach((mark, i) => {
    const box = markBox(mark);
    items.set(`mark ${mark.link} ${i}`, { look: `${box.x} ${box.y} ${box.width} ${mark.angle}`, box: wider(box, 8) });
  });
  for (const { of, text, x, y, ink, weight, box } of labels)
    items.set(`label ${of} ${text} ${x} ${y}`, { look: `${ink} ${weight}`, box: wider(box, 4) });
  return items;
}

export function linkBox(from: Position, to: Position, width: number): Box {
  const box = {
    x: Math.min(from.x, to.x),
    y: Math.min(from.y, to.y),
    width: Math.abs(from.x - to.x),
    height: Math.abs(from.y - to.y),
  };
  return wider(box, width / 2 + 8);
}

export function wider(box: Box, by: number): Box {
  return { x: box.x - by, y: box.y - by, width: box.width + 2 * by, height: box.height + 2 * by };
}
