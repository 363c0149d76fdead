/**
 * Judges a running swarm by what its mesh file expects, from its events, from the faults on it, and from a small workload where the file asks for what only that can tell. What
 * cannot be known of a running swarm is said to be not checked, never to hold.
 */
import { CONSENSUS } from "../../contract/consensus.ts";
import type { ExpectationResult, InvariantName } from "../../contract/expect.ts";
import type { HistoryLine } from "../../contract/history.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { AgentReport } from "../../contract/swarm.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { livenessBoundMs } from "../../meshfile/expect-defaults.ts";
import { judgeMemory, type KeyVerdict } from "../../sim/checkers/memory-verdict.ts";
import { Bounds } from "../../sim/expectations/bounds.ts";
import type { Reach } from "../../sim/expectations/leader-watch.ts";
import { historyLines } from "../../sim/histories/lines.ts";
import { compareEvents, parseId } from "../timeline/event-order.ts";
import {
  BackgroundWorkload,
  WORKLOAD_CLIENTS,
  WORKLOAD_NAMESPACE,
  type WorkloadOptions,
} from "./background-workload.ts";
import { judgeConvergence } from "./convergence.ts";
import { type Judged, LiveInvariants } from "./live-invariants.ts";

export interface Moment {
  readonly down: readonly string[];
  readonly links: readonly { readonly a: string; readonly b: string }[];
  readonly voters: readonly string[];
}

export interface JudgeGround {
  readonly mesh: Mesh;
  /** What does not run, the links that no fault cuts, and who votes, at this moment. */
  readonly reach: () => Moment;
  /** Titles of active faults. */
  readonly activeFaults: () => readonly string[];
  /** Nothing of the mesh file's plan is still to come. */
  readonly planOver: () => boolean;
  /** What agents are now, as far as it is known. */
  readonly states: () => readonly { readonly agent: string; readonly state: TimelineEvent["state"] }[];
  /** How many are in the swarm at this moment. */
  readonly agents: () => number;
  /** Of all that run. */
  readonly reports: () => Promise<readonly AgentReport[]>;
  readonly connect: WorkloadOptions["connect"];
  readonly notice: (level: "info" | "warning", message: string) => void;
  /** There are new results. */
  readonly judged: () => void;
}

/** Events of different agents arrive in another order than they happened; so long each waits for others. */
const HOLD_MS = 600;
/** Pauses and cuts are seen this late at most. */
const LOOK_EVERY_MS = 50;
const SETTLE_MS = 10_000;
const HASH_TRIES = 5;
const SEARCH = { steps: 2_000_000, bytes: 128 * 1024 * 1024 };

type Waiting =
  | { readonly atMs: number; readonly event: TimelineEvent }
  | { readonly atMs: number; readonly reach: Reach; readonly event?: undefined };

export class LiveJudge {
  readonly #ground: JudgeGround;
  readonly #mesh: Mesh;
  readonly #agents: readonly string[];
  readonly #invariants: LiveInvariants;
  readonly #bounds: Bounds;
  readonly #workload: BackgroundWorkload | undefined;
  readonly #beganMs = Date.now();
  readonly #timer: NodeJS.Timeout;
  readonly #seen = new Map<string, number>();
  readonly #boundMs: number;
  #latest: readonly ExpectationResult[] | undefined;
  #closed = false;
  #waiting: Waiting[] = [];
  #reach: Reach;
  #reachText = "";
  #faults = 0;
  /** When the last fault ended. */
  #healedMs: number | undefined;
  /** The first operation since then that was called and served. */
  #servedMs: number | undefined;
  readonly #calledMs = new Map<string, number>();
  /** A plan was under way; its end is told once. */
  #planRuns: boolean;
  #lines: readonly HistoryLine[] = [];

