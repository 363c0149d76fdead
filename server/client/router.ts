/**
 * Which agent a client's requests go to: one at a time, the leader where there is one and it is known (a request elsewhere is forwarded and takes a hop
 * more), else whoever answers. An agent that closed, was silent, or could not serve is left for the next one.
 */
import { CONSENSUS } from "../contract/consensus.ts";
import type { AgentAddress } from "./connection.ts";
import { AgentConnection } from "./connection.ts";
import { ConnectionFailed } from "./errors.ts";

export interface RouterOptions {
  readonly agents: readonly AgentAddress[];
  readonly token: string;
  readonly swarm?: string;
  /** Absent: the most that any agent says. */
  readonly faultsTolerated?: number;
  readonly openTimeoutMs?: number;
  readonly silenceTimeoutMs?: number;
  /** There is a connection to send on. */
  readonly onReady: () => void;
}

/** Between the rounds through all agents while none answers. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 320;
/** How often a client that is in use asks who leads. */
const LEADER_CHECK_MS = 1000;

export class Router {
  readonly #options: RouterOptions;
  #agents: readonly AgentAddress[];
  readonly #open = new Set<AgentConnection>();
  readonly #opening = new Map<AgentAddress, Promise<AgentConnection>>();
  /** Not closed when nothing is under way on them. */
  readonly #kept = new Set<AgentConnection>();
  readonly #doubted = new Set<string>();
  #faultsTold = 0;
  readonly #abort = new AbortController();
  #current: AgentConnection | undefined;
  #at: number;
  #connecting = false;
  #seekingLeader = false;
  #leaderCheckedAt = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #failuresInARow = 0;
  #pauseTimer: NodeJS.Timeout | undefined;
  #lastProblem = "";

  constructor(options: RouterOptions) {
    if (options.agents.length === 0) throw new RangeError("A client needs at least one agent to talk to.");
    this.#options = options;
    this.#agents = options.agents;
    // Many clients that start together do not all begin with the same agent.
    this.#at = Math.floor(Math.random() * options.agents.length);
  }

  get current(): AgentConnection | undefined {
    return this.#current;
  }

  get agents(): readonly AgentAddress[] {
    return this.#agents;
  }

  /** f: so many agents may lie. 0: none, or nothing is known yet. */
  get faultsTolerated(): number {
    return this.#options.faultsTolerated ?? this.#faultsTold;
  }

  /** Why the last agent that was tried did not serve; "" when none was. */
  get lastProblem(): string {
    return this.#lastProblem;
  }

