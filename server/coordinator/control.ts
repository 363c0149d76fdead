/**
 * The control socket, by which a terminal talks to the coordinator of a running swarm: WebSocket on 127.0.0.1, path /coordinator, bearer token,
 * JSON-RPC 2.0 in text frames. Where it is, and the token, is in a file beside the swarm's lock that only its owner reads.
 */
import { once } from "node:events";
import { rmSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import { asFields, integer, text } from "../live/checked-json.ts";
import { PRIVATE_MODE, replaceFile } from "../live/durable-file.ts";
import { makeToken, sameSecret } from "../live/identity.ts";
import { readJson } from "../live/layout.ts";
import { LOOPBACK } from "../live/ports.ts";
import { refuseSocket } from "../live/refuse-socket.ts";
import type { Consumer } from "./consumer.ts";
import { coordinatorFiles } from "./files.ts";
import type { Notify } from "./outbox.ts";
import { messageOf, Refusal } from "./refusal.ts";

export const CONTROL_PATH = "/coordinator";
export const CONTROL_REQUEST_LIMIT_BYTES = 4 * 1024 * 1024;
/** A client that does not read is let go. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const MAX_CLIENTS = 32;
/** Those that are being refused included. */
const MAX_CONNECTIONS = 4 * MAX_CLIENTS;
const REQUEST_TIMEOUT_MS = 5_000;
/** Requests of one client without an answer; further ones are refused. */
export const MAX_REQUESTS_IN_FLIGHT = 64;
/** JSON-RPC 2.0, §5.1. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

export interface ControlAddress {
  readonly port: number;
  readonly token: string;
}

export interface ControlTarget {
  readonly join: (notify: Notify) => Consumer;
  readonly leave: (consumer: Consumer) => void;
  /** @throws Refusal */
  readonly handle: (method: string, params: unknown, consumer: Consumer) => Promise<unknown>;
}

/** @throws LayoutProblem when there is none, or it is damaged */
export function readControlAddress(folder: string, swarm: string): ControlAddress {
  return readJson(coordinatorFiles(folder, swarm).control, (value) => {
    const fields = asFields(value, "control");
    return { port: integer(fields, "port", "control", 1, 65_535), token: text(fields, "token", "control", 200) };
  });
}

export class ControlServer {
  readonly #target: ControlTarget;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: CONTROL_REQUEST_LIMIT_BYTES,
    perMessageDeflate: false,
  });
  readonly #token = makeToken();
  readonly #answering = new Set<Promise<void>>();
  #server: Server | undefined;

  constructor(target: ControlTarget) {
    this.#target = target;
  }

  /** Opens the socket with the first swarm, and says beside each one's lock where it is. */
  async announce(folder: string, swarm: string): Promise<void> {
    this.#server ??= await this.#listen();
    const { port } = this.#server.address() as AddressInfo;
    const address: ControlAddress = { port, token: this.#token };
    replaceFile(coordinatorFiles(folder, swarm).control, JSON.stringify(address), PRIVATE_MODE);
  }

  withdraw(folder: string, swarm: string): void {
    rmSync(coordinatorFiles(folder, swarm).control, { force: true });
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    // Those that asked for what closes this get their answer first.
    await Promise.all(this.#answering);
    for (const socket of this.#sockets.clients) {
      socket.close(1001, "the coordinator has no swarm any more");
      setTimeout(() => socket.terminate(), 500).unref();
    }
    await new Promise((resolve) => server.close(resolve));
  }

  async #listen(): Promise<Server> {
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (_request, response) =>
      response.writeHead(426, { Connection: "close" }).end(),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    server.listen(0, LOOPBACK);
    await once(server, "listening");
    return server;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const refusal = this.#refusal(request);
    if (refusal === undefined) this.#sockets.handleUpgrade(request, socket, head, (accepted) => this.#serve(accepted));
    else refuseSocket(socket, refusal);
  }

  #refusal({ headers, url }: IncomingMessage): string | undefined {
    // A page in a browser always says where it comes from; nothing else does.
    if (headers.origin !== undefined) return "403 Forbidden";
    if (url !== CONTROL_PATH) return "404 Not Found";
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    if (!sameSecret(bearer, this.#token)) return "401 Unauthorized";
    return this.#sockets.clients.size >= MAX_CLIENTS ? "503 Service Unavailable" : undefined;
  }

  #serve(socket: WebSocket): void {
    const send = (message: object): void => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate();
      else socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
    };
    let inFlight = 0;
    const consumer = this.#target.join((method, params) => send({ method, params }));
    socket.on("close", () => this.#target.leave(consumer));
    // Every error is followed by the close.
    socket.on("error", () => socket.terminate());
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      const full = inFlight >= MAX_REQUESTS_IN_FLIGHT;
      inFlight++;
      const answering = this.#answer(data, isBinary, full ? undefined : consumer, send);
      this.#answering.add(answering);
      void answering.then(() => {
        inFlight--;
        this.#answering.delete(answering);
      });
    });
  }

  /** @param consumer absent: it has too much under way already */
  async #answer(
    data: Buffer,
    isBinary: boolean,
    consumer: Consumer | undefined,
    send: (message: object) => void,
  ): Promise<void> {
    let id: unknown = null;
    try {
      if (isBinary) throw new RpcProblem(INVALID_REQUEST, "A request is a text frame.");
      const request = parsed(data);
      id = request.id;
      if (consumer === undefined)
        throw new Refusal(
          "refused",
          `${MAX_REQUESTS_IN_FLIGHT} requests of this client wait for their answers already; wait for some.`,
        );
      const result = await this.#target.handle(request.method, request.params, consumer);
      send({ id, result });
    } catch (error) {
      const code =
        error instanceof RpcProblem || error instanceof Refusal ? error.code : new Refusal("failed", "").code;
      send({ id, error: { code, message: messageOf(error) } });
    }
  }
}

class RpcProblem extends Error {
  override readonly name = "RpcProblem";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function parsed(data: Buffer): { readonly id: number | string; readonly method: string; readonly params: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(data.toString("utf8"));
  } catch (error) {
    throw new RpcProblem(PARSE_ERROR, `Not JSON: ${messageOf(error)}.`);
  }
  if (typeof value !== "object" || value === null) throw new RpcProblem(INVALID_REQUEST, "A request is an object.");
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  if (jsonrpc !== "2.0" || (typeof id !== "number" && typeof id !== "string") || typeof method !== "string")
    throw new RpcProblem(INVALID_REQUEST, 'A request has jsonrpc "2.0", an id and a method.');
  return { id, method, params };
}
