/** The topology view: header, the picture of the mesh or its tables, the card of what is chosen, the legend. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { ToWebview } from "../../server/contract/webview.ts";
import type { Bridge } from "../bridge.ts";
import { noSwarm, waiting } from "../elements/empty-state.ts";
import { agentLegend, type LegendEntry, legend } from "../elements/legend.ts";
import { swarmProblem, swarmTitle } from "../elements/swarm-header.ts";
import { SwarmPage } from "../elements/swarm-page.ts";
import { toolButton, toolGap } from "../elements/toolbar.ts";
import { glyphSvg } from "../glyphs.ts";
import { INK_CSS, readTheme, type Theme } from "../theme.ts";
import { TROUBLE_NAMES, TROUBLES, troubleGlyph } from "../troubles.ts";
import { thingContext } from "./context.ts";
import { details } from "./details.ts";
import { sameThing, type Thing, TopologyGraph } from "./graph.ts";
import type { LayoutService } from "./layout-service.ts";
import { RULE_GLYPH, WAY_GLYPH } from "./link-marks.ts";
import { linkId } from "./link-style.ts";
import { ISLAND_LIMIT, islandsOf, sidesOf } from "./sides.ts";
import { meshTables } from "./tables.ts";

/** In a narrow sidebar the legend waits until it is asked for. */
const DEFAULTS = { table: false, legend: window.innerWidth > 480 };

export class TopologyView extends SwarmPage<typeof DEFAULTS> {
  static override properties = {
    ...SwarmPage.properties,
    selected: { state: true },
  };

  declare selected: Thing | null;

  readonly #layouts: LayoutService;
  #graph: TopologyGraph | undefined;
  #links: ReadonlyMap<string, LinkView> = new Map();
  /** What the current layout was made for; another key needs another layout. */
  #layoutKey = "";

  constructor(bridge: Bridge, layouts: LayoutService) {
    super(bridge, DEFAULTS);
    this.#layouts = layouts;
    this.selected = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("contextmenu", this.#onContextMenu, { capture: true });
  }

  override disconnectedCallback(): void {
    this.removeEventListener("contextmenu", this.#onContextMenu, { capture: true });
    super.disconnectedCallback();
  }

  protected override themeChanged(theme: Theme): void {
    this.#graph?.setTheme(theme);
  }

  /** How long the picture's last drawing took, ms. */
  get drawMs(): number {
    return this.#graph?.drawMs ?? 0;
  }

  /** The picture, while it is shown. */
  get graph(): TopologyGraph | undefined {
    return this.#graph;
  }

  protected override received(message: ToWebview, replaced: boolean): void {
    switch (message.type) {
      case "snapshot":
        if (replaced) this.selected = null;
        break;
      case "reveal":
        if (message.agent !== undefined) this.selected = { kind: "agent", agent: message.agent };
        break;
    }
  }

  protected override render(): TemplateResult {
    const { swarm } = this;
    if (!this.greeted) return html`<div class="view">${waiting()}</div>`;
    if (swarm === null || swarm.phase === "stopped") {
      const shows = "Bring one up to see its agents, who leads where one does, and what passes between them.";
      return html`<div class="view">${noSwarm(this.bridge, this.trusted, shows)}</div>`;
    }
    return html`<div class="view">
      ${this.#header(swarm)} ${swarmProblem(swarm)}
      ${this.failure === "" ? nothing : html`<p class="problem" role="alert">${this.failure}</p>`}
      <div class="stage">
        ${this.settings.table ? meshTables(swarm, this.selected, this.#select) : this.#picture(swarm)} ${this.#details(swarm)}
      </div>
      ${this.settings.legend ? legend("Legend", [...agentLegend(this.swarm?.consensus ?? "raft"), ...MARKS_LEGEND]) : nothing}
    </div>`;
  }

  #header(swarm: SwarmView): TemplateResult {
    const bridge = this.bridge;
    const { table } = this.settings;
    const faults = swarm.faults.length;
    return html`<header class="bar">
      ${swarmTitle(swarm, this.swarms, (id) => bridge.selectSwarm(id))}
      <div class="tools" role="toolbar" aria-label="Topology">
        ${toolButton({
          icon: "zap",
          label: "Inject Failure…",
          text: "Inject",
          run: () => bridge.command("agentMesh.injectFailure", { swarm: swarm.id }),
        })}
        ${
          faults === 0
            ? nothing
            : toolButton({
                icon: "heart",
                label: `Heal All (${faults})`,
                text: `Heal ${faults}`,
                run: () => bridge.command("agentMesh.healAll", { swarm: swarm.id }),
              })
        }
        ${toolGap}
        ${toolButton({ icon: "git-compare", label: "Show Rounds", run: () => bridge.command("agentMesh.showRounds", { swarm: swarm.id }) })}
        ${toolButton({ icon: "graph-line", label: "View Metrics", run: () => bridge.command("agentMesh.viewMetrics", { swarm: swarm.id }) })}
        ${toolButton({ icon: "link-external", label: "Open Large", run: () => bridge.command("agentMesh.openTopology", { swarm: swarm.id }) })}
        ${toolGap}
        ${table ? nothing : toolButton({ icon: "screen-full", label: "Fit", run: () => this.#graph?.fit() })}
        ${toolButton({ icon: "table", label: "Table", on: table, run: () => this.#set({ table: !table }) })}
        ${toolButton({
          icon: "question",
          label: "Legend",
          on: this.settings.legend,
          run: () => this.#set({ legend: !this.settings.legend }),
        })}
      </div>
    </header>`;
  }

  #picture(swarm: SwarmView): TemplateResult {
    const { agentsAlive, agentsTotal, summary } = swarm.health;
    const chosen = this.selected === null ? "" : ` Selected: ${this.selected.kind} ${thingName(this.selected)}.`;
    const label = `Topology of ${swarm.name}: ${agentsAlive} of ${agentsTotal} agents alive. ${summary}.${chosen} Arrow keys choose an agent; Table shows the same in words.`;
    return html`<div
      class="picture"
      role="application"
      tabindex="0"
      aria-label=${label}
      @mousemove=${this.#onMouseMove}
      @mouseleave=${() => this.#graph?.hover(null)}
      @keydown=${this.#onKey}
    ></div>`;
  }

