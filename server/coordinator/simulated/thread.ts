import type { MessagePort } from "node:worker_threads";
import type { Agent } from "../../agent/agent.ts";
import { queryAnswer } from "../../agent/answers.ts";
import type { ProposalInfo } from "../../contract/proposals.ts";
import { NOBODYS, NOTHING_RAN, type Verdict } from "../../contract/simulated.ts";
import type { TaskInfo } from "../../contract/swarm.ts";
import type { EventKind, Fields, TimelineEvent } from "../../contract/timeline.ts";
import { FaultRefusal } from "../../meshfile/faults/refusal.ts";
import { EPOCH_MS } from "../../sim/clock.ts";
import { JudgedRun } from "../../sim/watched/judged-run.ts";
import { MemberNews } from "../../sim/watched/member-news.ts";
import { Pace } from "../../sim/watched/pace.ts";
import { Reporter } from "../../sim/watched/reporter.ts";
import { furthestOf, type Run } from "../../sim/watched/run.ts";
import { type WatchedNews, WatchedRun } from "../../sim/watched/watched-run.ts";
import type { ProcessState, SimWorld } from "../../sim/world.ts";
import { SHOWN_PROPOSALS } from "../ledgers.ts";
import { messageOf } from "../refusal.ts";
import { COORDINATOR_LANE } from "../timeline/timeline.ts";
import type { Answer, Ask, Batch, Notice, WatchOrder, WatchTask, WatchTold } from "./protocol.ts";

/** Real ms without looking at what was asked meanwhile. */
const SLICE_MS = 20;
const FLUSH_EVERY_MS = 1000 / 30;
/** Of a batch. More wait, and virtual time with them. */
const MOST_EVENTS = 1024;
/** Batches that the coordinator has not taken in. */
const MOST_UNDER_WAY = 2;
/** Reports take no more real time a batch, but for one. */
const REPORTS_MS = 4;
/** Between the beginnings of two rounds through all agents, real ms. */
const ROUND_EVERY_MS = 500;
const IDLE_MS = 8;
/** Looking at the clock costs more than most of what happens. */
const LOOK_EVERY = 16;
/** From so many agents on, not all that they hear of each other is told. */
const LARGE = 101;
const SHOWN_TASKS = 1000;
const OVER = "The run is over, and stays as it was at its end.";

/** A simulated swarm in a thread of its own (dist/simulator.cjs): has virtual time go at its pace, and tells the coordinator what came of it, in batches. */
export class WatchThread {
  readonly #port: MessagePort;
  readonly #run: Run;
  readonly #seed: number;
  /** The same, where it is anybody's to ask. */
  readonly #open: WatchedRun | undefined;
  readonly #pace: Pace;
  readonly #reporter: Reporter;
  /** undefined: all are told. */
  readonly #news: MemberNews | undefined;
  #events: TimelineEvent[] = [];
  #notices: Notice[] = [];
  readonly #states = new Map<number, ProcessState>();
  #faultsChanged = true;
  #ledgersChanged = true;
  #ownEvents = 0;
  #underWay = 0;
  #flushedAt = 0;
  /** When the round through all agents began that is under way, or was last. */
  #roundAt = Number.NEGATIVE_INFINITY;
  #inRound = false;
  #over = false;

