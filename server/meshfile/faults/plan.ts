/**
 * A mesh file's faults as they unfold: a pure machine that is told the time and what happened, and says which faults are due. Both worlds follow it; the
 * same seed and the same inputs lead to the same faults. Its state is plain data, so that another process can go on with it.
 */
import { beginsLeadership, type ToldEvent } from "../../contract/consensus.ts";
import type { Chaos, FaultSpec, FaultTrigger, PresetSpec } from "../../contract/faults.ts";
import type { PlannedFault } from "../../contract/mesh.ts";
import type { EventKind } from "../../contract/timeline.ts";
import { type Random, seededRandom } from "../../core/random.ts";
import { drawFault } from "./chaos.ts";
import { hunted, isPreset, type PlanMesh, paceOf, presetRun } from "./presets.ts";

/** What is to happen at a time. Times are the world's ms. */
export type Pending = { readonly atMs: number } & (
  | { readonly what: "inject"; readonly fault: FaultSpec }
  /** The trigger of a planned fault, by its place in the plan, for the turn-th time from 0. */
  | { readonly what: "fire"; readonly planned: number; readonly turn: number }
  /** A step of a preset; run: how often the preset's trigger went off before. */
  | { readonly what: "step"; readonly planned: number; readonly run: number; readonly step: number }
  /** A fault is drawn, the draw-th from 0. */
  | { readonly what: "chaos"; readonly draw: number }
);

export interface PlanState {
  readonly startedMs: number;
  readonly pending: readonly Pending[];
  /** By planned fault: how often its event was seen, and how often it went off. */
  readonly seen: readonly number[];
  readonly fired: readonly number[];
  /** Leaders that are still to be hit, by planned fault; null: no end. Absent: it does not hunt. */
  readonly hunts: readonly { readonly planned: number; readonly left: number | null }[];
}

/** An answer to an event comes so much later at least, so that faults which cause each other cannot stop time. */
const SHORTEST_ANSWER_MS = 1;

export class FaultPlan {
  readonly #faults: readonly PlannedFault[];
  readonly #chaos: Chaos | null;
  readonly #mesh: PlanMesh;
  readonly #random: Random;
  /** Places in the plan, by the event they wait for: events are many. */
  readonly #waiting = new Map<EventKind, number[]>();
  #startedMs = 0;
  /** By time, and those of one time in the order in which they were added. */
  #pending: Pending[] = [];
  #seen: number[];
  #fired: number[];
  #hunts: { planned: number; left: number | null }[] = [];

  /** @param random only forks are drawn from */
  constructor(faults: readonly PlannedFault[], chaos: Chaos | null, mesh: PlanMesh, random: Random) {
    this.#faults = faults;
    this.#chaos = chaos;
    this.#mesh = mesh;
    this.#random = random;
    this.#seen = faults.map(() => 0);
    this.#fired = faults.map(() => 0);
    for (const [planned, { trigger }] of faults.entries())
      if (trigger.on === "event")
        this.#waiting.set(trigger.event, [...(this.#waiting.get(trigger.event) ?? []), planned]);
  }

