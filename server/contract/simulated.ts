/** A swarm whose agents are simulated, in virtual time, by one thread: shown as any other, and no process of it runs. */

export interface SimulatedView {
  /** What is drawn in it comes of this. */
  readonly seed: number;
  /** Virtual time since its start, ms. */
  readonly virtualMs: number;
  /** What a clock without a fault shows there, ms since the epoch: all other times of the swarm are of such clocks. */
  readonly nowMs: number;
  /** How many times as fast as real time it is to go; null: as fast as it can. */
  readonly speed: number | null;
  /** How fast it really went of late; null: not known yet, or paused. */
  readonly reached: number | null;
  readonly paused: boolean;
  /** It is the run that `simulate` judges by this seed: nobody may ask anything of it, and it ends. */
  readonly judged?: boolean;
  /** How it ended. */
  readonly verdict?: Verdict;
}

/** What a judged run came to. */
export type Verdict =
  /** text: as what the seed did, such as "kept every promise (…)". atMs: of virtual time, when it broke; it may show only at the end */
  | { readonly kept: true; readonly text: string }
  | {
      readonly kept: false;
      readonly invariant: string;
      readonly atMs: number;
      readonly detail: string;
      readonly text: string;
    };

/** What speeds may be asked for, times real time. */
export const SPEED = { min: 0.001, max: 1000 } as const;
/** What a person is offered. */
export const SPEEDS = [0.1, 0.5, 1, 2, 5, 10, 50] as const;
/** Seeds are whole numbers from 0. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** The output of a task in a simulated swarm. */
export const NOTHING_RAN = "Simulated: no program was run.";

/** Why a judged run does nothing that it is asked. */
export const NOBODYS =
  "This is the run that its seed is judged by: whatever is asked of it would make it another one. Watch a run of your own to ask and to break something.";

/** A speed that is missed by more is told with what was reached instead. */
const KEPT = 0.9;

/** "simulated, seed 7, 12.3 s of virtual time, at 1x real time"; what it does not keep, and what it reaches instead, is said. */
export function simulatedText(view: SimulatedView): string {
  const run = view.judged ? "simulated and judged" : "simulated";
  return `${run}, seed ${view.seed}, ${virtualText(view.virtualMs)} of virtual time, ${paceText(view)}`;
}

/** How far and how fast where there is little room: "12.3 s at 1x", "12.3 s, paused". */
export function briefText({ virtualMs, speed, reached, paused, verdict }: SimulatedView): string {
  const pace = reached ?? speed;
  if (verdict)
    return `${virtualText(virtualMs)}, ${verdict.kept ? "all promises kept" : `“${verdict.invariant}” broken`}`;
  const how = paused ? ", paused" : pace === null ? "" : ` at ${speedText(pace)}`;
  return `${virtualText(virtualMs)}${how}`;
}

/** "at 1x real time", "paused", "as fast as it goes: 34x real time", "at 3.2x real time (10x asked for)". */
export function paceText({ speed, reached, paused, verdict }: SimulatedView): string {
  if (verdict) return `over: it ${verdict.text}`;
  if (paused) return "paused";
  if (speed === null) return `as fast as it goes${reached === null ? "" : `: ${speedText(reached)} real time`}`;
  if (reached !== null && reached < KEPT * speed)
    return `at ${speedText(reached)} real time (${speedText(speed)} asked for)`;
  return `at ${speedText(speed)} real time`;
}

/** "2x", "0.25x". */
export function speedText(speed: number): string {
  return `${speed >= 100 ? Math.round(speed) : Number(speed.toPrecision(2))}x`;
}

/** "12.3 s", "2 min 5 s". */
export function virtualText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}
