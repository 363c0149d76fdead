/**
 * Which labels are written, and where: in order of what matters, each only where nothing else is written. Who leads, is chosen or in trouble is named as long as there is any room round it; all
 * others only where agents are large enough to be told apart.
 */
import { CONSENSUS } from "../../server/contract/consensus.ts";
import { agreementText } from "../../server/contract/gossip.ts";
import type { AgentView, LinkView } from "../../server/contract/swarm.ts";
import { type Box, Placement } from "../elements/placement.ts";
import { formatDuration, formatShare, plural } from "../format.ts";
import type { AgentLook } from "../glyphs.ts";
import type { Ink, Theme } from "../theme.ts";
import { conditionName, troublesOf } from "../troubles.ts";
import type { Position } from "./layout.ts";
import { isSlow, isTroubled } from "./link-style.ts";
import { groupRadiusPx, type Scene, sceneLook, type View } from "./scene.ts";
import { type Bundle, bundleText, conditionText, type GroupFigures, isTroubledBundle } from "./shown.ts";
import type { Island } from "./sides.ts";
import { thingId, touches } from "./thing.ts";

/** A line of text in its place, CSS pixels. */
export interface Label {
  /** What it belongs to. */
  readonly of: string;
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly weight: "400" | "600";
  readonly ink: Ink;
  /** On a plate of the background, rather than with a rim of it around its letters. */
  readonly plate: boolean;
  readonly box: Box;
}

/** Width of a text, CSS pixels. */
export type Measure = (text: string, font: string) => number;

/** Below this width the roles and terms of neighbours would touch. */
const NARROW_PX = 420;
/** Smaller agents are named only if they matter; those from the second on say what they are, too. */
const NAMED_FROM_PX = 6.5;
const TOLD_FROM_PX = 10;
/** So many agents all say what they are. */
const TOLD_ALL = 40;

export function fontOf({ size, weight }: Pick<Label, "size" | "weight">, { fontFamily }: Theme): string {
  return `${weight} ${size}px ${fontFamily}`;
}

/** @param blocked where something else is drawn */
export function planLabels(
  scene: Scene,
  view: View,
  points: ReadonlyMap<string, Position>,
  radius: number,
  blocked: readonly Box[],
  measure: Measure,
): readonly Label[] {
  const plan = new LabelPlan(scene, view, measure);
  for (const box of blocked) plan.free.block(box);
  for (const [id, { x, y }] of points) {
    const figures = scene.shown.groups.get(id);
    const r = figures === undefined ? radius : groupRadiusPx(view.scale, figures.group.agents.length);
    const box = { x: x - r, y: y - r, width: 2 * r, height: 2 * r };
    plan.free.block(box);
    if (figures !== undefined) plan.written.block(box);
  }
  const named = nameAgents(plan, points, radius);
  nameGroups(plan, points);
  if (radius >= TOLD_FROM_PX) tellStates(plan, named);
  labelIslands(plan);
  labelLinks(plan, points);
  return plan.labels;
}

class LabelPlan {
  readonly scene: Scene;
  readonly view: View;
  readonly labels: Label[] = [];
  /** Where neither an agent nor a label stands; and where no label does. */
  readonly free = new Placement();
  readonly written = new Placement();
  readonly narrow: boolean;
  readonly #measure: Measure;

  constructor(scene: Scene, view: View, measure: Measure) {
    this.scene = scene;
    this.view = view;
    this.#measure = measure;
    this.narrow = view.width < NARROW_PX;
  }

  /** Writes it at the first of these places that is in the picture and free; `over`: agents may stand there. */
  write(label: Omit<Label, "x" | "y" | "box">, places: readonly Position[], over = false): Label | null {
    const width = this.#measure(label.text, fontOf(label, this.scene.theme)) + 6;
    const height = label.size + 3;
    for (const room of over ? [this.free, this.written] : [this.free]) {
      for (const { x, y } of places) {
        const box = { x: x - width / 2, y: y - height / 2, width, height };
        if (box.x < 0 || box.y < 0 || box.x + width > this.view.width || box.y + height > this.view.height) continue;
        if (!room.isFree(box) || !this.written.isFree(box)) continue;
        this.free.block(box);
        this.written.block(box);
        const placed = { ...label, x, y, box };
        this.labels.push(placed);
        return placed;
      }
    }
    return null;
  }

