/** The rounds view: the space-time diagram with its lanes, filters, search, overview, and the story of the chosen event. */
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { ToWebview } from "../../server/contract/webview.ts";
import type { Bridge } from "../bridge.ts";
import { noSwarm, waiting } from "../elements/empty-state.ts";
import { swarmProblem, swarmTitle } from "../elements/swarm-header.ts";
import { SwarmPage } from "../elements/swarm-page.ts";
import { formatDuration, plural } from "../format.ts";
import { readTheme, type Theme } from "../theme.ts";
import { eventContext, hitContext, messageTarget } from "./context.ts";
import { Diagram } from "./diagram.ts";
import { AXIS_PX } from "./draw.ts";
import { type EventStory, eventDetails } from "./event-details.ts";
import { eventTable } from "./event-table.ts";
import { listen, listenStrip } from "./gestures.ts";
import type { Hit } from "./hit.ts";
import { describe, hiddenKinds } from "./kinds.ts";
import { dragLane } from "./lane-drag.ts";
import { laneHeaders } from "./lane-headers.ts";
import { type Lane, layLanes, moveAgent, orderedAgents } from "./lanes.ts";
import { passageOf } from "./passage.ts";
import { phaseGrid } from "./phases/phase-grid.ts";
import { placeDetails } from "./phases/place-details.ts";
import { PlacesSource } from "./phases/places-source.ts";
import { filterBar, roundsLegend, roundsTools } from "./rounds-bars.ts";
import { EventSearch } from "./search.ts";
import { spanMs } from "./time-axis.ts";
import { tooltip } from "./tooltip.ts";

const DEFAULTS = {
  order: [] as readonly string[],
  hidden: [] as readonly string[],
  folded: [] as readonly string[],
  /** Groups of events that are not shown. */
  off: ["heartbeats"] as readonly string[],
  spanMs: 10_000,
  table: false,
  /** The grid of PBFT's phases below the diagram. */
  phases: false,
  legend: window.innerWidth > 600,
  filters: window.innerWidth > 600,
};

export type RoundsSettings = typeof DEFAULTS;

export class RoundsView extends SwarmPage<RoundsSettings> {
  static override properties = {
    ...SwarmPage.properties,
    story: { state: true },
    selected: { state: true },
    pointed: { state: true },
    scrollY: { state: true },
    roomPx: { state: true },
    tick: { state: true },
  };

  declare story: EventStory | null;
  declare selected: string;
  declare pointed: { readonly hit: Hit; readonly x: number; readonly y: number } | null;
  declare scrollY: number;
  declare roomPx: number;
  /** Rises when the diagram shows something else: the words around it are written anew. */
  declare tick: number;

  readonly #search: EventSearch;
  readonly #places: PlacesSource;
  readonly #resizes = new ResizeObserver(() => this.#measure());
  #theme: Theme | undefined;
  #diagram: Diagram | undefined;
  #lanes: readonly Lane[] = [];
  #undoDiagram: (() => void)[] = [];

