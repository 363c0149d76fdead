import type { ClientReply, LogBatch, LogSnapshot, RecoveredLog } from "../agent/world.ts";
import { CONSENSUS, type ConsensusKind } from "../contract/consensus.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { InvariantName } from "../contract/expect.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { VoteVerifier } from "../core/proposals/types.ts";
import type { TaskSpec } from "../core/tasks/types.ts";
import { ExactlyOnce } from "./checkers/exactly-once.ts";
import { GossipJudge } from "./checkers/gossip-judge.ts";
import { LeaseTokens } from "./checkers/lease-tokens.ts";
import { LinearizableMemory } from "./checkers/linearizable-memory.ts";
import { PbftJudge } from "./checkers/pbft-judge.ts";
import { type HeldProposals, ProposalDecisions } from "./checkers/proposals.ts";
import type { ProtocolJudge } from "./checkers/protocol-judge.ts";
import { RaftJudge } from "./checkers/raft-judge.ts";
import { Tally } from "./checkers/tally.ts";
import { CoverageCounter } from "./coverage.ts";
import { invariantOf } from "./expectations/invariants.ts";
import { holderOf, type InspectableAgent } from "./inspectable-agent.ts";
import { NAMESPACE } from "./memory-calls.ts";
import type { Schedule } from "./schedule.ts";
import { digest, TraceHash } from "./trace-hash.ts";
import type { Witness } from "./witness.ts";

export type Violation = NonNullable<SeedReport["violation"]>;

/** More than the workload has keys. */
const MAX_ITEMS = 1000;
/** Marks what kind of thing enters the trace hash. */
const Mark = {
  delivered: 1,
  started: 2,
  crashed: 3,
  appended: 4,
  durable: 5,
  observed: 6,
  executing: 7,
  remembering: 8,
  remembered: 9,
} as const;

export interface Inspected {
  /** Every event, as it happens. */
  readonly onEvent?: (event: TimelineEvent) => void;
  readonly onStarted?: (agent: number, incarnation: number) => void;
  readonly onCrashed?: (agent: number) => void;
  /** Whether a vote bears its voter's signature. Absent: nobody votes. */
  readonly verifyVote?: VoteVerifier;
  /** The memory is replicated by gossip beside the consensus. */
  readonly remembersBeside?: boolean;
  /** What an agent holds now of what was put to the vote; undefined while it is down. */
  readonly proposalsOf?: (agent: number) => HeldProposals | undefined;
}

/** Sees all of a simulated mesh: hashes it, gives each checker what it is about, and keeps the first invariant that broke. */
export class Inspector implements Witness {
  readonly tasks: ExactlyOnce;
  readonly memory: LinearizableMemory;
  readonly proposals: ProposalDecisions;
  readonly #ordered: boolean;
  /** Of a swarm by gossip, or of a memory beside its consensus. */
  readonly gossip: GossipJudge | undefined;
  /** The same where it is the memory's alone. */
  readonly #beside: GossipJudge | undefined;
  /** What clients know of counters and sets. */
  readonly tally = new Tally();
  readonly coverage = new CoverageCounter();
  readonly #schedule: Schedule;
  readonly #names: readonly string[];
  readonly #lives: string[];
  readonly #trace = new TraceHash();
  readonly #protocol: ProtocolJudge;
  readonly #leases: LeaseTokens;
  readonly #inspected: Inspected;
  readonly #liars = new Set<number>();
  readonly #expected: ReadonlySet<InvariantName>;
  #violation: Violation | null = null;