  /** Half the width of a text on its plate. */
  half(text: string, size: number): number {
    return this.#measure(text, fontOf({ size, weight: "600" }, this.scene.theme)) / 2 + 3;
  }
}

interface Named {
  readonly agent: AgentView;
  readonly label: Label;
  readonly isAbove: boolean;
}

function nameAgents(plan: LabelPlan, points: ReadonlyMap<string, Position>, radius: number): readonly Named[] {
  const { scene } = plan;
  const size = Math.max(11, scene.theme.fontSize - 1);
  const ranked = [...scene.shown.agents.values()].map((agent) => ({ agent, rank: urgency(scene, agent) }));
  ranked.sort((a, b) => b.rank - a.rank);
  const named: Named[] = [];
  for (const { agent, rank } of ranked) {
    const at = points.get(agent.id);
    if (at === undefined || (rank === 0 && radius < NAMED_FROM_PX)) continue;
    const away = radius * (scene.spread?.order.has(agent.id) ? 1.5 : 1.25) + size * 0.8;
    const aside = radius * 1.4 + plan.half(agent.id, size);
    const below = { x: at.x, y: at.y + away };
    const round = [
      { x: at.x, y: at.y - away },
      { x: at.x + aside, y: at.y },
      { x: at.x - aside, y: at.y },
    ];
    const corners = [1, -1].flatMap((down) =>
      [1, -1].map((right) => ({ x: at.x + right * aside, y: at.y + down * away })),
    );
    const further = [2, -2].map((times) => ({ x: at.x, y: at.y + times * away }));
    const places = rank > 0 ? [below, ...round, ...corners, ...further] : [below, ...round.slice(0, 1)];
    const label = plan.write(
      { of: agent.id, text: agent.id, size, weight: "600", ink: "foreground", plate: false },
      places,
      rank > 0,
    );
    if (label !== null && label.x === at.x) named.push({ agent, label, isAbove: label.y < at.y });
  }
  return named;
}

/** What each named agent is, beyond its name as seen from it. */
function tellStates(plan: LabelPlan, named: readonly Named[]): void {
  const { scene, narrow } = plan;
  const crowded = narrow || scene.shown.agents.size > TOLD_ALL;
  for (const { agent, label, isAbove } of named) {
    // A narrow or full picture has room for what is out of the ordinary only.
    const troubled = troublesOf(agent, scene.swarm?.faults ?? []).length > 0;
    if (crowded && !troubled && isOrdinary(sceneLook(scene, agent))) continue;
    const next = { x: label.x, y: label.y + label.size * (isAbove ? -1.4 : 1.4) };
    const text = subtitle(scene, agent, narrow);
    plan.write({ of: agent.id, text, size: label.size - 1, weight: "400", ink: "muted", plate: false }, [next]);
  }
}

function subtitle(scene: Scene, agent: AgentView, short: boolean): string {
  const look = sceneLook(scene, agent);
  const state = conditionName(agent, look, scene.swarm?.faults ?? []);
  if (look.shape === "failed" || look.shape === "stopped") return state;
  // What is not the same everywhere has room even where little has.
  if (agent.gossip !== undefined)
    return short && agent.gossip.agreement === 1
      ? state
      : `${state} · agreement ${agreementText(agent.gossip.agreement)}`;
  const term = scene.swarm === null ? "" : CONSENSUS[scene.swarm.consensus].term;
  return short || term === "" || agent.term === null ? state : `${state} · ${term} ${agent.term}`;
}

function isOrdinary({ shape, suspected }: AgentLook): boolean {
  return !suspected && (shape === "leader" || shape === "follower");
}

