import type { LogBatch, LogSnapshot, RecoveredLog } from "../agent/world.ts";
import type { ConsensusKind } from "../contract/consensus.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { InvariantName } from "../contract/expect.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { TaskSpec } from "../core/tasks/types.ts";
import { ExactlyOnce } from "./checkers/exactly-once.ts";
import { LeaseTokens } from "./checkers/lease-tokens.ts";
import { LinearizableMemory } from "./checkers/linearizable-memory.ts";
import { PbftJudge } from "./checkers/pbft-judge.ts";
import type { ProtocolJudge } from "./checkers/protocol-judge.ts";
import { RaftJudge } from "./checkers/raft-judge.ts";
import { CoverageCounter } from "./coverage.ts";
import { invariantOf } from "./expectations/invariants.ts";
import type { Schedule } from "./schedule.ts";
import { digest, TraceHash } from "./trace-hash.ts";
import type { Witness } from "./witness.ts";

export type Violation = NonNullable<SeedReport["violation"]>;

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
  readonly #protocol: ProtocolJudge;
  readonly #leases: LeaseTokens;
  readonly #onEvent: ((event: TimelineEvent) => void) | undefined;
  readonly #expected: ReadonlySet<InvariantName>;
  #violation: Violation | null = null;

  /** @param voters of `names`, those that vote at first. @param expected violations of other invariants are not told */
  constructor(
    schedule: Schedule,
    consensus: ConsensusKind,
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
    this.#protocol = consensus === "pbft" ? new PbftJudge(names, broken) : new RaftJudge(names, voters, broken);
    this.#leases = new LeaseTokens(broken);
    this.tasks = new ExactlyOnce(broken);
    this.memory = new LinearizableMemory(broken);
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
    this.#mark(Mark.started, agent);
    this.#lives[agent] = `${this.#names[agent]}.${incarnation}`;
    this.coverage.started(this.#names[agent] as string, incarnation);
    this.#trace.integer(recovered.snapshot?.index ?? 0);
    this.#trace.integer(recovered.entries.length);
    this.#protocol.started(agent, incarnation, recovered);
  }

  crashed(agent: number): void {
    this.#mark(Mark.crashed, agent);
    this.coverage.crashed();
    this.#protocol.crashed(agent);
  }

  appended(agent: number, batch: LogBatch): void {
    this.#mark(Mark.appended, agent);
    if (batch.hardState) {
      this.#trace.integer(batch.hardState.term);
      this.#trace.text(batch.hardState.votedFor);
    }
    if (batch.snapshot) this.#traceSnapshot(batch.snapshot);
    for (const entry of batch.entries) {
      this.#trace.integer(entry.index);
      this.#trace.integer(entry.term);
      this.#trace.bytes(entry.data);
    }
    this.#protocol.appended(agent, batch);
  }

  durable(agent: number, batch: LogBatch): void {
    this.#mark(Mark.durable, agent);
    this.#protocol.durable(agent, batch);
  }

  observed(agent: number, event: TimelineEvent): void {
    this.#onEvent?.(event);
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
    }
  }

  turned(agent: number): void {
    this.#protocol.turned(agent);
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
    this.#protocol.snapshot(agent, applied, digest(bytes));
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
