/** Injects and heals faults. What is active is on disk before it acts, so that a later coordinator can undo it. */
import { randomBytes } from "node:crypto";
import type {
  ActiveFault,
  ActivePreset,
  Chaos,
  Effect,
  FaultSpec,
  PresetSpec,
  ResolvedFault,
} from "../contract/faults.ts";
import type { PlannedFault, Timing } from "../contract/mesh.ts";
import type { Fields, TimelineEvent } from "../contract/timeline.ts";
import { seededRandom } from "../core/random.ts";
import { diskSentence } from "../live/layout.ts";
import { lieOfAnotherKind } from "../meshfile/consensus-section.ts";
import { type PlanMesh, paceOf, presetRun } from "../meshfile/faults/presets.ts";
import { FaultRefusal } from "../meshfile/faults/refusal.ts";
import { hasOpenTarget, resolveFault } from "../meshfile/faults/resolve.ts";
import { presetTitle } from "../meshfile/faults/titles.ts";
import type { AgentWatch } from "./agent-watch.ts";
import type { FaultJournal, JournaledFault } from "./fault-journal.ts";
import { EMPTY_JOURNAL, readJournal, writeJournal } from "./fault-journal.ts";
import { PlanRunner } from "./fault-plan.ts";
import type { Mesh } from "./fault-rules.ts";
import { beyondPromise, impossible } from "./fault-rules.ts";
import { namesNobody } from "./leaderless.ts";
import type { Pauses } from "./pauses.ts";
import { PresetControl } from "./preset-control.ts";
import type { Processes } from "./processes.ts";
import { messageOf, Refusal } from "./refusal.ts";
import { COORDINATOR_LANE } from "./timeline/timeline.ts";

/** What faults act on. */
export interface FaultGround {
  readonly swarm: string;
  readonly mesh: Mesh;
  readonly timing: Timing;
  readonly journalPath: string;
  /** How long this coordinator may be gone before its paused agents go on. */
  readonly graceMs: number;
  readonly processes: Processes;
  readonly pauses: Pauses;
  readonly agent: (id: string) => AgentWatch;
  readonly leader: () => string | null;
  /** Who votes, as far as agents tell. */
  readonly voters: () => readonly string[];
  /** Tells all agents anew what they have to carry out. */
  readonly sendEffects: () => Promise<void>;
  readonly record: (kind: "faultInjected" | "faultHealed", lane: string, fields: Fields) => void;
  readonly changed: () => void;
  readonly notice: (level: "info" | "warning" | "error", message: string) => void;
}

const LONGEST_TIMER_MS = 2 ** 30;

export class FaultControl {
  readonly #ground: FaultGround;
  readonly #planMesh: PlanMesh;
  readonly #plan: PlanRunner;
  readonly #presets: PresetControl;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #random = seededRandom(randomBytes(16).toString("hex"));
  #journal: FaultJournal = EMPTY_JOURNAL;
  /** Faults are injected and healed one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(ground: FaultGround) {
    this.#ground = ground;
    this.#planMesh = {
      // Agents come and go while a plan unfolds.
      get agents() {
        return ground.mesh.agents;
      },
      get links() {
        return ground.mesh.links;
      },
      get zones() {
        return ground.mesh.zones ?? new Map();
      },
      consensus: ground.mesh.consensus,
      timing: ground.timing,
      realDisks: true,
    };
    this.#plan = new PlanRunner({
      mesh: this.#planMesh,
      inject: (fault) => this.#inTurn(() => this.#inject(fault, "plan")),
      write: (plan) => this.#write({ plan }),
      notice: ground.notice,
    });
    this.#presets = new PresetControl({
      mesh: this.#planMesh,
      journaled: () => this.#journal.presets,
      write: (presets) => this.#write({ presets }),
      inject: (fault, preset) =>
        this.#inTurn(async () => {
          // It may have been stopped while others had their turn.
          if (this.#presets.has(preset)) await this.#inject(fault, "person", preset);
        }),
      holds: (id) => this.active.some(({ preset }) => preset === id),
      changed: ground.changed,
      notice: ground.notice,
    });
  }

  get active(): readonly JournaledFault[] {
    return this.#journal.active;
  }

  get presets(): readonly ActivePreset[] {
    return this.#presets.active;
  }

  /** Whether a crash of this agent is what a fault did, and not a surprise. */
  crashed(agent: string): boolean {
    return this.active.some((fault) => held(fault, "down").includes(agent));
  }

