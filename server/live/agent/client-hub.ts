import type { WebSocket } from "ws";
import { answerBytes } from "../../agent/answers.ts";
import { MAX_ANSWER_BYTES_A_TURN } from "../../agent/clients.ts";
import type { ClientReply } from "../../agent/world.ts";
import type {
  AgentFrame,
  AgentPush,
  ClientRequest,
  ClientResult,
  RosterEntry,
  RosterLink,
} from "../../contract/client.ts";
import type { HeldEffect } from "../../contract/faults.ts";
import { encodeAgentFrame, eventFrames, type Reply, replyFrames } from "./client-frames.ts";
import { readRequests, type WorldRequest } from "./client-requests.ts";
import type { EventFeed } from "./event-feed.ts";
import { closeSocket } from "./link.ts";
import { MissedOutput, type OutputBuffer } from "./output-buffer.ts";
import type { SettledRequest } from "./proposal-requests.ts";
import type { ReportDesk } from "./report-desk.ts";
import { RosterRefused } from "./roster-keeper.ts";

/** Pushes are collected this long. */
const PUSH_EVERY_MS = 33;
/** A client that lets more wait gets no pushes until it has read; the feed keeps what it can for it. */
const MAX_WAITING_PUSH_BYTES = 8 * 1024 * 1024;
/** A client that does not read its answers at all. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024;

/** WebSocket close codes for clients. */
export const ClientClose = { leaving: 4000, badFrame: 4002, tooSlow: 4004, failed: 4005 } as const;

/** What a coordinator says to a request that an agent has pushed. */
export type OwnerAnswer = Pick<
  Extract<WorldRequest, { readonly op: "answerRequest" }>,
  "request" | "swarm" | "problem" | "retryAfterMs"
>;

interface Observer {
  /** Where it is in the feed. */
  place: number;
  readonly reportEveryMs: number;
  nextReportMs: number;
  readonly owner: boolean;
  readonly missed: MissedOutput;
}

interface Client {
  readonly id: number;
  readonly socket: WebSocket;
  observer: Observer | undefined;
}

export interface ClientHubOptions {
  readonly hello: Extract<AgentPush, { readonly push: "hello" }>;
  readonly feed: EventFeed;
  readonly output: OutputBuffer;
  readonly reports: ReportDesk;
  readonly now: () => number;
  /** What the swarm's settings make of a request that is the agent's to answer; what they refuse it does not see. */
  readonly settle: (request: ClientRequest) => SettledRequest;
  readonly requests: (connection: number, requests: readonly ClientRequest[]) => void;
  readonly gone: (connection: number) => void;
  readonly setEffects: (effects: readonly HeldEffect[]) => void;
  /** @throws RosterRefused */
  readonly setRoster: (roster: readonly RosterEntry[], links: readonly RosterLink[]) => void;
  /** What an owner made of a request of this agent. */
  readonly answered: (answer: OwnerAnswer) => void;
  readonly stop: (reason: string) => void;
  /** How many coordinators observe. */
  readonly ownersChanged: (owners: number) => void;
  readonly note: (line: string) => void;
}

