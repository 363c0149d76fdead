/** One running swarm: its agents' processes, what they tell, the faults on it, its tasks, timeline and metrics. */
import type { MeshClient } from "../client/client.ts";
import { connect } from "../client/client.ts";
import { MeshError } from "../client/errors.ts";
import type { AgentPush } from "../contract/client.ts";
import type { CoordinatorNotifications } from "../contract/coordinator.ts";
import type { Mesh } from "../contract/mesh.ts";
import type { ProposalInfo, ProposalView } from "../contract/proposals.ts";
import type { SwarmPhase, SwarmView, TaskInfo } from "../contract/swarm.ts";
import type { EventKind, Fields, TimelineEvent } from "../contract/timeline.ts";
import type { Zones } from "../core/overlay/zones.ts";
import { readPeerToken, swarmPaths } from "../live/layout.ts";
import { lastWords } from "../live/spawn.ts";
import { faultsToleratedIn, presentAgents, presentZones, type SwarmFile } from "../live/swarm-file.ts";
import { AgentWatch } from "./agent-watch.ts";
import { EvidenceKeeper } from "./evidence-keeper.ts";
import { judgeGround } from "./expectations/judge-ground.ts";
import { LiveJudge } from "./expectations/live-judge.ts";
import { FaultControl } from "./fault-control.ts";
import { effectsOf } from "./fault-rules.ts";
import { coordinatorFiles } from "./files.ts";
import { leadershipOf, membersOf } from "./health.ts";
import type { LedgerWatch } from "./ledger-watch.ts";
import { watchProposals, watchTasks } from "./ledgers.ts";
import { LinkLatencies } from "./link-latencies.ts";
import type { Lock } from "./lock.ts";
import { Members } from "./members.ts";
import { Metrics, SAMPLE_EVERY_MS } from "./metrics.ts";
import { Observer } from "./observer.ts";
import type { OwnEvents } from "./own-events.ts";
import type { Pauses } from "./pauses.ts";
import { Peers } from "./peers.ts";
import type { ProcessNews } from "./processes.ts";
import { Processes } from "./processes.ts";
import { messageOf, Refusal } from "./refusal.ts";
import { Showing } from "./showing.ts";
import { linksToShow } from "./shown-links.ts";
import type { ShownSwarm } from "./shown-swarm.ts";
import { Timeline } from "./timeline/timeline.ts";
import { shownProposal, swarmView } from "./views.ts";
import { changedRoster, farOf } from "./whereabouts.ts";

/** Whom a swarm tells what happens to it. */
export interface SwarmHost {
  readonly pauses: Pauses;
  readonly ownEvents: OwnEvents;
  readonly changed: (swarm: ShownSwarm) => void;
  readonly timelineGrew: (swarm: ShownSwarm) => void;
  readonly metricsSampled: (swarm: ShownSwarm, atMs: number) => void;
  readonly taskOutput: (output: CoordinatorNotifications["taskOutput"]) => void;
  readonly taskFinished: (swarm: ShownSwarm, task: TaskInfo) => void;
  readonly proposalDecided: (swarm: ShownSwarm, proposal: ProposalView) => void;
  readonly notice: (level: "info" | "warning" | "error", swarm: string, message: string) => void;
}

export interface SwarmParts {
  readonly file: SwarmFile;
  readonly token: string;
  readonly lock: Lock;
  /** An earlier coordinator ran it. */
  readonly foundAgain: boolean;
}

/** Figures that only moved; what changed in kind is shown at once. */
const FIGURES_MS = 250;
/** 24 chunks: about 100,000 events. */
const CHUNKS_IN_MEMORY = 24;
const TELL_MS = 700;

export class Swarm implements ShownSwarm {
  readonly lock: Lock;
  readonly members: Members;
  readonly latencies = new LinkLatencies();
  readonly client: MeshClient;
  readonly timeline: Timeline;
  readonly metrics: Metrics;
  readonly faults: FaultControl;
  readonly processes: Processes;
  readonly tasks: LedgerWatch<TaskInfo>;
  readonly proposals: LedgerWatch<ProposalInfo>;
  readonly evidence: EvidenceKeeper;
  problem = "";
  /** Closed: there is nothing to show any more. */
  over = false;
  readonly #host: SwarmHost;
  readonly #token: string;
  #file: SwarmFile;
  #agents: readonly AgentWatch[];
  readonly #observers = new Map<string, Observer>();
  readonly #peers = new Peers(this);
  #judge: LiveJudge | undefined;
  #phase: SwarmPhase = "starting";
  readonly #showing: Showing;
  #sampler: NodeJS.Timeout | undefined;

