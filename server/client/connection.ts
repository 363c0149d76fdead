/**
 * One connection to one agent. Requests of one turn of the event loop leave as one frame; answers come in any order. The connection
 * does not retry: what was under way when it closes is answered by `null`, and whoever asked decides (client.ts fails over).
 */
import { type ClientOptions, WebSocket } from "ws";
import type { AgentPush, ClientOperation, ClientRequest, ClientResult, ClientValue } from "../contract/client.ts";
import { CLIENT_FRAME_LIMIT_BYTES, CLIENT_PROTOCOL } from "../contract/client.ts";
import { ConnectionFailed, MalformedFrame, MeshError } from "./errors.ts";
import { encodeRequests, readFrame, sizeBound } from "./frames.ts";

export interface AgentAddress {
  readonly id: string;
  /** On 127.0.0.1, or where it is far. */
  readonly port: number;
}

export interface FarAgent {
  /** As it stands in a URL. */
  readonly host: string;
  /** Makes connections that stand once the agent has proved that it has the key that the roster says. */
  readonly connecting: NonNullable<ClientOptions["createConnection"]>;
}

/** The watch for silence looks so often within the time that makes one. */
const WATCH_LOOKS = 4;

export interface ConnectionOptions {
  readonly agent: AgentAddress;
  /** The swarm's control token. */
  readonly token: string;
  /** How an agent of another host is reached: over TLS. Absent: it is on this machine. */
  readonly far?: FarAgent;
  /** The swarm's id; when given, an agent of another swarm is refused. */
  readonly swarm?: string;
  /** For the handshake and the agent's hello together. Default 1,500. */
  readonly openTimeoutMs?: number;
  /**
   * A connection with requests under way on which nothing was heard for so long, not even the answer to a ping, is given up: its agent is
   * paused or gone. 0 = never. Default 2,000.
   */
  readonly silenceTimeoutMs?: number;
  /** Gives up opening it. */
  readonly signal?: AbortSignal;
  readonly onPush?: (push: AgentPush) => void;
  /** Once, after every request under way was answered by null. */
  readonly onClosed?: (reason: string) => void;
}

export type Hello = Extract<AgentPush, { push: "hello" }>;

export interface RequestExtras {
  readonly session?: string;
  readonly sequence?: number;
  readonly firstUnanswered?: number;
  readonly timeoutMs?: number;
}

/** null: the connection closed before an answer came. */
export type AnswerCallback = (answer: ClientResult | null) => void;

const MAX_REQUESTS_A_FRAME = 4096;
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;
/** Over the agent's own limit, so that its answer (`timeout`) is there first. */
const ANSWER_SLACK_MS = 500;

export class AgentConnection {
  readonly agent: AgentAddress;
  readonly hello: Hello;
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #waiting = new Map<number, AnswerCallback>();
  #outgoing: ClientRequest[] = [];
  #outgoingBytes = 0;
  #flushPlanned: NodeJS.Immediate | undefined;
  #nextId = 1;
  #lastHeard = performance.now();
  /** How often in a row the watch found that nothing was heard since it looked last. */
  #silentLooks = 0;
  #watch: NodeJS.Timeout | undefined;
  #closedBecause: string | undefined;

  private constructor(socket: WebSocket, hello: Hello, options: ConnectionOptions) {
    this.agent = options.agent;
    this.hello = hello;
    this.#socket = socket;
    this.#options = options;
  }

