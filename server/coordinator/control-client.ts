/** How a terminal reaches the coordinator of a folder's swarms: over its control socket, or by standing in for one that is gone. */
import { WebSocket } from "ws";
import type {
  CoordinatorMethod,
  CoordinatorNotification,
  CoordinatorNotifications,
  CoordinatorRequests,
} from "../contract/coordinator.ts";
import { CoordinatorError } from "../contract/coordinator.ts";
import { asFields } from "../live/checked-json.ts";
import { swarmsIn } from "../live/layout.ts";
import { LOOPBACK } from "../live/ports.ts";
import type { ControlAddress } from "./control.ts";
import { CONTROL_PATH, readControlAddress } from "./control.ts";
import { Coordinator } from "./coordinator.ts";
import { coordinatorFiles } from "./files.ts";
import { lockHolder } from "./lock.ts";
import type { Notify } from "./outbox.ts";
import type { RefusalReason } from "./refusal.ts";
import { messageOf, Refusal } from "./refusal.ts";

const OPEN_TIMEOUT_MS = 3000;
/** For an answer that waits for no swarm to start or end, and for no simulation: the slowest is an agent that is started again. */
const ANSWER_TIMEOUT_MS = 30_000;
/** As long as it takes; they can be cancelled. */
const LONG_OPERATIONS: ReadonlySet<CoordinatorMethod> = new Set([
  "changeMembers",
  "initSwarm",
  "stopSwarm",
  "simulate",
]);
const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

/** A coordinator, here or in another process. */
export interface ReachedCoordinator {
  /** Whether it lives in another process. */
  readonly remote: boolean;
  /** @throws Refusal */
  handle<M extends CoordinatorMethod>(
    method: M,
    params: CoordinatorRequests[M]["params"],
  ): Promise<CoordinatorRequests[M]["result"]>;
  /** Leaves it, and the swarms, as they are. */
  close(): Promise<void>;
}

/**
 * @param swarm reaches the coordinator of this one; absent: of the folder's first that has one
 * @throws Refusal when a living coordinator does not answer
 */
export async function connectCoordinator(folder: string, notify: Notify, swarm?: string): Promise<ReachedCoordinator> {
  for (const id of swarm === undefined ? swarmsIn(folder) : [swarm]) {
    const holder = lockHolder(coordinatorFiles(folder, id).lock);
    if (holder === undefined) continue;
    try {
      return await RemoteCoordinator.open(readControlAddress(folder, id), notify);
    } catch (error) {
      throw new Refusal(
        "unavailable",
        `Swarm ${id} is coordinated by process ${holder.pid}, which does not answer (${messageOf(error)}). It may be just starting; try again.`,
      );
    }
  }
  const own = new Coordinator({ notify });
  await own.adopt([folder]);
  return {
    remote: false,
    handle: (method, params) => own.handle(method, params),
    close: () => own.release(),
  };
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Refusal) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** The coordinator of another process, over its control socket. */
export class RemoteCoordinator implements ReachedCoordinator {
  readonly remote = true;
  readonly #socket: WebSocket;
  readonly #notify: Notify;
  readonly #answerTimeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  private constructor(socket: WebSocket, notify: Notify, answerTimeoutMs: number) {
    this.#socket = socket;
    this.#notify = notify;
    this.#answerTimeoutMs = answerTimeoutMs;
    socket.on("message", (data: Buffer) => this.#message(data));
    socket.on("close", () => {
      for (const id of [...this.#pending.keys()])
        this.#settle(id)?.reject(new Refusal("unavailable", "The coordinator ended before it answered."));
    });
  }

  static open(
    { port, token }: ControlAddress,
    notify: Notify,
    answerTimeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<RemoteCoordinator> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${LOOPBACK}:${port}${CONTROL_PATH}`, {
        headers: { authorization: `Bearer ${token}` },
        handshakeTimeout: OPEN_TIMEOUT_MS,
        maxPayload: ANSWER_LIMIT_BYTES,
        perMessageDeflate: false,
      });
      socket.on("error", reject);
      socket.on("open", () => resolve(new RemoteCoordinator(socket, notify, answerTimeoutMs)));
    });
  }

  handle<M extends CoordinatorMethod>(
    method: M,
    params: CoordinatorRequests[M]["params"],
  ): Promise<CoordinatorRequests[M]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Refusal("unavailable", "The coordinator is gone."));
        return;
      }
      const id = this.#nextId++;
      const tooLate = (): void => {
        const what = `The coordinator did not answer ${method} in ${this.#answerTimeoutMs} ms; whether it was done is not known.`;
        this.#settle(id)?.reject(new Refusal("unavailable", `${what} It may be stopped or overloaded: try again.`));
      };
      const timer = isLong(method, params) ? undefined : setTimeout(tooLate, this.#answerTimeoutMs);
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  async close(): Promise<void> {
    this.#socket.terminate();
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #message(data: Buffer): void {
    const fields = asFields(JSON.parse(data.toString("utf8")), "message");
    if (typeof fields.method === "string") {
      const name = fields.method as CoordinatorNotification;
      this.#notify(name, fields.params as CoordinatorNotifications[typeof name]);
      return;
    }
    const pending = this.#settle(fields.id as number);
    if (fields.error === undefined) {
      pending?.resolve(fields.result);
      return;
    }
    const { code, message } = asFields(fields.error, "error");
    const reasons = Object.entries(CoordinatorError) as [RefusalReason, number][];
    const reason = reasons.find(([, known]) => known === code)?.[0] ?? "failed";
    pending?.reject(new Refusal(reason, String(message)));
  }
}

/** What waits for something to be decided takes as long as that may take. */
function isLong(method: CoordinatorMethod, params: object): boolean {
  return LONG_OPERATIONS.has(method) || ("wait" in params && params.wait === true);
}
