/** The page's only way out: typed messages to the extension and back, requests matched to replies by number. */
import type { CoordinatorRequests } from "../server/contract/coordinator.ts";
import type { ToExtension, ToWebview, WebviewCommand, WebviewKind, WebviewMethod } from "../server/contract/webview.ts";

/** What VS Code gives a webview's page, once. */
interface VsCodeApi {
  postMessage(message: ToExtension): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** A request is given up after this long, ms: the extension or the coordinator is gone or stuck. */
const REQUEST_DEADLINE_MS = 15_000;

interface Waiting {
  readonly method: WebviewMethod;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: number;
}

/** The coordinator refused a request, or did not answer. `message` is for people, whole. */
export class RequestFailed extends Error {
  readonly method: WebviewMethod;

  constructor(method: WebviewMethod, message: string) {
    super(message);
    this.name = "RequestFailed";
    this.method = method;
  }
}

export class Bridge {
  readonly #api = acquireVsCodeApi();
  readonly #view: WebviewKind;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(message: ToWebview) => void>();
  #nextId = 1;

  constructor(view: WebviewKind) {
    this.#view = view;
    window.addEventListener("message", (event: MessageEvent<ToWebview>) => this.#receive(event.data));
  }

  /** Tells the extension that snapshots can come. */
  ready(): void {
    this.#api.postMessage({ type: "ready", view: this.#view });
  }

  /**
   * Asks the coordinator.
   * @throws RequestFailed when it refuses, or has not answered after 15 s
   */
  request<M extends WebviewMethod>(
    method: M,
    params: CoordinatorRequests[M]["params"],
  ): Promise<CoordinatorRequests[M]["result"]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new RequestFailed(method, `The coordinator has not answered "${method}" for 15 s. It may be restarting.`),
        );
      }, REQUEST_DEADLINE_MS);
      const settle = (result: unknown): void => resolve(result as CoordinatorRequests[M]["result"]);
      this.#waiting.set(id, { method, resolve: settle, reject, timer });
      // The union of request messages is one member a method; `method` and `params` belong together by this signature.
      this.#api.postMessage({ type: "request", id, method, params } as ToExtension);
    });
  }

  /** Runs one of the extension's commands. */
  command(command: WebviewCommand, argument?: unknown): void {
    this.#api.postMessage(
      argument === undefined ? { type: "command", command } : { type: "command", command, argument },
    );
  }

  /** Shows another swarm in all views; its snapshot follows. */
  selectSwarm(swarm: string): void {
    this.command("agentMesh.selectSwarm", swarm);
  }

  /** Calls back for everything but replies. Returns what undoes it. */
  onMessage(listener: (message: ToWebview) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The view's settings (never data), as they were when it was last shown. Unknown or missing ones are the defaults. */
  loadSettings<T extends object>(defaults: T): T {
    const state = this.#api.getState();
    if (typeof state !== "object" || state === null) return { ...defaults };
    const known = Object.entries(state).filter(
      ([name, value]) =>
        name in defaults &&
        typeof value === typeof defaults[name as keyof T] &&
        Array.isArray(value) === Array.isArray(defaults[name as keyof T]),
    );
    return { ...defaults, ...Object.fromEntries(known) };
  }

  saveSettings(settings: object): void {
    this.#api.setState(settings);
  }

  #receive(message: ToWebview): void {
    if (message.type !== "reply" && message.type !== "failure") {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return; // answered after its deadline
    this.#waiting.delete(message.id);
    window.clearTimeout(waiting.timer);
    if (message.type === "reply") waiting.resolve(message.result);
    else waiting.reject(new RequestFailed(waiting.method, message.message));
  }
}