  /** @throws ConnectionFailed */
  static open(options: ConnectionOptions): Promise<AgentConnection> {
    return new Promise((resolve, reject) => {
      const { agent, far, openTimeoutMs = 1500 } = options;
      const origin = far === undefined ? "ws://127.0.0.1" : `wss://${far.host}`;
      const socket = new WebSocket(`${origin}:${agent.port}/client`, CLIENT_PROTOCOL, {
        ...(far && { createConnection: far.connecting }),
        headers: { authorization: `Bearer ${options.token}` },
        handshakeTimeout: openTimeoutMs,
        maxPayload: CLIENT_FRAME_LIMIT_BYTES,
        perMessageDeflate: false,
        followRedirects: false,
      });
      let connection: AgentConnection | undefined;
      const fail = (reason: string): void => {
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", abort);
        socket.terminate();
        if (connection !== undefined) connection.#end(reason);
        else reject(new ConnectionFailed(`agent ${agent.id} on port ${agent.port}: ${reason}`));
      };
      const abort = (): void => fail("given up here");
      const timer = setTimeout(() => fail(`no answer within ${openTimeoutMs} ms`), openTimeoutMs);
      const opened = (hello: Hello): void => {
        const wrong = unexpected(hello, options);
        if (wrong !== undefined) {
          fail(wrong);
          return;
        }
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", abort);
        connection = new AgentConnection(socket, hello, options);
        connection.#startWatch();
        resolve(connection);
      };
      socket.on("unexpected-response", (_request, response) => {
        response.resume();
        fail(
          response.statusCode === 401
            ? "it refused the control token (HTTP 401)"
            : `it refused the connection (HTTP ${response.statusCode})`,
        );
      });
      socket.on("error", (error) => fail(error.message));
      socket.on("close", (code, reason) => fail(closeSentence(code, reason.toString())));
      socket.on("pong", () => {
        if (connection !== undefined) connection.#heard();
      });
      options.signal?.addEventListener("abort", abort, { once: true });
      socket.on("message", (data, isBinary) => {
        if (connection?.closed === true) return;
        try {
          if (!isBinary || !(data instanceof Uint8Array)) throw new MalformedFrame("a frame is not binary");
          if (connection !== undefined) connection.#heard();
          readFrame(data, {
            answer: (id, result) => {
              if (connection !== undefined) connection.#answered(id, result);
            },
            push: (push) => {
              if (connection !== undefined) options.onPush?.(push);
              else if (push.push === "hello") opened(push);
            },
          });
        } catch (error) {
          if (!(error instanceof MalformedFrame)) throw error;
          fail(`it sent a frame that is not one: ${error.message}`);
        }
      });
    });
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  get closed(): boolean {
    return this.#closedBecause !== undefined;
  }

  /** Calls back once, never within this call. @throws MeshError `invalid` when the request is larger than a frame */
  send(operation: ClientOperation, extras: RequestExtras, done: AnswerCallback): void {
    if (this.closed) {
      setImmediate(done, null);
      return;
    }
    const bytes = sizeBound(operation);
    if (bytes > CLIENT_FRAME_LIMIT_BYTES)
      throw new MeshError(
        "invalid",
        "notApplied",
        `The request is larger than a frame (${CLIENT_FRAME_LIMIT_BYTES} bytes).`,
      );
    if (this.#outgoingBytes + bytes > CLIENT_FRAME_LIMIT_BYTES || this.#outgoing.length === MAX_REQUESTS_A_FRAME)
      this.#flush();
    // A connection on which nothing was asked was rightly silent: the silence counts from here.
    if (this.#waiting.size === 0) this.#heard();
    const id = this.#nextId++;
    this.#waiting.set(id, done);
    this.#outgoing.push({ ...operation, ...extras, id });
    this.#outgoingBytes += bytes;
    this.#flushPlanned ??= setImmediate(() => this.#flush());
  }

  /**
   * Asks this agent, once. Not for writes that must not be lost: those go through `connect`.
   * @throws MeshError
   */
  request(operation: ClientOperation, timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS): Promise<ClientValue> {
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(
        () => reject(new MeshError("timeout", "unknown", `Agent ${this.agent.id} gave no answer in ${timeoutMs} ms.`)),
        timeoutMs + ANSWER_SLACK_MS,
      );
      this.send(operation, { timeoutMs }, (answer) => {
        clearTimeout(giveUp);
        if (answer === null)
          reject(new MeshError("unavailable", "unknown", `The connection to agent ${this.agent.id} closed.`));
        else if (answer.ok) resolve(answer.value);
        else reject(new MeshError(answer.code, "unknown", answer.message));
      });
    });
  }

  /** Ends the connection at once; requests under way are answered by null. */
  close(reason = "closed here"): void {
    this.#socket.terminate();
    this.#end(reason);
  }

  #heard(): void {
    this.#lastHeard = performance.now();
    this.#silentLooks = 0;
  }

  #answered(id: number, result: ClientResult): void {
    const done = this.#waiting.get(id);
    if (done === undefined) return; // it was given up here
    this.#waiting.delete(id);
    done(result);
  }

  #flush(): void {
    clearImmediate(this.#flushPlanned);
    this.#flushPlanned = undefined;
    if (this.#outgoing.length === 0 || this.closed) return;
    const frame = encodeRequests(this.#outgoing);
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#socket.send(frame, { binary: true });
  }

  #startWatch(): void {
    const limitMs = this.#options.silenceTimeoutMs ?? 2000;
    if (limitMs === 0) return;
    this.#watch = setInterval(() => {
      if (this.#waiting.size === 0) return;
      const silentMs = performance.now() - this.#lastHeard;
      if (silentMs <= limitMs / WATCH_LOOKS) return;
      // A process that was held up itself has not yet read what arrived meanwhile: it reads between two looks.
      if (++this.#silentLooks >= WATCH_LOOKS && silentMs > limitMs)
        this.close(`it was silent for ${Math.round(silentMs)} ms`);
      else this.#socket.ping();
    }, limitMs / WATCH_LOOKS);
    this.#watch.unref();
  }

  #end(reason: string): void {
    if (this.closed) return;
    this.#closedBecause = reason;
    clearInterval(this.#watch);
    clearImmediate(this.#flushPlanned);
    this.#outgoing = [];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const done of waiting) done(null);
    this.#options.onClosed?.(reason);
  }
}

function unexpected(hello: Hello, options: ConnectionOptions): string | undefined {
  if (options.swarm !== undefined && hello.swarm !== options.swarm)
    return `an agent of another swarm (${hello.swarm}) answers there`;
  if (hello.agent !== options.agent.id) return `another agent (${hello.agent}) answers there`;
  return undefined;
}

function closeSentence(code: number, reason: string): string {
  return reason === "" ? `the connection closed (${code})` : `the connection closed: ${reason} (${code})`;
}
