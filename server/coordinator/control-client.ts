import { WebSocket } from "ws";
import type {
  CoordinatorMethod,
  CoordinatorNotification,
  CoordinatorNotifications,
  CoordinatorRequests,
} from "../contract/coordinator.ts";
import { LOOPBACK } from "../live/ports.ts";
import { CONTROL_PATH } from "./control.ts";

const OPEN_TIMEOUT_MS = 3000;

/** The coordinator's own refusal or failure; `code` is one of CoordinatorError. */
export class ControlFailure extends Error {
  override readonly name = "ControlFailure";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A face's side of the control socket. */
export class ControlClient {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #notify: (name: CoordinatorNotification, params: unknown) => void;
  #lastId = 0;

  private constructor(socket: WebSocket, notify: (name: CoordinatorNotification, params: unknown) => void) {
    this.#socket = socket;
    this.#notify = notify;
    socket.on("message", (data) => this.#receive(String(data)));
    socket.on("close", () => this.#fail(new Error("The coordinator closed the connection.")));
    socket.on("error", (error) => this.#fail(error));
  }

  /** @throws Error when nobody listens there or the token is wrong. */
  static open(
    port: number,
    token: string,
    notify: (name: CoordinatorNotification, params: unknown) => void = () => undefined,
  ): Promise<ControlClient> {
    const socket = new WebSocket(`ws://${LOOPBACK}:${port}${CONTROL_PATH}`, {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
    });
    return new Promise((resolve, reject) => {
      socket.once("open", () => {
        socket.off("error", reject);
        resolve(new ControlClient(socket, notify));
      });
      socket.once("error", reject);
    });
  }

  request<M extends CoordinatorMethod>(
    method: M,
    params: CoordinatorRequests[M]["params"],
  ): Promise<CoordinatorRequests[M]["result"]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Error("The connection to the coordinator is closed."));
        return;
      }
      this.#waiting.set(id, { resolve: (result) => resolve(result as CoordinatorRequests[M]["result"]), reject });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#socket.close();
    });
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as {
      readonly id?: number | null;
      readonly method?: CoordinatorNotification;
      readonly params?: unknown;
      readonly result?: unknown;
      readonly error?: { readonly code: number; readonly message: string };
    };
    if (message.method !== undefined) {
      this.#notify(message.method, message.params as CoordinatorNotifications[CoordinatorNotification]);
      return;
    }
    const waiting = this.#waiting.get(message.id ?? -1);
    if (!waiting) return;
    this.#waiting.delete(message.id as number);
    if (message.error) waiting.reject(new ControlFailure(message.error.code, message.error.message));
    else waiting.resolve(message.result);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
