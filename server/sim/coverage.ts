import type { Effect } from "../contract/faults.ts";
import type { Coverage, FaultEffect, Transition } from "../contract/simulation.ts";
import type { EventKind, TimelineEvent } from "../contract/timeline.ts";
import { invariant } from "../core/invariant.ts";

/** Events that are a transition by themselves. */
const BY_KIND: Readonly<Partial<Record<EventKind, Transition>>> = {
  becamePreCandidate: "pre-vote begun",
  becameCandidate: "candidacy begun",
  becameLeader: "leader elected",
  truncated: "log truncated",
  snapshotTaken: "snapshot taken",
  snapshotSending: "snapshot sent",
  snapshotInstalled: "snapshot installed",
  compacted: "log compacted",
  viewEntered: "view entered",
  disbelieved: "message not believed",
  equivocation: "equivocation proved",
  checkpointStable: "checkpoint stable",
  stateInstalled: "state fetched",
  stateTransferRefused: "fetched state refused",
  rumourHeard: "rumour heard",
  antiEntropy: "difference found by anti-entropy",
  heldBack: "operation held back: clock ahead",
  converged: "converged",
  memberSuspected: "agent suspected",
  memberFailed: "agent failed",
  partitioned: "agent cut off",
  healed: "side of a partition healed",
  recovered: "recovered from a partition",
  taskLeased: "task leased",
  taskLeaseLost: "task's lease lost",
  taskRetried: "task tried again",
  taskFinished: "task finished",
  taskCompletionRefused: "late completion refused",
  proposalSubmitted: "proposal submitted",
  voteNotTaken: "vote not taken",
};

const GIVEN_UP: Readonly<Record<string, Transition>> = {
  timeout: "view given up: primary too slow",
  others: "view given up: others did",
  badPrimary: "view given up: primary lied",
  restart: "view given up: primary restarted",
  asked: "leadership handed over",
};

const DECIDED: Readonly<Record<string, Transition>> = {
  approved: "proposal approved",
  rejected: "proposal rejected",
  expired: "proposal expired",
};

/** Why a leader no longer is one. */
const STEPPED_DOWN: Readonly<Record<string, Transition>> = {
  higherTerm: "leader stepped down: newer term",
  quorumLost: "leader stepped down: quorum lost",
  removed: "leader stepped down: removed",
};

const VOTE_REFUSED: Readonly<Record<string, Transition>> = {
  alreadyVoted: "vote refused: voted already",
  logBehind: "vote refused: log behind",
  leaderAlive: "vote refused: leader alive",
  oldTerm: "vote refused: older term",
};

/** One thing that one fault does, and whether it came to it. */
interface Injection {
  readonly name: FaultEffect;
  met: boolean;
}

interface Members {
  readonly voters: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
}

/** Counts what a run meets. Costs a map's entry an event, and nothing a message. */
export class CoverageCounter {
  readonly #faults = new Map<string, number>();
  readonly #transitions = new Map<string, number>();
  /** By effect, and by what it consists of where that is what is told. */
  readonly #injections = new Map<object, Injection>();
  /** By agent: what it last said of the members, whether it campaigns, and whom it suspects. */
  readonly #members = new Map<string, Members>();
  readonly #campaigning = new Set<string>();
  readonly #suspects = new Set<string>();

