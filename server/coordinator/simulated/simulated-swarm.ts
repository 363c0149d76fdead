/** A simulated swarm as it is shown: what its thread tells of it, in the same forms as what agents tell of themselves. */

import { type Mesh, remembersBeside } from "../../contract/mesh.ts";
import type { ProposalInfo } from "../../contract/proposals.ts";
import type { SimulatedView } from "../../contract/simulated.ts";
import type { AgentReport, SwarmPhase, SwarmView, TaskInfo } from "../../contract/swarm.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { type Link, overlayOf } from "../../core/overlay/types.ts";
import { deferred } from "../../live/deferred.ts";
import { linksOf } from "../../meshfile/topology-section.ts";
import { zonesOf } from "../../meshfile/zones-section.ts";
import { EPOCH_MS } from "../../sim/clock.ts";
import { everybodyIn } from "../../sim/outline.ts";
import type { JudgedOptions } from "../../sim/watched/judged-run.ts";
import type { WatchedReport } from "../../sim/watched/reporter.ts";
import { AgentWatch } from "../agent-watch.ts";
import { isDecided, isFinished } from "../ledgers.ts";
import type { Lock } from "../lock.ts";
import { Metrics, SAMPLE_EVERY_MS } from "../metrics.ts";
import { Showing } from "../showing.ts";
import type { ShownSwarm } from "../shown-swarm.ts";
import type { SwarmHost } from "../swarm.ts";
import { Timeline } from "../timeline/timeline.ts";
import { type Opinions, shownProposal, swarmView } from "../views.ts";
import type { Batch, PaceChange } from "./protocol.ts";
import { SimulatedClient } from "./simulated-client.ts";
import { SimulatedEvidence } from "./simulated-evidence.ts";
import { SimulatedFaults } from "./simulated-faults.ts";
import { SimulationThread } from "./simulation-thread.ts";

export interface SimulatedParts {
  readonly id: string;
  readonly mesh: Mesh;
  /** Path of the mesh file, and its folder. */
  readonly file: string;
  readonly folder: string;
  readonly seed: number;
  readonly speed: number | null;
  /** Absent: it is anybody's to ask, and has no end. */
  readonly judged?: JudgedOptions;
  /** For the timeline's older part. */
  readonly timelineFolder: string;
  readonly lock: Lock;
}

/** Who is shown of those that there may be. */
interface Shown {
  readonly ids: ReadonlySet<string>;
  readonly agents: readonly AgentWatch[];
  readonly roster: readonly (Mesh["agents"][number] | { readonly id: string })[];
  /** Between them. */
  readonly links: readonly Link[];
  /** What an agent that doubts nobody holds of the members: of many agents one list serves. */
  readonly allAlive: AgentReport["members"];
}

/** Figures that only moved; what changed in kind is shown at once. */
const FIGURES_MS = 250;
const CHUNKS_IN_MEMORY = 24;
/** Of the longest election timeouts: what a client in it waits for an answer. */
const PATIENCE_TIMEOUTS = 20;
/** After so many events it pauses by itself, lest it fill the disk while nobody looks. */
const MOST_STORED = 10_000_000;

export class SimulatedSwarm implements ShownSwarm {
  readonly id: string;
  readonly file: ShownSwarm["file"];
  readonly mesh: ShownSwarm["mesh"];
  readonly lock: Lock;
  readonly timeline: Timeline;
  readonly metrics: Metrics;
  readonly thread: SimulationThread;
  readonly faults: SimulatedFaults;
  readonly client: SimulatedClient;
  readonly tasks: { items: readonly TaskInfo[] } = { items: [] };
  readonly proposals: { items: readonly ProposalInfo[] } = { items: [] };
  over = false;
  readonly #mesh: Mesh;
  readonly #seed: number;
  readonly #judged: boolean;
  /** Those that have been there: of a judged run some may join. With what follows from that, as it changes rarely and is asked for with every view. */
  #shown: Shown;
  readonly #host: SwarmHost;
  readonly #watches: readonly AgentWatch[];
  readonly #byId: ReadonlyMap<string, AgentWatch>;
  readonly #links: readonly Link[];
  readonly #evidence = new SimulatedEvidence();
  readonly #opinions = new Map<string, Opinions>();
  readonly #places: ReadonlyMap<string, number>;
  readonly #told = new Set<string>();
  readonly #ready = deferred<void>();
  #pace: Omit<SimulatedView, "seed" | "judged">;
  #phase: SwarmPhase = "starting";
  #problem = "";
  #sampledMs = EPOCH_MS;
  /** Of events: then it pauses by itself. */
  #mostStored = MOST_STORED;
  readonly #showing: Showing;