function urgency(scene: Scene, agent: AgentView): number {
  const chosen = [scene.selected, scene.hovered].some((thing) => thing?.kind === "agent" && thing.agent === agent.id);
  if (chosen) return 4;
  const { shape, suspected } = sceneLook(scene, agent);
  if (shape === "leader") return 3;
  if (suspected || !(shape === "follower" || shape === "learner")) return 2;
  return shape === "learner" || agent.faults.length > 0 ? 1 : 0;
}

/** Those in trouble first; what is wrong under the name, or instead of it where there is room for one line only. */
function nameGroups(plan: LabelPlan, points: ReadonlyMap<string, Position>): void {
  const { scene, view } = plan;
  const size = Math.max(11, scene.theme.fontSize - 1);
  const isChosen = (id: string): boolean => [scene.selected, scene.hovered].some((one) => one && thingId(one) === id);
  const rank = (figures: GroupFigures): number =>
    (isChosen(figures.group.id) ? 8 : 0) + (figures.leader === "" ? 0 : 4) + (figures.worst === "well" ? 0 : 2);
  const ordered = [...scene.shown.groups.values()].sort((a, b) => rank(b) - rank(a));
  for (const figures of ordered) {
    const { group } = figures;
    const at = points.get(group.id);
    if (at === undefined) continue;
    const r = groupRadiusPx(view.scale, group.agents.length);
    const wrong = conditionText(figures, "short");
    const away = r * 1.2 + size * 0.8;
    const below = { x: at.x, y: at.y + away };
    const head = { of: group.id, size, weight: "600", ink: "foreground", plate: false } as const;
    const name = figures.leader === "" ? group.name : `${group.name}, leader ${figures.leader}`;
    // Where there is no room for all of it, for what matters most.
    const texts = [name, figures.leader === "" ? "" : `leader ${figures.leader}`, wrong, group.name];
    let first: Label | null = null;
    for (const text of new Set(texts))
      if (text !== "") first ??= plan.write({ ...head, text }, [below, { x: at.x, y: at.y - away }]);
    if (first === null || wrong === "" || first.text === wrong) continue;
    const next = { x: at.x, y: first.y + (first.y > at.y ? 1 : -1) * size * 1.35 };
    plan.write({ of: group.id, text: wrong, size: size - 1, weight: "400", ink: "foreground", plate: false }, [next]);
  }
  for (const { group, centre, radius, name } of scene.regions) {
    const top = view.toPage({ x: centre.x, y: centre.y - radius });
    const places = [
      { x: top.x, y: top.y - size },
      { x: top.x, y: top.y + size },
    ];
    plan.write({ of: group, text: name, size, weight: "600", ink: "muted", plate: true }, places);
  }
}

function labelIslands(plan: LabelPlan): void {
  const { scene, view } = plan;
  if (scene.islands.length < 2) return;
  for (const island of scene.islands) {
    const at = view.toPage({ x: island.centre.x, y: island.centre.y - island.radius });
    const text = `${island.agents.length} of ${scene.shown.agents.size}, ${sideName(scene, island)}`;
    const size = scene.theme.fontSize - 1;
    const label = {
      of: `island ${island.agents[0]}`,
      text,
      size,
      weight: "600",
      ink: "foreground",
      plate: false,
    } as const;
    plan.write(label, [{ x: at.x, y: at.y - 11 }]);
  }
}

/** What a side of a partition can do; read-only once its agents say so. */
function sideName({ swarm }: Scene, { agents, quorum }: Island): string {
  const says = (state: string): boolean =>
    swarm?.agents.some(({ id, partition }) => partition?.state === state && agents.includes(id)) ?? false;
  if (swarm !== null && !CONSENSUS[swarm.consensus].ordered)
    return says("apart") ? "cut off, takes writes" : "takes writes";
  if (quorum) return "quorum";
  return says("readOnly") ? "no quorum: read-only" : "no quorum";
}

