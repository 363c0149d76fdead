/** The picture of the mesh: vis-network holds, moves and zooms; what is drawn is planned in frame.ts and painted in paint.ts. */
import { DataSet } from "vis-data/esnext";
import { Network } from "vis-network/esnext";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { prefersReducedMotion, type Theme } from "../theme.ts";
import type { Region } from "./arrange.ts";
import { changedParts, type Frame, planFrame } from "./frame.ts";
import type { Group } from "./groups.ts";
import type { RingDrawing } from "./hash-ring.ts";
import type { Label } from "./labels.ts";
import type { Position } from "./layout.ts";
import { usualLatencyMs } from "./link-style.ts";
import { type Painted, paint } from "./paint.ts";
import { glyphRadiusPx, groupRadiusPx, type Scene, type View } from "./scene.ts";
import { shownOf } from "./shown.ts";
import type { Island } from "./sides.ts";
import { sameThing, type Thing } from "./thing.ts";
import type { Spread } from "./wave.ts";

interface NodeItem {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** What the layout says. */
export interface Placing {
  /** Of agents, and of closed groups by their ids. */
  readonly positions: ReadonlyMap<string, Position>;
  readonly closed: readonly Group[];
  readonly regions: readonly (Region & { readonly name: string })[];
  readonly islands: readonly Island[];
  readonly ring: RingDrawing | null;
}

const MOVE_MS = 450;
/** More than so many do not move to their places: they are there at once. */
const MOVING_MAX = 200;
/** Room around the picture for labels, CSS pixels; below for two lines of them, in a low picture for one. */
const FIT_MARGIN_PX = { x: 46, top: 34, topOfGroups: 52, bottom: 72, bottomLow: 48 };
const LOW_PX = 300;
const FIT_SCALE_MAX = 2.5;
/** With more parts than these that have changed, all is painted anew. */
const PARTS_MAX = 80;
/** How near to a small agent, or to a link, counts as on it, CSS pixels. */
const AGENT_REACH_PX = 7;
const LINK_REACH_PX = 5;

export class TopologyGraph {
  readonly #nodes = new DataSet<NodeItem>();
  readonly #network: Network;
  readonly #container: HTMLElement;
  readonly #widths = new Map<string, number>();
  #positions: ReadonlyMap<string, Position> = new Map();
  #closed: readonly Group[] = [];
  #scene: Scene;
  #frame: Frame | null = null;
  #moving = 0;
  #moves = false;
  #fitted = true;
  #drawMs = 0;
  #painted: Painted & { readonly whole: boolean } = { links: 0, agents: 0, whole: true };

  /** `resized`: the room has another size from now on. */
  constructor(container: HTMLElement, theme: Theme, select: (thing: Thing | null) => void, resized: () => void) {
    this.#container = container;
    this.#scene = {
      swarm: null,
      theme,
      selected: null,
      hovered: null,
      islands: [],
      regions: [],
      ring: null,
      shown: { agents: new Map(), groups: new Map(), links: new Map(), bundles: new Map() },
      usualMs: null,
      spread: null,
    };
    this.#network = new Network(
      container,
      { nodes: this.#nodes, edges: new DataSet() } as never,
      {
        autoResize: true,
        physics: false,
        layout: { improvedLayout: false, randomSeed: 1 },
        interaction: { hover: false, selectConnectedEdges: false, selectable: false, keyboard: false, zoomSpeed: 0.6 },
        // It keeps their places; they are painted after all else that it does.
        nodes: { shape: "custom", ctxRenderer: () => ({ drawNode: () => {}, nodeDimensions: this.#nodeSize() }) },
      } as never,
    );
    this.#network.on("click", (event: { pointer: { DOM: Position } }) => select(this.thingAt(event.pointer.DOM)));
    this.#network.on("afterDrawing", (ctx: CanvasRenderingContext2D) => {
      const startedAt = performance.now();
      this.#frame = this.#plan();
      this.#painted = { ...paint(ctx, this.#frame, null), whole: true };
      this.#drawMs = performance.now() - startedAt;
    });
    this.#network.on("resize", () => {
      resized();
      if (this.#fitted) this.fit();
    });
    for (const moved of ["zoom", "dragStart"] as const) this.#network.on(moved, () => (this.#fitted = false));
    this.#network.on("dragEnd", () => this.#network.redraw());
  }

  /** Brings the picture up to date with a swarm: only what looks different is painted anew. */
  update(swarm: SwarmView): void {
    this.#scene = { ...this.#scene, swarm, shown: shownOf(swarm, this.#closed), usualMs: usualLatencyMs(swarm.links) };
    this.#refresh();
  }