  /** What a person asks for. @throws Refusal */
  inject(spec: FaultSpec): Promise<ActiveFault> {
    return asRefusal(this.#inTurn(() => this.#inject(spec, "person")));
  }

  /** A preset that a person asks for. Its first step comes a moment later. @throws Refusal */
  injectPreset(spec: PresetSpec): Promise<ActivePreset> {
    return asRefusal(
      this.#inTurn(async () => {
        this.#checkFirstStep(spec);
        const { everyMs, forMs } = paceOf(spec, this.#planMesh);
        const id = `p${this.#journal.nextId}`;
        const preset = { id, spec, title: presetTitle(spec, everyMs, forMs), sinceMs: Date.now() };
        this.#write({ nextId: this.#journal.nextId + 1 });
        this.#presets.begin(preset);
        return preset;
      }),
    );
  }

  /** @param id of a fault, or of a preset: it is stopped, and its steps healed. @throws Refusal when there is none, Error when it cannot be undone */
  heal(id: string): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      if (this.#presets.has(id)) {
        this.#presets.stop(id);
        const steps = this.active.filter(({ preset }) => preset === id);
        for (const step of steps) await this.#heal(step);
        return [id, ...steps.map((step) => step.id)];
      }
      const fault = this.active.find((one) => one.id === id);
      if (fault === undefined)
        throw new Refusal("refused", `There is no active fault ${id}. It may have healed by itself.`);
      await this.#heal(fault);
      return [id];
    });
  }

  /** Stops presets and undoes what can be undone; what cannot be is told in a notice and stays active. */
  healAll(): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const healed: string[] = [];
      for (const { id, title } of this.#presets.active) {
        try {
          this.#presets.stop(id);
          healed.push(id);
        } catch (error) {
          this.#ground.notice("error", `${title}: this cannot be stopped. ${messageOf(error)}`);
        }
      }
      // Side by side: agents that start again need not wait for each other.
      await Promise.all(
        this.active.map(async (fault) => {
          try {
            await this.#heal(fault);
            healed.push(fault.id);
          } catch (error) {
            this.#ground.notice("error", `${fault.title}: this cannot be healed. ${messageOf(error)}`);
          }
        }),
      );
      return healed;
    });
  }

  /** The agent's process ended without a fault: it is not started again behind the person's back, but healing does. */
  crashedByItself(agent: string): void {
    const spec: FaultSpec = { kind: "crash", agent };
    try {
      this.#dropPauses(agent);
      const effects: Effect[] = [{ on: "process", agent, process: "down" }];
      this.#add({ spec, agents: [agent], title: `${agent} crashed by itself`, effects }, "itself");
    } catch (error) {
      // The full disk that ended the agent, as a rule. Its process tells a later coordinator the same.
      this.#ground.notice("error", `That ${agent} crashed could not be written down: ${messageOf(error)}`);
    }
    this.#ground.changed();
  }

  /** An agent was removed from the swarm: what only held it is over, what held others too goes on without it. */
  agentGone(agent: string): Promise<void> {
    return this.#inTurn(async () => {
      const concerns = (effect: Effect): boolean =>
        effect.on === "link"
          ? effect.from === agent || effect.to === agent
          : "agent" in effect && effect.agent === agent;
      this.#ground.pauses.delete(this.#pauseName(agent));
      const active = this.active.flatMap((fault) => {
        const effects = fault.effects.filter((effect) => !concerns(effect));
        return effects.length === 0 ? [] : [{ ...fault, effects, agents: fault.agents.filter((id) => id !== agent) }];
      });
      if (this.active.some(({ effects }) => effects.some(concerns))) this.#write({ active }, true);
      this.#ground.changed();
    });
  }

  /** Nothing of the plan is still to come; what came may be active yet. */
  get planOver(): boolean {
    return this.#plan.over;
  }

  /** The mesh file's plan, from now on. */
  plan(planned: readonly PlannedFault[], chaos: Chaos | null): void {
    this.#plan.begin(planned, chaos);
  }

  /** What agents told, and what the coordinator recorded. */
  happened(events: readonly TimelineEvent[]): void {
    this.#plan.happened(events);
    this.#presets.happened(events);
  }

  /** Takes over what an earlier coordinator left active. The agents' processes must have been looked up. @throws LayoutProblem */
  async restore(): Promise<void> {
    this.#journal = readJournal(this.#ground.journalPath);
    const gone = this.active.filter((fault) => !this.#stillHolds(fault));
    if (gone.length > 0) this.#write({ active: this.active.filter((fault) => !gone.includes(fault)) });
    for (const fault of this.active) {
      // Its guardian may have let it go on when the earlier coordinator died.
      for (const agent of held(fault, "paused")) this.#pause(this.#ground.agent(agent));
      this.#healInTime(fault);
    }
    if (this.#journal.plan !== null) this.#plan.resume(this.#journal.plan);
    this.#presets.restore();
  }

  /** Before `close`, when the swarm goes on without this coordinator: what is paused must not stay so for ever. */
  leavePauses(): void {
    for (const fault of this.active)
      for (const agent of held(fault, "paused")) this.#ground.pauses.leave(this.#pauseName(agent));
  }

  close(): void {
    this.#closed = true;
    this.#plan.close();
    this.#presets.close();
    for (const timer of this.#timers) clearTimeout(timer);
    for (const fault of this.active)
      for (const agent of held(fault, "paused")) this.#ground.pauses.delete(this.#pauseName(agent));
  }

  /** @throws FaultRefusal when it makes no sense now or is not possible here, Refusal */
  async #inject(spec: FaultSpec, source: "person" | "plan", preset?: string): Promise<ActiveFault> {
    const { sendEffects, agent, processes } = this.#ground;
    const resolved = this.#resolve(spec);
    const [down, paused] = [held(resolved, "down"), held(resolved, "paused")];
    for (const id of [...down, ...paused]) this.#checkProcess(paused.includes(id) ? "pause" : "crash", id);
    const fault = this.#add(resolved, source, preset);
    await Promise.all(
      down.map(async (id) => {
        await processes.crash(agent(id));
        this.#dropPauses(id);
      }),
    );
    for (const id of paused) this.#pause(agent(id));
    if (paused.length > 0 && !paused.some((id) => agent(id).process === "paused")) {
      this.#remove(fault);
      throw new Refusal("refused", `${paused.join(", ")} ended before it could be paused.`);
    }
    if (byAgents(fault)) await sendEffects();
    this.#healInTime(fault);
    this.#ground.changed();
    for (const effect of fault.effects) {
      const why = beyondPromise(effect, this.active, this.#ground.mesh);
      if (why === undefined) continue;
      this.#ground.notice("warning", `${fault.title}: ${why}`);
      break;
    }
    const { effects: _, ...active } = fault;
    return active;
  }

  /** What makes no sense whoever leads is refused at once, not step by step. @throws FaultRefusal */
  #checkFirstStep(spec: PresetSpec): void {
    const first = presetRun(spec, this.#planMesh, this.#random.fork("check")).step(0);
    if (first.length === 0)
      throw new FaultRefusal("noLink", "There is no link that could flap: the swarm has one agent.");
    for (const { fault } of first) {
      try {
        this.#resolve(fault);
      } catch (error) {
        if (!(error instanceof FaultRefusal && error.reason === "noLeader" && hasOpenTarget(fault))) throw error;
      }
    }
  }

  #resolve(spec: FaultSpec): ResolvedFault {
    const { mesh, leader, voters, agent } = this.#ground;
    const nobody = namesNobody(spec, mesh);
    if (nobody !== undefined) throw new FaultRefusal("notPossibleHere", nobody);
    // A group of agents whose processes are to be hit is one of those whose processes are there to be hit.
    const byProcess = spec.kind === "crash" || spec.kind === "pause";
    const alive = mesh.agents.filter((id) => agent(id).process === "running" && !(byProcess && agent(id).foreign));
    const resolved = resolveFault(spec, { ...mesh, leader: leader(), alive, voters: voters() }, this.#random);
    for (const effect of resolved.effects) {
      const why =
        impossible(effect) ??
        (effect.on === "byzantine" ? lieOfAnotherKind(effect.behaviour, mesh.consensus) : undefined);
      if (why !== undefined) throw new FaultRefusal("notPossibleHere", why);
    }
    return resolved;
  }

  #checkProcess(kind: "crash" | "pause", id: string): void {
    if (kind === "pause" && process.platform === "win32")
      throw new Refusal(
        "refused",
        "Windows cannot pause a process: it has no SIGSTOP. Crash or isolate the agent instead.",
      );
    const { process: state, foreign } = this.#ground.agent(id);
    if (foreign)
      throw new FaultRefusal(
        "notPossibleHere",
        `${id} joined from elsewhere: its process is not the coordinator's to ${kind}. Isolate it, or end it where it runs.`,
      );
    if (state === "crashed") throw new Refusal("refused", `${id} has crashed already. Heal it first.`);
    if (state === "starting") throw new Refusal("refused", `${id} is just starting. Try again in a moment.`);
    if (kind === "pause" && state === "paused") throw new Refusal("refused", `${id} is paused already.`);
  }

  async #heal(fault: JournaledFault): Promise<void> {
    const { processes, agent, pauses, sendEffects, record, changed } = this.#ground;
    await Promise.all(
      held(fault, "down").map(async (id) => {
        if (agent(id).identity === null) await processes.start(agent(id));
      }),
    );
    for (const id of held(fault, "paused")) {
      processes.resume(agent(id));
      pauses.delete(this.#pauseName(id));
    }
    this.#remove(fault);
    if (byAgents(fault)) await sendEffects();
    const { id, agents, title, spec } = fault;
    record("faultHealed", this.#laneOf(fault), { fault: id, kind: spec.kind, agents, title });
    changed();
  }

  #add(
    { spec, agents, title, effects }: ResolvedFault,
    source: ActiveFault["source"],
    preset?: string,
  ): JournaledFault {
    const sinceMs = Date.now();
    const untilMs = spec.forMs === undefined ? null : sinceMs + spec.forMs;
    const id = `f${this.#journal.nextId}`;
    const of = preset === undefined ? {} : { preset };
    const fault = { id, spec, effects, agents, title, sinceMs, untilMs, source, ...of };
    this.#write({ nextId: this.#journal.nextId + 1, active: [...this.active, fault] }, source === "itself");
    this.#ground.record("faultInjected", this.#laneOf(fault), {
      fault: fault.id,
      kind: spec.kind,
      agents,
      title,
      source,
    });
    return fault;
  }

  #remove(fault: JournaledFault): void {
    this.#write({ active: this.active.filter((one) => one !== fault) });
    this.#presets.settle();
  }

  /**
   * @param happened it holds whether or not it can be written down
   * @throws Refusal when it cannot be
   */
  #write(changes: Partial<FaultJournal>, happened = false): void {
    const journal = { ...this.#journal, ...changes };
    if (happened) this.#journal = journal;
    try {
      writeJournal(this.#ground.journalPath, journal);
    } catch (error) {
      throw new Refusal("failed", diskSentence(this.#ground.journalPath, error as NodeJS.ErrnoException));
    }
    this.#journal = journal;
  }

  #pause(agent: AgentWatch): void {
    if (agent.identity === null) return;
    this.#ground.pauses.add(this.#pauseName(agent.id), agent.identity, this.#ground.graceMs);
    this.#ground.processes.pause(agent);
  }

  /** A process that is gone is not paused any more; a pause whose processes are all gone is none. */
  #dropPauses(agent: string): void {
    this.#ground.pauses.delete(this.#pauseName(agent));
    const moot = this.active.filter((fault) => {
      const paused = held(fault, "paused");
      return paused.includes(agent) && paused.every((id) => id === agent || this.#ground.agent(id).identity === null);
    });
    if (moot.length > 0) this.#write({ active: this.active.filter((fault) => !moot.includes(fault)) }, true);
  }

  #stillHolds(fault: JournaledFault): boolean {
    const [down, paused] = [held(fault, "down"), held(fault, "paused")];
    if (down.length + paused.length === 0) return true;
    const runs = (id: string) => this.#ground.agent(id).identity !== null;
    return down.some((id) => !runs(id)) || paused.some(runs);
  }

  #healInTime(fault: JournaledFault): void {
    const { untilMs, id } = fault;
    if (untilMs === null) return;
    this.#at(untilMs, () => {
      if (!this.active.some((one) => one.id === id)) return;
      this.heal(id).catch((error: unknown) => {
        this.#ground.notice("error", `${fault.title}: its time is over, but it cannot be healed. ${messageOf(error)}`);
      });
    });
  }

  #at(atMs: number, act: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (this.#closed) return;
        if (Date.now() < atMs) this.#at(atMs, act);
        else act();
      },
      Math.min(Math.max(0, atMs - Date.now()), LONGEST_TIMER_MS),
    );
    this.#timers.add(timer);
  }

  #laneOf({ spec, agents }: JournaledFault): string {
    const [only] = agents;
    return agents.length === 1 && only !== undefined && spec.kind !== "partition" ? only : COORDINATOR_LANE;
  }

  #pauseName(agent: string): string {
    return `${this.#ground.swarm}/${agent}`;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      if (this.#closed) throw new Refusal("refused", "The swarm is stopping.");
      return act();
    });
    this.#last = turn.catch(() => {
      // Whoever asked is told; the next one has its turn.
    });
    return turn;
  }
}

/** The answer to whoever asked, with a reason for it that faces know. */
async function asRefusal<T>(injecting: Promise<T>): Promise<T> {
  try {
    return await injecting;
  } catch (error) {
    throw error instanceof FaultRefusal ? new Refusal("refused", error.message) : error;
  }
}

/** The agents whose process it holds down, or paused. */
function held({ effects }: Pick<ResolvedFault, "effects">, state: "down" | "paused"): string[] {
  return effects.flatMap((effect) => (effect.on === "process" && effect.process === state ? [effect.agent] : []));
}

/** Some of it is carried out by the agents themselves. */
function byAgents({ effects }: Pick<ResolvedFault, "effects">): boolean {
  return effects.some(({ on }) => on !== "process");
}
