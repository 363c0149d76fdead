/**
 * The coordinator: starts swarms, observes them, breaks and heals them, measures. It is not in their data path: when it dies the agents
 * go on deciding, and the next one finds them (`adopt`).
 */

import { MeshError } from "../client/errors.ts";
import type { CoordinatorMethod, CoordinatorRequests, InitSwarm, WatchSimulation } from "../contract/coordinator.ts";
import type { ProofVerdict } from "../contract/evidence.ts";
import type { MeshDiagnostic } from "../contract/mesh.ts";
import type { ProposalInfo } from "../contract/proposals.ts";
import type { SwarmView } from "../contract/swarm.ts";
import { filesBeside } from "../live/beside-mesh.ts";
import { WrongShape } from "../live/checked-json.ts";
import { verifyProofs } from "../live/proofs/verify.ts";
import { parseMesh } from "../meshfile/mesh-file.ts";
import { adoptSwarms } from "./adopt.ts";
import { askAggregate } from "./aggregate.ts";
import { Consumer } from "./consumer.ts";
import { ControlServer } from "./control.ts";
import type { LiveJudge } from "./expectations/live-judge.ts";
import { askMemory } from "./memory.ts";
import type { Notify } from "./outbox.ts";
import { OwnEvents } from "./own-events.ts";
import { Pauses } from "./pauses.ts";
import { certificateOf, proposalOf, propose } from "./proposals.ts";
import { RecordingDesk } from "./recordings/desk.ts";
import { messageOf, Refusal } from "./refusal.ts";
import type { Params } from "./requests.ts";
import { checkedParams, isMethod } from "./requests.ts";
import { planRewiring, rewire } from "./rewiring.ts";
import { SimulatedSwarm } from "./simulated/simulated-swarm.ts";
import { stopSimulated, watchSimulation } from "./simulated/start-simulated.ts";
import { searchSeeds, shrinkSeed } from "./simulator/desk.ts";
import { readMeshFile, startSwarm } from "./start.ts";
import { releaseSwarm, stopSwarm } from "./stop.ts";
import { Swarm, type SwarmHost } from "./swarm.ts";
import { writtenFault } from "./written-fault.ts";

/** That are watched at a time. */
const MOST_SIMULATIONS = 8;
/** Lines of a history in one answer. */
const HISTORY_PAGE = 5000;

export interface CoordinatorOptions {
  /** Hears every notification that its own requests subscribed to. */
  readonly notify: Notify;
  /** Without it nothing is started or run; views, checks and simulations work. Default true. */
  readonly trusted?: boolean;
}

/** Its agents are processes, or they are simulated. */
type AnySwarm = Swarm | SimulatedSwarm;
type Result<M extends CoordinatorMethod> = CoordinatorRequests[M]["result"];
type Handlers = {
  readonly [M in CoordinatorMethod]: (params: Params<M>, from: Consumer) => Promise<Result<M>> | Result<M>;
};

export class Coordinator {
  trusted: boolean;
  readonly #swarms = new Map<string, AnySwarm>();
  readonly #operations = new Map<string, AbortController>();
  readonly #stopping = new Map<string, Promise<readonly number[]>>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #consumers = new Set<Consumer>();
  readonly #main: Consumer;
  readonly #pauses = new Pauses((message) => this.#tell("error", "", message));
  readonly #recordings = new RecordingDesk();
  readonly #host: SwarmHost;
  readonly #control: ControlServer;
  #closing: Promise<void> | undefined;

