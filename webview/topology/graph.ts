/** The picture of the mesh: vis-network holds, moves, zooms and hits; what is drawn comes from here and from scene.ts. */
import { DataSet } from "vis-data/esnext";
import { Network } from "vis-network/esnext";
import type { LinkView, SwarmView } from "../../server/contract/swarm.ts";
import { agentGlyph, drawGlyph } from "../glyphs.ts";
import { prefersReducedMotion, type Theme } from "../theme.ts";
import type { Position } from "./layout.ts";
import { linkId, linkStyle } from "./link-style.ts";
import { drawAbove, drawBelow, glyphRadiusPx, type Scene, sceneLook } from "./scene.ts";
import type { Island } from "./sides.ts";

/** What is under the pointer, or chosen. */
export type Thing =
  | { readonly kind: "agent"; readonly agent: string }
  | { readonly kind: "link"; readonly link: string };

interface NodeItem {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

interface EdgeItem {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly width: number;
  readonly dashes: boolean | number[];
  readonly color: { readonly color: string; readonly opacity: number; readonly inherit: false };
}

const MOVE_MS = 450;
/** Room around the picture for labels, CSS pixels; below for two lines of them, in a low picture for one. */
const FIT_MARGIN_PX = { x: 46, top: 34, bottom: 72, bottomLow: 48 };
const LOW_PX = 300;
const FIT_SCALE_MAX = 2.5;

export class TopologyGraph {
  readonly #nodes = new DataSet<NodeItem>();
  readonly #edges = new DataSet<EdgeItem>();
  readonly #edgeKeys = new Map<string, string>();
  readonly #network: Network;
  readonly #container: HTMLElement;
  #positions: ReadonlyMap<string, Position> = new Map();
  #scene: Scene;
  #moving = 0;
  #fitted = true;
  #drawMs = 0;