  constructor({ file, token, lock, foundAgain }: SwarmParts, host: SwarmHost) {
    this.#file = file;
    this.lock = lock;
    this.#token = token;
    this.#host = host;
    this.#showing = new Showing(() => host.changed(this));
    const present = presentAgents(file);
    this.#agents = present.map((agent) => new AgentWatch(agent));
    this.members = new Members(this);
    this.client = connect({
      agents: ownAddresses(this.#agents),
      token,
      swarm: file.id,
      faultsTolerated: faultsToleratedIn(file),
    });
    this.timeline = new Timeline(file.id, {
      folder: coordinatorFiles(file.folder, file.id).timeline,
      chunksInMemory: CHUNKS_IN_MEMORY,
      onProblem: (message) => this.notice("warning", message),
    });
    this.metrics = new Metrics(
      file.id,
      present.map(({ id }) => id),
      file.consensus,
      file.memory,
    );
    this.evidence = new EvidenceKeeper({
      path: coordinatorFiles(file.folder, file.id).evidence,
      swarm: () => this.file,
      notice: (level, message) => this.notice(level, message),
    });
    this.metrics.liars = [...this.evidence.liars.keys()];
    this.processes = new Processes(file, (news) => this.#processNews(news));
    const ledgers = { client: this.client, foundAgain, onChanged: () => this.#ledgerRead() };
    this.tasks = watchTasks(ledgers, (task) => host.taskFinished(this, task));
    this.proposals = watchProposals(ledgers, (proposal) => host.proposalDecided(this, shownProposal(proposal)));
    this.faults = new FaultControl({
      swarm: file.id,
      mesh: this.mesh,
      timing: file.timing,
      journalPath: swarmPaths(file.folder, file.id).faults,
      graceMs: file.graceMs,
      processes: this.processes,
      pauses: host.pauses,
      agent: (id) => this.agent(id),
      leader: () => leadershipOf(this.agents)?.leader ?? null,
      voters: () => membersOf(this.agents)?.voters ?? [],
      sendEffects: () => this.sendEffects(),
      record: (kind, lane, fields) => this.record(kind, lane, fields),
      changed: () => this.changed(),
      notice: (level, message) => this.notice(level, message),
    });
  }

  get id(): string {
    return this.file.id;
  }

  /** As it stands on disk. */
  get file(): SwarmFile {
    return this.#file;
  }

  /** Those that were not removed, in the order of the roster. */
  get agents(): readonly AgentWatch[] {
    return this.#agents;
  }

  /** Its file was written anew: agents that are new in it are watched from now on. */
  rewritten(file: SwarmFile): void {
    this.#file = file;
    const watched = new Set(this.#agents.map(({ id }) => id));
    const added = presentAgents(file).filter(({ id }) => !watched.has(id));
    const watches = added.map((agent) => new AgentWatch(agent));
    if (added.length > 0) this.#watch([...this.#agents, ...watches]);
    this.changed();
  }

  /** It was removed and has ended. */
  dismiss(agent: AgentWatch): void {
    this.#observers.get(agent.id)?.close();
    this.#observers.delete(agent.id);
    this.#watch(this.#agents.filter((one) => one !== agent));
    this.changed();
  }

  /** Does it with a client that asks this agent alone, and takes its word; without one with that of all. @throws Refusal for an agent that is not there */
  async asked<T>(agent: string | undefined, ask: (client: MeshClient) => Promise<T>): Promise<T> {
    if (agent === undefined) return ask(this.client);
    const watch = this.agents.find((one) => one.id === agent);
    if (watch === undefined)
      throw new Refusal("refused", `There is no agent ${agent}; the agents are ${this.mesh.agents.join(", ")}.`);
    const { id, port } = watch;
    const client = connect({ agents: [{ id, port }], token: this.#token, swarm: this.file.id, faultsTolerated: 0 });
    try {
      return await ask(client);
    } finally {
      client.close();
    }
  }

  #watch(agents: readonly AgentWatch[]): void {
    this.#agents = agents;
    this.metrics.setAgents(agents.map(({ id }) => id));
    this.client.setAgents(ownAddresses(agents));
  }

  /** Its agents and links as they are at the moment of asking. */
  get mesh(): { readonly agents: readonly string[]; readonly zones: Zones } & Pick<SwarmFile, "links" | "consensus"> {
    const agents = (): string[] => this.#agents.map(({ id }) => id);
    const links = (): SwarmFile["links"] => this.#file.links;
    const zones = (): Zones => presentZones(this.#file);
    return {
      get agents() {
        return agents();
      },
      consensus: this.#file.consensus,
      get links() {
        return links();
      },
      get zones() {
        return zones();
      },
    };
  }

  get phase(): SwarmPhase {
    return this.#phase;
  }

  set phase(phase: SwarmPhase) {
    this.#phase = phase;
    this.changed();
  }

  /** @throws Error for an id that is not in the roster: those from outside are checked before */
  agent(id: string): AgentWatch {
    const found = this.agents.find((one) => one.id === id);
    if (found === undefined) throw new Error(`Swarm ${this.id} has no agent ${id}.`);
    return found;
  }

  observer(agent: AgentWatch): Observer | undefined {
    return this.#observers.get(agent.id);
  }

  view(): SwarmView {
    return this.#showing.make(() => this.#view());
  }

  #view(): SwarmView {
    const { id, name, file, folder, topology, consensus, detached, createdAtMs, slots, memory } = this.file;
    return swarmView({
      id,
      name,
      file,
      folder,
      topology,
      consensus,
      ...(memory && { memory }),
      detached,
      slots,
      startedAtMs: createdAtMs,
      phase: this.#phase,
      problem: this.problem,
      revision: this.#showing.revision,
      tasks: this.tasks.items,
      proposals: this.proposals.items,
      agents: this.agents,
      linkEnds: linksToShow(this.file, this.agents),
      roster: this.#file.agents,
      evidence: this.evidence,
      active: this.faults.active,
      presets: this.faults.presets,
      ...(this.#judge?.latest && { expectations: this.#judge.latest }),
    });
  }

  /** Shows the swarm anew, soon. */
  changed(withinMs = 0): void {
    this.#showing.changed(withinMs);
  }

  notice(level: "info" | "warning" | "error", message: string): void {
    this.#host.notice(level, this.id, message);
  }

  record(kind: EventKind, agent: string, fields: Fields): void {
    this.#add([this.#host.ownEvents.make(kind, agent, fields)]);
  }

  /** Begins to watch an agent whose process runs. */
  observe(agent: AgentWatch): void {
    this.#observers.get(agent.id)?.close();
    const observer = new Observer({
      agent: { id: agent.id, port: agent.port },
      ...farOf(this.file, agent.id),
      swarm: this.id,
      token: agent.foreign ? readPeerToken(this.file.folder, this.id, agent.id) : this.#token,
      effects: () => effectsOf(agent.id, this.faults.active, this.mesh),
      roster: () => changedRoster(this.#file),
      onConnected: () => {
        agent.connected = true;
        if (agent.foreign) agent.process = "running";
        this.changed();
      },
      onPush: (push) => this.#push(agent, push),
      onLost: () => {
        if (agent.foreign) this.#peers.lost(agent);
        agent.connected = false;
        this.changed();
        return this.#observers.get(agent.id) === observer && !this.processes.ended(agent);
      },
    });
    this.#observers.set(agent.id, observer);
  }

  /** All is up: measures, reads the tasks, begins the plan, submits what the mesh file asks for. */
  run({ faults, chaos, tasks }: Pick<Mesh, "faults" | "chaos" | "tasks">): void {
    this.phase = "running";
    this.#sampler = setInterval(() => {
      const atMs = Date.now();
      this.metrics.sample(atMs);
      this.#host.metricsSampled(this, atMs);
    }, SAMPLE_EVERY_MS);
    this.tasks.readSoon(0);
    this.proposals.readSoon(0);
    this.faults.plan(faults, chaos);
    for (const { id, command, args, cwd, timeoutMs, maxAttempts, agent } of tasks) {
      this.client
        .submitTask({ id, command, args, cwd, timeoutMs, maxAttempts, agent }, { timeoutMs: 60_000 })
        .catch((error: unknown) => {
          if (error instanceof MeshError && error.code === "closed") return;
          this.notice("error", `Task ${id} of the mesh file could not be submitted. ${messageOf(error)}`);
        });
    }
  }

  /** Judges it from now on, before it runs. @param workload in the background, whatever the file says */
  expect(mesh: Mesh, workload: boolean): void {
    const file = (): SwarmFile => this.file;
    const agents = (): readonly AgentWatch[] => this.agents;
    const ground = judgeGround(mesh, {
      get file() {
        return file();
      },
      get agents() {
        return agents();
      },
      token: this.#token,
      faults: this.faults,
      observers: this.#observers,
      notice: (level, message) => this.notice(level, message),
      judged: () => this.changed(),
    });
    this.#judge = new LiveJudge(ground, workload);
  }

  /** Of what its mesh file expects; undefined when another coordinator started it. */
  get judge(): LiveJudge | undefined {
    return this.#judge;
  }

  /** Ends watching; the processes and the disk are the caller's. */
  async close(): Promise<void> {
    this.over = true;
    this.#showing.close();
    await this.members.close();
    await this.#judge?.close();
    clearInterval(this.#sampler);
    this.faults.close();
    this.tasks.close();
    this.proposals.close();
    this.client.close();
    for (const observer of this.#observers.values()) observer.close();
    this.#observers.clear();
    await this.timeline.dispose();
  }

  #push(agent: AgentWatch, push: AgentPush): void {
    if (agent.foreign && !this.#peers.believed(agent, push)) return;
    switch (push.push) {
      case "events":
        if (push.lost > 0)
          this.notice(
            "warning",
            `${push.lost} events of ${agent.id} are missing: it kept no more of them while nobody read.`,
          );
        this.#add(push.events, agent.id);
        break;
      case "report":
        agent.heard(push.report);
        this.latencies.heard(push.report);
        this.metrics.report(push.report);
        this.changed(FIGURES_MS);
        break;
      case "taskOutput": {
        const { taskId, token, stream, text } = push;
        this.#host.taskOutput({ swarm: this.id, taskId, agent: agent.id, token, stream, text });
        break;
      }
      case "joinRequest":
      case "leaveRequest":
      case "joinsRefused":
        this.#peers.heard(agent, push);
        break;
      case "hello":
        break;
    }
  }

  /** @param teller the agent that told of them; absent: this coordinator */
  #add(events: readonly TimelineEvent[], teller?: string): void {
    if (this.timeline.add(events) === 0) return;
    this.#judge?.events(events);
    let moved = false;
    for (const event of events) {
      const agent = this.agents.find(({ id }) => id === event.agent);
      if (agent?.happened(event) === true) moved = true;
      if (event.kind === "equivocation" && this.#caught(event, teller)) moved = true;
      this.tasks.happened(event);
      this.proposals.happened(event);
      this.metrics.happened(event);
    }
    this.faults.happened(events);
    if (moved) this.changed();
    this.#host.timelineGrew(this);
  }

  #ledgerRead(): void {
    this.metrics.proposals = this.proposals.items;
    this.changed();
  }

  #caught({ fields }: TimelineEvent, teller: string | undefined): boolean {
    if (teller === undefined || !this.evidence.told(teller, fields.evidence)) return false;
    this.metrics.liars = [...this.evidence.liars.keys()];
    return true;
  }

  #processNews(news: ProcessNews): void {
    const { agent } = news;
    if (news.type === "started") {
      const { pid, incarnation } = news.started;
      this.record("processStarted", agent.id, { pid, incarnation });
      this.observe(agent);
    } else {
      this.#observers.get(agent.id)?.close();
      this.#observers.delete(agent.id);
      const entry = this.#file.agents.find(({ id }) => id === agent.id);
      const goes = entry?.leaving === true || entry?.left === true;
      const expected = this.#phase !== "running" || goes || this.faults.crashed(agent.id);
      this.record("processEnded", agent.id, { pid: news.pid, by: expected ? "coordinator" : "itself" });
      if (!expected) this.#diedByItself(agent, news.pid);
    }
    this.changed();
  }

  #diedByItself(agent: AgentWatch, pid: number): void {
    const words = lastWords({ folder: this.file.folder, swarm: this.id, agent: agent.id }).split("\n").at(-1) ?? "";
    const why = words === "" ? "" : ` It last wrote: ${words}`;
    this.faults.crashedByItself(agent.id);
    this.notice(
      "warning",
      `Agent ${agent.id} (process ${pid}) ended although nobody asked it to. Heal it to start it again.${why}`,
    );
  }

  /** Agents that do not answer now are told as soon as they are connected again. */
  async sendEffects(): Promise<void> {
    const told = [...this.#observers.values()].map((observer) => observer.sendEffects());
    await Promise.race([Promise.all(told), new Promise((resolve) => setTimeout(resolve, TELL_MS).unref())]);
  }
}

/** Where the swarm's own agents listen. What bears the control token goes to nobody else. */
function ownAddresses(agents: readonly AgentWatch[]): { readonly id: string; readonly port: number }[] {
  return agents.flatMap(({ id, port, foreign }) => (foreign ? [] : [{ id, port }]));
}
