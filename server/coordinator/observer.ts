/**
 * The coordinator's connection to one agent: owns it (an agent that nobody owns ends after its grace period), takes its events, reports
 * and task output, and tells it what faults ask of it. Comes back as long as the agent's process runs.
 */
import type { AgentAddress, FarAgent, Hello } from "../client/connection.ts";
import { AgentConnection } from "../client/connection.ts";
import { ConnectionFailed, MeshError } from "../client/errors.ts";
import type { AgentPush, ClientOperation, ClientValue, RosterEntry, RosterLink } from "../contract/client.ts";
import type { HeldEffect } from "../contract/faults.ts";
import type { AgentReport } from "../contract/swarm.ts";

/** All that an agent keeps. What is known already is told apart by its id. */
const RECENT_EVENTS = 50_000;
const REPORT_EVERY_MS = 500;
const FIRST_PAUSE_MS = 30;
const LONGEST_PAUSE_MS = 500;
const REQUEST_TIMEOUT_MS = 2000;

export interface ObserverOptions {
  readonly agent: AgentAddress;
  /** Of another host; absent: of this machine. */
  readonly far?: FarAgent;
  readonly swarm: string;
  readonly token: string;
  readonly effects: () => readonly HeldEffect[];
  /** Whom the agent is to know; undefined: what it read at its start. */
  readonly roster: () => { readonly roster: readonly RosterEntry[]; readonly links: readonly RosterLink[] } | undefined;
  readonly onConnected: (hello: Hello) => void;
  readonly onPush: (push: AgentPush) => void;
  /** The connection closed, or could not be made. False: do not try again. */
  readonly onLost: (reason: string) => boolean;
}

export class Observer {
  readonly #options: ObserverOptions;
  readonly #abort = new AbortController();
  #connection: AgentConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: ObserverOptions) {
    this.#options = options;
    void this.#connect();
  }

  /** Tells the agent its effects as they are now; when it is not connected it is told as soon as it is. */
  async sendEffects(): Promise<void> {
    await this.#ask((connection) =>
      connection.request({ op: "setEffects", effects: this.#options.effects() }, REQUEST_TIMEOUT_MS),
    );
  }

  /** Tells the agent whom it is to know, if that has changed since the swarm began; when it is not connected it is told as soon as it is. */
  async sendRoster(): Promise<void> {
    const roster = this.#options.roster();
    if (roster === undefined) return;
    await this.#ask((connection) => connection.request({ op: "setRoster", ...roster }, REQUEST_TIMEOUT_MS));
  }

  /** @throws MeshError, also when it is not connected */
  async request(operation: ClientOperation, timeoutMs: number): Promise<ClientValue> {
    if (this.#connection !== undefined) return this.#connection.request(operation, timeoutMs);
    throw new MeshError("unavailable", "notApplied", `Agent ${this.#options.agent.id} is not connected.`);
  }

  /** A report at once; undefined when it is not connected or does not answer. @param state with the hash of all that the agent holds */
  async report(state = false): Promise<AgentReport | undefined> {
    const value = await this.#ask((connection) => connection.request({ op: "report", state }, REQUEST_TIMEOUT_MS));
    return value?.type === "report" ? value.report : undefined;
  }

  /** Asks the agent to end in good order. False when it could not be asked. */
  async stopAgent(reason: string): Promise<boolean> {
    const value = await this.#ask((connection) => connection.request({ op: "stop", reason }, REQUEST_TIMEOUT_MS));
    return value !== undefined;
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#connection?.close();
  }

  async #connect(): Promise<void> {
    const { agent, far, token, swarm, onConnected, onPush } = this.#options;
    try {
      const connection = await AgentConnection.open({
        agent,
        ...(far && { far }),
        token,
        swarm,
        // A paused agent stays connected: its process says whether it is there, its reports whether it works.
        silenceTimeoutMs: 0,
        signal: this.#abort.signal,
        onPush: (push) => {
          if (!this.#abort.signal.aborted) onPush(push);
        },
        onClosed: (reason) => this.#lost(reason),
      });
      if (this.#abort.signal.aborted || connection.closed) {
        connection.close();
        return;
      }
      this.#connection = connection;
      this.#pauseMs = FIRST_PAUSE_MS;
      onConnected(connection.hello);
      const recent = RECENT_EVENTS;
      await connection.request({ op: "observe", recent, reportEveryMs: REPORT_EVERY_MS, owner: true }, 60_000);
      await this.sendRoster();
      await this.sendEffects();
    } catch (error) {
      if (error instanceof ConnectionFailed) this.#lost(error.message);
      else if (!(error instanceof MeshError)) throw error;
      // Otherwise the connection closed meanwhile, which #lost was told, or the agent refused: both are seen as a connection without reports.
    }
  }

  async #ask<T>(ask: (connection: AgentConnection) => Promise<T>): Promise<T | undefined> {
    if (this.#connection === undefined) return undefined;
    try {
      return await ask(this.#connection);
    } catch (error) {
      // Closed or silent: `onLost` and the missing reports say so.
      if (error instanceof MeshError) return undefined;
      throw error;
    }
  }

  #lost(reason: string): void {
    this.#connection = undefined;
    if (this.#abort.signal.aborted || !this.#options.onLost(reason)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}