/** The clients of one agent: reads their requests, sends them their answers and, to those who observe, what happens. */
export class ClientHub {
  readonly #options: ClientHubOptions;
  readonly #clients = new Map<number, Client>();
  #lastId = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClientHubOptions) {
    this.#options = options;
  }

  /** Whether anybody observes. */
  get observed(): boolean {
    return this.#timer !== undefined;
  }

  accept(socket: WebSocket): void {
    const client: Client = { id: ++this.#lastId, socket, observer: undefined };
    this.#clients.set(client.id, client);
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#message(client, data, isBinary));
    // Every error is followed by the close.
    socket.on("error", (error) => this.#options.note(`A client's connection failed: ${error.message}.`));
    socket.on("close", () => this.#gone(client));
    this.#send(client, [this.#options.hello]);
  }

  /** The answers of one turn; one frame a client, more only where one would be too large. */
  reply(replies: readonly ClientReply[]): void {
    const byClient = new Map<number, Reply[]>();
    for (const { connection, id, result } of replies) {
      const answers = byClient.get(connection);
      if (answers === undefined) byClient.set(connection, [{ id, ...result }]);
      else answers.push({ id, ...result });
    }
    for (const [connection, answers] of byClient) {
      const client = this.#clients.get(connection);
      if (client !== undefined) this.#answer(client, answers);
    }
  }

  /** To the coordinator that came last. @returns false when none observes */
  tellOwner(push: AgentPush): boolean {
    const owner = [...this.#clients.values()].findLast(({ observer }) => observer?.owner === true);
    if (owner === undefined) return false;
    this.#send(owner, [push]);
    return true;
  }

  /** Closes all connections; when the agent leaves in good order, what is left to be told is sent before. */
  close(code: number, reason: string): void {
    clearInterval(this.#timer);
    if (code === ClientClose.leaving) this.#push();
    for (const { socket } of this.#clients.values()) closeSocket(socket, code, reason);
  }

  #message(client: Client, data: Buffer, isBinary: boolean): void {
    // What comes after a frame for which the connection is being closed is not read any more.
    if (client.socket.readyState !== client.socket.OPEN) return;
    let read: ReturnType<typeof readRequests>;
    try {
      if (!isBinary) throw new Error("a text message");
      read = readRequests(data);
    } catch (error) {
      this.#options.note(`A client sent what is no frame and was disconnected: ${(error as Error).message}.`);
      closeSocket(client.socket, ClientClose.badFrame, `not a frame: ${(error as Error).message}`);
      return;
    }
    const forAgent: ClientRequest[] = [];
    const answers: Reply[] = [];
    let bytes = 0;
    for (const one of read) {
      if (one.kind === "agent") {
        const settled = this.#options.settle(one.request);
        if ("request" in settled) forAgent.push(settled.request);
        else answers.push({ id: one.request.id, ok: false, code: "invalid", message: settled.problem });
        continue;
      }
      const result: ClientResult =
        one.kind === "bad"
          ? { ok: false, code: "invalid", message: `${one.message}.` }
          : one.request.op === "report" && bytes > MAX_ANSWER_BYTES_A_TURN
            ? { ok: false, code: "overloaded", message: "Too many reports were asked for at once; ask for fewer." }
            : this.#resultOf(client, one.request);
      bytes += answerBytes(result);
      answers.push({ id: one.kind === "bad" ? one.id : one.request.id, ...result });
    }
    this.#answer(client, answers);
    for (const one of read)
      if (one.kind === "world" && one.request.op === "stop") this.#options.stop(one.request.reason);
    if (forAgent.length > 0) this.#options.requests(client.id, forAgent);
  }

  #resultOf(client: Client, request: WorldRequest): ClientResult {
    switch (request.op) {
      case "report": {
        const { reports } = this.#options;
        const report = request.state === true ? reports.detailed(client.id) : reports.report(client.id);
        return { ok: true, value: { type: "report", report } };
      }
      case "observe":
        this.#observe(client, request);
        break;
      case "setEffects":
        this.#options.setEffects(request.effects);
        break;
      case "setRoster":
        try {
          this.#options.setRoster(request.roster, request.links);
        } catch (error) {
          if (!(error instanceof RosterRefused)) throw error;
          return { ok: false, code: "refused", message: error.message };
        }
        break;
      case "answerRequest":
        this.#options.answered(request);
        break;
      case "stop":
        // It is answered before the agent ends.
        break;
    }
    return { ok: true, value: { type: "done" } };
  }

  #observe(client: Client, { recent, reportEveryMs, owner }: Extract<WorldRequest, { readonly op: "observe" }>): void {
    const { feed, reports, now, ownersChanged } = this.#options;
    client.observer = {
      place: feed.placeOf(recent),
      reportEveryMs,
      nextReportMs: now(),
      owner,
      missed: new MissedOutput(),
    };
    reports.join(client.id);
    ownersChanged(this.#owners());
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#push(), PUSH_EVERY_MS);
  }

  #owners(): number {
    let owners = 0;
    for (const { observer } of this.#clients.values()) if (observer?.owner === true) owners++;
    return owners;
  }

  #push(): void {
    const now = this.#options.now();
    const output = this.#options.output.take();
    let slowest = this.#options.feed.next;
    for (const client of this.#clients.values()) {
      const { observer, socket } = client;
      if (observer === undefined) continue;
      if (socket.bufferedAmount > MAX_WAITING_PUSH_BYTES) {
        slowest = Math.min(slowest, observer.place);
        observer.missed.add(output);
        continue;
      }
      for (const frame of eventFrames(this.#options.feed.readFrom(observer.place))) socket.send(frame);
      observer.place = this.#options.feed.next;
      const pushes: AgentPush[] = [...observer.missed.take(), ...output];
      if (now >= observer.nextReportMs) {
        // Due times stay on a grid: a late report does not move those after it.
        const late = now - observer.nextReportMs;
        observer.nextReportMs = now + observer.reportEveryMs - (late % observer.reportEveryMs);
        pushes.push({ push: "report", report: this.#options.reports.report(client.id) });
      }
      if (pushes.length > 0) this.#send(client, pushes);
    }
    this.#options.feed.readUpTo(slowest);
  }

  #answer(client: Client, answers: readonly Reply[]): void {
    for (const frame of replyFrames(answers)) this.#sendBytes(client, frame);
  }

  #send(client: Client, frame: AgentFrame): void {
    this.#sendBytes(client, encodeAgentFrame(frame));
  }

  #sendBytes(client: Client, frame: Uint8Array): void {
    if (client.socket.bufferedAmount > MAX_WAITING_BYTES) {
      closeSocket(client.socket, ClientClose.tooSlow, "the client does not read its answers");
      return;
    }
    client.socket.send(frame);
  }

  #gone(client: Client): void {
    this.#clients.delete(client.id);
    this.#options.reports.leave(client.id);
    this.#options.gone(client.id);
    if (client.observer === undefined) return;
    if (client.observer.owner) this.#options.ownersChanged(this.#owners());
    if (![...this.#clients.values()].some(({ observer }) => observer !== undefined)) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