/** With more than these only those are labelled that something is wrong with, or that are chosen. */
const LABELLED_LINKS = 40;
const LABELLED_BUNDLES = 80;

interface Labelled {
  readonly id: string;
  readonly ends: { readonly a: string; readonly b: string };
  readonly text: string;
  readonly interest: number;
}

function labelLinks(plan: LabelPlan, points: ReadonlyMap<string, Position>): void {
  const { scene } = plan;
  const size = Math.max(10, scene.theme.fontSize - 3);
  const { links, bundles } = scene.shown;
  const all = [
    ...linksToLabel(scene, links.size > LABELLED_LINKS || plan.narrow),
    ...bundlesToLabel(scene, bundles.size > LABELLED_BUNDLES || plan.narrow),
  ];
  all.sort((p, q) => q.interest - p.interest);
  for (const { id, ends, text, interest } of all) {
    const [a, b] = [points.get(ends.a), points.get(ends.b)];
    if (a === undefined || b === undefined || Math.hypot(a.x - b.x, a.y - b.y) < 90) continue;
    const ink = interest > 0 ? "foreground" : "muted";
    const places = [0.5, 0.36, 0.64].map((share) => ({ x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share }));
    plan.write({ of: id, text, size, weight: "400", ink, plate: true }, places);
  }
}

/** `many`: only those that something is wrong with, or that are chosen. */
function linksToLabel(scene: Scene, many: boolean): readonly Labelled[] {
  const found: Labelled[] = [];
  for (const [id, link] of scene.shown.links) {
    const interest = chosenFirst(scene, id, link) + (isTroubled(link) || isSlow(link, scene) ? 2 : 0);
    if (link.state !== "up" || (many && interest === 0)) continue;
    const text = linkLabel(link);
    if (text !== "") found.push({ id, ends: link, text, interest });
  }
  return found;
}

function bundlesToLabel(scene: Scene, many: boolean): readonly Labelled[] {
  const found: Labelled[] = [];
  for (const [id, bundle] of scene.shown.bundles) {
    const wrong = isTroubledBundle(bundle);
    const interest = chosenFirst(scene, id, bundle) + (wrong ? 2 : 0);
    const single = bundle.links.length === 1 ? bundle.links[0] : undefined;
    const text =
      single !== undefined ? linkLabel(single) : wrong ? bundleText(bundle) : plural(bundle.links.length, "link");
    if (text !== "" && (!many || interest > 0)) found.push({ id, ends: bundle, text, interest });
  }
  return found;
}

function chosenFirst({ selected, hovered }: Scene, id: string, ends: LinkView | Bundle): number {
  return touches(selected, id, ends) || touches(hovered, id, ends) ? 4 : 0;
}

/** "0.4 ms", "120 ms, 30 % lost, 1 % damaged"; "" when nothing was measured. */
export function linkLabel(link: LinkView): string {
  const latency = link.latencyP50Ms === null ? "" : formatDuration(Math.round(link.latencyP50Ms * 100) / 100);
  const loss = link.loss > 0 ? `${formatShare(link.loss)} lost` : "";
  const damage = link.corrupted > 0 ? `${formatShare(link.corrupted)} damaged` : "";
  return [latency, loss, damage].filter((part) => part !== "").join(", ");
}

export function paintLabel(ctx: CanvasRenderingContext2D, label: Label, theme: Theme): void {
  const { box, text, x, y } = label;
  ctx.font = fontOf(label, theme);
  ctx.lineWidth = 4;
  ctx.lineJoin = "round";
  ctx.setLineDash([]);
  ctx.strokeStyle = theme.background;
  ctx.fillStyle = theme.background;
  if (label.plate) {
    ctx.beginPath();
    ctx.roundRect(box.x, box.y, box.width, box.height, 3);
    ctx.fill();
  } else ctx.strokeText(text, x, y);
  ctx.fillStyle = theme[label.ink];
  ctx.fillText(text, x, y);
}
