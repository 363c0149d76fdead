/** The topology view: header, the picture of the mesh or its tables, the card of what is chosen, the legend. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { ToWebview } from "../../server/contract/webview.ts";
import type { Bridge } from "../bridge.ts";
import { noSwarm, waiting } from "../elements/empty-state.ts";
import { agentLegend, legend } from "../elements/legend.ts";
import { swarmProblem, swarmTitle } from "../elements/swarm-header.ts";
import { SwarmPage } from "../elements/swarm-page.ts";
import { toolButton, toolGap } from "../elements/toolbar.ts";
import { readTheme, type Theme } from "../theme.ts";
import type { LayoutName } from "./arrange.ts";
import { thingContext } from "./context.ts";
import { details } from "./details.ts";
import { TopologyGraph } from "./graph.ts";
import { type Group, isZone } from "./groups.ts";
import { type RingPlace, ringPlaces } from "./hash-ring.ts";
import { layoutChoice } from "./layout-choice.ts";
import type { LayoutService } from "./layout-service.ts";
import { linkId } from "./link-style.ts";
import { type LayoutWishes, PictureLayout } from "./picture-layout.ts";
import { pictureLegend } from "./picture-legend.ts";
import { type Bundle, shownOf } from "./shown.ts";
import { type MeshFilter, NO_FILTER } from "./table-filter.ts";
import { meshTables, type TableFacts } from "./tables.ts";
import { sameThing, type Thing, thingId } from "./thing.ts";
import { type Hearing, rumourText } from "./wave.ts";
import { type WaveShown, WaveSource } from "./wave-source.ts";

/** In a narrow sidebar the legend waits until it is asked for. */
const DEFAULTS = {
  table: false,
  legend: window.innerWidth > 480,
  layout: "linked" as LayoutName,
  groups: "auto" as LayoutWishes["groups"],
  opened: [] as readonly string[],
  shut: [] as readonly string[],
};

export class TopologyView extends SwarmPage<typeof DEFAULTS> {
  static override properties = {
    ...SwarmPage.properties,
    selected: { state: true },
    filter: { state: true },
    wave: { state: true },
  };

  declare selected: Thing | null;
  /** What the tables list. */
  declare filter: MeshFilter;
  /** The write that spreads by gossip, as far as it has been shown. */
  declare wave: WaveShown | null;

  readonly #layout: PictureLayout;
  readonly #waves: WaveSource;
  #graph: TopologyGraph | undefined;
  #links: ReadonlyMap<string, LinkView> = new Map();
  #tableFacts: TableFacts = {};
  #tableFactsKey = "";

  constructor(bridge: Bridge, layouts: LayoutService) {
    super(bridge, DEFAULTS);
    this.#layout = new PictureLayout(layouts);
    this.#waves = new WaveSource(
      (query) => bridge.request("timeline", query),
      (wave) => {
        this.#graph?.showSpread(wave?.spread ?? null);
        // Words follow once a write has been shown whole: not in each frame.
        if (wave === null || wave.whole || wave.rumour.seq !== this.wave?.rumour.seq) this.wave = wave;
      },
    );
    this.selected = null;
    this.filter = NO_FILTER;
    this.wave = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("contextmenu", this.#onContextMenu, { capture: true });
  }

