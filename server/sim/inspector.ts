import type { LogBatch, LogSnapshot, RecoveredLog } from "../agent/world.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { InvariantName } from "../contract/expect.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { TaskSpec } from "../core/tasks/types.ts";
import { CommitDurability } from "./checkers/commit-durability.ts";
import { CommitRule } from "./checkers/commit-rule.ts";
import { CommittedLog } from "./checkers/committed-log.ts";
import { ElectionQuorum } from "./checkers/election-quorum.ts";
import { ElectionSafety } from "./checkers/election-safety.ts";
import { ExactlyOnce } from "./checkers/exactly-once.ts";
import { LeaderCompleteness } from "./checkers/leader-completeness.ts";
import { LeaseTokens } from "./checkers/lease-tokens.ts";
import { LinearizableMemory } from "./checkers/linearizable-memory.ts";
import { LogMatching } from "./checkers/log-matching.ts";
import { ShadowLogs } from "./checkers/shadow-logs.ts";
import { SingleVote } from "./checkers/single-vote.ts";
import { Snapshots } from "./checkers/snapshots.ts";
import { StateMachineSafety } from "./checkers/state-machine-safety.ts";
import { CoverageCounter } from "./coverage.ts";
import { invariantOf } from "./expectations/invariants.ts";
import type { Schedule } from "./schedule.ts";
import { digest, TraceHash } from "./trace-hash.ts";
import type { Witness } from "./witness.ts";

export type Violation = NonNullable<SeedReport["violation"]>;

/** What of a turn is judged once the turn is over, when the log has followed. */
interface TurnNews {
  commit: number;
  term: number;
  ledTerm: number;
  votes: readonly string[];
}

/** Marks what kind of thing enters the trace hash. */
const Mark = { delivered: 1, started: 2, crashed: 3, appended: 4, durable: 5, observed: 6, executing: 7 } as const;

/** Sees all of a simulated mesh: hashes it, gives each checker what it is about, and keeps the first invariant that broke. */
export class Inspector implements Witness {
  readonly tasks: ExactlyOnce;
  readonly memory: LinearizableMemory;
  readonly coverage = new CoverageCounter();
  readonly #schedule: Schedule;
  readonly #names: readonly string[];
  readonly #lives: string[];
  readonly #trace = new TraceHash();
  readonly #committed: CommittedLog;
  readonly #logs: ShadowLogs;
  readonly #snapshots: Snapshots;
  readonly #quorums: ElectionQuorum;
  readonly #elections: ElectionSafety;
  readonly #votes: SingleVote;
  readonly #matching: LogMatching;
  readonly #machines: StateMachineSafety;
  readonly #completeness: LeaderCompleteness;
  readonly #durability: CommitDurability;
  readonly #rule: CommitRule;
  readonly #leases: LeaseTokens;
  readonly #news: TurnNews[];
  /** By agent: the term it leads now; 0 = none. */
  readonly #leading: number[];
  /** By agent: the term of its newest hard state, and the commit index it last told. */
  readonly #terms: number[];
  readonly #commits: number[];
  readonly #onEvent: ((event: TimelineEvent) => void) | undefined;
  readonly #expected: ReadonlySet<InvariantName>;
  #violation: Violation | null = null;
  /** Something broke, expected or not: what follows from it says nothing any more. */
  #lostTrack = false;
  #won = 0;

