/**
 * One write of which f + 1 agents must say the same (OSDI '99, §4.1). It goes to one agent; at the same time f others are asked what it came to, and more when one is
 * away, too late, or says something else. Whoever did not bring it about in time is suspected of keeping the write to itself: then those that are asked more are asked for
 * the write itself. Sessions make that harmless.
 */
import type { ClientErrorCode, ClientOperation, ClientResult } from "../contract/client.ts";
import type { AgentAddress, AgentConnection, RequestExtras } from "./connection.ts";
import { ConnectionFailed } from "./errors.ts";
import { Tally, type Verdict } from "./tally.ts";
import type { Witnesses } from "./witnesses.ts";

export interface VouchedWriteOptions {
  /** f + 1. */
  readonly needed: number;
  /** An agent that was asked is not counted on any more after so long. */
  readonly patienceMs: number;
  readonly witnesses: Witnesses;
  readonly write: ClientOperation;
  readonly outcome: ClientOperation;
  /** Session, sequence and how long an agent may take. */
  readonly extras: () => RequestExtras;
  /** Once: this is what became of the write. */
  readonly decided: (verdict: Verdict) => void;
  /** Once: all have answered, and no f + 1 of them alike. */
  readonly hopeless: (sentence: string) => void;
}

/** A question to one agent. */
export interface Ask {
  readonly agent: string;
  readonly sinceMs: number;
  /** It is waited for. */
  open: boolean;
  /** Called when it is not waited for any more, without an answer. */
  readonly overdue: () => void;
}

/** Answers by which an agent says what became of the write. The others say that it cannot tell. */
const SAYING: ReadonlySet<ClientErrorCode> = new Set(["refused", "invalid", "sessionExpired"]);
/** Between the rounds in which all have been asked and some did not answer. */
const NEXT_ROUND_MS = 200;

export class VouchedWrite {
  readonly #options: VouchedWriteOptions;
  readonly #tally: Tally;
  readonly #asks = new Set<Ask>();
  /** Asked in this round. */
  #tried = new Set<string>();
  /** It is not sure that whoever was asked for the write passed it on. */
  #pressing = false;
  #over = false;
  #patience: NodeJS.Timeout | undefined;
  #nextRound: NodeJS.Timeout | undefined;

  constructor(options: VouchedWriteOptions) {
    this.#options = options;
    this.#tally = new Tally(options.needed);
  }

  /** The write itself was sent to this agent; what comes of that is to be told by `answered`. */
  sentTo(agent: string, overdue: () => void): Ask {
    const ask = this.#begin(agent, overdue);
    this.#tried.add(agent);
    this.#look();
    return ask;
  }

  /** null: its connection closed. */
  answered(ask: Ask, answer: ClientResult | null): void {
    this.#close(ask);
    if (this.#over) return;
    if (answer !== null && (answer.ok || SAYING.has(answer.code))) {
      this.#tally.said(ask.agent, answer);
      if (!answer.ok && answer.code === "invalid") this.#spread();
    } else {
      this.#options.witnesses.setBack(ask.agent);
      if (answer !== null) this.#pressing = true;
    }
    this.#look();
  }

  /** Who said what; "" when nobody said anything. */
  get sentence(): string {
    return this.#tally.sentence;
  }

  /** Asks nobody any more. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#nextRound);
  }

  #look(): void {
    if (this.#over) return;
    const { verdict } = this.#tally;
    if (verdict === undefined) {
      this.#askMore();
      return;
    }
    this.end();
    // Only what says that something happened can be a lie: what an agent refuses by itself depends on what it knows.
    if (verdict.result.ok || verdict.result.code === "refused")
      for (const agent of this.#tally.against(verdict)) this.#options.witnesses.doubt(agent);
    this.#options.decided(verdict);
  }

  #askMore(): void {
    const { witnesses, hopeless } = this.#options;
    for (let { missing } = this.#tally; missing > 0; missing--) {
      const agent = witnesses.next((id) => this.#tried.has(id) || this.#tally.isWaitedFor(id));
      if (agent === undefined) break;
      this.#ask(agent);
    }
    if (this.#tally.missing === 0 || this.#nextRound !== undefined) return;
    if (witnesses.all.every(({ id }) => this.#tally.hasSpoken(id))) {
      this.end();
      hopeless(this.#tally.sentence);
      return;
    }
    this.#nextRound = setTimeout(() => {
      this.#nextRound = undefined;
      this.#tried = new Set([...this.#tried].filter((agent) => this.#tally.hasSpoken(agent)));
      this.#look();
    }, NEXT_ROUND_MS);
  }

  /** Whether a write makes sense each agent says by itself, and whoever is asked for its outcome waits in vain: so as many as are needed are asked for it. */
  #spread(): void {
    if (this.#pressing) return;
    this.#pressing = true;
    const asked = new Set([...this.#tried].filter((agent) => this.#tally.hasSpoken(agent)));
    for (let more = this.#options.needed - 1; more > 0; more--) {
      const agent = this.#options.witnesses.next((id) => asked.has(id));
      if (agent === undefined) return;
      asked.add(agent.id);
      this.#ask(agent);
    }
  }

  #ask(agent: AgentAddress): void {
    this.#tried.add(agent.id);
    const ask = this.#begin(agent.id, () => {});
    const connection = this.#options.witnesses.connected(agent);
    if (connection === undefined) void this.#connectAndSend(agent, ask);
    else this.#send(connection, ask);
  }

  async #connectAndSend(agent: AgentAddress, ask: Ask): Promise<void> {
    try {
      const connection = await this.#options.witnesses.connection(agent);
      if (!this.#over) this.#send(connection, ask);
    } catch (error) {
      if (!(error instanceof ConnectionFailed)) throw error;
      this.answered(ask, null);
    }
  }

  #send(connection: AgentConnection, ask: Ask): void {
    const { write, outcome, extras } = this.#options;
    connection.send(this.#pressing ? write : outcome, extras(), (answer) => this.answered(ask, answer));
  }

  #begin(agent: string, overdue: () => void): Ask {
    const ask = { agent, sinceMs: performance.now(), open: true, overdue };
    this.#asks.add(ask);
    this.#tally.asked(agent);
    this.#patience ??= setTimeout(() => this.#tick(), this.#options.patienceMs);
    return ask;
  }

  #close(ask: Ask): void {
    if (!ask.open) return;
    ask.open = false;
    this.#asks.delete(ask);
    this.#tally.closed(ask.agent);
  }

  /** Some were asked long ago. */
  #tick(): void {
    const { patienceMs, witnesses } = this.#options;
    const sinceMs = performance.now() - patienceMs;
    let nextMs = patienceMs;
    for (const ask of [...this.#asks]) {
      // A timer may come a little early.
      if (ask.sinceMs > sinceMs + 1) {
        nextMs = Math.min(nextMs, ask.sinceMs - sinceMs);
        continue;
      }
      this.#close(ask);
      this.#pressing = true;
      witnesses.setBack(ask.agent);
      ask.overdue();
    }
    this.#patience = setTimeout(() => this.#tick(), nextMs);
    this.#look();
  }
}