  /** Others are to be asked from now on; what is under way goes on. @throws RangeError without agents */
  setAgents(agents: readonly AgentAddress[]): void {
    if (agents.length === 0) throw new RangeError("A client needs at least one agent to talk to.");
    const known = new Map(this.#agents.map((agent) => [agent.id, agent]));
    const next = agents.map((agent) => known.get(agent.id) ?? agent);
    const current = this.#current;
    this.#agents = next;
    for (const connection of [...this.#kept]) {
      if (next.includes(connection.agent)) continue;
      this.#kept.delete(connection);
      this.drained(connection);
    }
    this.#at = Math.max(0, current === undefined ? 0 : next.indexOf(current.agent)) % next.length;
    if (current === undefined || next.includes(current.agent)) return;
    this.#current = undefined;
    this.drained(current);
    this.#options.onReady();
  }

  /** Sees to it that there will be a connection; `onReady` tells. */
  want(): void {
    if (this.#current === undefined) void this.#connectNext();
    else if (performance.now() - this.#leaderCheckedAt > LEADER_CHECK_MS) this.#seekLeader(this.#current);
  }

  /** Its agent could not serve a request: new ones go elsewhere, what is under way there goes on. */
  leave(connection: AgentConnection, problem: string): void {
    this.#lastProblem = problem;
    if (this.#current !== connection || this.#agents.length === 1) return;
    this.#current = undefined;
    this.#at = (this.#agents.indexOf(connection.agent) + 1) % this.#agents.length;
    this.drained(connection);
  }

  /** Closes a connection that is not in use any more once nothing is under way on it. */
  drained(connection: AgentConnection): void {
    if (connection === this.#current || connection.inFlight > 0 || this.#kept.has(connection)) return;
    connection.close();
  }

  connected(agent: string): AgentConnection | undefined {
    for (const connection of this.#open) if (connection.agent.id === agent && !connection.closed) return connection;
    return undefined;
  }

  /** It will be needed again. */
  keep(connection: AgentConnection): void {
    if (!connection.closed) this.#kept.add(connection);
  }

  /** It was found to say what is not so: it is not followed as leader any more, and others are asked before it. */
  doubt(agent: string): void {
    this.#doubted.add(agent);
    if (this.#current?.agent.id === agent) this.leave(this.#current, `agent ${agent} says what others deny`);
  }

  isDoubted(agent: string): boolean {
    return this.#doubted.has(agent);
  }

  /** The connection that there is, or a new one. @throws ConnectionFailed (as rejection) */
  async connectionTo(agent: AgentAddress): Promise<AgentConnection> {
    const connected = this.connected(agent.id);
    if (connected !== undefined) return connected;
    const opening = this.#opening.get(agent) ?? this.#openTo(agent);
    this.#opening.set(agent, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(agent);
    }
  }

  async #openTo(agent: AgentAddress): Promise<AgentConnection> {
    if (this.#abort.signal.aborted) throw new ConnectionFailed("the client was closed");
    const { token, swarm, openTimeoutMs, silenceTimeoutMs } = this.#options;
    let opened: AgentConnection | undefined;
    opened = await AgentConnection.open({
      agent,
      token,
      ...(swarm === undefined ? {} : { swarm }),
      ...(openTimeoutMs === undefined ? {} : { openTimeoutMs }),
      ...(silenceTimeoutMs === undefined ? {} : { silenceTimeoutMs }),
      signal: this.#abort.signal,
      onClosed: (reason) => opened && this.#lost(opened, reason),
    });
    if (opened.closed) throw new ConnectionFailed(`agent ${agent.id}: the connection closed as soon as it was open`);
    this.#open.add(opened);
    const { consensus, faultsTolerated = 0 } = opened.hello;
    if (consensus === "pbft") this.#faultsTold = Math.max(this.#faultsTold, faultsTolerated);
    return opened;
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#pauseTimer);
    for (const connection of [...this.#open]) connection.close();
  }

  async #connectNext(): Promise<void> {
    if (this.#connecting || this.#pauseTimer !== undefined || this.#abort.signal.aborted) return;
    this.#connecting = true;
    const agent = this.#agents[this.#at]!;
    try {
      const connection = await this.connectionTo(agent);
      this.#connecting = false;
      this.#failuresInARow = 0;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#use(connection);
    } catch (error) {
      this.#connecting = false;
      if (!(error instanceof ConnectionFailed)) throw error;
      this.#lastProblem = error.message;
      this.#failed();
    }
  }

  #failed(): void {
    if (this.#abort.signal.aborted) return;
    this.#at = (this.#at + 1) % this.#agents.length;
    if (++this.#failuresInARow % this.#agents.length !== 0) {
      void this.#connectNext();
      return;
    }
    // The timer asks anew through onReady: without requests that wait, nothing is tried any more.
    this.#pauseTimer = setTimeout(() => {
      this.#pauseTimer = undefined;
      this.#options.onReady();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #use(connection: AgentConnection): void {
    const before = this.#current;
    this.#current = connection;
    this.#at = Math.max(0, this.#agents.indexOf(connection.agent));
    if (before !== undefined && before !== connection) this.drained(before);
    this.#options.onReady();
    this.#seekLeader(connection);
  }

  #seekLeader(connection: AgentConnection): void {
    if (this.#seekingLeader || connection.closed || this.#agents.length === 1 || !hasLeader(connection)) return;
    this.#seekingLeader = true;
    this.#leaderCheckedAt = performance.now();
    connection.send({ op: "report" }, {}, (answer) => {
      const leaderId = answer?.ok === true && answer.value.type === "report" ? answer.value.report.leader : "";
      const leader = this.#agents.find((agent) => agent.id === leaderId);
      const stay = leader === undefined || leaderId === connection.agent.id || this.#doubted.has(leaderId);
      if (stay) this.#seekingLeader = false;
      else void this.#moveTo(leader, connection);
      this.drained(connection);
    });
  }

  async #moveTo(leader: AgentAddress, from: AgentConnection): Promise<void> {
    try {
      const connection = await this.connectionTo(leader);
      this.#seekingLeader = false;
      if (this.#current === from) this.#use(connection);
      else this.drained(connection);
    } catch (error) {
      this.#seekingLeader = false;
      if (!(error instanceof ConnectionFailed)) throw error;
      // Whoever is served now is served on; the next check asks again.
      this.#lastProblem = error.message;
    }
  }

  #lost(connection: AgentConnection, reason: string): void {
    this.#open.delete(connection);
    this.#kept.delete(connection);
    if (connection !== this.#current) return;
    this.#lastProblem = `agent ${connection.agent.id}: ${reason}`;
    this.#current = undefined;
    this.#at = (this.#agents.indexOf(connection.agent) + 1) % this.#agents.length;
    this.#options.onReady();
  }
}

/** An agent that does not say how it decides is one of a swarm with a leader. */
function hasLeader({ hello }: AgentConnection): boolean {
  return hello.consensus === undefined || CONSENSUS[hello.consensus].leader !== "";
}