  /** @param voters of `names`, those that vote at first. @param expected violations of other invariants are not told */
  constructor(
    schedule: Schedule,
    names: readonly string[],
    voters: readonly string[],
    expected: readonly InvariantName[],
    onEvent?: (event: TimelineEvent) => void,
  ) {
    const broken = (invariant: string, detail: string) => this.broken(invariant, detail);
    this.#schedule = schedule;
    this.#expected = new Set(expected);
    this.#names = names;
    this.#onEvent = onEvent;
    this.#lives = names.map((name) => `${name}.0`);
    const bootstrap = { voters: voters.toSorted(), outgoing: [], learners: [], learnersNext: [], autoLeave: false };
    this.#committed = new CommittedLog(bootstrap);
    this.#logs = new ShadowLogs(names.length, this.#committed);
    this.#snapshots = new Snapshots(this.#logs, this.#committed, names, broken);
    this.#quorums = new ElectionQuorum(this.#logs, names, broken);
    this.#elections = new ElectionSafety(broken);
    this.#votes = new SingleVote(names, broken);
    this.#matching = new LogMatching(this.#logs, names, broken);
    this.#machines = new StateMachineSafety(this.#logs, this.#committed, names, broken);
    this.#completeness = new LeaderCompleteness(this.#logs, this.#committed, names, broken);
    this.#durability = new CommitDurability(this.#logs, this.#committed, names, broken);
    this.#rule = new CommitRule(this.#logs, this.#committed, names, broken);
    this.#leases = new LeaseTokens(broken);
    this.tasks = new ExactlyOnce(broken);
    this.memory = new LinearizableMemory(broken);
    this.#news = names.map(() => ({ commit: 0, term: 0, ledTerm: 0, votes: [] }));
    this.#leading = names.map(() => 0);
    this.#terms = names.map(() => 0);
    this.#commits = names.map(() => 0);
  }

  get violation(): Violation | null {
    return this.#violation;
  }

  get traceHash(): string {
    return this.#trace.hex();
  }

  get electionsWon(): number {
    return this.#won;
  }

  get leases(): number {
    return this.#leases.granted;
  }

  get committed(): number {
    return this.#committed.lastIndex;
  }