  constructor(options: CoordinatorOptions) {
    this.trusted = options.trusted ?? true;
    this.#main = this.#join(options.notify);
    this.#control = new ControlServer({
      join: (notify) => this.#join(notify),
      leave: (consumer) => this.#leave(consumer),
      handle: (method, params, consumer) => this.#handle(method, params, consumer),
    });
    this.#host = {
      pauses: this.#pauses,
      ownEvents: new OwnEvents(),
      changed: (swarm) => this.#each((consumer) => consumer.changed(swarm)),
      timelineGrew: (swarm) => this.#each((consumer) => consumer.timelineGrew(swarm)),
      metricsSampled: (swarm, atMs) => this.#each((consumer) => consumer.metricsSampled(swarm, atMs)),
      taskOutput: (output) => this.#each((consumer) => consumer.output(output)),
      taskFinished: (swarm, task) => this.#each((consumer) => consumer.once("taskFinished", { swarm: swarm.id, task })),
      proposalDecided: (swarm, proposal) =>
        this.#each((consumer) => consumer.once("proposalDecided", { swarm: swarm.id, proposal })),
      notice: (level, swarm, message) => this.#tell(level, swarm, message),
    };
  }

  /** @throws Refusal; its `code` is the JSON-RPC error code */
  handle<M extends CoordinatorMethod>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.#handle(method, params, this.#main) as Promise<Result<M>>;
  }

  /** The same for what came from outside and is not checked yet. @throws Refusal */
  handleUnchecked(method: string, params: unknown): Promise<unknown> {
    return this.#handle(method, params, this.#main);
  }

  /**
   * Finds swarms in these folders whose coordinator is gone and takes them over; what ended meanwhile is removed. Those of a living
   * coordinator stay its own; a notice says so.
   */
  async adopt(folders: readonly string[]): Promise<void> {
    for (const folder of folders) {
      for (const swarm of await adoptSwarms(folder, this.#host)) {
        this.#swarms.set(swarm.id, swarm);
        await this.#control.announce(swarm.file.folder, swarm.id);
        this.#host.changed(swarm);
      }
    }
  }

  /** The owner goes: ends all swarms except detached ones, which go on. */
  dispose(): Promise<void> {
    return this.#close(async (swarm) => {
      if (swarm.file.detached) await this.#release(swarm);
      else await this.#stop(swarm, "its coordinator was closed");
    });
  }

  /** Leaves every swarm running as it is, for another coordinator to take over within the agents' grace period. */
  release(): Promise<void> {
    return this.#close((swarm) => this.#release(swarm));
  }

  #close(end: (swarm: AnySwarm) => Promise<void>): Promise<void> {
    this.#closing ??= (async () => {
      for (const operation of this.#operations.values()) operation.abort();
      await Promise.allSettled(this.#running);
      const ends = await Promise.allSettled([...this.#swarms.values()].map(end));
      this.#pauses.close();
      await this.#control.close();
      for (const consumer of this.#consumers) consumer.close();
      const failed = ends.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    })();
    return this.#closing;
  }

  async #handle(method: string, params: unknown, from: Consumer): Promise<unknown> {
    if (!isMethod(method)) throw new Refusal("refused", `The coordinator knows no request ${method.slice(0, 60)}.`);
    if (this.#closing !== undefined) throw new Refusal("unavailable", "The coordinator is closing.");
    try {
      const handler = this.#handlers[method] as (params: unknown, from: Consumer) => unknown;
      return await handler(checkedParams(method, params), from);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  readonly #handlers: Handlers = {
    swarms: () => [...this.#swarms.values()].map((swarm) => swarm.view()),
    swarm: ({ swarm }) => this.#swarm(swarm).view(),
    initSwarm: (init, from) => this.#operate(init.operation, (signal) => this.#init(init, from, signal)),
    stopSwarm: ({ swarm, operation }, from) => {
      const subject = this.#swarm(swarm);
      from.progress({ operation, stage: "Stopping agents", done: 0, total: subject.agents.length });
      return this.#stop(subject, "the swarm is stopped").then((ended) => ({ ended }));
    },
    cancel: ({ operation }) => {
      const controller = this.#operations.get(operation);
      controller?.abort();
      return { cancelled: controller !== undefined };
    },
    injectFault: ({ swarm, fault }) => this.#mayAct(swarm).faults.inject(fault),
    injectPreset: ({ swarm, preset }) => this.#mayAct(swarm).faults.injectPreset(preset),
    parseFault: ({ swarm, text }) => writtenFault(text, this.#swarm(swarm).mesh),
    healFault: async ({ swarm, fault }) => ({ healed: await this.#runningSwarm(swarm).faults.heal(fault) }),
    healAll: async ({ swarm }) => ({ healed: await this.#runningSwarm(swarm).faults.healAll() }),
    changeMembers: ({ swarm, change }) => {
      this.#refuseUntrusted();
      return this.#live(swarm, "Agents come and go").members.change(change);
    },
    transferLeader: ({ swarm, to }) => this.#live(swarm, "Leadership is handed over").members.transfer(to),
    planTopology: ({ swarm, ...bounds }) => planRewiring(this.#live(swarm, "Links are planned anew"), bounds),
    rewire: (request, from) => {
      this.#refuseUntrusted();
      const { operation, swarm } = request;
      const told = (stage: string, done: number, total: number): void =>
        from.progress({ operation, stage, done, total });
      return this.#operate(operation, (signal) =>
        rewire(this.#live(swarm, "Links are changed"), request, told, signal),
      );
    },
    submitTask: async ({ swarm, task }) => {
      const subject = this.#mayAct(swarm);
      const { taskId } = await subject.client.submitTask(task);
      if (subject instanceof Swarm) subject.tasks.readSoon();
      return { taskId };
    },
    cancelTask: async ({ swarm, taskId }) => {
      const subject = this.#runningSwarm(swarm);
      await subject.client.cancelTask(taskId);
      if (subject instanceof Swarm) subject.tasks.readSoon();
      return { taskId };
    },
    tasks: ({ swarm }) => {
      const subject = this.#runningSwarm(swarm);
      return subject instanceof SimulatedSwarm ? subject.tasks.items : subject.client.tasks();
    },
    propose: ({ swarm, proposal, wait }) => {
      this.#refuseUntrusted();
      return propose(this.#live(swarm, "Proposals are made"), proposal, wait);
    },
    proposals: ({ swarm }) => {
      const subject = this.#runningSwarm(swarm);
      return subject instanceof SimulatedSwarm ? subject.proposals.items : subject.client.proposals();
    },
    proposal: ({ swarm, proposalId }) => {
      const subject = this.#runningSwarm(swarm);
      return subject instanceof SimulatedSwarm ? heldProposal(subject, proposalId) : proposalOf(subject, proposalId);
    },
    certificate: ({ swarm, proposalId }) => certificateOf(this.#live(swarm, "Certificates are made"), proposalId),
    memory: (request) => {
      const subject = this.#runningSwarm(request.swarm);
      if (subject instanceof Swarm) return subject.asked(request.agent, (client) => askMemory(client, request));
      if (request.agent !== undefined) this.#live(request.swarm, "One agent alone is asked");
      return askMemory(subject.client, request);
    },
    aggregate: ({ swarm, metric }) => askAggregate(this.#live(swarm, "Metrics are aggregated"), metric),
    metrics: ({ swarm, lastMs }) => this.#swarm(swarm).metrics.view(lastMs),
    timeline: (query) => this.#swarm(query.swarm).timeline.window(query),
    timelineEvent: ({ swarm, id }) => this.#swarm(swarm).timeline.event(id),
    timelineSearch: (query) => this.#swarm(query.swarm).timeline.search(query),
    evidence: ({ swarm }) => processesOf(this.#swarm(swarm), "Evidence that others can verify is kept").evidence.held,
    verify: ({ text, swarm }) => this.#verify(text, swarm),
    check: ({ file }) => check(file),
    simulate: (request, from) => this.#operate(request.operation, (signal) => searchSeeds(request, from, signal)),
    shrink: (request, from) => this.#operate(request.operation, (signal) => shrinkSeed(request, from, signal)),
    watchSimulation: (request, from) =>
      this.#operate(request.operation, (signal) => this.#watch(request, from, signal)),
    paceSimulation: ({ swarm, ...pace }) => {
      const subject = this.#swarm(swarm);
      if (!(subject instanceof SimulatedSwarm))
        throw new Refusal(
          "refused",
          `${subject.file.name} is no simulation: its agents are processes, which go at the pace of their machine.`,
        );
      return subject.setPace(pace);
    },
    exportRecording: (request, from) =>
      this.#operate(request.operation, (signal) =>
        this.#recordings.export(request, (step) => from.progress(step), signal),
      ),
    replayRecording: (request, from) =>
      this.#operate(request.operation, (signal) =>
        this.#recordings.replay(request, (step) => from.progress(step), signal),
      ),
    expectations: ({ swarm }) => this.#judge(swarm).results(),
    history: ({ swarm, from }) => {
      const page = this.#judge(swarm).history(from, HISTORY_PAGE);
      if (page === undefined)
        throw new Refusal(
          "refused",
          "No background workload runs in this swarm. It does when the mesh file expects availability or linearizableMemory, or with `agent-mesh up --history`.",
        );
      return page;
    },
    subscribe: (subscription, from) => {
      from.subscribe(subscription, this.#swarms.values());
      return {};
    },
  };

  #swarm(id: string): AnySwarm {
    const swarm = this.#swarms.get(id);
    if (swarm === undefined) throw new Refusal("unknownSwarm", `There is no swarm ${id}. It may have been stopped.`);
    return swarm;
  }

  #runningSwarm(id: string): AnySwarm {
    const swarm = this.#swarm(id);
    if (swarm.phase !== "running")
      throw new Refusal("unavailable", `Swarm ${swarm.file.name} is ${swarm.phase}. Try again when it runs.`);
    return swarm;
  }

  #live(id: string, what: string): Swarm {
    return processesOf(this.#runningSwarm(id), what);
  }

  /** Without trust in the workspace only a simulated swarm; of others not even whether they are known here. */
  #mayAct(id: string): AnySwarm {
    if (!(this.#swarms.get(id) instanceof SimulatedSwarm)) this.#refuseUntrusted();
    return this.#runningSwarm(id);
  }

  #judge(id: string): LiveJudge {
    const { judge, file } = this.#live(id, "What a mesh file expects is judged");
    if (judge === undefined)
      throw new Refusal("refused", `Another coordinator started ${file.name}: what happened before is not known here.`);
    return judge;
  }

  #verify(text: string, swarm: string | undefined): readonly ProofVerdict[] {
    const named = swarm === undefined ? undefined : this.#swarm(swarm);
    return verifyProofs(text, (told) => {
      const found = named ?? this.#swarms.get(told ?? "");
      return found instanceof Swarm ? { swarm: found.file } : undefined;
    });
  }

  #refuseUntrusted(): void {
    if (!this.trusted)
      throw new Refusal("untrusted", "This workspace is not trusted: Agent Mesh starts and runs nothing in it.");
  }

  async #init(init: InitSwarm, from: Consumer, signal: AbortSignal): Promise<SwarmView> {
    this.#refuseUntrusted();
    const { operation } = init;
    let begun: Swarm | undefined;
    try {
      const swarm = await startSwarm(
        init,
        this.#host,
        (stage, done, total) => from.progress({ operation, stage, done, total }),
        signal,
        (swarm) => {
          begun = swarm;
          this.#swarms.set(swarm.id, swarm);
          this.#host.changed(swarm);
        },
      );
      // It is there: nobody is told any more that starting it was cancelled.
      this.#operations.delete(operation);
      await this.#control.announce(swarm.file.folder, swarm.id);
      // Each stage was told before the swarm is there.
      await from.told();
      return swarm.view();
    } catch (error) {
      if (begun !== undefined) this.#forget(begun);
      throw error;
    }
  }

  async #watch(request: WatchSimulation, from: Consumer, signal: AbortSignal): Promise<SwarmView> {
    const running = [...this.#swarms.values()].filter((swarm) => swarm instanceof SimulatedSwarm).length;
    if (running >= MOST_SIMULATIONS)
      throw new Refusal(
        "refused",
        `${running} simulations are watched already, each in a thread of its own. Stop one.`,
      );
    const { operation } = request;
    const told = (stage: string, done: number, total: number): void => from.progress({ operation, stage, done, total });
    const swarm = await watchSimulation(request, this.#host, told, signal);
    this.#swarms.set(swarm.id, swarm);
    try {
      await this.#control.announce(swarm.file.folder, swarm.id);
    } catch (error) {
      await this.#stop(swarm, "it could not be announced");
      throw error;
    }
    this.#host.changed(swarm);
    await from.told();
    return swarm.view();
  }

  async #operate<T>(operation: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#operations.has(operation))
      throw new Refusal("refused", `An operation ${operation} is under way already.`);
    const controller = new AbortController();
    this.#operations.set(operation, controller);
    const running = act(controller.signal);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      if (this.#operations.get(operation) === controller) this.#operations.delete(operation);
    }
  }

  /** Whoever asks while it is stopping waits for the same end. One that failed may be tried again. */
  #stop(swarm: AnySwarm, reason: string): Promise<readonly number[]> {
    const under = this.#stopping.get(swarm.id);
    if (under !== undefined) return under;
    const stopping = (swarm instanceof Swarm ? stopSwarm(swarm, reason) : stopSimulated(swarm))
      .then((ended) => {
        this.#forget(swarm);
        return ended;
      })
      .finally(() => this.#stopping.delete(swarm.id));
    this.#stopping.set(swarm.id, stopping);
    return stopping;
  }

  /** A simulation goes with its coordinator. */
  async #release(swarm: AnySwarm): Promise<void> {
    if (swarm instanceof Swarm) await releaseSwarm(swarm);
    else await stopSimulated(swarm);
    this.#control.withdraw(swarm.file.folder, swarm.id);
    this.#swarms.delete(swarm.id);
  }

  #forget(swarm: AnySwarm): void {
    this.#swarms.delete(swarm.id);
    const view = swarm.view();
    this.#each((consumer) => consumer.over({ ...view, phase: "stopped", revision: view.revision + 1 }));
    if (this.#swarms.size === 0) void this.#control.close();
  }

  #join(notify: Notify): Consumer {
    const consumer = new Consumer(notify);
    this.#consumers.add(consumer);
    return consumer;
  }

  #leave(consumer: Consumer): void {
    consumer.close();
    this.#consumers.delete(consumer);
  }

  #each(tell: (consumer: Consumer) => void): void {
    for (const consumer of this.#consumers) tell(consumer);
  }

  #tell(level: "info" | "warning" | "error", swarm: string, message: string): void {
    this.#each((consumer) => consumer.once("notice", { level, swarm, message }));
  }
}

/** @param what is done only with processes, as the beginning of a sentence. @throws Refusal for a simulated swarm */
function processesOf(swarm: AnySwarm, what: string): Swarm {
  if (swarm instanceof Swarm) return swarm;
  throw new Refusal("refused", `${what} only in a swarm of processes, and ${swarm.file.name} has none.`);
}

function heldProposal({ proposals, file }: SimulatedSwarm, proposalId: string): ProposalInfo {
  const found = proposals.items.find(({ id }) => id === proposalId);
  if (found === undefined) throw new Refusal("refused", `There is no proposal ${proposalId} in ${file.name}.`);
  return found;
}

function check(file: string): readonly MeshDiagnostic[] {
  return parseMesh(readMeshFile(file), file, filesBeside(file)).diagnostics;
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof WrongShape) return new Refusal("refused", `${error.message}.`);
  if (error instanceof MeshError) {
    const known = error.code === "refused" || error.code === "invalid";
    return new Refusal(known ? "refused" : "unavailable", error.message);
  }
  return new Refusal("failed", messageOf(error));
}
