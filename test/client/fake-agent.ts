// An agent's client port without an agent: a script answers, and the test sees every frame.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { decode, encode } from "@msgpack/msgpack";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import type { AgentFrame, AgentPush, ClientRequest, ClientResult } from "../../server/contract/client.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";

export const TOKEN = "token-of-the-swarm";

/** undefined: no answer ever. */
export type Script = (request: ClientRequest) => ClientResult | undefined | Promise<ClientResult | undefined>;

export class FakeAgent {
  readonly id: string;
  readonly frames: ClientRequest[][] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly sockets = new Set<WebSocket>();
  connections = 0;
  script: Script;
  /** Whom its reports name; itself unless changed. */
  leader: string;
  /** What its greeting says besides who it is. */
  greeting: Partial<Extract<AgentPush, { readonly push: "hello" }>> = {};
  readonly #server: WebSocketServer;

  private constructor(id: string, server: WebSocketServer, script: Script) {
    this.id = id;
    this.leader = id;
    this.#server = server;
    this.script = script;
    server.on("connection", (socket, request) => {
      this.connections++;
      this.authorizations.push(request.headers.authorization);
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => socket.terminate());
      socket.on("message", (data) => this.#frame(socket, decode(data as Buffer) as ClientRequest[]));
      this.send(socket, [{ push: "hello", swarm: "s1", agent: this.id, incarnation: 1, pid: 1, ...this.greeting }]);
    });
  }

  static async start(id: string, script: Script, port = 0): Promise<FakeAgent> {
    const server = new WebSocketServer({ host: "127.0.0.1", port, path: "/client" });
    await once(server, "listening");
    return new FakeAgent(id, server, script);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All requests, without the reports that clients ask for to find the leader. */
  get requests(): ClientRequest[] {
    return this.frames.flat().filter((request) => request.op !== "report");
  }

  send(socket: WebSocket, frame: AgentFrame): void {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(encode(frame, { ignoreUndefined: true }));
  }

  /** Reads nothing any more, not even pings: as a stopped process, whose kernel keeps its connections open. */
  pause(): void {
    for (const socket of this.sockets) socket.pause();
  }

  cutConnections(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.resume();
    this.cutConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #frame(socket: WebSocket, requests: ClientRequest[]): void {
    this.frames.push(requests);
    const ready: AgentFrame[number][] = [];
    for (const { id, ...request } of requests) {
      const result = request.op === "report" ? this.#report() : this.script({ ...request, id } as ClientRequest);
      if (result instanceof Promise) void result.then((late) => late && this.send(socket, [{ id, ...late }]));
      else if (result !== undefined) ready.push({ id, ...result });
    }
    if (ready.length > 0) this.send(socket, ready);
  }

  #report(): ClientResult {
    return { ok: true, value: { type: "report", report: reportOf(this.id, { leader: this.leader }) } };
  }
}

export function written(version: number): ClientResult {
  return { ok: true, value: { type: "written", version } };
}

export function reportOf(agent: string, changes: Partial<AgentReport> = {}): AgentReport {
  return {
    agent,
    incarnation: 1,
    pid: 1,
    port: 4000,
    atMs: 0,
    upMs: 0,
    role: "follower",
    term: 1,
    leader: "",
    commit: 0,
    applied: 0,
    lastIndex: 0,
    durableIndex: 0,
    voters: [],
    learners: [],
    outgoing: [],
    snapshotIndex: 0,
    firstIndex: 1,
    links: [],
    members: [],
    reputations: [],
    cpuSeconds: 0,
    rssBytes: 0,
    messagesOut: 0,
    messagesIn: 0,
    electionsStarted: 0,
    electionsWon: 0,
    votesGranted: 0,
    votesRefused: 0,
    committedAsLeader: 0,
    decisionLatenciesMs: [],
    ackParticipation: null,
    tasksRunning: 0,
    slots: 2,
    logBytes: 0,
    fsyncs: 0,
    fsyncP99Ms: null,
    ...changes,
  };
}