  /** Keeps the first one: what follows from a broken invariant says nothing. */
  broken(invariant: string, detail: string): void {
    this.#lostTrack = true;
    const name = invariantOf(invariant);
    if (name === undefined || this.#expected.has(name))
      this.#violation ??= { invariant, atMs: this.#schedule.nowMs, detail };
  }

  delivered(from: number, to: number, frame: Uint8Array): void {
    this.#mark(Mark.delivered, to);
    this.#trace.word(from);
    this.#trace.bytes(frame);
  }

  started(agent: number, incarnation: number, recovered: RecoveredLog): void {
    this.#mark(Mark.started, agent);
    this.#lives[agent] = `${this.#names[agent]}.${incarnation}`;
    this.coverage.started(this.#names[agent] as string, incarnation);
    this.#logs.recovered(agent, recovered);
    this.#terms[agent] = recovered.hardState.term;
    this.#commits[agent] = 0;
    this.#trace.integer(recovered.snapshot?.index ?? 0);
    this.#trace.integer(recovered.entries.length);
    this.#votes.restarted(agent);
    if (incarnation > 1) this.#votes.durable(agent, recovered.hardState);
  }

  crashed(agent: number): void {
    this.#mark(Mark.crashed, agent);
    this.coverage.crashed();
    this.#leading[agent] = 0;
    this.#news[agent] = { commit: 0, term: 0, ledTerm: 0, votes: [] };
  }

  appended(agent: number, batch: LogBatch): void {
    this.#mark(Mark.appended, agent);
    if (batch.hardState) {
      this.#terms[agent] = batch.hardState.term;
      this.#trace.integer(batch.hardState.term);
      this.#trace.text(batch.hardState.votedFor);
    }
    if (batch.snapshot && !this.#replaced(agent, batch.snapshot)) return;
    for (const entry of batch.entries) {
      this.#trace.integer(entry.index);
      this.#trace.integer(entry.term);
      this.#trace.bytes(entry.data);
    }
    const leads = this.#leading[agent] !== 0 && this.#leading[agent] === this.#terms[agent];
    if (this.#matching.appended(agent, batch, leads)) this.#logs.appended(agent, batch);
  }

  #replaced(agent: number, replacing: LogSnapshot): boolean {
    const { index, term, data } = replacing.snapshot;
    const state = digest(data);
    this.#trace.integer(index);
    this.#trace.integer(term);
    this.#trace.integer(state);
    const commit = Math.max(this.#commits[agent] as number, (this.#news[agent] as TurnNews).commit);
    if (!this.#snapshots.replaces(agent, replacing.snapshot, replacing.discardLog, commit)) return false;
    this.#logs.replaced(agent, replacing);
    this.#machines.snapshot(agent, index, state);
    return true;
  }

  durable(agent: number, batch: LogBatch): void {
    this.#mark(Mark.durable, agent);
    if (batch.hardState) this.#votes.durable(agent, batch.hardState);
    // After a gap there is nothing to follow, and the violation is noted.
    if (!this.#lostTrack) this.#logs.durable(agent, batch);
  }

  observed(agent: number, event: TimelineEvent): void {
    this.#onEvent?.(event);
    const { kind, state, fields } = event;
    if (kind === "send" || kind === "receive") return;
    this.coverage.event(event);
    this.#mark(Mark.observed, agent);
    this.#trace.text(kind);
    const news = this.#news[agent] as TurnNews;
    if (state) {
      this.#trace.integer(state.term);
      this.#trace.integer(state.commit);
      news.commit = Math.max(news.commit, state.commit);
      news.term = state.term;
    }
    switch (kind) {
      case "becameLeader":
        news.ledTerm = state?.term ?? 0;
        news.votes = fields.votes as readonly string[];
        break;
      case "steppedDown":
      case "becameFollower":
        news.ledTerm = 0;
        this.#leading[agent] = 0;
        break;
      case "votedFor":
        if (fields.pre === false) this.#votes.voted(agent, Number(fields.term), String(fields.candidate));
        break;
      case "taskLeased":
        this.#leases.leased(String(fields.id), String(fields.agent), Number(fields.token));
        break;
      case "taskFinished":
        this.tasks.finished(this.#lives[agent] as string, String(fields.id), {
          state: fields.state as "completed" | "failed" | "cancelled",
          token: Number(fields.token),
        });
        break;
    }
  }

  turned(agent: number): void {
    const news = this.#news[agent] as TurnNews;
    if (news.ledTerm !== 0) {
      this.#won++;
      this.#leading[agent] = news.ledTerm;
      this.#elections.becameLeader(this.#lives[agent] as string, news.ledTerm);
      this.#votes.led(this.#names[agent] as string, news.ledTerm, news.votes);
      this.#quorums.becameLeader(agent, news.ledTerm, news.votes);
      this.#completeness.becameLeader(agent, news.ledTerm);
      news.ledTerm = 0;
    }
    if (news.commit > (this.#commits[agent] as number)) {
      this.#commits[agent] = news.commit;
      if (this.#machines.reported(agent, news.commit, news.term)) {
        this.#durability.grew(agent);
        if (this.#leading[agent] === news.term) this.#rule.grew(agent, news.term);
        this.#completeness.committed(news.term, this.#leaders());
      }
    }
  }

  executing(agent: number, spec: TaskSpec, token: number): void {
    this.#mark(Mark.executing, agent);
    this.#trace.text(spec.id);
    this.#trace.integer(token);
    this.#leases.executing(spec.id, this.#names[agent] as string, this.#lives[agent] as string, token);
  }

  failed(agent: number, error: unknown): void {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.broken("agents do not fail", `${this.#names[agent]} stopped itself: ${what}`);
  }

  /** An agent's whole replicated state after applying `applied`. */
  snapshot(agent: number, applied: number, bytes: Uint8Array): void {
    this.#machines.snapshot(agent, applied, digest(bytes));
  }

  #leaders(): { agent: number; term: number }[] {
    const leaders: { agent: number; term: number }[] = [];
    for (const [agent, term] of this.#leading.entries()) if (term !== 0) leaders.push({ agent, term });
    return leaders;
  }

  #mark(mark: number, agent: number): void {
    this.#trace.word((mark << 16) | agent);
    this.#trace.integer(this.#schedule.nowUs);
  }
}