  constructor(container: HTMLElement, theme: Theme, select: (thing: Thing | null) => void) {
    this.#container = container;
    this.#scene = {
      swarm: null,
      theme,
      selected: null,
      hovered: null,
      islands: [],
      agents: new Map(),
      links: new Map(),
    };
    this.#network = new Network(
      container,
      { nodes: this.#nodes, edges: this.#edges } as never,
      {
        autoResize: true,
        physics: false,
        layout: { improvedLayout: false, randomSeed: 1 },
        interaction: { hover: false, selectConnectedEdges: false, selectable: false, keyboard: false, zoomSpeed: 0.6 },
        nodes: {
          shape: "custom",
          ctxRenderer: (call: NodeCall) => ({
            drawNode: () => this.#drawNode(call),
            nodeDimensions: this.#nodeSize(),
          }),
        },
        edges: { smooth: false, selectionWidth: 0, hoverWidth: 0 },
      } as never,
    );
    this.#network.on("click", (event: { pointer: { DOM: Position } }) => select(this.thingAt(event.pointer.DOM)));
    let startedAt = 0;
    this.#network.on("beforeDrawing", (ctx: CanvasRenderingContext2D) => {
      startedAt = performance.now();
      drawBelow(ctx, this.#scene, this.#view());
    });
    this.#network.on("afterDrawing", (ctx: CanvasRenderingContext2D) => {
      drawAbove(ctx, this.#scene, this.#view());
      this.#drawMs = performance.now() - startedAt;
    });
    this.#network.on("resize", () => this.#fitted && this.fit());
    for (const moved of ["zoom", "dragStart"] as const) this.#network.on(moved, () => (this.#fitted = false));
    this.#network.on("dragEnd", () => this.#network.redraw());
  }

  /** Brings the picture up to date with a swarm: only items that changed are touched. */
  update(swarm: SwarmView): void {
    const agents = new Map(swarm.agents.map((agent) => [agent.id, agent]));
    const links = new Map(swarm.links.map((link) => [linkId(link), link]));
    this.#scene = { ...this.#scene, swarm, agents, links };
    this.#syncEdges();
    this.#network.redraw();
  }

  /** Puts the agents where the layout says; moves those that are shown already. */
  place(positions: ReadonlyMap<string, Position>, islands: readonly Island[]): void {
    this.#scene = { ...this.#scene, islands: [] };
    const gone = this.#nodes.getIds().filter((id) => !positions.has(String(id)));
    this.#nodes.remove(gone);
    const from = new Map<string, Position>();
    const added: NodeItem[] = [];
    for (const [id, to] of positions) {
      const now = this.#nodes.get(id);
      if (now === null) added.push({ id, x: to.x, y: to.y });
      else if (now.x !== to.x || now.y !== to.y) from.set(id, now);
    }
    this.#nodes.add(added);
    this.#positions = positions;
    this.#fitted = true;
    this.#syncEdges();
    const arrive = (): void => {
      this.#scene = { ...this.#scene, islands };
      this.fit();
    };
    this.#move(from, arrive);
  }

  #move(from: ReadonlyMap<string, Position>, done: () => void): void {
    cancelAnimationFrame(this.#moving);
    const startedAt = performance.now();
    const still = from.size === 0 || from.size > 200 || prefersReducedMotion();
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
      } else done();
    };
    step(startedAt);
  }

  setTheme(theme: Theme): void {
    this.#scene = { ...this.#scene, theme };
    this.#edgeKeys.clear();
    this.#syncEdges();
    this.#network.redraw();
  }

  select(thing: Thing | null): void {
    this.#scene = { ...this.#scene, selected: thing };
    this.#syncEdges();
    this.#network.redraw();
  }

  hover(thing: Thing | null): void {
    if (sameThing(thing, this.#scene.hovered)) return;
    this.#scene = { ...this.#scene, hovered: thing };
    this.#network.redraw();
  }

  /** What is at a point of the container, CSS pixels from its corner. */
  thingAt(point: Position): Thing | null {
    const agent = this.#network.getNodeAt(point);
    if (agent !== undefined) return { kind: "agent", agent: String(agent) };
    const link = this.#network.getEdgeAt(point);
    return link === undefined ? null : { kind: "link", link: String(link) };
  }

  /** Where an agent is drawn, CSS pixels from the container's corner. */
  pointOf(agent: string): Position | null {
    return this.#nodes.get(agent) === null ? null : this.#network.canvasToDOM(this.#network.getPosition(agent));
  }

  /** The agent nearest to another in a direction, for the arrow keys. */
  neighbour(agent: string, dx: number, dy: number): string | null {
    const all = this.#network.getPositions();
    const from = all[agent];
    if (from === undefined) return null;
    let best: string | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    for (const [id, to] of Object.entries(all)) {
      const along = (to.x - from.x) * dx + (to.y - from.y) * dy;
      const aside = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
      if (id === agent || along <= 1) continue;
      const cost = along + 2 * aside;
      if (cost < bestCost) [best, bestCost] = [id, cost];
    }
    return best;
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
      ...islands.map(({ centre, radius }) => ({ centre, radius })),
    ];
    const left = Math.min(...circles.map(({ centre, radius }) => centre.x - radius));
    const right = Math.max(...circles.map(({ centre, radius }) => centre.x + radius));
    const top = Math.min(...circles.map(({ centre, radius }) => centre.y - radius));
    const bottom = Math.max(...circles.map(({ centre, radius }) => centre.y + radius));
    const below = height < LOW_PX ? FIT_MARGIN_PX.bottomLow : FIT_MARGIN_PX.bottom;
    const roomX = Math.max(40, width - 2 * FIT_MARGIN_PX.x);
    const roomY = Math.max(40, height - FIT_MARGIN_PX.top - below);
    const scale = Math.min(FIT_SCALE_MAX, roomX / Math.max(1, right - left), roomY / Math.max(1, bottom - top));
    const lower = (below - FIT_MARGIN_PX.top) / 2 / scale;
    this.#network.moveTo({
      position: { x: (left + right) / 2, y: (top + bottom) / 2 + lower },
      scale,
      animation: false,
    });
    this.#fitted = true;
  }

  /** How long the last drawing took, ms; 0 before the first. */
  get drawMs(): number {
    return this.#drawMs;
  }

  destroy(): void {
    cancelAnimationFrame(this.#moving);
    this.#network.destroy();
  }

  #view(): { scale: number; toPage: (at: Position) => Position; positions: Readonly<Record<string, Position>> } {
    return {
      scale: this.#network.getScale(),
      toPage: (at) => this.#network.canvasToDOM(at),
      positions: this.#network.getPositions(),
    };
  }

  /** Agents keep their size on the page however far the picture is zoomed out, down to a dot. */
  #nodeSize(): { width: number; height: number } {
    const scale = this.#network.getScale();
    const size = (2.2 * glyphRadiusPx(scale)) / scale;
    return { width: size, height: size };
  }

  #drawNode({ ctx, id, x, y }: NodeCall): void {
    const { theme } = this.#scene;
    const scale = this.#network.getScale();
    const radius = glyphRadiusPx(scale) / scale;
    const agent = this.#scene.agents.get(id);
    if (agent === undefined) return;
    if (radius * scale > 5) {
      ctx.fillStyle = theme.background;
      ctx.beginPath();
      ctx.arc(x, y, radius * (this.#scene.islands.length > 1 ? 1 : 1.25), 0, 2 * Math.PI);
      ctx.fill();
    }
    drawGlyph(ctx, agentGlyph(sceneLook(this.#scene, agent)), x, y, radius, theme);
  }

  #syncEdges(): void {
    const { theme, selected, links } = this.#scene;
    const changed: EdgeItem[] = [];
    for (const id of [...this.#edgeKeys.keys()]) {
      if (links.has(id)) continue;
      this.#edgeKeys.delete(id);
      this.#edges.remove(id);
    }
    for (const [id, link] of links) {
      if (!this.#positions.has(link.a) || !this.#positions.has(link.b)) continue;
      const style = linkStyle(link, touches(selected, id, link), links.size);
      const key = `${style.width} ${style.dashes} ${style.ink} ${style.opacity} ${link.state}`;
      if (this.#edgeKeys.get(id) === key) continue;
      this.#edgeKeys.set(id, key);
      changed.push({
        id,
        from: link.a,
        to: link.b,
        width: style.width,
        dashes: style.dashes === false ? false : [...style.dashes],
        // A cut link is drawn by the scene, as two stumps; here it only keeps its place under the pointer.
        color: { color: theme[style.ink], opacity: link.state === "cut" ? 0 : style.opacity, inherit: false },
      });
    }
    if (changed.length > 0) this.#edges.update(changed);
  }
}

interface NodeCall {
  readonly ctx: CanvasRenderingContext2D;
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

export function sameThing(a: Thing | null, b: Thing | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function touches(thing: Thing | null, id: string, link: LinkView): boolean {
  if (thing === null) return false;
  return thing.kind === "link" ? thing.link === id : thing.agent === link.a || thing.agent === link.b;
}