  #details(swarm: SwarmView): TemplateResult | typeof nothing {
    if (this.selected === null) return nothing;
    return details(swarm, this.selected, {
      close: () => this.#select(null),
      inject: (target) => this.bridge.command("agentMesh.injectFailure", target),
      heal: (fault) => void this.#heal(swarm.id, fault),
      showRounds: (agent) => this.bridge.command("agentMesh.showRounds", { swarm: swarm.id, agent }),
    });
  }

  async #heal(swarm: string, fault: string): Promise<void> {
    try {
      await this.bridge.request("healFault", { swarm, fault });
      this.failure = "";
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  protected override updated(changed: PropertyValues<this>): void {
    const container = this.querySelector<HTMLElement>(".picture");
    if (container === null || this.swarm === null) {
      this.#graph?.destroy();
      this.#graph = undefined;
      this.#layoutKey = "";
    } else {
      this.#showSwarm(container, this.swarm, changed.has("swarm"), changed.has("selected"));
    }
    if (this.selected === null) this.dataset.vscodeContext = this.#contextOf(null);
    else if (changed.has("selected")) this.dataset.vscodeContext = this.#contextOf(this.selected);
  }

  #showSwarm(container: HTMLElement, swarm: SwarmView, swarmChanged: boolean, selectionChanged: boolean): void {
    const fresh = this.#graph === undefined;
    this.#graph ??= new TopologyGraph(container, readTheme(), this.#select);
    if (fresh || swarmChanged) {
      this.#links = new Map(swarm.links.map((link) => [linkId(link), link]));
      this.#graph.update(swarm);
      this.#layOut(this.#graph, swarm, container.clientHeight > container.clientWidth * 1.15);
    }
    if (fresh || selectionChanged) this.#graph.select(this.selected);
  }

  #layOut(graph: TopologyGraph, swarm: SwarmView, tall: boolean): void {
    const agents = swarm.agents.map((agent) => agent.id);
    const sides = agents.length <= ISLAND_LIMIT ? sidesOf(agents, swarm.links) : [agents];
    const pairs = swarm.links.map((link) => [link.a, link.b] as const);
    const key = `${swarm.id}|${swarm.topology}|${sides.map((side) => side.join()).join("|")}|${sides.length > 1 && tall}|${linksKey(pairs)}`;
    if (key === this.#layoutKey) return;
    this.#layoutKey = key;
    if (sides.length > 1) {
      const { islands, positions } = islandsOf(
        sides,
        CONSENSUS[swarm.consensus].ordered ? swarm.health.quorum : 1,
        tall,
        (agent) => swarm.members?.voters.includes(agent) ?? true,
      );
      graph.place(positions, islands);
      return;
    }
    this.#layouts.layout(swarm.topology, agents, pairs, (positions) => {
      if (this.#graph === graph && this.#layoutKey === key) graph.place(positions, []);
    });
  }

  readonly #select = (thing: Thing | null): void => {
    if (!sameThing(thing, this.selected)) this.selected = thing;
  };

  #set(change: Partial<typeof DEFAULTS>): void {
    this.settings = { ...this.settings, ...change };
    this.bridge.saveSettings(this.settings);
  }

  #contextOf(thing: Thing | null): string {
    return thingContext(this.swarm?.id ?? "", thing, this.swarm?.agents ?? [], this.#links);
  }

  #thingUnder(event: MouseEvent): Thing | null {
    const box = this.querySelector(".picture")?.getBoundingClientRect();
    if (box === undefined) return null;
    return this.#graph?.thingAt({ x: event.clientX - box.left, y: event.clientY - box.top }) ?? null;
  }

  readonly #onMouseMove = (event: MouseEvent): void => {
    if (event.buttons !== 0) return;
    const thing = this.#thingUnder(event);
    this.#graph?.hover(thing);
    this.dataset.vscodeContext = this.#contextOf(thing);
  };

  /** By mouse: the thing under the pointer. By keyboard (no button): the chosen one. */
  readonly #onContextMenu = (event: MouseEvent): void => {
    const inPicture = event.target instanceof Element && event.target.closest(".picture") !== null;
    if (!inPicture) return;
    const byKeyboard = event.button !== 2 && event.buttons === 0;
    this.dataset.vscodeContext = this.#contextOf(byKeyboard ? this.selected : this.#thingUnder(event));
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const graph = this.#graph;
    if (graph === undefined) return;
    const arrows: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const arrow = arrows[event.key];
    if (arrow !== undefined) this.#step(graph, arrow);
    else if (event.key === "+" || event.key === "=") graph.zoom(1.25);
    else if (event.key === "-") graph.zoom(0.8);
    else if (event.key === "0") graph.fit();
    else if (event.key === "Escape") this.#select(null);
    else return;
    event.preventDefault();
  };

  #step(graph: TopologyGraph, [dx, dy]: readonly [number, number]): void {
    const from = this.selected?.kind === "agent" ? this.selected.agent : undefined;
    const to =
      from === undefined ? (this.swarm?.health.leader ?? this.swarm?.agents[0]?.id) : graph.neighbour(from, dx, dy);
    if (to) this.#select({ kind: "agent", agent: to });
  }
}