  /** All are up and a leader is known. @param forced runs the workload whatever the file says */
  constructor(ground: JudgeGround, forced: boolean) {
    const { mesh } = ground;
    this.#ground = ground;
    this.#mesh = mesh;
    this.#agents = mesh.agents.map(({ id }) => id);
    this.#invariants = new LiveInvariants(CONSENSUS[mesh.consensus].ordered);
    this.#boundMs = mesh.expect.liveness?.withinMs ?? livenessBoundMs(mesh);
    this.#planRuns = mesh.faults.length > 0 || mesh.chaos !== null;
    this.#reach = reachOf(ground.reach());
    const because = mesh.expect.stated.filter((name) => name === "availability" || name === "linearizableMemory");
    const runs = forced || because.length > 0;
    const now: Reach = {
      up: (agent) => this.#reach.up(agent),
      linked: (a, b) => this.#reach.linked(a, b),
      voters: () => this.#reach.voters?.() ?? this.#agents,
    };
    this.#bounds = new Bounds(mesh, now, runs ? WORKLOAD_CLIENTS : 0);
    for (const { agent, state } of ground.states())
      if (state !== undefined) this.#bounds.event({ kind: "leaderKnown", agent, fields: {}, state }, this.#beganMs);
    this.#bounds.begin(this.#beganMs);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    if (!runs) return;
    ground.notice(
      "info",
      `A small workload runs in the background${forced ? "" : `, as the file expects ${because.join(" and ")}`}: ${WORKLOAD_CLIENTS} clients, at most 20 operations a second together, in the namespace ${WORKLOAD_NAMESPACE}.`,
    );
    this.#workload = new BackgroundWorkload({
      connect: ground.connect,
      ordered: mesh.memory === "consensus",
      seed: mesh.name,
      patienceMs: Math.max(2000, 6 * mesh.timing.electionTimeoutMaxMs),
      called: (client) => {
        this.#calledMs.set(client, Date.now());
        this.#bounds.called(client, Date.now());
      },
      answered: (client, served) => {
        this.#bounds.answered(client, served, Date.now());
        const calledMs = this.#calledMs.get(client) as number;
        if (served && this.#healedMs !== undefined && calledMs >= this.#healedMs) this.#servedMs ??= Date.now();
      },
    });
  }

  /** Those that were told before are passed over. */
  events(events: readonly TimelineEvent[]): void {
    for (const event of events) {
      if (event.kind === "send" || event.kind === "receive") continue;
      const id = parseId(event.id);
      if (id === undefined || id.sequence <= (this.#seen.get(id.life) ?? -1)) continue;
      this.#seen.set(id.life, id.sequence);
      if (event.kind === "faultInjected" || event.kind === "faultHealed") this.#faultChanged(event);
      if (event.hlc.wallMs >= this.#beganMs) this.#waiting.push({ atMs: event.hlc.wallMs, event });
      if (event.kind === "processEnded" || event.kind === "processStarted") this.#lookAtReach();
    }
  }

  /** What was last found; undefined until somebody asks, or the plan ends. */
  get latest(): readonly ExpectationResult[] | undefined {
    return this.#latest;
  }

  /** The history of the workload; a new one is taken for each first page. @returns undefined when there is no workload */
  history(from: number, limit: number): { readonly lines: readonly HistoryLine[]; readonly total: number } | undefined {
    if (this.#workload === undefined) return undefined;
    if (from === 0) this.#lines = historyLines(this.#workload.history);
    return { lines: this.#lines.slice(from, from + limit), total: this.#lines.length };
  }

  /** Everything that is expected, as it stands now; waits a little for what is about to be known. */
  async results(): Promise<ExpectationResult[]> {
    await this.#settled();
    this.#flush(Number.POSITIVE_INFINITY);
    const nowMs = Date.now();
    const { expect } = this.#mesh;
    const judged: Partial<Record<InvariantName, Judged | string>> = {
      linearizableMemory: this.#memory(),
      ...(expect.invariants.includes("stateMachineSafety") && { stateMachineSafety: await this.#states() }),
      ...(expect.invariants.includes("convergence") && { convergence: await this.#convergence() }),
    };
    const results = [
      ...expect.invariants.map((name) => this.#invariants.result(name, judged[name])),
      ...(expect.liveness === null ? [] : [this.#liveness(nowMs)]),
      ...(expect.recovery === null
        ? []
        : [this.#notChecked("recovery", "it would break agents that nobody asked to break; simulate does")]),
      ...this.#bounds.results(nowMs),
    ];
    this.#latest = results;
    this.#ground.judged();
    return results;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#workload?.close();
  }

  #look(): void {
    this.#lookAtReach();
    this.#flush(Date.now() - HOLD_MS);
    if (!this.#planRuns || !this.#ground.planOver() || this.#ground.activeFaults().length > 0) return;
    this.#planRuns = false;
    void this.#planEnded();
  }

  /** Says once how the plan went. */
  async #planEnded(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 2 * HOLD_MS));
    if (this.#closed) return;
    const results = await this.results();
    if (this.#closed) return;
    const broken = results.filter(({ held }) => held === false);
    const { stated } = this.#mesh.expect;
    if (broken.length === 0 && stated.length === 0) return;
    const held = results.filter((result) => result.held === true).length;
    const open = results.length - held - broken.length;
    const sentence = broken.map(
      ({ name, measured, bound, detail }) => `${name}: ${measured}${bound && ` (expected: ${bound})`}. ${detail}`,
    );
    this.#ground.notice(
      broken.length > 0 ? "warning" : "info",
      broken.length > 0
        ? `The plan of ${this.#mesh.name} is over, and ${broken.length} of ${results.length} expectations do not hold. ${sentence.join(" ")}`
        : `The plan of ${this.#mesh.name} is over: ${held} expectations hold, ${open} are not checked live.`,
    );
  }

  /** Liveness is about to show when all faults have ended. */
  async #settled(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    const open = (): boolean =>
      this.#mesh.expect.liveness !== null &&
      this.#workload !== undefined &&
      this.#healedMs !== undefined &&
      this.#servedMs === undefined &&
      // By the clock that it is judged by, and until that says that the bound is over.
      Date.now() - this.#healedMs <= this.#boundMs &&
      this.#ground.activeFaults().length === 0;
    while (open() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }

  #faultChanged({ kind, hlc }: TimelineEvent): void {
    if (kind === "faultInjected") this.#faults++;
    else this.#healedMs = hlc.wallMs;
    this.#servedMs = undefined;
    this.#lookAtReach();
  }

  #lookAtReach(): void {
    if (this.#mesh.expect.leaderWithinMs === null) return;
    const moment = this.#ground.reach();
    const { down, links, voters } = moment;
    const text = `${voters.join()} ${down.join()} ${links.map(({ a, b }) => `${a} ${b}`).join()}`;
    if (text === this.#reachText) return;
    this.#reachText = text;
    this.#waiting.push({ atMs: Date.now(), reach: reachOf(moment) });
  }

  #flush(untilMs: number): void {
    const due = this.#waiting.filter(({ atMs }) => atMs <= untilMs);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs > untilMs);
    due.sort((a, b) => a.atMs - b.atMs || (a.event && b.event ? compareEvents(a.event, b.event) : 0));
    for (const one of due) {
      if (one.event === undefined) {
        this.#reach = one.reach;
        this.#bounds.reachChanged(one.atMs);
      } else {
        this.#invariants.event(one.event, one.atMs - this.#beganMs);
        this.#bounds.event(one.event, one.atMs);
      }
    }
  }

  #memory(): Judged | string {
    if (this.#workload === undefined)
      return "it takes a workload, which runs when the file names linearizableMemory or availability";
    const { history, full } = this.#workload;
    const verdicts = judgeMemory(history, SEARCH);
    const measured = `${history.length} operations on ${verdicts.length} keys`;
    const broken = verdicts.find(
      (verdict): verdict is Extract<KeyVerdict, { type: "broken" }> => verdict.type === "broken",
    );
    if (broken !== undefined) {
      const brokenAtMs = Math.round(broken.unexplained.operation.invokedUs / 1000);
      return { held: false, measured, detail: `key ${broken.key}: ${broken.unexplained.reason}`, brokenAtMs };
    }
    const open = verdicts.find((verdict) => verdict.type === "undecided");
    if (open !== undefined)
      return {
        held: null,
        measured,
        detail: `Not decided: key ${open.key}: ${open.type === "undecided" ? open.detail : ""}.`,
        brokenAtMs: null,
      };
    if (history.length === 0) return "the workload has asked nothing yet";
    return {
      held: true,
      measured,
      detail: full ? "The workload has ended: it recorded all it may." : "",
      brokenAtMs: null,
    };
  }

  /** Agents that applied the same must have the same state. */
  async #states(): Promise<Judged | string> {
    let most = 0;
    for (let tried = 0; tried < HASH_TRIES; tried++) {
      const byIndex = new Map<number, Map<string, string[]>>();
      let answers = 0;
      for (const { agent, stateHash, stateHashIndex } of await this.#ground.reports()) {
        if (stateHash === undefined || stateHashIndex === undefined) continue;
        answers++;
        const hashes = byIndex.get(stateHashIndex) ?? new Map<string, string[]>();
        byIndex.set(stateHashIndex, hashes);
        hashes.set(stateHash, [...(hashes.get(stateHash) ?? []), agent]);
      }
      for (const [index, hashes] of byIndex) {
        const groups = [...hashes.values()];
        if (groups.length > 1) {
          const detail = `After entry ${index} the states of ${groups.map((agents) => agents.join(", ")).join(" and of ")} differ.`;
          return { held: false, measured: "", detail, brokenAtMs: Date.now() - this.#beganMs };
        }
        most = Math.max(most, groups[0]?.length ?? 0);
      }
      // Where the log goes on meanwhile they answer after different entries.
      if (most >= answers) break;
    }
    if (most < 2) return "no two agents could be asked for their state after the same entry";
    const detail = "Their states at one moment; what they applied before is not known.";
    return { held: true, measured: `${most} agents with one state`, detail, brokenAtMs: null };
  }

  /** The workload is quiet meanwhile. */
  async #convergence(): Promise<Judged | string> {
    if (this.#mesh.memory === "consensus") return "all have one order, which stateMachineSafety is about";
    const { activeFaults, reports } = this.#ground;
    const look = (): Promise<Judged | string> =>
      judgeConvergence({
        reports,
        activeFaults,
        agents: this.#ground.agents,
        boundMs: this.#boundMs,
        now: () => performance.now(),
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      });
    const judged = await (this.#workload === undefined ? look() : this.#workload.quiet(look));
    if (typeof judged === "string" || judged.held !== false) return judged;
    return { ...judged, brokenAtMs: Date.now() - this.#beganMs };
  }

  #liveness(nowMs: number): ExpectationResult {
    const active = this.#ground.activeFaults();
    const bound = `${this.#boundMs} ms`;
    if (active.length > 0) return this.#notChecked("liveness", `still active: ${active.join("; ")}`, bound);
    if (this.#faults === 0) return this.#notChecked("liveness", "no fault happened", bound);
    if (this.#workload === undefined)
      return this.#notChecked(
        "liveness",
        "it takes a workload, which runs when the file names availability or linearizableMemory",
        bound,
      );
    const healedMs = this.#healedMs ?? this.#beganMs;
    const tookMs = (this.#servedMs ?? nowMs) - healedMs;
    const result = { name: "liveness", kind: "liveness", bound, measured: `${tookMs} ms` } as const;
    if (this.#servedMs === undefined && tookMs <= this.#boundMs)
      return {
        ...result,
        held: null,
        detail: "Not decided: no operation has been served yet, and the bound is not over.",
        brokenAtMs: null,
      };
    const held = tookMs <= this.#boundMs;
    const detail = held
      ? "From the end of the last fault to the first answer of an operation called after it."
      : "No operation was served in time after the last fault ended.";
    return { ...result, held, detail, brokenAtMs: held ? null : healedMs + this.#boundMs - this.#beganMs };
  }

  #notChecked(name: "liveness" | "recovery", why: string, bound = ""): ExpectationResult {
    return {
      name,
      kind: "liveness",
      held: null,
      measured: "",
      bound,
      detail: `Not checked live: ${why}.`,
      brokenAtMs: null,
    };
  }
}

function reachOf({ down, links, voters }: Moment): Reach {
  const gone = new Set(down);
  const linked = new Set(links.flatMap(({ a, b }) => [`${a} ${b}`, `${b} ${a}`]));
  return { up: (agent) => !gone.has(agent), linked: (a, b) => linked.has(`${a} ${b}`), voters: () => voters };
}
