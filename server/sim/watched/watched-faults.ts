import type { ToldEvent } from "../../contract/consensus.ts";
import type { ActiveFault, ActivePreset, Effect, FaultSpec, PresetSpec } from "../../contract/faults.ts";
import type { Mesh, PlannedFault } from "../../contract/mesh.ts";
import type { Link } from "../../core/overlay/types.ts";
import type { Random } from "../../core/random.ts";
import { lieOfAnotherKind } from "../../meshfile/consensus-section.ts";
import { FaultPlan } from "../../meshfile/faults/plan.ts";
import { type PlanMesh, paceOf } from "../../meshfile/faults/presets.ts";
import { FaultRefusal } from "../../meshfile/faults/refusal.ts";
import { presetTitle } from "../../meshfile/faults/titles.ts";
import { zonesOf } from "../../meshfile/zones-section.ts";
import { EPOCH_MS } from "../clock.ts";
import type { FaultBoard } from "../faults.ts";
import { PlanFollower } from "../plan-follower.ts";
import type { Schedule } from "../schedule.ts";
import type { SimWorld } from "../world.ts";
import { ActiveFaults, type Origin, type TellFault, type WatchedFault } from "./active-faults.ts";

export interface NewsOfFaults {
  /** What is active, or which presets run, is not what it was. */
  readonly faultsChanged: () => void;
  readonly faultEvent: TellFault;
  readonly notice: (level: "info" | "warning" | "error", message: string) => void;
}

interface Ground {
  readonly roster: readonly string[];
  readonly links: readonly Link[];
  readonly schedule: Schedule;
  readonly worlds: readonly SimWorld[];
}

interface Preset {
  readonly preset: ActivePreset;
  readonly plan: FaultPlan;
  readonly follower: PlanFollower;
}

/** The faults of a simulated swarm that is watched: the mesh file's, those that a person asks for, and their presets. Times are of the swarm's clocks, ms since the epoch. */
export class WatchedFaults {
  readonly #ground: Ground;
  readonly #mesh: Mesh;
  readonly #planMesh: PlanMesh;
  readonly #board: FaultBoard;
  readonly #random: Random;
  readonly #news: NewsOfFaults;
  readonly #active: ActiveFaults;
  readonly #presets = new Map<string, Preset>();
  #plan: PlanFollower | undefined;
  #origin: Origin = { source: "plan" };
  #presetCount = 0;

  constructor(ground: Ground, mesh: Mesh, board: FaultBoard, random: Random, news: NewsOfFaults) {
    this.#ground = ground;
    this.#mesh = mesh;
    this.#board = board;
    this.#random = random;
    this.#news = news;
    const { roster: agents, links } = ground;
    const { timing, consensus } = mesh;
    this.#planMesh = { agents, links, zones: zonesOf(mesh.agents), timing, consensus };
    this.#active = new ActiveFaults(links, (...told) => news.faultEvent(...told));
  }

  get active(): readonly WatchedFault[] {
    return this.#active.all;
  }

  get liars(): ReadonlySet<string> {
    return this.#active.liars;
  }