  /** @param voters of `names`, those that vote at first. @param expected violations of other invariants are not told */
  constructor(
    schedule: Schedule,
    consensus: ConsensusKind,
    names: readonly string[],
    voters: readonly string[],
    expected: readonly InvariantName[],
    inspected: Inspected = {},
  ) {
    const broken = (invariant: string, detail: string) => this.broken(invariant, detail);
    this.#schedule = schedule;
    this.#expected = new Set(expected);
    this.#names = names;
    this.#inspected = inspected;
    this.#lives = names.map((name) => `${name}.0`);
    const decides = consensus === "gossip";
    this.gossip =
      decides || inspected.remembersBeside ? new GossipJudge(names, voters.length, NAMESPACE, broken) : undefined;
    this.#beside = decides ? undefined : this.gossip;
    this.#protocol =
      decides && this.gossip !== undefined
        ? this.gossip
        : consensus === "pbft"
          ? new PbftJudge(names, broken)
          : new RaftJudge(names, voters, broken);
    this.#leases = new LeaseTokens(broken);
    this.tasks = new ExactlyOnce(broken);
    this.memory = new LinearizableMemory(broken);
    const verify = inspected.verifyVote ?? (() => false);
    this.#ordered = CONSENSUS[consensus].ordered;
    this.proposals = new ProposalDecisions(names, verify, broken, this.#ordered);
  }

  get violation(): Violation | null {
    return this.#violation;
  }

  get traceHash(): string {
    return this.#trace.hex();
  }

  get electionsWon(): number {
    return this.#protocol.elections;
  }

  get leases(): number {
    return this.#leases.granted;
  }

  get committed(): number {
    return this.#protocol.committed;
  }

  /** From now on this agent lies. */
  lies(agent: number): void {
    this.#liars.add(agent);
    this.#protocol.lies(agent);
  }

  /** Keeps the first one: what follows from a broken invariant says nothing. */
  broken(invariant: string, detail: string): void {
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
    this.#inspected.onStarted?.(agent, incarnation);
    this.#mark(Mark.started, agent);
    this.#lives[agent] = `${this.#names[agent]}.${incarnation}`;
    this.coverage.started(this.#names[agent] as string, incarnation);
    this.#trace.integer(recovered.snapshot?.index ?? 0);
    this.#trace.integer(recovered.entries.length);
    this.#protocol.started(agent, incarnation, recovered);
    if (recovered.memory !== undefined) this.#beside?.started(agent, incarnation, recovered.memory);
  }

  crashed(agent: number): void {
    this.#inspected.onCrashed?.(agent);
    this.#mark(Mark.crashed, agent);
    this.coverage.crashed();
    this.#protocol.crashed(agent);
    this.#beside?.crashed(agent);
  }

  appended(agent: number, batch: LogBatch): void {
    this.#mark(Mark.appended, agent);
    this.#traceBatch(batch);
    this.#protocol.appended(agent, batch);
  }

  remembering(agent: number, batch: LogBatch): void {
    this.#mark(Mark.remembering, agent);
    this.#traceBatch(batch);
    this.#beside?.appended(agent, batch);
  }

  remembered(agent: number, batch: LogBatch): void {
    this.#mark(Mark.remembered, agent);
    this.#beside?.durable(agent, batch);
  }

  durable(agent: number, batch: LogBatch): void {
    this.#mark(Mark.durable, agent);
    this.#protocol.durable(agent, batch);
  }

  observed(agent: number, event: TimelineEvent): void {
    this.#inspected.onEvent?.(event);
    const { kind, state, fields } = event;
    if (kind === "send" || kind === "receive") return;
    this.coverage.event(event);
    this.#mark(Mark.observed, agent);
    this.#trace.text(kind);
    if (state) {
      this.#trace.integer(state.term);
      this.#trace.integer(state.commit);
    }
    this.#protocol.observed(agent, event);
    this.#beside?.observed(agent, event);
    switch (kind) {
      case "taskLeased":
        this.#leases.leased(String(fields.id), String(fields.agent), Number(fields.token));
        break;
      case "taskFinished":
        this.tasks.finished(this.#lives[agent] as string, String(fields.id), {
          state: fields.state as "completed" | "failed" | "cancelled",
          token: Number(fields.token),
        });
        break;
      case "proposalDecided":
        if (!this.#liars.has(agent))
          this.proposals.told(this.#lives[agent] as string, fields, this.#proposalsOf(agent));
        break;
    }
  }

  turned(agent: number): void {
    this.#protocol.turned(agent);
    this.#beside?.turned(agent);
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

  /** At all that an agent has come to: its whole replicated state, where there is one order for all, its memory, and what was put to the vote. */
  lookAt(index: number, agent: InspectableAgent): void {
    const { machine } = agent;
    if (this.#ordered) this.#protocol.snapshot(index, machine.index, digest(machine.snapshot()));
    this.gossip?.holds(index, holderOf(agent));
    const held = this.#proposalsOf(index);
    if (held !== undefined) this.proposals.look(this.#lives[index] as string, held);
  }

  /** An agent answers its clients. */
  replied(agent: number, replies: readonly ClientReply[]): void {
    this.gossip?.replied(agent, replies);
  }

  /** All is quiet: these agents know all that was acknowledged, and what came of it. */
  proposalsEnd(agents: readonly number[]): void {
    for (const agent of agents) {
      const held = this.#proposalsOf(agent);
      // What was acknowledged may be lost with whoever was removed while it was down.
      if (held !== undefined && !this.gossip?.lost) this.proposals.end(this.#lives[agent] as string, held);
    }
  }

  /** All is quiet, and these agents hold the same. */
  convergedAtEnd(agents: readonly { readonly index: number; readonly agent: InspectableAgent | undefined }[]): void {
    this.gossip?.end(agents.map(({ index }) => index));
    const first = agents[0]?.agent;
    const memory = first && holderOf(first).memory;
    const whole = this.gossip?.lost !== true;
    const problem = memory && whole ? this.tally.differs(memory.list(NAMESPACE, "", MAX_ITEMS)) : undefined;
    if (problem !== undefined) this.broken("convergence", `when all is quiet ${problem}`);
  }

  /** What each invariant was judged on so far, for people. @param operations on the memory */
  judgedOn(operations: number): Partial<Record<InvariantName, string>> {
    const entries = `${this.committed} committed entries`;
    return {
      electionSafety: `${this.electionsWon} elections`,
      logMatching: entries,
      leaderCompleteness: `${this.electionsWon} elections, ${entries}`,
      stateMachineSafety: entries,
      linearizableMemory: `${operations} operations`,
      tasksExactlyOnce: `${this.tasks.acknowledgedTasks} acknowledged tasks`,
      leaseHeldOnce: `${this.leases} leases`,
      proposalsDecidedOnce: this.proposals.judgedOn,
      ...(this.gossip && {
        convergence: `${this.gossip.committed} operations, ${this.gossip.acknowledged + this.tally.acknowledged} acknowledged writes`,
      }),
    };
  }

  /** undefined also for one that lies: what it holds is nobody's concern. */
  #proposalsOf(agent: number): HeldProposals | undefined {
    return this.#liars.has(agent) ? undefined : this.#inspected.proposalsOf?.(agent);
  }

  #traceBatch({ hardState, snapshot, entries }: LogBatch): void {
    if (hardState) {
      this.#trace.integer(hardState.term);
      this.#trace.text(hardState.votedFor);
    }
    if (snapshot) this.#traceSnapshot(snapshot);
    for (const entry of entries) {
      this.#trace.integer(entry.index);
      this.#trace.integer(entry.term);
      this.#trace.bytes(entry.data);
    }
  }

  #traceSnapshot({ snapshot: { index, term, data } }: LogSnapshot): void {
    this.#trace.integer(index);
    this.#trace.integer(term);
    this.#trace.integer(digest(data));
  }

  #mark(mark: number, agent: number): void {
    this.#trace.word((mark << 16) | agent);
    this.#trace.integer(this.#schedule.nowUs);
  }
}
