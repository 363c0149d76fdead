import type { SearchTotals } from "../../sim/search-summary.ts";
import type { Output } from "./output.ts";

const BAR = 24;
/** At a terminal a line is redrawn, elsewhere one is added, for programs a JSON line. */
const REDRAW_MS = 100;
const ADD_MS = 10_000;
const JSON_MS = 1000;

/** How far a search is. */
export class SearchProgress {
  readonly #output: Output;
  readonly #totals: SearchTotals;
  readonly #seeds: number;
  readonly #beganMs = performance.now();
  #toldMs = performance.now();

  constructor(output: Output, totals: SearchTotals, seeds: number) {
    this.#output = output;
    this.#totals = totals;
    this.#seeds = seeds;
  }

  /** Call it as often as you like. */
  tell(): void {
    const nowMs = performance.now();
    const everyMs = this.#output.json ? JSON_MS : process.stdout.isTTY ? REDRAW_MS : ADD_MS;
    if (nowMs - this.#toldMs < everyMs) return;
    this.#toldMs = nowMs;
    const state = this.#state(nowMs);
    if (process.stdout.isTTY) this.#output.passing(progressText(state));
    else this.#output.line("progress", state, progressText(state));
  }

  #state(nowMs: number): ProgressState {
    const realMs = nowMs - this.#beganMs;
    const { seeds: done, virtualMs, broken } = this.#totals;
    return { done, seeds: this.#seeds, broken, realMs: Math.round(realMs), virtualMs };
  }
}

export interface ProgressState {
  readonly done: number;
  readonly seeds: number;
  readonly broken: number;
  readonly realMs: number;
  readonly virtualMs: number;
}

/** `[=====       ] 4,200 of 100,000 seeds, 48/s, 116 times real time, 2 broken, 33 min left` */
export function progressText({ done, seeds, broken, realMs, virtualMs }: ProgressState): string {
  const full = Math.floor((BAR * done) / seeds);
  const perSecond = (1000 * done) / Math.max(1, realMs);
  const parts = [
    `[${"=".repeat(full)}${" ".repeat(BAR - full)}] ${count(done)} of ${count(seeds)} seeds`,
    `${perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))}/s`,
    `${count(Math.round(virtualMs / Math.max(1, realMs)))} times real time`,
    `${count(broken)} broken`,
  ];
  if (done > 0) parts.push(`${timeText((seeds - done) / perSecond)} left`);
  return parts.join(", ");
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}