  override disconnectedCallback(): void {
    this.removeEventListener("contextmenu", this.#onContextMenu, { capture: true });
    this.#waves.stop();
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

  /** Whether all stands where it belongs. */
  get settled(): boolean {
    return this.#graph !== undefined && !this.#graph.moves && !this.#layout.busy;
  }

  /** As the picture has them; none where there are few agents. */
  get groups(): readonly Group[] {
    return this.#layout.groups;
  }

  protected override received(message: ToWebview, replaced: boolean): void {
    switch (message.type) {
      case "snapshot":
      case "swarmChanged": {
        if (replaced) {
          this.selected = null;
          this.filter = NO_FILTER;
        }
        const spreads = this.swarm?.consensus === "gossip" && this.swarm.phase !== "stopped";
        this.#waves.follow(spreads ? (this.swarm?.id ?? "") : "", this.swarm?.simulated?.nowMs ?? Date.now());
        break;
      }
      case "timelineGrew":
        this.#waves.grew(message.swarm, message.lastMs);
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
        ${this.settings.table ? this.#tables(swarm) : this.#picture(swarm)} ${this.#details(swarm)}
      </div>
      ${this.wave === null ? nothing : html`<p class="spread" role="status">${rumourText(this.wave.rumour, swarm.agents.length)}.</p>`}
      ${this.settings.legend ? this.#legend(swarm) : nothing}
    </div>`;
  }

  #header(swarm: SwarmView): TemplateResult {
    const bridge = this.bridge;
    const { table, layout } = this.settings;
    const grouped = this.#layout.groups;
    const faults = swarm.faults.length;
    return html`<header class="bar">
      ${swarmTitle(
        swarm,
        this.swarms,
        (id) => bridge.selectSwarm(id),
        (command) => bridge.command(command),
      )}
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
        ${table ? nothing : layoutChoice(layout, (next) => this.#set({ layout: next, opened: [], shut: [] }))}
        ${
          table || grouped.length === 0
            ? nothing
            : html`${toolButton({
                icon: "expand-all",
                label: "Open All Groups",
                run: () => this.#set({ groups: "open", opened: [], shut: [] }),
              })}
              ${toolButton({
                icon: "collapse-all",
                label: "Close All Groups",
                run: () => this.#set({ groups: "closed", opened: [], shut: [] }),
              })}`
        }
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

  #legend(swarm: SwarmView): TemplateResult {
    const { layout } = this.settings;
    const grouped = this.#layout.groups.some(({ id }) => this.#layout.isClosed(id));
    const broadcasts = swarm.links.some(({ tree }) => tree === false);
    return legend("Legend", [
      ...agentLegend(swarm.consensus),
      ...pictureLegend(swarm.consensus, layout, grouped, broadcasts),
    ]);
  }

  #tables(swarm: SwarmView): TemplateResult {
    const actions = { select: this.#select, filter: (filter: MeshFilter) => (this.filter = filter) };
    return meshTables(swarm, this.selected, this.filter, this.#factsForTables(swarm), actions);
  }

  /** Made anew only when one of them says something else, so that the table is not. */
  #factsForTables(swarm: SwarmView): TableFacts {
    // Zones have a column of their own, whatever the picture shows.
    const groups = this.#layout.groups.filter((group) => !isZone(group));
    const zones = swarm.agents.flatMap(({ id, zone }) => (zone === undefined ? [] : [[id, zone] as const]));
    const ids = swarm.agents.map(({ id }) => id).join();
    const ring = this.settings.layout === "ring";
    const wave = this.wave?.rumour;
    const key = `${ids} ${zones.map(([, zone]) => zone).join()} ${ring} ${wave?.origin} ${wave?.seq} ${wave?.heard.length} ${groups.map(({ id, agents }) => id + agents.length).join()}`;
    if (key === this.#tableFactsKey) return this.#tableFacts;
    this.#tableFactsKey = key;
    this.#tableFacts = {
      ...(groups.length === 0
        ? {}
        : { groups: new Map(groups.flatMap(({ name, agents }) => agents.map((agent) => [agent, name] as const))) }),
      ...(zones.length === 0 ? {} : { zones: new Map(zones) }),
      ...(ring ? { ring: this.#ringPlaces(swarm) } : {}),
      ...(wave === undefined ? {} : { heard: new Map(wave.heard.map((one) => [one.agent, one] as const)) }),
    };
    return this.#tableFacts;
  }

  #ringPlaces(swarm: SwarmView): ReadonlyMap<string, RingPlace> {
    return ringPlaces(swarm.agents.map(({ id }) => id));
  }

  #picture(swarm: SwarmView): TemplateResult {
    const { agentsAlive, agentsTotal, summary } = swarm.health;
    const chosen = this.selected === null ? "" : `Selected: ${this.#nameOf(this.selected)}.`;
    const grouped = this.#layout.groups.length > 0;
    const keys = grouped
      ? "Arrow keys choose an agent or a group, Enter opens or closes it, Backspace closes the group of the chosen agent"
      : "Arrow keys choose an agent";
    const label = `Topology of ${swarm.name}: ${agentsAlive} of ${agentsTotal} agents alive. ${summary}. ${chosen} ${keys}; Table shows the same in words.`;
    return html`<div
        class="picture"
        role="application"
        tabindex="0"
        aria-label=${label}
        @mousemove=${this.#onMouseMove}
        @mouseleave=${() => this.#graph?.hover(null)}
        @keydown=${this.#onKey}
      ></div>
      <span class="sr-only chosen" role="status">${chosen}</span>`;
  }

  #nameOf(thing: Thing): string {
    if (thing.kind !== "group") return `${thing.kind === "bundle" ? "merged links" : thing.kind} ${thingId(thing)}`;
    const group = this.#layout.groups.find(({ id }) => id === thing.group);
    const state = this.#layout.isClosed(thing.group) ? "closed" : "open";
    return `group ${group?.name ?? thing.group}, ${group?.agents.length ?? 0} agents, ${state}`;
  }

  #details(swarm: SwarmView): TemplateResult | typeof nothing {
    const thing = this.selected;
    if (thing === null) return nothing;
    const { settings } = this;
    const group =
      thing.kind === "group"
        ? this.#layout.groups.find(({ id }) => id === thing.group)
        : thing.kind === "agent" && !settings.table
          ? this.#layout.groupOf(thing.agent)
          : undefined;
    const facts = {
      group,
      isClosed: thing.kind === "group" && this.#layout.isClosed(thing.group),
      ringPlace:
        thing.kind === "agent" && settings.layout === "ring" ? this.#ringPlaces(swarm).get(thing.agent) : undefined,
      hearing: this.#hearingOf(thing),
      bundle: thing.kind === "bundle" ? this.#bundle(swarm, thing.bundle) : undefined,
    };
    return details(swarm, thing, facts, {
      close: () => this.#select(null),
      inject: (target) => this.bridge.command("agentMesh.injectFailure", target),
      heal: (fault) => void this.#heal(swarm.id, fault),
      showRounds: (agent) => this.bridge.command("agentMesh.showRounds", { swarm: swarm.id, agent }),
      toggleGroup: (id) => this.#toggleGroup(id),
    });
  }

  #hearingOf(thing: Thing): Hearing | undefined {
    return thing.kind === "agent" ? this.wave?.rumour.heard.find(({ agent }) => agent === thing.agent) : undefined;
  }

  #bundle(swarm: SwarmView, id: string): Bundle | undefined {
    const closed = this.#layout.groups.filter((group) => this.#layout.isClosed(group.id));
    return shownOf(swarm, closed).bundles.get(id);
  }

  /** Opens a closed group, closes an open one, and chooses it. */
  #toggleGroup(id: string): void {
    const { opened, shut } = this.settings;
    const others = { opened: opened.filter((one) => one !== id), shut: shut.filter((one) => one !== id) };
    this.#set(
      this.#layout.isClosed(id)
        ? { opened: [...others.opened, id], shut: others.shut }
        : { opened: others.opened, shut: [...others.shut, id] },
    );
    this.selected = { kind: "group", group: id };
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
      this.#layout.forget();
    } else {
      this.#showSwarm(container, this.swarm, changed);
    }
    if (this.selected === null) this.dataset.vscodeContext = this.#contextOf(null);
    else if (changed.has("selected")) this.dataset.vscodeContext = this.#contextOf(this.selected);
  }

