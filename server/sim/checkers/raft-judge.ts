import type { LogBatch, LogSnapshot, RecoveredLog } from "../../agent/world.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { digest } from "../trace-hash.ts";
import type { Broken } from "./broken.ts";
import { CommitDurability } from "./commit-durability.ts";
import { CommitRule } from "./commit-rule.ts";
import { CommittedLog } from "./committed-log.ts";
import { ElectionQuorum } from "./election-quorum.ts";
import { ElectionSafety } from "./election-safety.ts";
import { LeaderCompleteness } from "./leader-completeness.ts";
import { LogMatching } from "./log-matching.ts";
import type { ProtocolJudge } from "./protocol-judge.ts";
import { ShadowLogs } from "./shadow-logs.ts";
import { SingleVote } from "./single-vote.ts";
import { Snapshots } from "./snapshots.ts";
import { StateMachineSafety } from "./state-machine-safety.ts";

/** What of a turn is judged once the turn is over, when the log has followed. */
interface TurnNews {
  commit: number;
  term: number;
  ledTerm: number;
  votes: readonly string[];
}

/** The promises of Raft (Raft paper, Figure 3), and the steps by which it keeps them. */
export class RaftJudge implements ProtocolJudge {
  readonly #names: readonly string[];
  readonly #lives: string[];
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
  readonly #news: TurnNews[];
  /** By agent: the term it leads now; 0 = none. */
  readonly #leading: number[];
  /** By agent: the term of its newest hard state, and the commit index it last told. */
  readonly #terms: number[];
  readonly #commits: number[];
  /** Something broke, expected or not: what follows from it says nothing any more. */
  #lostTrack = false;
  #won = 0;

  /** @param voters of `names`, those that vote at first. */
  constructor(names: readonly string[], voters: readonly string[], told: Broken) {
    const broken: Broken = (invariant, detail) => {
      this.#lostTrack = true;
      told(invariant, detail);
    };
    this.#names = names;
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
    this.#news = names.map(() => ({ commit: 0, term: 0, ledTerm: 0, votes: [] }));
    this.#leading = names.map(() => 0);
    this.#terms = names.map(() => 0);
    this.#commits = names.map(() => 0);
  }

  get elections(): number {
    return this.#won;
  }

  get committed(): number {
    return this.#committed.lastIndex;
  }

  started(agent: number, incarnation: number, recovered: RecoveredLog): void {
    this.#lives[agent] = `${this.#names[agent]}.${incarnation}`;
    this.#logs.recovered(agent, recovered);
    this.#terms[agent] = recovered.hardState.term;
    this.#commits[agent] = 0;
    this.#votes.restarted(agent);
    if (incarnation > 1) this.#votes.durable(agent, recovered.hardState);
  }

  crashed(agent: number): void {
    this.#leading[agent] = 0;
    this.#news[agent] = { commit: 0, term: 0, ledTerm: 0, votes: [] };
  }

  appended(agent: number, batch: LogBatch): void {
    if (batch.hardState) this.#terms[agent] = batch.hardState.term;
    if (batch.snapshot && !this.#replaced(agent, batch.snapshot)) return;
    const leads = this.#leading[agent] !== 0 && this.#leading[agent] === this.#terms[agent];
    const chains = this.#matching.appended(agent, batch, leads);
    if (chains !== undefined) this.#logs.appended(agent, batch, chains);
  }

  durable(agent: number, batch: LogBatch): void {
    if (batch.hardState) this.#votes.durable(agent, batch.hardState);
    // After a gap there is nothing to follow, and the violation is noted.
    if (!this.#lostTrack) this.#logs.durable(agent, batch);
  }

  observed(agent: number, { kind, state, fields }: TimelineEvent): void {
    const news = this.#news[agent] as TurnNews;
    if (state) {
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

  snapshot(agent: number, applied: number, digest: number): void {
    this.#machines.snapshot(agent, applied, digest);
  }

  /** Raft promises nothing then, and the run says so. */
  lies(): void {}

  #replaced(agent: number, replacing: LogSnapshot): boolean {
    const { index, data } = replacing.snapshot;
    const commit = Math.max(this.#commits[agent] as number, (this.#news[agent] as TurnNews).commit);
    if (!this.#snapshots.replaces(agent, replacing.snapshot, replacing.discardLog, commit)) return false;
    this.#logs.replaced(agent, replacing);
    this.#machines.snapshot(agent, index, digest(data));
    return true;
  }

  #leaders(): { agent: number; term: number }[] {
    const leaders: { agent: number; term: number }[] = [];
    for (const [agent, term] of this.#leading.entries()) if (term !== 0) leaders.push({ agent, term });
    return leaders;
  }
}
