/** What the coordinator knows of one agent: its process, its connection, its last reports and what its events said since. */

import { follows, leads } from "../contract/consensus.ts";
import type { AgentReport, LinkReport, MembersView, ProcessState, RoleName } from "../contract/swarm.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { ProcessIdentity } from "../live/process.ts";
import type { RosterAgent } from "../live/swarm-file.ts";

/** Without a report for so long an agent's figures are not live any more. */
const STALE_MS = 2500;
/** Rates are over about a second. */
const RATE_SPAN_MS = 1000;

export interface AgentState {
  readonly role: RoleName;
  readonly term: number;
  readonly leader: string;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
}

export interface LinkRates {
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly droppedPerSecond: number;
  readonly delayedPerSecond: number;
  readonly corruptedPerSecond: number;
}

export class AgentWatch {
  readonly id: string;
  readonly port: number;
  /** Where agents of other hosts reach it. */
  readonly host: string | undefined;
  /** It joined by itself: its process is not the coordinator's, which knows of it only what it says. */
  readonly foreign: boolean;
  process: ProcessState = "starting";
  identity: ProcessIdentity | null = null;
  connected = false;
  /** Newest last; enough of them to look back a second. */
  #reports: { readonly report: AgentReport; readonly arrivedAt: number }[] = [];
  #state: (AgentState & { readonly atMs: number }) | null = null;
  #members: (MembersView & { readonly atMs: number }) | null = null;
  /** Votes it holds, its own included, as its events said since it became a candidate, or gave up on a view. */
  #votes: number | null = null;

  readonly #staleMs: number;

  /** @param staleMs without a report for so long its figures are not live any more */
  constructor(
    { id, port, host, foreign = false }: Pick<RosterAgent, "id" | "port" | "host" | "foreign">,
    staleMs = STALE_MS,
  ) {
    this.#staleMs = staleMs;
    this.id = id;
    this.port = port;
    this.host = host;
    this.foreign = foreign;
  }

  get alive(): boolean {
    return this.process === "running";
  }

  /** Its figures are live. */
  get observed(): boolean {
    const last = this.#reports.at(-1);
    return this.connected && last !== undefined && performance.now() - last.arrivedAt < this.#staleMs;
  }

  /** The last report of the present life; null when it is not observed. */
  get report(): AgentReport | null {
    return this.observed ? this.#reports.at(-1)!.report : null;
  }

  get state(): AgentState | null {
    return this.observed ? this.#state : null;
  }

  /** Who the members are, as it has them. */
  get members(): MembersView | null {
    return this.observed ? this.#members : null;
  }

  get votes(): number | null {
    const { state } = this;
    if (state === null || leads(state.role) || follows(state.role)) return null;
    return this.#votes;
  }

  heard(report: AgentReport): void {
    if (this.#reports.at(-1)?.report.incarnation !== report.incarnation) this.#reports = [];
    const arrivedAt = performance.now();
    this.#reports.push({ report, arrivedAt });
    while (this.#reports.length > 2 && arrivedAt - this.#reports[1]!.arrivedAt >= RATE_SPAN_MS) this.#reports.shift();
    const { role, term, leader, commit, applied, lastIndex, atMs } = report;
    if (this.#state === null || atMs >= this.#state.atMs)
      this.#state = { role, term, leader, commit, applied, lastIndex, atMs };
    const { voters, outgoing, learners } = report;
    // One that has joined and heard of nobody has nothing to tell.
    if (voters.length > 0 && (this.#members === null || atMs >= this.#members.atMs))
      this.#members = { voters, outgoing, learners, atMs };
  }

  /** True when its role, term, leader or members changed by it. */
  happened(event: TimelineEvent): boolean {
    const changed = event.kind === "configurationChanged" && this.#configured(event);
    this.#countVotes(event);
    const { state, hlc } = event;
    const before = this.#state;
    if (state === undefined || (before !== null && hlc.wallMs < before.atMs)) return changed;
    this.#state = { ...state, atMs: hlc.wallMs };
    return (
      changed ||
      before === null ||
      before.role !== state.role ||
      before.term !== state.term ||
      before.leader !== state.leader
    );
  }

  #countVotes({ kind, fields }: TimelineEvent): void {
    if (kind === "becameCandidate" || kind === "becamePreCandidate" || kind === "viewChangeStarted") this.#votes = null;
    if (kind === "voteReceived" && typeof fields.granters === "number") this.#votes = fields.granters;
    if (kind === "viewChangeReceived" && typeof fields.have === "number") this.#votes = fields.have;
  }

  #configured({ fields, hlc }: TimelineEvent): boolean {
    const ids = (value: unknown): string[] | undefined =>
      Array.isArray(value) && value.every((id) => typeof id === "string") ? value : undefined;
    const [voters, outgoing, learners] = [ids(fields.voters), ids(fields.outgoing), ids(fields.learners)];
    if (voters === undefined || outgoing === undefined || learners === undefined) return false;
    if (this.#members !== null && hlc.wallMs < this.#members.atMs) return false;
    this.#members = { voters, outgoing, learners, atMs: hlc.wallMs };
    return true;
  }

  /** Its process ended: nothing that was known of it holds. */
  forget(): void {
    this.#reports = [];
    this.#state = null;
    this.#members = null;
    this.#votes = null;
  }

  /** Share of a core over about the last second. */
  get cpu(): number | null {
    return this.#rate((report) => report.cpuSeconds);
  }

  link(peer: string): LinkReport | null {
    return this.report?.links.find((link) => link.peer === peer) ?? null;
  }

  linkRates(peer: string): LinkRates | null {
    const counter = (pick: (link: LinkReport) => number): number | null =>
      this.#rate((report) => {
        const link = report.links.find((one) => one.peer === peer);
        return link === undefined ? 0 : pick(link);
      });
    const framesPerSecond = counter((link) => link.framesOut);
    if (framesPerSecond === null) return null;
    return {
      framesPerSecond,
      bytesPerSecond: counter((link) => link.bytesOut) ?? 0,
      droppedPerSecond: counter((link) => link.dropped) ?? 0,
      delayedPerSecond: counter((link) => link.delayed) ?? 0,
      corruptedPerSecond: counter((link) => link.corrupted) ?? 0,
    };
  }

  #rate(counter: (report: AgentReport) => number): number | null {
    const first = this.#reports[0]?.report;
    const last = this.report;
    if (first === undefined || last === null || last.atMs <= first.atMs) return null;
    return Math.max(0, (counter(last) - counter(first)) / ((last.atMs - first.atMs) / 1000));
  }
}