function thingName(thing: Thing): string {
  return thing.kind === "agent" ? thing.agent : thing.link;
}

/** Which links there are, whatever their figures. */
function linksKey(pairs: readonly (readonly [string, string])[]): string {
  let hash = 0;
  for (const char of pairs.flat().join()) hash = (hash * 31 + char.charCodeAt(0)) | 0;
  return `${pairs.length}:${hash}`;
}

function linkSample(width: number, dash: string, ink: string): TemplateResult {
  return html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
    <path d="M1 6H25" stroke=${ink} stroke-width=${width} stroke-dasharray=${dash}></path>
  </svg>`;
}

const MARKS_LEGEND: readonly LegendEntry[] = [
  ...TROUBLES.map((trouble) => ({ sample: glyphSvg(troubleGlyph(trouble)), label: TROUBLE_NAMES[trouble] })),
  { sample: linkSample(4, "none", INK_CSS.muted), label: "wide: much traffic" },
  { sample: linkSample(2, "6 4", INK_CSS.orange), label: "gaps: frames lost" },
  { sample: linkSample(1.2, "2 4", INK_CSS.muted), label: "down" },
  { sample: glyphSvg(WAY_GLYPH), label: "fault on what is sent this way" },
  { sample: glyphSvg(RULE_GLYPH), label: "message rule" },
  {
    sample: html`<svg class="glyph" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">
      <path d="M1 6H9M9 2V10M25 6H17M17 2V10" fill="none" stroke=${INK_CSS.red} stroke-width="2"></path>
    </svg>`,
    label: "cut",
  },
];

customElements.define("am-topology", TopologyView);