  get presets(): readonly ActivePreset[] {
    return [...this.#presets.values()].map(({ preset }) => preset);
  }

  /** The mesh file's plan, from now on. */
  beginPlan(): void {
    const { faults, chaos } = this.#mesh;
    if (faults.length === 0 && chaos === null) return;
    const plan = new FaultPlan(faults, chaos, this.#planMesh, this.#random.fork("file"));
    this.#plan = this.#follower(plan, { source: "plan" });
    this.#plan.start();
  }

  /** What a person asks for. @throws FaultRefusal */
  inject(spec: FaultSpec): ActiveFault {
    const { effects: _, ...fault } = this.#inject(spec, { source: "person" });
    return fault;
  }

  /** Its steps follow from now on. */
  injectPreset(spec: PresetSpec): ActivePreset {
    const id = `p${++this.#presetCount}`;
    const { everyMs, forMs } = paceOf(spec, this.#planMesh);
    const preset = { id, spec, title: presetTitle(spec, everyMs, forMs), sinceMs: this.#nowMs };
    const planned: PlannedFault = { trigger: { on: "time", atMs: 0 }, fault: spec };
    const plan = new FaultPlan([planned], null, this.#planMesh, this.#random.fork(id));
    const follower = this.#follower(plan, { source: "person", preset: id });
    this.#presets.set(id, { preset, plan, follower });
    follower.start();
    this.#news.faultsChanged();
    return preset;
  }

  /** @param id of a fault, or of a preset: it is stopped, and its steps healed. @returns all that was healed; undefined: there is none */
  heal(id: string): readonly string[] | undefined {
    const preset = this.#presets.get(id);
    if (preset !== undefined) {
      this.#end(id);
      const steps = this.active.filter((fault) => fault.preset === id).map((fault) => fault.id);
      for (const step of steps) this.#board.heal(step);
      this.#news.faultsChanged();
      return [id, ...steps];
    }
    if (this.#active.get(id) === undefined) return undefined;
    this.#board.heal(id);
    return [id];
  }

  healAll(): readonly string[] {
    const presets = [...this.#presets.keys()];
    for (const id of presets) this.#end(id);
    const faults = this.active.map(({ id }) => id);
    for (const id of faults) this.#board.heal(id);
    this.#news.faultsChanged();
    return [...presets, ...faults];
  }

  // --- what the run tells ---

  happened(event: ToldEvent): void {
    this.#plan?.happened(event);
    for (const { follower } of this.#presets.values()) follower.happened(event);
  }

  crashed(): void {
    this.#plan?.crashed();
    for (const { follower } of this.#presets.values()) follower.crashed();
  }

  /** An agent's disk does not let it run. */
  refused(agent: number, starting: boolean): void {
    const { id, refusal } = this.#ground.worlds[agent] as SimWorld;
    this.#news.notice("warning", `${id} ${starting ? "does not start" : "has stopped"}: ${refusal}. Heal its disk.`);
  }

  /** An agent ended by its own doing: it is shown as crashed, so that healing starts it again. */
  failed(agent: number, error: unknown): void {
    const { id } = this.#ground.worlds[agent] as SimWorld;
    const why = error instanceof Error ? error.message : String(error);
    this.#news.notice("warning", `Agent ${id} ended although nobody asked it to. Heal it to start it again. ${why}`);
    this.#ground.schedule.afterMs(0, () => this.#inject({ kind: "crash", agent: id }, { source: "itself" }));
  }

  /** A fault has begun on the board. */
  began(fault: ActiveFault, effects: readonly Effect[]): void {
    this.#active.began(fault, effects, this.#origin);
  }

  /** Something on the board began or ended. */
  changed(): void {
    this.#active.changed(this.#board.active);
    for (const [id, { plan }] of [...this.#presets])
      if (plan.over && !this.active.some(({ preset }) => preset === id)) this.#end(id);
    this.#news.faultsChanged();
  }

  get #nowMs(): number {
    return EPOCH_MS + this.#ground.schedule.nowMs;
  }

  #end(preset: string): void {
    this.#presets.get(preset)?.follower.stop();
    this.#presets.delete(preset);
  }

  #follower(plan: FaultPlan, origin: Origin): PlanFollower {
    const board = { inject: (spec: FaultSpec) => this.#inject(spec, origin) };
    const refused = (spec: FaultSpec, why: string): void =>
      this.#news.notice("warning", `A planned fault (${spec.kind}) did not happen. ${why}`);
    return new PlanFollower(this.#ground.schedule, plan, board, this.#mesh.timing.heartbeatMs, refused);
  }

  /** @throws FaultRefusal */
  #inject(spec: FaultSpec, origin: Origin): WatchedFault {
    const why = spec.kind === "byzantine" ? lieOfAnotherKind(spec.behaviour, this.#mesh.consensus) : undefined;
    if (why !== undefined) throw new FaultRefusal("notPossibleHere", why);
    const before = this.#origin;
    this.#origin = origin;
    try {
      const { id } = this.#board.inject(spec);
      return this.#active.get(id) as WatchedFault;
    } finally {
      this.#origin = before;
    }
  }
}