  constructor(parts: SimulatedParts, host: SwarmHost) {
    const { id, mesh, file, folder, seed, speed, judged, timelineFolder, lock } = parts;
    this.id = id;
    this.lock = lock;
    this.#mesh = mesh;
    this.#seed = seed;
    this.#host = host;
    this.#showing = new Showing(() => host.changed(this));
    this.#judged = judged !== undefined;
    const founders = mesh.agents.map((agent) => agent.id);
    const ids = judged === undefined ? founders : everybodyIn(mesh, seed, judged.chaos);
    this.#links = linksOf(mesh, ids);
    this.file = { name: simulatedName(mesh), folder, file, detached: false };
    this.mesh = { agents: ids, links: this.#links, zones: zonesOf(mesh.agents), consensus: mesh.consensus };
    this.#watches = ids.map((agent) => new AgentWatch({ id: agent, port: 0 }, Number.POSITIVE_INFINITY));
    this.#byId = new Map(this.#watches.map((watch) => [watch.id, watch]));
    this.#places = new Map(ids.map((agent, place) => [agent, place]));
    this.#shown = this.#shownOf(new Set(founders));
    this.timeline = new Timeline(id, {
      folder: timelineFolder,
      chunksInMemory: CHUNKS_IN_MEMORY,
      onProblem: (message) => this.notice("warning", message),
    });
    this.metrics = new Metrics(id, ids, mesh.consensus, remembersBeside(mesh) ? "eventual" : undefined, false);
    this.#pace = { virtualMs: 0, nowMs: EPOCH_MS, speed, reached: null, paused: false };
    this.thread = new SimulationThread({
      task: { watch: { mesh, seed, speed, ...(judged && { judged }) } },
      onBatch: (batch) => this.#take(batch),
      onFailed: (why) => this.#fail(why),
    });
    this.faults = new SimulatedFaults(this.thread, this.mesh);
    const patienceMs = PATIENCE_TIMEOUTS * mesh.timing.electionTimeoutMaxMs;
    this.client = new SimulatedClient(this.thread, () => this.#pace.paused, patienceMs);
  }

  get agents(): readonly AgentWatch[] {
    return this.#shown.agents;
  }

  get phase(): SwarmPhase {
    return this.#phase;
  }

  get simulated(): SimulatedView {
    return { seed: this.#seed, ...(this.#judged && { judged: true }), ...this.#pace };
  }

  /** Ends when its agents are there to be shown. @throws Error when the thread failed */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** From now on. @throws Refusal when it has ended */
  async setPace(pace: PaceChange): Promise<SimulatedView> {
    await this.thread.ask({ ask: "pace", pace }, "paced");
    this.#showing.changed(0);
    return this.simulated;
  }

  view(): SwarmView {
    return this.#showing.make(() => this.#view());
  }

  #view(): SwarmView {
    const { name, folder, file, detached } = this.file;
    const { topology, consensus, slots } = this.#mesh;
    return swarmView({
      id: this.id,
      name,
      file,
      folder,
      topology: topology.kind,
      consensus,
      ...(remembersBeside(this.#mesh) && { memory: "eventual" as const }),
      detached,
      startedAtMs: EPOCH_MS,
      simulated: this.simulated,
      phase: this.#phase,
      problem: this.#problem,
      revision: this.#showing.revision,
      tasks: this.tasks.items,
      proposals: this.proposals.items,
      slots,
      agents: this.agents,
      linkEnds: this.#linksToShow(),
      roster: this.#shown.roster,
      evidence: this.#evidence,
      active: this.faults.active,
      presets: this.faults.presets,
      opinions: this.#opinions,
    });
  }

  notice(level: "info" | "warning" | "error", message: string): void {
    this.#host.notice(level, this.id, message);
  }

  /** Nothing of it is left but what is on disk, which is the caller's. */
  async close(): Promise<void> {
    this.over = true;
    this.#ready.resolve();
    this.#showing.close();
    await this.thread.end();
    await this.timeline.dispose();
  }

  #take(batch: Batch): void {
    if (this.over) return;
    const { pace, events, reports, whole, processes, faults, tasks, proposals, notices } = batch;
    this.#pace = pace;
    let moved = processes.size > 0 || faults !== undefined || tasks !== undefined;
    for (const [place, state] of processes) {
      const watch = this.#watches[place] as AgentWatch;
      watch.process = state === "down" ? "crashed" : state;
      watch.connected = state === "running";
      const { ids } = this.#shown;
      if (watch.connected && !ids.has(watch.id)) this.#shown = this.#shownOf(new Set([...ids, watch.id]));
      if (state === "down") watch.forget();
    }
    if (faults !== undefined) {
      this.faults.now(faults);
      this.#evidence.believeNot(faults.liars);
    }
    for (const report of reports) this.#heard(report);
    for (const [place, { majority, suspectedBy }] of batch.opinions)
      this.#opinions.set(this.mesh.agents[place] as string, {
        majority,
        suspectedBy: suspectedBy.map((by) => this.mesh.agents[by] as string),
      });
    if (this.#add(events)) moved = true;
    if (tasks !== undefined) this.#tasksAre(tasks);
    if (proposals !== undefined) this.#proposalsAre(proposals);
    for (const { level, message } of notices) this.notice(level, message);
    if (whole) this.#sample();
    if (this.#phase === "starting") {
      this.#phase = "running";
      this.#ready.resolve();
      moved = true;
    }
    this.#showing.changed(moved ? 0 : FIGURES_MS);
  }

  #heard({ doubts, ...told }: WatchedReport): void {
    const report: AgentReport = {
      ...told,
      members: this.#membersOf(doubts),
      ...{ pid: 0, port: 0, cpuSeconds: 0, rssBytes: 0, logBytes: 0, fsyncs: 0, fsyncP99Ms: null },
    };
    this.#byId.get(report.agent)?.heard(report);
    this.metrics.report(report);
  }

  #shownOf(ids: ReadonlySet<string>): Shown {
    const founders = new Set(this.#mesh.agents.map(({ id }) => id));
    const joined = [...ids].filter((id) => !founders.has(id));
    return {
      ids,
      agents: this.#watches.filter(({ id }) => ids.has(id)),
      roster: [...this.#mesh.agents, ...joined.map((id) => ({ id }))],
      links: this.#links.filter(({ a, b }) => ids.has(a) && ids.has(b)),
      allAlive: [...ids].map((id) => ({ id, state: "alive", sinceMs: EPOCH_MS })),
    };
  }

  #membersOf(doubts: WatchedReport["doubts"]): AgentReport["members"] {
    if (doubts.length === 0) return this.#shown.allAlive;
    const byId = new Map(doubts.map((doubt) => [doubt.id, doubt]));
    return this.#shown.allAlive.map((member) => byId.get(member.id) ?? member);
  }

  /** @returns whether something changed in kind */
  #add(events: readonly TimelineEvent[]): boolean {
    if (this.timeline.add(events) === 0) return false;
    let moved = false;
    for (const event of events) {
      if (this.#byId.get(event.agent)?.happened(event) === true) moved = true;
      if (event.kind === "equivocation" && this.#evidence.told(event.agent, event.fields)) {
        this.metrics.liars = [...this.#evidence.liars.keys()];
        moved = true;
      }
      this.metrics.happened(event);
    }
    this.#host.timelineGrew(this);
    if (this.timeline.stored >= this.#mostStored) this.#pauseByItself();
    return moved;
  }

  #pauseByItself(): void {
    this.#mostStored += MOST_STORED;
    this.setPace({ paused: true }).catch(() => {
      // It has ended meanwhile.
    });
    this.notice(
      "warning",
      `${this.file.name} was paused: its timeline has ${this.timeline.stored.toLocaleString("en")} events, some GB on disk. Resume it if that may become more.`,
    );
  }

  /** A sample a virtual second, or a round of reports where that takes longer. */
  #sample(): void {
    const { nowMs } = this.#pace;
    if (nowMs - this.#sampledMs < SAMPLE_EVERY_MS) return;
    this.#sampledMs = nowMs;
    this.metrics.sample(nowMs);
    this.#host.metricsSampled(this, nowMs);
  }

  #tasksAre(tasks: readonly TaskInfo[]): void {
    this.tasks.items = tasks;
    for (const task of tasks)
      if (isFinished(task) && this.#isNew(`task ${task.id}`)) this.#host.taskFinished(this, task);
  }

  #proposalsAre(proposals: readonly ProposalInfo[]): void {
    this.proposals.items = proposals;
    this.metrics.proposals = proposals;
    for (const proposal of proposals)
      if (isDecided(proposal) && this.#isNew(`proposal ${proposal.id}`))
        this.#host.proposalDecided(this, shownProposal(proposal));
  }

  #isNew(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }

  /** Where agents look for their links themselves, those that one end or the other says are up. */
  #linksToShow(): readonly Link[] {
    if (overlayOf(this.#mesh.topology.kind) === undefined) return this.#shown.links;
    const links = new Map<string, Link>();
    for (const { id, report } of this.#watches)
      for (const { peer, up } of report?.links ?? []) {
        if (!up) continue;
        const [a, b] = (this.#places.get(id) as number) < (this.#places.get(peer) as number) ? [id, peer] : [peer, id];
        links.set(`${a} ${b}`, { a, b });
      }
    return [...links.values()];
  }

  #fail(why: string): void {
    this.#problem = why;
    this.#phase = "failed";
    for (const watch of this.#watches) watch.connected = false;
    this.#ready.reject(new Error(why));
    this.notice("error", `${this.file.name}: ${why}`);
    this.#showing.changed(0);
  }
}

/** No list, message or picker that names it can take it for processes. */
export function simulatedName({ name }: Pick<Mesh, "name">): string {
  return `${name} (simulated)`;
}
