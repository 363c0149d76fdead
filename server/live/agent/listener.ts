import type { KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import { FRAME_LIMIT_BYTES } from "../../agent/frame.ts";
import { CLIENT_FRAME_LIMIT_BYTES, CLIENT_PROTOCOL } from "../../contract/client.ts";
import type { Admitted } from "../../core/overlay/admission.ts";
import { sameSecret } from "../identity.ts";
import { LOOPBACK, portProblem } from "../ports.ts";
import { refuseSocket } from "../refuse-socket.ts";
import { credentialsOf } from "../secure.ts";
import { HANDSHAKE_LIMIT_BYTES } from "./handshake.ts";
import { JOIN_LIMIT_BYTES } from "./join-handshake.ts";

const MAX_CONNECTIONS = 4_096;
const MAX_HEADER_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const SERVER_LIMITS = { maxHeaderSize: MAX_HEADER_BYTES, noDelay: true, requestTimeout: REQUEST_TIMEOUT_MS } as const;
/** A wrong token is answered late, and only so many callers may wait for such an answer at a time. */
const WRONG_TOKEN_DELAY_MS = 200;
const MAX_WRONG_TOKENS = 16;
/** Callers on /link and /join that have not proved who they are; further ones are asked to come again. */
const MAX_UNPROVEN_LINKS = 32;
const MAX_UNPROVEN_NEWCOMERS = 16;
/** What such a caller may send: two messages of the handshake, with their WebSocket headers. */
const MAX_UNPROVEN_BYTES = 2 * HANDSHAKE_LIMIT_BYTES + 1024;

/** A killed process's threads may hold its port a moment longer than it exists: the next life waits for that. */
const DYING_MS = 600;
const RETRY_MS = 20;

const REFUSALS = {
  400: ["Bad Request", `The client must offer the subprotocol ${CLIENT_PROTOCOL}.`],
  401: ["Unauthorized", "The swarm's control token is missing or wrong."],
  403: ["Forbidden", "Browsers are not served."],
  404: [
    "Not Found",
    "There is /link for agents, /client for clients (of this machine) and /join for those that want to be agents.",
  ],
  426: ["Upgrade Required", "This port speaks WebSocket."],
  429: ["Too Many Requests", "Too many ask to join. Wait, and ask again."],
  503: ["Service Unavailable", "The agent is starting or ending, or too many callers are proving who they are."],
} as const;
type RefusalCode = keyof typeof REFUSALS;

export interface ListenerEvents {
  /** `proven` is to be called when the caller has proved who it is: until then it may send next to nothing. */
  readonly link: (socket: WebSocket, proven: () => void) => void;
  readonly client: (socket: WebSocket) => void;
  /** Somebody whom no roster names. `secured`: over TLS, by this agent's key. */
  readonly join: (socket: WebSocket, proven: () => void, secured: boolean) => void;
  /** What clients must bear. */
  readonly token: string;
  /** Whether somebody who wants to join may try now; else how long it should wait, ms. `source`: where it calls from. */
  readonly admit: (source: string) => Admitted;
  readonly note: (line: string) => void;
}

/** Where other hosts reach an agent, over TLS by its key. */
export interface Outside {
  /** An IP address of this machine. */
  readonly host: string;
  readonly privateKey: KeyObject;
  /** Clients are served there, too: of an agent whose coordinator is on another host. */
  readonly clients: boolean;
}

/**
 * The one port of an agent, on the loopback interface, and where other hosts take part on one that they reach, over TLS: `/link` for its neighbours, who prove themselves in
 * the handshake, `/client` for who bears the control token, and `/join` for who knows the join secret. A browser always sends an Origin and is refused before anything else.
 */
export class Listener {
  readonly #server: Server;
  #outside: { readonly server: SecureServer; readonly clients: boolean } | undefined;
  readonly #links = webSocketServer(FRAME_LIMIT_BYTES);
  readonly #clients = webSocketServer(CLIENT_FRAME_LIMIT_BYTES);
  readonly #newcomers = webSocketServer(JOIN_LIMIT_BYTES);
  #events: ListenerEvents | undefined;
  #wrongTokens = 0;
  readonly #unproven = new Map<WebSocketServer, number>();

  constructor() {
    this.#server = createServer(SERVER_LIMITS);
    this.#prepare(this.#server);
  }

  /** @throws Error with a sentence for people when the port cannot be had */
  async listen(port: number, outside?: Outside): Promise<void> {
    await listenOn(this.#server, LOOPBACK, port);
    if (outside === undefined) return;
    const { host, privateKey, clients } = outside;
    const server = createSecureServer({
      ...SERVER_LIMITS,
      ...credentialsOf(privateKey),
      handshakeTimeout: REQUEST_TIMEOUT_MS,
    });
    this.#prepare(server);
    try {
      await listenOn(server, host, port);
    } catch (error) {
      this.#server.close();
      throw error;
    }
    this.#outside = { server, clients };
  }

  #prepare(server: Server): void {
    server.maxConnections = MAX_CONNECTIONS;
    server.on("request", (request, response) => {
      const code = this.#refusalOf(request) ?? 426;
      response.writeHead(code, { "Content-Type": "text/plain", Connection: "close" }).end(`${REFUSALS[code][1]}\n`);
    });
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** From now on connections are let in; before, they are asked to come again. */
  serve(events: ListenerEvents): void {
    this.#events = events;
  }

  /** Lets nobody in any more; connections that exist are not touched. */
  close(): void {
    this.#events = undefined;
    this.#server.close();
    this.#outside?.server.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // ws puts its own in place once the connection is its.
    const ignore = (): void => {};
    socket.on("error", ignore);
    const code = this.#refusalOf(request);
    const events = this.#events;
    if (code !== undefined) refuse(socket, code);
    else if (events === undefined) refuse(socket, 503);
    else if (pathOf(request) === "/link") this.#upgradeUnproven(this.#links, request, socket, head, events.link);
    else if (pathOf(request) === "/join") this.#upgradeNewcomer(request, socket, head, events);
    else if (!bearsToken(request, events.token)) this.#refuseToken(socket, events);
    else if (!offersProtocol(request)) refuse(socket, 400);
    else this.#clients.handleUpgrade(request, socket, head, events.client);
  }

  #upgradeNewcomer(request: IncomingMessage, socket: Duplex, head: Buffer, events: ListenerEvents): void {
    const admitted = events.admit(request.socket.remoteAddress ?? "");
    const secured = isSecured(request);
    const accept: ListenerEvents["link"] = (caller, proven) => events.join(caller, proven, secured);
    if (admitted.admitted) this.#upgradeUnproven(this.#newcomers, request, socket, head, accept);
    else refuse(socket, 429, { "Retry-After": String(Math.ceil(admitted.retryAfterMs / 1000)) });
  }

  #upgradeUnproven(
    server: WebSocketServer,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    accept: ListenerEvents["link"],
  ): void {
    const count = this.#unproven.get(server) ?? 0;
    if (count >= (server === this.#links ? MAX_UNPROVEN_LINKS : MAX_UNPROVEN_NEWCOMERS)) {
      refuse(socket, 503);
      return;
    }
    this.#unproven.set(server, count + 1);
    let bytes = head.length;
    // Below WebSocket, so that a message need not be whole to be too large.
    const measure = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MAX_UNPROVEN_BYTES) socket.destroy();
    };
    const proven = once(() => {
      this.#unproven.set(server, (this.#unproven.get(server) ?? 1) - 1);
      socket.removeListener("data", measure);
    });
    socket.once("close", proven);
    server.handleUpgrade(request, socket, head, (caller) => {
      socket.on("data", measure);
      accept(caller, proven);
    });
  }

  #refusalOf(request: IncomingMessage): RefusalCode | undefined {
    if (request.headers.origin !== undefined) return 403;
    const path = pathOf(request);
    if (path === "/link" || path === "/join") return undefined;
    return path === "/client" && (!isSecured(request) || this.#outside?.clients === true) ? undefined : 404;
  }

  #refuseToken(socket: Duplex, events: ListenerEvents): void {
    if (this.#wrongTokens >= MAX_WRONG_TOKENS) {
      socket.destroy();
      return;
    }
    if (this.#wrongTokens++ === 0) events.note("A client without the right control token was refused.");
    setTimeout(() => {
      this.#wrongTokens--;
      refuse(socket, 401);
    }, WRONG_TOKEN_DELAY_MS);
  }
}

function bearsToken(request: IncomingMessage, token: string): boolean {
  return sameSecret(request.headers.authorization ?? "", `Bearer ${token}`);
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    call();
  };
}

function webSocketServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload,
    handleProtocols: (offered) => (offered.has(CLIENT_PROTOCOL) ? CLIENT_PROTOCOL : false),
  });
}

function isSecured(request: IncomingMessage): boolean {
  return request.socket instanceof TLSSocket;
}

async function listenOn(server: Server, host: string, port: number): Promise<void> {
  const giveUpAt = performance.now() + DYING_MS;
  for (;;) {
    const error = await tryListen(server, host, port);
    if (error === undefined) return;
    if (error.code !== "EADDRINUSE" || performance.now() > giveUpAt) throw portProblem(port, error, host);
    await delay(RETRY_MS);
  }
}

function tryListen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => {
      server.removeListener("error", resolve);
      resolve(undefined);
    });
  });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0] as string;
}

function offersProtocol(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === CLIENT_PROTOCOL);
}

function refuse(socket: Duplex, code: RefusalCode, headers: Readonly<Record<string, string>> = {}): void {
  const [status, sentence] = REFUSALS[code];
  refuseSocket(socket, `${code} ${status}`, `${sentence}\n`, headers);
}