  #showSwarm(container: HTMLElement, swarm: SwarmView, changed: PropertyValues<this>): void {
    const fresh = this.#graph === undefined;
    this.#graph ??= new TopologyGraph(container, readTheme(), this.#onClick, () => this.#layOut());
    if (fresh || changed.has("swarm")) {
      this.#links = new Map(swarm.links.map((link) => [linkId(link), link]));
      this.#graph.update(swarm);
    }
    if (fresh) this.#graph.showSpread(this.wave?.spread ?? null);
    if (changed.has("selected")) this.#openForSelected();
    if (fresh || changed.has("swarm") || changed.has("settings")) this.#layOut();
    if (fresh || changed.has("selected")) this.#graph.select(this.selected);
  }

  #layOut(): void {
    const container = this.querySelector<HTMLElement>(".picture");
    if (this.#graph === undefined || this.swarm === null || container === null) return;
    this.#layout.layOut(this.#graph, this.swarm, this.settings, container, () => {
      // What is written beside the picture tells of groups, too.
      this.requestUpdate();
      this.#openForSelected();
    });
  }

  /** A chosen agent is seen: its group opens; unless the person has just closed it, and with that chosen the group. */
  #openForSelected(): void {
    const { selected, settings } = this;
    if (selected?.kind !== "agent") return;
    const group = this.#layout.groupOf(selected.agent);
    if (group === undefined || !this.#layout.isClosed(group.id) || settings.opened.includes(group.id)) return;
    const shut = settings.shut.filter((one) => one !== group.id);
    this.#set({ opened: [...settings.opened, group.id], shut });
  }

  readonly #select = (thing: Thing | null): void => {
    if (!sameThing(thing, this.selected)) this.selected = thing;
  };

  readonly #onClick = (thing: Thing | null): void => {
    if (thing?.kind === "group" && this.#layout.isClosed(thing.group)) this.#toggleGroup(thing.group);
    else this.#select(thing);
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
    else if (event.key === "Enter" && this.selected?.kind === "group") this.#toggleGroup(this.selected.group);
    else if (event.key === "Backspace" && this.selected?.kind === "agent") this.#closeGroupOf(this.selected.agent);
    else return;
    event.preventDefault();
  };

  #closeGroupOf(agent: string): void {
    const group = this.#layout.groupOf(agent);
    if (group !== undefined) this.#toggleGroup(group.id);
  }

  #step(graph: TopologyGraph, [dx, dy]: readonly [number, number]): void {
    const { selected } = this;
    const shown = selected === null ? "" : thingId(selected);
    // An open group has no place of its own: its first agent is where it is left.
    const members = this.#layout.groups.find(({ id }) => id === shown)?.agents ?? [];
    const from = graph.pointOf(shown) === null ? members[0] : shown;
    const next = from === undefined || from === "" ? this.#firstShown(graph) : graph.neighbour(from, dx, dy);
    if (next !== null) this.#select(next);
  }

  /** Who leads, or the first; its group where that is closed. */
  #firstShown(graph: TopologyGraph): Thing | null {
    const agent = this.swarm?.health.leader ?? this.swarm?.agents[0]?.id;
    if (agent === undefined) return null;
    if (graph.pointOf(agent) !== null) return { kind: "agent", agent };
    const group = this.#layout.groupOf(agent);
    return group === undefined ? null : { kind: "group", group: group.id };
  }
}

customElements.define("am-topology", TopologyView);