  constructor(bridge: Bridge) {
    super(bridge, DEFAULTS);
    this.#search = new EventSearch((search) => bridge.request("timelineSearch", search));
    this.#places = new PlacesSource(
      (query) => bridge.request("timeline", query),
      () => this.tick++,
      (message) => {
        this.failure = message;
      },
    );
    this.story = null;
    this.selected = "";
    this.pointed = null;
    this.scrollY = 0;
    this.roomPx = 0;
    this.tick = 0;
  }

  override disconnectedCallback(): void {
    for (const undo of this.#undoDiagram) undo();
    this.#resizes.disconnect();
    super.disconnectedCallback();
  }

  protected override themeChanged(theme: Theme): void {
    this.#theme = theme;
    this.requestUpdate();
  }

  /** The diagram, while it is shown. */
  get diagram(): Diagram | undefined {
    return this.#diagram;
  }

  protected override received(message: ToWebview, replaced: boolean): void {
    switch (message.type) {
      case "snapshot":
        if (replaced) this.#unselect();
        else void this.#diagram?.catchUp();
        break;
      case "timelineGrew":
        if (message.swarm === this.swarm?.id) this.#diagram?.grew(message.stored, message.lastMs);
        break;
      case "reveal":
        if (message.event !== undefined) void this.#choose(message.event, true);
        if (message.agent !== undefined) void this.#revealLane(message.agent);
        break;
    }
  }

  protected override render(): TemplateResult {
    const { swarm } = this;
    if (!this.greeted) return html`<div class="view">${waiting()}</div>`;
    if (swarm === null || swarm.phase === "stopped") {
      const shows = "Bring one up to see its elections or rumours, votes and commits as they happen.";
      return html`<div class="view">${noSwarm(this.bridge, this.trusted, shows)}</div>`;
    }
    const { settings } = this;
    return html`<div class="view rounds">
      <header class="bar">
        ${swarmTitle(
          swarm,
          this.swarms,
          (id) => this.bridge.selectSwarm(id),
          (command) => this.bridge.command(command),
        )}
        ${roundsTools(swarm.consensus, settings, this.#diagram, (change) => this.#set(change))}
      </header>
      ${
        settings.filters
          ? filterBar(swarm.consensus, settings, this.#search.status, {
              set: (change) => this.#set(change),
              find: (text, newer) => void this.#find(text, newer),
            })
          : nothing
      }
      ${swarmProblem(swarm)}
      ${this.failure === "" ? nothing : html`<p class="problem" role="alert">${this.failure}</p>`}
      <div class="stage">
        <div class="pictures">
          ${settings.table ? this.#table(swarm) : this.#space(swarm)}
          ${this.#showsPhases ? this.#phases(swarm) : nothing}
        </div>
        ${this.story === null ? nothing : this.#details(swarm, this.story)}
      </div>
      <canvas
        class="overview"
        role="img"
        title="The whole timeline: drag to go to another time"
        aria-label="The whole timeline, ${plural(this.#diagram?.stored ?? 0, "event")}. The keys Home and End in the diagram go to its ends."
      ></canvas>
      ${settings.legend ? roundsLegend(swarm, this.#diagram?.window?.complete === false) : nothing}
      <p class="sr-only" role="status">${this.story === null ? "" : `${this.story.event.agent}: ${describe(this.story.event)}`}</p>
    </div>`;
  }

  get #showsPhases(): boolean {
    return this.settings.phases && this.swarm?.consensus === "pbft";
  }

  #phases(swarm: SwarmView): TemplateResult {
    const source = this.#places;
    return phaseGrid({
      rows: source.rows,
      older: source.older,
      full: source.full,
      agents: this.#lanes.map(({ agent }) => agent),
      quorum: swarm.health.quorum,
      selected: source.rowOf(this.selected)?.key ?? "",
      choose: (id) => void this.#choose(id, true),
      more: () => source.more(),
    });
  }

  #details(swarm: SwarmView, story: EventStory): TemplateResult {
    const row = this.#showsPhases ? this.#places.rowOf(story.event.id) : undefined;
    return eventDetails(
      story,
      passageOf(swarm, story, this.#diagram?.window ?? null),
      row === undefined ? nothing : placeDetails(row, this.selected, (id) => void this.#choose(id, true)),
      eventContext(swarm, story.event),
      {
        jump: this.#jump,
        close: this.#unselect,
        inject: (message, action) => {
          const target = messageTarget(swarm, message);
          const asked = { ...target.message, ...(action === undefined ? {} : { action }) };
          this.bridge.command("agentMesh.injectFailure", { ...target, message: asked });
        },
      },
    );
  }

  #table(swarm: SwarmView): TemplateResult {
    const diagram = this.#diagram;
    const span = diagram?.span ?? { fromMs: 0, toMs: 1 };
    return html`<div class="table-view">
      ${eventTable(
        swarm.consensus,
        diagram?.window ?? null,
        span,
        this.selected,
        (id) => void this.#choose(id, false),
        (event) => eventContext(swarm, event),
      )}
      <canvas class="space-time" hidden></canvas>
    </div>`;
  }

  #space(swarm: SwarmView): TemplateResult {
    const diagram = this.#diagram;
    const shown = diagram?.window;
    const span = diagram === undefined ? "" : formatDuration(spanMs(diagram.span));
    const count = shown === null || shown === undefined ? "" : plural(shown.total, "event");
    const label = `Space-time diagram of ${swarm.name}: ${this.#lanes.length} lanes, ${span}, ${count}. Arrow keys move through time, plus and minus zoom, comma and full stop go from event to event, End follows the newest, the context menu breaks what was chosen. Table shows the same in words.`;
    const empty = diagram !== undefined && diagram.stored === 0;
    return html`<div class="diagram">
      <div class="corner" title="The stretch of time in sight">${span}</div>
      <div class="gutter" @scroll=${this.#onScroll}>
        ${laneHeaders(swarm, this.#lanes, this.scrollY, this.roomPx, {
          move: (agent, by) => this.#move(agent, by),
          drag: (event, agent) => dragLane(event, agent, this.#lanes, (order) => this.#set({ order })),
          fold: (agent) => this.#set({ folded: toggled(this.settings.folded, agent) }),
          hide: (agent) => this.#set({ hidden: [...this.settings.hidden, agent] }),
        })}
      </div>
      <div class="plot">
        <canvas class="space-time" tabindex="0" role="application" aria-label=${label} @keydown=${this.#onKey} @contextmenu=${this.#onContextMenu}></canvas>
        ${empty ? html`<p class="note muted">No event has been recorded yet.</p>` : nothing}
        ${this.pointed === null ? nothing : tooltip(this.pointed.hit, this.pointed.x, this.pointed.y, this.#plotBox())}
      </div>
    </div>`;
  }

  #plotBox(): { readonly width: number; readonly height: number } {
    const plot = this.querySelector(".plot");
    return { width: plot?.clientWidth ?? 0, height: plot?.clientHeight ?? 0 };
  }

  protected override willUpdate(): void {
    if (this.swarm === null) return;
    const agents = everybody(this.swarm);
    const bars = CONSENSUS[this.swarm.consensus].term !== "";
    this.#lanes = layLanes(agents, this.settings, this.roomPx, bars);
  }

  protected override updated(changed: PropertyValues<this>): void {
    const canvas = this.querySelector<HTMLCanvasElement>("canvas.space-time");
    const strip = this.querySelector<HTMLCanvasElement>("canvas.overview");
    if (canvas === null || strip === null || this.swarm === null) this.#takeDown();
    else if (this.#diagram === undefined || changed.has("settings")) this.#mount(canvas, strip);
    this.#feed();
  }

  /** Makes the diagram for these canvases, unless it has them already. */
  #mount(canvas: HTMLCanvasElement, strip: HTMLCanvasElement): void {
    if (this.#diagram?.uses(canvas, strip)) return;
    const before = this.#diagram;
    this.#takeDown();
    const diagram = new Diagram(canvas, strip, this.settings.spanMs, {
      ask: (query) => this.bridge.request("timeline", query),
      changed: () => this.#onDiagram(),
      failed: (message) => {
        this.failure = message;
      },
    });
    if (before !== undefined) diagram.takeOver(before);
    this.#diagram = diagram;
    this.#undoDiagram = [
      listen(canvas, {
        diagram: () => this.#diagram,
        scrollLanes: (px) => this.#scrollLanes(px),
        choose: (x, y) => this.#chooseAt(x, y),
        point: (x, y) => this.#point(x, y),
        leave: () => this.#point(-1, -1),
      }),
      listenStrip(strip, () => this.#diagram),
    ];
    this.#resizes.disconnect();
    this.#resizes.observe(this);
    for (const element of this.querySelectorAll(".plot, canvas.overview")) this.#resizes.observe(element);
    this.#measure();
  }

  #takeDown(): void {
    for (const undo of this.#undoDiagram) undo();
    this.#undoDiagram = [];
    this.#diagram?.destroy();
    this.#diagram = undefined;
  }

  #measure(): void {
    const room = Math.max(0, (this.querySelector(".plot")?.clientHeight ?? 0) - AXIS_PX);
    if (room !== this.roomPx) this.roomPx = room;
    this.#diagram?.invalidate();
  }

  #feed(): void {
    const diagram = this.#diagram;
    if (diagram === undefined || this.swarm === null) return;
    if (this.#showsPhases)
      this.#places.want({
        swarm: this.swarm.id,
        span: diagram.span,
        following: diagram.following,
        lastMs: diagram.stored === 0 ? Number.NaN : diagram.extent.toMs,
        stored: diagram.stored,
        selectedMs: this.story?.event.hlc.wallMs ?? null,
      });
    else this.#places.reset();
    this.#theme ??= readTheme();
    diagram.frame = {
      swarm: this.swarm.id,
      lanes: this.#lanes,
      hidden: hiddenKinds(this.settings.off),
      theme: this.#theme,
      selected: this.selected,
      path: this.story === null ? [] : [...this.story.causes, this.story.event, ...this.story.effects],
    };
  }

  #onDiagram(): void {
    this.tick++;
    const span = this.#diagram === undefined ? this.settings.spanMs : Math.round(spanMs(this.#diagram.span));
    if (span !== this.settings.spanMs) this.bridge.saveSettings({ ...this.settings, spanMs: span });
    if (this.failure !== "" && this.#diagram?.window !== null) this.failure = "";
  }

  #set(change: Partial<RoundsSettings>): void {
    const span = this.#diagram === undefined ? this.settings.spanMs : Math.round(spanMs(this.#diagram.span));
    this.settings = { ...this.settings, spanMs: span, ...change };
    this.bridge.saveSettings(this.settings);
  }

  #move(agent: string, by: number): void {
    const shown = this.#lanes.map((lane) => lane.agent);
    const target = shown[shown.indexOf(agent) + by];
    if (this.swarm === null || target === undefined) return;
    const all = orderedAgents(everybody(this.swarm), this.settings.order);
    this.#set({ order: moveAgent(all, agent, all.indexOf(target)) });
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(`.lanes [data-agent="${agent}"]`)?.focus());
  }

  /** Brings an agent's lane into sight and puts the focus on its name. */
  async #revealLane(agent: string): Promise<void> {
    const { hidden, folded } = this.settings;
    this.#set({ hidden: hidden.filter((other) => other !== agent), folded: folded.filter((other) => other !== agent) });
    await this.updateComplete;
    const lane = this.#lanes.find((candidate) => candidate.agent === agent);
    const gutter = this.querySelector(".gutter");
    if (lane === undefined || gutter === null) return;
    gutter.scrollTop = lane.top - Math.max(0, (gutter.clientHeight - lane.height) / 2);
    this.scrollY = gutter.scrollTop;
    await this.updateComplete;
    this.querySelector<HTMLElement>(`.lanes [data-agent="${agent}"]`)?.focus({ preventScroll: true });
  }

  readonly #onScroll = (event: Event): void => {
    const { scrollTop } = event.currentTarget as HTMLElement;
    this.scrollY = scrollTop;
    if (this.#diagram !== undefined) this.#diagram.scrollY = scrollTop;
  };

  #scrollLanes(px: number): boolean {
    const gutter = this.querySelector(".gutter");
    if (gutter === null || gutter.scrollHeight <= gutter.clientHeight + 1) return false;
    gutter.scrollTop += px;
    return true;
  }

  #point(x: number, y: number): void {
    const diagram = this.#diagram;
    if (diagram === undefined) return;
    const found: Hit = x < 0 ? { kind: "none" } : diagram.thingAt(x, y);
    diagram.hover = found;
    this.pointed = found.kind === "none" ? null : { hit: found, x, y };
  }

  /** Tells VS Code, which asks next, what its menu is about. By mouse: what is under the pointer. By keyboard (no button): the chosen event. */
  readonly #onContextMenu = (event: MouseEvent): void => {
    const canvas = event.currentTarget as HTMLCanvasElement;
    if (this.swarm === null) return;
    const byKeyboard = event.button !== 2 && event.buttons === 0;
    const found = this.#diagram?.thingAt(event.offsetX, event.offsetY) ?? { kind: "none" };
    canvas.dataset.vscodeContext = byKeyboard
      ? eventContext(this.swarm, this.story?.event ?? null)
      : hitContext(this.swarm, found);
  };

  #chooseAt(x: number, y: number): void {
    const found = this.#diagram?.thingAt(x, y);
    if (found?.kind === "event") void this.#choose(found.event.id, false);
    else if (found?.kind === "arrow") void this.#choose(found.arrow.message.id, false);
    else this.#unselect();
  }

  /** Fetches an event's story; `centre` brings it into sight. */
  async #choose(id: string, centre: boolean): Promise<void> {
    const { swarm } = this;
    if (swarm === null) return;
    this.selected = id;
    try {
      const story = await this.bridge.request("timelineEvent", { swarm: swarm.id, id });
      if (this.selected !== id) return; // another was chosen meanwhile
      if (story === null) {
        this.failure = `The timeline has no event ${id} any more.`;
        return;
      }
      this.story = story;
      if (centre) this.#diagram?.centre(story.event);
      else if (this.#diagram?.following) this.#diagram.follow(false);
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  readonly #jump = (event: TimelineEvent): void => void this.#choose(event.id, true);

  readonly #unselect = (): void => {
    this.selected = "";
    this.story = null;
  };

  async #find(text: string, newer: boolean): Promise<void> {
    if (this.swarm === null) return;
    try {
      const found = newer ? this.#search.newer() : await this.#search.older(this.swarm.id, text);
      if (found !== null) await this.#choose(found.id, true);
      this.tick++;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const diagram = this.#diagram;
    if (diagram === undefined || event.altKey) return;
    const width = diagram.widthPx;
    const { fromMs } = diagram.extent;
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => diagram.panPx(-width * 0.1),
      ArrowRight: () => diagram.panPx(width * 0.1),
      ArrowUp: () => this.#scrollLanes(-40),
      ArrowDown: () => this.#scrollLanes(40),
      "+": () => diagram.zoomAt(0.7, width / 2),
      "=": () => diagram.zoomAt(0.7, width / 2),
      "-": () => diagram.zoomAt(1.4, width / 2),
      Home: () => diagram.show({ fromMs, toMs: fromMs + spanMs(diagram.span) }),
      End: () => diagram.follow(true),
      ",": () => this.#step(-1),
      ".": () => this.#step(1),
      Escape: () => this.#unselect(),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };

  /** Chooses the next event, or the one before, on the lanes that are shown. */
  #step(by: number): void {
    const id = this.#diagram?.neighbour(this.selected, by);
    if (id !== undefined) void this.#choose(id, true);
  }
}

function toggled(list: readonly string[], item: string): readonly string[] {
  return list.includes(item) ? list.filter((other) => other !== item) : [...list, item];
}

/** Those that were removed, too: what they did stays. */
function everybody({ agents, departed = [] }: SwarmView): string[] {
  return [...agents.map(({ id }) => id), ...departed];
}

customElements.define("am-rounds", RoundsView);