  /** All are up and a leader is known. */
  start(nowMs: number): void {
    this.#startedMs = nowMs;
    for (const [planned, { trigger }] of this.#faults.entries())
      if (trigger.on !== "event") this.#add({ what: "fire", atMs: nowMs + trigger.atMs, planned, turn: 0 });
    if (this.#chaos !== null) this.#drawAt(nowMs, 0);
  }

  /** Goes on where another one was. @returns how many faults had been due in between; they do not happen. */
  resume(state: PlanState, nowMs: number): number {
    this.#startedMs = state.startedMs;
    this.#pending = [...state.pending];
    this.#seen = [...state.seen];
    this.#fired = [...state.fired];
    this.#hunts = state.hunts.map((hunt) => ({ ...hunt }));
    return this.due(nowMs).length;
  }

  get state(): PlanState {
    return {
      startedMs: this.#startedMs,
      pending: [...this.#pending],
      seen: [...this.#seen],
      fired: [...this.#fired],
      hunts: this.#hunts.map((hunt) => ({ ...hunt })),
    };
  }

  /** Nothing is to come, whatever happens. */
  get over(): boolean {
    return (
      this.#pending.length === 0 &&
      this.#hunts.length === 0 &&
      this.#faults.every(
        ({ trigger }, planned) =>
          trigger.on !== "event" || (trigger.nth !== undefined && (this.#seen[planned] as number) >= trigger.nth),
      )
    );
  }

  /**
   * @returns due: it led to something, a ms later at the earliest. counted: it was one of those that the nth is counted from. undefined: it is nothing to the plan.
   */
  event(event: ToldEvent, nowMs: number): "due" | "counted" | undefined {
    const { kind } = event;
    // Every replica tells that it entered a view.
    if (kind === "viewEntered" && !beginsLeadership(event)) return undefined;
    let outcome: "due" | "counted" | undefined;
    for (const planned of this.#waiting.get(kind) ?? []) {
      const { trigger } = this.#faults[planned] as PlannedFault;
      const turn = this.#seen[planned] as number;
      if (trigger.on !== "event" || (trigger.nth !== undefined && turn >= trigger.nth)) continue;
      this.#seen[planned] = turn + 1;
      if (trigger.nth !== undefined && trigger.nth !== turn + 1) {
        outcome ??= "counted";
        continue;
      }
      outcome = "due";
      this.#add({ what: "fire", atMs: nowMs + Math.max(SHORTEST_ANSWER_MS, trigger.afterMs), planned, turn });
    }
    if (beginsLeadership(event) && this.#hunts.length > 0) {
      outcome = "due";
      this.#hunt(nowMs);
    }
    return outcome;
  }

  /** When `due` has something next; Infinity: never, unless something happens. */
  deadline(): number {
    return this.#pending[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** The faults whose time has come, in their order. */
  due(nowMs: number): readonly FaultSpec[] {
    const due: FaultSpec[] = [];
    for (let next = this.#pending[0]; next !== undefined && next.atMs <= nowMs; next = this.#pending[0]) {
      this.#pending.shift();
      switch (next.what) {
        case "inject":
          due.push(next.fault);
          break;
        case "fire":
          this.#fire(next.planned, next.turn, next.atMs);
          break;
        case "step":
          this.#step(next.planned, next.run, next.step, next.atMs);
          break;
        case "chaos":
          this.#drawNow(next.draw, next.atMs);
          break;
      }
    }
    return due;
  }

  /** The fault could not be injected now; it is due again at the time. */
  postpone(fault: FaultSpec, untilMs: number): void {
    this.#add({ what: "inject", atMs: untilMs, fault });
  }

  #fire(planned: number, turn: number, atMs: number): void {
    const { trigger, fault } = this.#faults[planned] as PlannedFault;
    const run = this.#fired[planned] as number;
    this.#fired[planned] = run + 1;
    if (!isPreset(fault)) this.#add({ what: "inject", atMs, fault });
    else if (fault.preset === "leaderHunt") {
      this.#hunts = this.#hunts.filter((hunt) => hunt.planned !== planned);
      this.#hunts.push({ planned, left: fault.times ?? null });
      this.#hit(planned, atMs);
    } else this.#add({ what: "step", atMs, planned, run, step: 0 });
    if (trigger.on === "interval" && (trigger.times === undefined || turn + 1 < trigger.times))
      this.#add({ what: "fire", atMs: atMs + trigger.everyMs, planned, turn: turn + 1 });
  }

  #step(planned: number, run: number, step: number, atMs: number): void {
    const { fault } = this.#faults[planned] as PlannedFault;
    if (!isPreset(fault)) return;
    const preset = presetRun(fault, this.#mesh, this.#random.fork(`planned/${planned}/${run}`));
    for (const { afterMs, fault } of preset.step(step)) this.#add({ what: "inject", atMs: atMs + afterMs, fault });
    if (preset.steps === null || step + 1 < preset.steps)
      this.#add({ what: "step", atMs: atMs + preset.everyMs, planned, run, step: step + 1 });
  }

  /** A leader was elected. */
  #hunt(nowMs: number): void {
    for (const { planned } of [...this.#hunts]) {
      const { fault } = this.#faults[planned] as PlannedFault;
      if (!isPreset(fault)) continue;
      this.#hit(planned, nowMs + Math.max(SHORTEST_ANSWER_MS, paceOf(fault, this.#mesh).everyMs));
    }
  }

  #hit(planned: number, atMs: number): void {
    const { fault } = this.#faults[planned] as PlannedFault;
    const hunt = this.#hunts.find((one) => one.planned === planned);
    if (hunt === undefined || !isPreset(fault)) return;
    if (hunt.left !== null) hunt.left--;
    if (hunt.left === 0) this.#hunts = this.#hunts.filter((one) => one !== hunt);
    this.#add({ what: "inject", atMs, fault: hunted(fault, this.#mesh) });
  }

  /** The next draw comes so that there is one every everyMs on average: after anything up to twice as long. */
  #drawAt(fromMs: number, draw: number): void {
    const chaos = this.#chaos as Chaos;
    const gapMs = Math.max(1, Math.round(2 * chaos.everyMs * this.#random.fork(`chaos/gap/${draw}`).float()));
    const atMs = fromMs + gapMs;
    if (chaos.untilMs === undefined || atMs <= this.#startedMs + chaos.untilMs)
      this.#add({ what: "chaos", atMs, draw });
  }

  #drawNow(draw: number, atMs: number): void {
    const { kinds, forMs } = this.#chaos as Chaos;
    const fault = drawFault(kinds, forMs, this.#mesh, this.#random.fork(`chaos/fault/${draw}`));
    if (fault !== undefined) this.#add({ what: "inject", atMs, fault });
    this.#drawAt(atMs, draw + 1);
  }

  #add(pending: Pending): void {
    let at = this.#pending.length;
    while (at > 0 && (this.#pending[at - 1] as Pending).atMs > pending.atMs) at--;
    this.#pending.splice(at, 0, pending);
  }
}

/**
 * How long the plan takes, ms from its start, with the last fault's end: what a run must last to see all of it. What goes on without end, or waits for an event, counts
 * with its first two turns.
 */
export function planLengthMs(faults: readonly PlannedFault[], chaos: Chaos | null, mesh: PlanMesh): number {
  const lengths = faults.map(
    ({ trigger, fault }) => lastTurnMs(trigger) + (isPreset(fault) ? presetLengthMs(fault, mesh) : (fault.forMs ?? 0)),
  );
  const chaosMs = chaos === null ? 0 : (chaos.untilMs ?? 2 * chaos.everyMs) + chaos.forMs;
  return Math.max(0, chaosMs, ...lengths);
}

function lastTurnMs(trigger: FaultTrigger): number {
  switch (trigger.on) {
    case "time":
      return trigger.atMs;
    case "event":
      return trigger.afterMs;
    case "interval":
      return trigger.atMs + trigger.everyMs * ((trigger.times ?? 2) - 1);
  }
}

function presetLengthMs(fault: PresetSpec, mesh: PlanMesh): number {
  // How many steps there are is not drawn.
  const { steps, everyMs } = presetRun(fault, mesh, seededRandom(0));
  return ((steps ?? 2) - 1) * everyMs + paceOf(fault, mesh).forMs;
}