  constructor(port: MessagePort, { watch }: WatchTask) {
    this.#port = port;
    const { mesh, seed, speed, judged } = watch;
    this.#seed = seed;
    this.#news = mesh.agents.length >= LARGE ? new MemberNews() : undefined;
    const news: WatchedNews = {
      event: (agent, event) => this.#happened(agent, event),
      processStarted: (agent, incarnation) => {
        if (incarnation > 1) this.#own("processStarted", this.#idOf(agent), { incarnation });
      },
      processEnded: (agent) => this.#own("processEnded", this.#idOf(agent), { by: "simulation" }),
      faultsChanged: () => {
        this.#faultsChanged = true;
      },
      faultEvent: (kind, agent, fields) => this.#own(kind, agent ?? COORDINATOR_LANE, fields),
      notice: (level, message) => this.#notices.push({ level, message }),
    };
    this.#open = judged === undefined ? new WatchedRun(mesh, seed, news) : undefined;
    this.#run = this.#open ?? new JudgedRun(mesh, seed, judged ?? {}, news);
    const run = this.#run;
    this.#reporter = new Reporter({
      roster: run.roster,
      running: (place) => (run.worlds[place]?.running ? run.agent(place) : undefined),
      get nowMs() {
        return run.nowMs;
      },
      troubles: run.troubles,
    });
    port.on("message", (order: WatchOrder) => this.#ordered(order));
    run.start();
    this.#pace = new Pace(speed, performance.now());
    this.#go();
  }

  #ordered(order: WatchOrder): void {
    if (order.order === "taken") this.#underWay--;
    else
      this.#answer(order, (answer) => {
        // Whoever is answered finds what was done.
        this.#tell();
        this.#port.postMessage({ told: "answer", id: order.id, answer } satisfies WatchTold);
      });
  }

  #answer(asked: Ask, done: (answer: Answer) => void): void {
    if (asked.ask !== "pace") {
      if (this.#open === undefined) done({ type: "refused", message: NOBODYS });
      else this.#answerOpen(this.#open, asked, done);
    } else if (this.#over) done({ type: "refused", message: OVER });
    else {
      this.#pace.set(asked.pace, { realMs: performance.now(), virtualMs: this.#run.virtualMs });
      done({ type: "paced" });
    }
  }

  #answerOpen(run: WatchedRun, asked: Exclude<Ask, { ask: "pace" }>, done: (answer: Answer) => void): void {
    const { faults } = run;
    try {
      switch (asked.ask) {
        case "inject":
          done({ type: "fault", fault: faults.inject(asked.fault) });
          break;
        case "injectPreset":
          done({ type: "preset", preset: faults.injectPreset(asked.preset) });
          break;
        case "heal": {
          const healed = asked.fault === undefined ? faults.healAll() : faults.heal(asked.fault);
          const message = `There is no active fault ${asked.fault}. It may have healed by itself.`;
          done(healed === undefined ? { type: "refused", message } : { type: "healed", healed });
          break;
        }
        case "perform":
          run.perform(asked.operation, asked.patienceMs, (result) =>
            done({ type: "performed", result: result ?? null }),
          );
      }
    } catch (error) {
      if (!(error instanceof FaultRefusal)) throw error;
      done({ type: "refused", message: messageOf(error) });
    }
  }

  /** A slice of virtual time, then what was asked meanwhile, and so on. */
  #go(): void {
    const run = this.#run;
    const beganAt = performance.now();
    let looks = 0;
    const over = (): boolean =>
      this.#events.length >= MOST_EVENTS || (++looks % LOOK_EVERY === 0 && performance.now() - beganAt >= SLICE_MS);
    const target = Math.min(this.#pace.target(beganAt), run.virtualMs + this.#stretchMs);
    if (target > run.virtualMs && this.#events.length < MOST_EVENTS) run.advance(target, over);
    if (run.verdict !== undefined) this.#judged(run.verdict);
    const nowAt = performance.now();
    this.#pace.came({ realMs: nowAt, virtualMs: this.#run.virtualMs });
    if (nowAt - this.#flushedAt >= FLUSH_EVERY_MS) this.#flush();
    const here = { realMs: performance.now(), virtualMs: this.#run.virtualMs };
    if (this.#events.length < MOST_EVENTS && this.#pace.isBehind(here, IDLE_MS)) setImmediate(() => this.#go());
    else setTimeout(() => this.#go(), IDLE_MS);
  }

  /** As fast as it goes, where nothing is to happen for long, is still not at once. */
  get #stretchMs(): number {
    return this.#pace.speed === null ? 1000 : Number.POSITIVE_INFINITY;
  }

  /** It is over: all stays as it was at its end. */
  #judged(verdict: Verdict): void {
    if (this.#over) return;
    this.#over = true;
    this.#pace.set({ paused: true }, { realMs: performance.now(), virtualMs: this.#run.virtualMs });
    if (!verdict.kept) {
      const { invariant, atMs, detail } = verdict;
      this.#own("promiseBroken", COORDINATOR_LANE, { invariant, atMs, detail });
    }
    const level = verdict.kept ? "info" : "warning";
    this.#notices.push({ level, message: `Seed ${this.#seed} is over: it ${verdict.text.replace(/\.$/, "")}.` });
  }

  #flush(): void {
    if (this.#underWay < MOST_UNDER_WAY) this.#tell();
  }

  #tell(): void {
    const nowAt = performance.now();
    this.#flushedAt = nowAt;
    const { reports, whole } = this.#reports(nowAt);
    const { speed, reached, paused } = this.#pace;
    const { virtualMs, nowMs, verdict } = this.#run;
    const batch: Batch = {
      told: "batch",
      pace: { virtualMs, nowMs, speed, reached, paused, ...(verdict && { verdict }) },
      events: this.#events,
      reports,
      whole,
      opinions: this.#reporter.takeOpinions(),
      processes: this.#processes(),
      ...(this.#faultsChanged && { faults: this.#faults() }),
      ...(this.#ledgersChanged && this.#ledgers()),
      notices: this.#notices,
    };
    this.#events = [];
    this.#notices = [];
    this.#faultsChanged = false;
    this.#ledgersChanged = false;
    this.#underWay++;
    this.#port.postMessage(batch);
  }

  #reports(nowAt: number): ReturnType<Reporter["next"]> {
    if (!this.#inRound && nowAt - this.#roundAt < ROUND_EVERY_MS) return { reports: [], whole: false };
    if (!this.#inRound) this.#roundAt = nowAt;
    const next = this.#reporter.next(() => performance.now() - nowAt >= REPORTS_MS);
    this.#inRound = !next.whole;
    return next;
  }

  /** Those that are not what they were. */
  #processes(): ReadonlyMap<number, ProcessState> {
    const changed = new Map<number, ProcessState>();
    for (const { index, state } of this.#run.worlds)
      if (this.#states.get(index) !== state) {
        this.#states.set(index, state);
        changed.set(index, state);
      }
    return changed;
  }

  #faults(): NonNullable<Batch["faults"]> {
    const { active, presets, liars } = this.#run.faults;
    return { active, presets, liars: [...liars] };
  }

  #ledgers(): Pick<Batch, "tasks" | "proposals"> {
    const agent = furthestOf(this.#run);
    return agent === undefined ? {} : { tasks: tasksOf(agent), proposals: proposalsOf(agent) };
  }

  #happened(agent: number, event: TimelineEvent): void {
    const { kind } = event;
    if (kind.startsWith("task") || kind.startsWith("proposal") || kind === "voteCast") this.#ledgersChanged = true;
    if (this.#news?.isNews(agent, event) !== false) this.#events.push(event);
  }

  #idOf(agent: number): string {
    return (this.#run.worlds[agent] as SimWorld).id;
  }

  /** What happened to the swarm, beside what its agents tell. Numbered, so that the same seed gives the same. */
  #own(kind: EventKind, agent: string, fields: Fields): void {
    const sequence = ++this.#ownEvents;
    const hlc = { wallMs: Math.floor(EPOCH_MS + this.#run.virtualMs), counter: sequence };
    this.#events.push({ id: `${COORDINATOR_LANE}.1:${sequence}`, agent, hlc, kind, fields });
  }
}

function tasksOf({ machine }: Agent): readonly TaskInfo[] {
  const answer = queryAnswer({ type: "tasks", before: "" }, machine, machine.timeMs);
  const tasks = answer.ok && answer.value.type === "tasks" ? answer.value.tasks : [];
  return tasks
    .slice(-SHOWN_TASKS)
    .map((task) => (task.finishedAtMs === null ? task : { ...task, outputTail: NOTHING_RAN }));
}

function proposalsOf({ machine }: Agent): readonly ProposalInfo[] {
  const answer = queryAnswer({ type: "proposals", before: "" }, machine, machine.timeMs);
  return answer.ok && answer.value.type === "proposals" ? answer.value.proposals.slice(-SHOWN_PROPOSALS) : [];
}
