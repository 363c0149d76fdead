import type { Agent } from "../../agent/agent.ts";
import type { AgentReport, FaultedFrames, PartitionReport, ReputationReport } from "../../contract/swarm.ts";
import { type Doubts, type Opinion, OpinionTally } from "./opinions.ts";

/** A report without what the others' opinions come to, which is counted here, and without what a process would have. */
export type WatchedReport = Omit<
  AgentReport,
  "members" | "reputations" | "pid" | "port" | "cpuSeconds" | "rssBytes" | "logBytes" | "fsyncs" | "fsyncP99Ms"
> & {
  /** Whom it does not hold alive. */
  readonly doubts: AgentReport["members"];
  /** Of a large swarm those of agents that it has a link with. */
  readonly reputations: readonly ReputationReport[];
};

/** Where reports come from. Agents are places in the roster. */
export interface ReportGround {
  readonly roster: readonly string[];
  /** undefined: it does not run, or is paused. */
  readonly running: (place: number) => Agent | undefined;
  /** Ms since the epoch. */
  readonly nowMs: number;
  readonly troubles: { of(from: string, to: string): FaultedFrames };
}

/** From so many agents on, lists of agents within a report are cut: a thousand lists of a thousand names say no more. */
const LARGE = 101;
const NAMED = 20;

/**
 * Asks agents for their reports, a few at a time and one after the other, so that no asking takes long however many there are. Being asked changes nothing in an agent
 * that it acts by.
 */
export class Reporter {
  readonly #ground: ReportGround;
  readonly #places: ReadonlyMap<string, number>;
  readonly #opinions: OpinionTally;
  readonly #large: boolean;
  /** When each was asked last, by its clock. */
  readonly #askedMs: Float64Array;
  /** Lists that many agents have alike travel once. */
  readonly #known = new WeakMap<readonly string[], readonly string[]>();
  #lists: readonly (readonly string[])[] = [];
  #next = 0;

  constructor(ground: ReportGround) {
    this.#ground = ground;
    const { roster } = ground;
    this.#places = new Map(roster.map((id, place) => [id, place]));
    this.#large = roster.length >= LARGE;
    this.#opinions = new OpinionTally(roster.length, this.#large ? NAMED : roster.length);
    this.#askedMs = new Float64Array(roster.length).fill(-1);
  }

  /**
   * Of the next ones that have lived on since they were asked last.
   * @param enough looked at before each but the first
   * @returns `whole`: the last of the roster was among those looked at
   */
  next(enough: () => boolean): { readonly reports: readonly WatchedReport[]; readonly whole: boolean } {
    const { roster, nowMs } = this.#ground;
    const reports: WatchedReport[] = [];
    for (let looked = 0; looked < roster.length && (looked === 0 || !enough()); looked++) {
      const place = this.#next;
      this.#next = (place + 1) % roster.length;
      const agent = this.#ground.running(place);
      if (agent === undefined) this.#opinions.tells(place, undefined);
      else if (this.#askedMs[place] !== nowMs) reports.push(this.#report(place, agent));
      if (this.#next === 0) return { reports, whole: true };
    }
    return { reports, whole: false };
  }

  /** Of whom the others hold something else than before. */
  takeOpinions(): ReadonlyMap<number, Opinion> {
    return this.#opinions.take();
  }

  #report(place: number, agent: Agent): WatchedReport {
    const { nowMs, troubles } = this.#ground;
    this.#askedMs[place] = nowMs;
    const { members, reputations, partition, ...report } = agent.report(nowMs, this.#large);
    const doubts = members.filter(({ id, state }) => state !== "alive" && id !== report.agent);
    this.#opinions.tells(place, this.#byPlace(doubts));
    return {
      ...report,
      voters: this.#shared(report.voters),
      learners: this.#shared(report.learners),
      outgoing: this.#shared(report.outgoing),
      links: report.links.map((link) => ({ ...link, ...troubles.of(report.agent, link.peer) })),
      ...(partition && { partition: this.#large ? some(partition) : partition }),
      doubts,
      reputations,
    };
  }

  #byPlace(doubts: AgentReport["members"]): Doubts {
    return new Map(doubts.map(({ id, state }) => [this.#places.get(id) as number, state]));
  }

  /** The same object for lists that say the same. */
  #shared(list: readonly string[]): readonly string[] {
    const known = this.#known.get(list);
    if (known !== undefined) return known;
    const same = this.#lists.find((one) => one.length === list.length && one.every((id, at) => id === list[at]));
    if (same === undefined) this.#lists = [...this.#lists.slice(-7), list];
    this.#known.set(list, same ?? list);
    return same ?? list;
  }
}

/** As many names as there is a use for. */
function some(partition: PartitionReport): PartitionReport {
  const { answering } = partition;
  if (answering.length <= NAMED) return partition;
  return { ...partition, answering: answering.slice(0, NAMED), answeringTotal: answering.length };
}