  /** Puts everything where the layout says; moves what is shown already, and lets a group's agents come out of where it stood. */
  place({ positions, closed, regions, islands, ring }: Placing): void {
    const from = new Map<string, Position>();
    const added: NodeItem[] = [];
    const stood = new Map(
      this.#closed.flatMap(({ id, agents }) => agents.map((agent) => [agent, this.#nodes.get(id)] as const)),
    );
    for (const [id, to] of positions) {
      const now = this.#nodes.get(id) ?? stood.get(id) ?? null;
      if (now === null) added.push({ id, x: to.x, y: to.y });
      else {
        if (this.#nodes.get(id) === null) added.push({ id, x: now.x, y: now.y });
        if (now.x !== to.x || now.y !== to.y) from.set(id, now);
      }
    }
    this.#nodes.remove(this.#nodes.getIds().filter((id) => !positions.has(String(id))));
    this.#nodes.add(added);
    this.#positions = positions;
    this.#closed = closed;
    const { swarm } = this.#scene;
    this.#scene = { ...this.#scene, islands: [], regions: [], ring: null };
    if (swarm !== null) this.#scene = { ...this.#scene, shown: shownOf(swarm, closed) };
    this.#fitted = true;
    this.#move(from, () => {
      this.#scene = { ...this.#scene, islands, regions, ring };
      this.fit();
    });
  }

  #move(from: ReadonlyMap<string, Position>, done: () => void): void {
    cancelAnimationFrame(this.#moving);
    this.#moves = true;
    const startedAt = performance.now();
    const still = from.size === 0 || from.size > MOVING_MAX || prefersReducedMotion();
    const step = (now: number): void => {
      const share = still ? 1 : Math.min(1, (now - startedAt) / MOVE_MS);
      const eased = 1 - (1 - share) ** 3;
      const moved: NodeItem[] = [];
      for (const [id, a] of from) {
        const b = this.#positions.get(id);
        if (b !== undefined) moved.push({ id, x: a.x + (b.x - a.x) * eased, y: a.y + (b.y - a.y) * eased });
      }
      if (moved.length > 0) this.#nodes.update(moved);
      if (share < 1) {
        this.fit();
        this.#moving = requestAnimationFrame(step);
      } else {
        this.#moves = false;
        done();
      }
    };
    step(startedAt);
  }

  setTheme(theme: Theme): void {
    this.#widths.clear();
    this.#scene = { ...this.#scene, theme };
    this.#network.redraw();
  }

  select(thing: Thing | null): void {
    this.#scene = { ...this.#scene, selected: thing };
    this.#refresh();
  }

  hover(thing: Thing | null): void {
    if (sameThing(thing, this.#scene.hovered)) return;
    this.#scene = { ...this.#scene, hovered: thing };
    this.#refresh();
  }

  /** Lights up who has heard of what spreads. */
  showSpread(spread: Spread | null): void {
    if (spread === this.#scene.spread) return;
    this.#scene = { ...this.#scene, spread };
    this.#refresh();
  }

  /** What is at a point of the container, CSS pixels from its corner: an agent or a closed group, else a link, else the open group whose room it is. */
  thingAt(point: Position): Thing | null {
    const { points, radius, links, scene, view } = this.#frame ?? this.#plan();
    let nearest: Thing | null = null;
    let nearestBy = 0;
    for (const [id, { x, y }] of points) {
      const group = scene.shown.groups.get(id);
      const reach = group === undefined ? radius * 1.2 : groupRadiusPx(view.scale, group.group.agents.length) * 1.15;
      const by = Math.hypot(x - point.x, y - point.y) - Math.max(reach, AGENT_REACH_PX);
      if (by >= nearestBy) continue;
      nearestBy = by;
      nearest = group === undefined ? { kind: "agent", agent: id } : { kind: "group", group: id };
    }
    if (nearest !== null) return nearest;
    let linkBy = LINK_REACH_PX;
    for (const { id, from, to } of links) {
      const by = distanceTo(point, from, to);
      if (by >= linkBy) continue;
      linkBy = by;
      nearest = scene.shown.bundles.has(id) ? { kind: "bundle", bundle: id } : { kind: "link", link: id };
    }
    if (nearest !== null) return nearest;
    const region = scene.regions.find(({ centre, radius: reach }) => {
      const at = view.toPage(centre);
      return Math.hypot(at.x - point.x, at.y - point.y) <= reach * view.scale;
    });
    return region === undefined ? null : { kind: "group", group: region.group };
  }

  /** Where an agent or a closed group is drawn, CSS pixels from the container's corner. */
  pointOf(id: string): Position | null {
    return this.#nodes.get(id) === null ? null : this.#network.canvasToDOM(this.#network.getPosition(id));
  }

  /** The agent or closed group nearest to another in a direction, for the arrow keys. */
  neighbour(id: string, dx: number, dy: number): Thing | null {
    const all = this.#network.getPositions();
    const from = all[id];
    if (from === undefined) return null;
    let best: string | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    for (const [other, to] of Object.entries(all)) {
      const along = (to.x - from.x) * dx + (to.y - from.y) * dy;
      const aside = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
      if (other === id || along <= 1) continue;
      const cost = along + 2 * aside;
      if (cost < bestCost) [best, bestCost] = [other, cost];
    }
    if (best === null) return null;
    return this.#scene.shown.groups.has(best) ? { kind: "group", group: best } : { kind: "agent", agent: best };
  }

  zoom(factor: number): void {
    this.#fitted = false;
    this.#network.moveTo({ scale: Math.max(0.02, Math.min(8, this.#network.getScale() * factor)) });
  }

  /** Shows everything. */
  fit(): void {
    const positions = Object.values(this.#network.getPositions());
    const width = this.#container.clientWidth;
    const height = this.#container.clientHeight;
    if (positions.length === 0 || width === 0 || height === 0) return;
    const islands = this.#scene.islands.length > 1 ? this.#scene.islands : [];
    const circles = [
      ...positions.map((centre) => ({ centre, radius: 0 })),
      ...[...islands, ...this.#scene.regions].map(({ centre, radius }) => ({ centre, radius })),
      ...(this.#scene.ring === null ? [] : [{ centre: { x: 0, y: 0 }, radius: this.#scene.ring.radius }]),
    ];
    const left = Math.min(...circles.map(({ centre, radius }) => centre.x - radius));
    const right = Math.max(...circles.map(({ centre, radius }) => centre.x + radius));
    const top = Math.min(...circles.map(({ centre, radius }) => centre.y - radius));
    const bottom = Math.max(...circles.map(({ centre, radius }) => centre.y + radius));
    const below = height < LOW_PX ? FIT_MARGIN_PX.bottomLow : FIT_MARGIN_PX.bottom;
    const roomX = Math.max(40, width - 2 * FIT_MARGIN_PX.x);
    const above = this.#closed.length > 0 ? FIT_MARGIN_PX.topOfGroups : FIT_MARGIN_PX.top;
    const roomY = Math.max(40, height - above - below);
    const scale = Math.min(FIT_SCALE_MAX, roomX / Math.max(1, right - left), roomY / Math.max(1, bottom - top));
    const lower = (below - above) / 2 / scale;
    this.#network.moveTo({
      position: { x: (left + right) / 2, y: (top + bottom) / 2 + lower },
      scale,
      animation: false,
    });
    this.#fitted = true;
  }

  /** Whether something is on its way to its place. */
  get moves(): boolean {
    return this.#moves;
  }

  /** How long the last painting of the whole picture took, ms; 0 before the first. */
  get drawMs(): number {
    return this.#drawMs;
  }

  /** What the last painting touched. */
  get painted(): Painted & { readonly whole: boolean } {
    return this.#painted;
  }

  /** What is written in the picture, and where. */
  get labels(): readonly Label[] {
    return this.#frame?.labels ?? [];
  }

  /** Paints all of it, whatever changed. */
  redraw(): void {
    this.#network.redraw();
  }

  destroy(): void {
    cancelAnimationFrame(this.#moving);
    this.#network.destroy();
  }

  #refresh(): void {
    const before = this.#frame;
    const context = this.#container.querySelector("canvas")?.getContext("2d") ?? null;
    if (before === null || context === null) {
      this.#network.redraw();
      return;
    }
    const after = this.#plan();
    const parts = changedParts(before, after, PARTS_MAX);
    if (parts === null) {
      this.#network.redraw();
      return;
    }
    this.#frame = after;
    this.#painted = { ...(parts.length === 0 ? { links: 0, agents: 0 } : paint(context, after, parts)), whole: false };
  }

  #plan(): Frame {
    return planFrame(this.#scene, this.#view(), (text, font) => this.#widthOf(text, font));
  }

  #widthOf(text: string, font: string): number {
    const key = `${font} ${text}`;
    let width = this.#widths.get(key);
    if (width === undefined) {
      const context = this.#container.querySelector("canvas")?.getContext("2d");
      if (!context) return 0;
      context.save();
      context.font = font;
      width = context.measureText(text).width;
      context.restore();
      // Figures change all the time: what was written long ago is measured again.
      if (this.#widths.size > 5000) this.#widths.clear();
      this.#widths.set(key, width);
    }
    return width;
  }

  /** So large an agent is for whoever drags it. */
  #nodeSize(): { width: number; height: number } {
    const scale = this.#network.getScale();
    const size = (2.2 * glyphRadiusPx(scale)) / scale;
    return { width: size, height: size };
  }

  #view(): View {
    return {
      scale: this.#network.getScale(),
      toPage: (at) => this.#network.canvasToDOM(at),
      positions: this.#network.getPositions(),
      width: this.#container.clientWidth,
      height: this.#container.clientHeight,
    };
  }
}

/** Of a point from a line between two others. */
function distanceTo(point: Position, a: Position, b: Position): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point.x - a.x) * dx + (point.y - a.y) * dy) / length;
  const share = Math.max(0, Math.min(1, along));
  return Math.hypot(point.x - a.x - dx * share, point.y - a.y - dy * share);
}
