import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { CoordinatorNotification, CoordinatorNotifications } from "../contract/coordinator.ts";
import { sameSecret } from "../live/identity.ts";
import { LOOPBACK } from "../live/ports.ts";

export const CONTROL_PATH = "/coordinator";
const MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024;
const MAX_CONNECTIONS = 64;
/** A face that reads slower than this is closed: it would only be told old news. */
const BACKLOG_LIMIT_BYTES = 16 * 1024 * 1024;

const REFUSALS = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
} as const;

/** What stands behind the socket: answers one request, or throws an error whose `code` is a CoordinatorError's. */
export type ControlHandler = (method: string, params: unknown, session: ControlSession) => Promise<unknown>;

/** One connected face. What it subscribed to is its own. */
export interface ControlSession {
  readonly id: number;
  notify<N extends CoordinatorNotification>(name: N, params: CoordinatorNotifications[N]): void;
}

/**
 * The coordinator's control socket: JSON-RPC 2.0 in text frames of a WebSocket on the loopback interface, for the CLI and other faces. Who does not bear the token is
 * refused, and so is every browser (which always sends an Origin).
 */
export class ControlServer {
  readonly #token: string;
  readonly #handle: ControlHandler;
  readonly #gone: (session: ControlSession) => void;
  readonly #http: Server = createServer({ maxHeaderSize: 8 * 1024 }, (_, response) => response.writeHead(404).end());
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT_BYTES,
    perMessageDeflate: false,
  });
  #sessions = 0;

  /** @param gone told when a face has left. */
  constructor(token: string, handle: ControlHandler, gone: (session: ControlSession) => void) {
    this.#token = token;
    this.#handle = handle;
    this.#gone = gone;
    this.#http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
  }

  /** Listens on a free port. @returns the port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen({ host: LOOPBACK, port: 0, exclusive: true }, () =>
        resolve((this.#http.address() as AddressInfo).port),
      );
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const path = (request.url ?? "").split("?")[0];
    if (request.headers.origin !== undefined) refuse(socket, 403);
    else if (path !== CONTROL_PATH) refuse(socket, 404);
    else if (!sameSecret(request.headers.authorization ?? "", `Bearer ${this.#token}`)) refuse(socket, 401);
    else if (this.#sockets.clients.size >= MAX_CONNECTIONS) refuse(socket, 503);
    else this.#sockets.handleUpgrade(request, socket, head, (accepted) => this.#accept(accepted));
  }

  #accept(socket: WebSocket): void {
    const session: ControlSession = {
      id: ++this.#sessions,
      notify: (name, params) => send(socket, { jsonrpc: "2.0", method: name, params }),
    };
    socket.on("message", (data, isBinary) => {
      if (isBinary) socket.close(1003, "text frames only");
      else void this.#receive(socket, session, String(data));
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.#gone(session));
  }

  async #receive(socket: WebSocket, session: ControlSession, text: string): Promise<void> {
    const request = parseRequest(text);
    if (request === undefined) {
      send(socket, {
        jsonrpc: "2.0",
        id: null,
        error: { code: -32600, message: "Not a JSON-RPC 2.0 request with an id, a method and params." },
      });
      return;
    }
    const { id, method, params } = request;
    try {
      send(socket, { jsonrpc: "2.0", id, result: (await this.#handle(method, params, session)) ?? null });
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      const message = error instanceof Error ? error.message : String(error);
      send(socket, { jsonrpc: "2.0", id, error: { code: typeof code === "number" ? code : -32603, message } });
    }
  }
}

function send(socket: WebSocket, message: object): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > BACKLOG_LIMIT_BYTES) socket.terminate();
  else socket.send(JSON.stringify(message));
}

function parseRequest(
  text: string,
): { readonly id: number | string; readonly method: string; readonly params: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  if (jsonrpc !== "2.0" || typeof method !== "string" || method.length > 100) return undefined;
  return typeof id === "number" || (typeof id === "string" && id.length <= 100) ? { id, method, params } : undefined;
}

function refuse(socket: Duplex, code: keyof typeof REFUSALS): void {
  socket.end(`HTTP/1.1 ${code} ${REFUSALS[code]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