  event(event: TimelineEvent): void {
    const { kind, agent, fields } = event;
    const transition = BY_KIND[kind];
    if (transition !== undefined) this.#met(transition);
    switch (kind) {
      case "electionTimedOut":
        this.#met(this.#campaigning.has(agent) ? "election without a winner" : "election timed out");
        break;
      case "becameCandidate":
        this.#campaigning.add(agent);
        break;
      case "becameLeader":
      case "becameFollower":
        this.#campaigning.delete(agent);
        break;
      case "steppedDown":
        this.#because(STEPPED_DOWN, fields.reason);
        break;
      case "voteRefused":
        if (fields.pre === true) this.#met("pre-vote refused");
        else this.#because(VOTE_REFUSED, fields.reason);
        break;
      case "viewChangeStarted":
        this.#because(GIVEN_UP, fields.reason);
        break;
      case "viewEntered":
        if (Number(fields.reproposed) > 0) this.#met("batches proposed again");
        break;
      case "proposalDecided":
        this.#because(DECIDED, fields.state);
        break;
      case "leadershipTransferEnded":
        this.#met(fields.ok === true ? "leadership handed over" : "handover failed");
        break;
      case "memberSuspected":
        this.#suspects.add(`${agent} ${fields.member}`);
        break;
      case "memberAlive":
        if (this.#suspects.delete(`${agent} ${fields.member}`)) this.#met("suspicion refuted");
        break;
      case "configurationChanged":
        this.#configured(agent, fields as unknown as Members);
        break;
    }
  }

  started(agent: string, incarnation: number): void {
    this.#campaigning.delete(agent);
    this.#members.delete(agent);
    if (incarnation > 1) this.#met("agent started again");
  }

  crashed(): void {
    this.#met("agent killed or stopped");
  }

  /** An agent's disk did not let it start, or go on. */
  refused(starting: boolean): void {
    this.#met(starting ? "start refused by a disk" : "agent stopped by its disk");
  }

  /** A fault began. What it does is counted once it took effect; until then it stands with 0. */
  fault(effects: readonly Effect[]): void {
    const injections = new Map<string, Injection>();
    for (const effect of effects) {
      const name = nameOf(effect);
      const injection = injections.get(name) ?? { name, met: false };
      injections.set(name, injection);
      this.#injections.set(effect, injection);
      if (effect.on === "disk") this.#injections.set(effect.disk, injection);
    }
    for (const name of injections.keys()) add(this.#faults, name, 0);
  }

  /** @param effect of a fault, or the trouble in one that is about a disk; told again it counts no more */
  tookEffect(effect: object): void {
    const injection = this.#injections.get(effect);
    if (injection === undefined || injection.met) return;
    injection.met = true;
    add(this.#faults, injection.name, 1);
  }

  /** Bad weather on all links, and connections that break, which chaos draws besides. */
  weather(name: FaultEffect): void {
    add(this.#faults, name, 1);
  }

  weathered({ loss, duplication, reordering }: Readonly<Record<"loss" | "duplication" | "reordering", boolean>>): void {
    if (loss) this.weather("weather loss");
    if (duplication) this.weather("weather duplicate");
    if (reordering) this.weather("weather reorder");
  }

  get coverage(): Coverage {
    return { faults: Object.fromEntries(this.#faults), transitions: Object.fromEntries(this.#transitions) };
  }

  #configured(agent: string, now: Members): void {
    const before = this.#members.get(agent);
    this.#members.set(agent, now);
    if (before === undefined) return;
    if (now.outgoing.length > 0 && before.outgoing.length === 0) this.#met("joint phase entered");
    if (now.outgoing.length === 0 && before.outgoing.length > 0) this.#met("joint phase left");
    if (now.learners.some((id) => !before.learners.includes(id))) this.#met("learner added");
    if (before.learners.some((id) => now.voters.includes(id))) this.#met("learner promoted");
    const [had, has] = [before, now].map(({ voters, outgoing, learners }) => [...voters, ...outgoing, ...learners]);
    if (had?.some((id) => !has?.includes(id))) this.#met("member removed");
  }

  /** @param reason one of those that have a transition */
  #because(transitions: Readonly<Record<string, Transition>>, reason: unknown): void {
    const transition = transitions[String(reason)];
    invariant(transition !== undefined, "every reason has its transition");
    this.#met(transition);
  }

  #met(transition: Transition): void {
    add(this.#transitions, transition, 1);
  }
}

/** Sums of both. */
export function addCoverage(to: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) add(to, name, count);
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function nameOf(effect: Effect): FaultEffect {
  switch (effect.on) {
    case "process":
      return effect.process === "down" ? "crash" : "pause";
    case "link":
      return `link ${effect.toxic.toxic}`;
    case "message":
      return `message ${effect.rule.action.action}`;
    case "disk":
      return `disk ${effect.disk.trouble}`;
    case "clock":
      return "clock";
    case "cpu":
      return "slow cpu";
    case "byzantine":
      return `byzantine ${effect.behaviour}`;
  }
}
