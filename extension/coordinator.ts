import * as vscode from "vscode";
import type { CloseAction, LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";
import {
  CoordinatorError,
  type CoordinatorMethod,
  type CoordinatorNotification,
  type CoordinatorNotifications,
  type CoordinatorRequests,
  METHOD_PREFIX,
} from "../server/contract/coordinator.ts";
import { DisposableList } from "./disposal.ts";

/** More deaths than this within the window, and the coordinator is not started again by itself. */
const MAX_RESTARTS = 4;
const RESTART_WINDOW_MS = 3 * 60_000;
/** VS Code shows only the first few of the notifications that come within 800 ms. The one that a person must see comes after that. */
const APART_MS = 1000;

export type CoordinatorState = "off" | "starting" | "running" | "broken";

const NOTIFICATIONS: readonly CoordinatorNotification[] = [
  "swarmChanged",
  "progress",
  "taskOutput",
  "taskFinished",
  "proposalDecided",
  "timelineGrew",
  "metricsSampled",
  "notice",
];

/** The background coordinator: a language server in a process of its own, started when first needed, started again when it dies. */
export class Coordinator implements vscode.Disposable {
  readonly #context: vscode.ExtensionContext;
  readonly #log: vscode.LogOutputChannel;
  readonly #disposables = new DisposableList();
  readonly #stateChanged = this.#disposables.add(new vscode.EventEmitter<CoordinatorState>());
  readonly #emitters = new Map<CoordinatorNotification, vscode.EventEmitter<unknown>>();
  #language: typeof import("vscode-languageclient/node") | undefined;
  #client: LanguageClient | undefined;
  #starting: Promise<LanguageClient> | undefined;
  #state: CoordinatorState = "off";
  #deaths: number[] = [];
  #disposed = false;

  readonly onStateChanged = this.#stateChanged.event;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel) {
    this.#context = context;
    this.#log = log;
    for (const name of NOTIFICATIONS)
      this.#emitters.set(name, this.#disposables.add(new vscode.EventEmitter<unknown>()));
    this.#disposables.add(
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        void this.#client?.sendNotification(`${METHOD_PREFIX}trusted`, {});
      }),
    );
  }

  get state(): CoordinatorState {
    return this.#state;
  }

  on<N extends CoordinatorNotification>(
    name: N,
    listener: (params: CoordinatorNotifications[N]) => void,
  ): vscode.Disposable {
    const emitter = this.#emitters.get(name) as vscode.EventEmitter<CoordinatorNotifications[N]>;
    return emitter.event(listener);
  }

  /** Starts it if need be. @throws Error with a sentence for people. */
  async request<M extends CoordinatorMethod>(
    method: M,
    params: CoordinatorRequests[M]["params"],
  ): Promise<CoordinatorRequests[M]["result"]> {
    const client = await this.start();
    try {
      return await client.sendRequest<CoordinatorRequests[M]["result"]>(METHOD_PREFIX + method, params);
    } catch (error) {
      if (this.#language && error instanceof this.#language.ResponseError)
        throw new CoordinatorFailure(error.code, error.message);
      throw error;
    }
  }

  start(): Promise<LanguageClient> {
    if (this.#disposed) return Promise.reject(new Error("Agent Mesh is shutting down."));
    this.#starting ??= this.#launch().catch((error: unknown) => {
      this.#starting = undefined;
      this.#setState("broken");
      throw new Error(
        `The Agent Mesh coordinator did not start: ${error instanceof Error ? error.message : String(error)}. See the "Agent Mesh" output.`,
      );
    });
    return this.#starting;
  }

  /** After it was given up on. */
  async restart(): Promise<void> {
    this.#deaths = [];
    const old = this.#client;
    this.#client = undefined;
    this.#starting = undefined;
    await old?.stop().catch((error: unknown) => this.#log.warn(`stopping the coordinator: ${String(error)}`));
    await this.start();
  }

  /** Ends it and all swarms that are not detached. */
  async stop(): Promise<void> {
    this.#disposed = true;
    const client = this.#client;
    this.#client = undefined;
    if (client)
      await client.stop(10_000).catch((error: unknown) => this.#log.warn(`stopping the coordinator: ${String(error)}`));
  }

  dispose(): void {
    this.#disposed = true;
    this.#disposables.dispose();
  }

  async #launch(): Promise<LanguageClient> {
    this.#setState("starting");
    // Loaded only now: it is most of the bundle, and nothing of it is needed to activate.
    const language = await import("vscode-languageclient/node");
    this.#language = language;
    const server: ServerOptions = {
      command: process.execPath,
      args: [this.#context.asAbsolutePath("dist/coordinator.cjs")],
      options: { env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" } },
      transport: language.TransportKind.stdio,
    };
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: "file", pattern: "**/*.mesh.yaml" }],
      outputChannel: this.#log,
      initializationOptions: {
        folders: (vscode.workspace.workspaceFolders ?? [])
          .filter((folder) => folder.uri.scheme === "file")
          .map((folder) => folder.uri.fsPath),
        trusted: vscode.workspace.isTrusted,
      },
      errorHandler: {
        error: () => ({ action: language.ErrorAction.Continue }),
        closed: () => this.#closed(language.CloseAction),
      },
      connectionOptions: { maxRestartCount: MAX_RESTARTS },
    };
    const client = new language.LanguageClient("agentMesh", "Agent Mesh", server, options);
    for (const name of NOTIFICATIONS) {
      client.onNotification(METHOD_PREFIX + name, (params: unknown) => this.#emitters.get(name)?.fire(params));
    }
    await client.start();
    this.#client = client;
    this.#setState("running");
    return client;
  }

  #closed(actions: typeof CloseAction): { action: CloseAction; message?: string; handled?: boolean } {
    if (this.#disposed || this.#client === undefined) return { action: actions.DoNotRestart, handled: true };
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < RESTART_WINDOW_MS), now];
    if (this.#deaths.length <= MAX_RESTARTS) {
      this.#log.warn(
        `The coordinator ended; starting it again (${this.#deaths.length} of ${MAX_RESTARTS} within 3 minutes).`,
      );
      // Said once; the rest is in the log.
      if (this.#deaths.length === 1)
        void vscode.window.showWarningMessage(
          "The Agent Mesh coordinator ended unexpectedly and was started again. Running swarms went on deciding meanwhile.",
        );
      this.#setState("starting");
      void this.#awaitRunning();
      return { action: actions.Restart, handled: true };
    }
    this.#client = undefined;
    this.#starting = undefined;
    this.#setState("broken");
    setTimeout(() => this.#tellGivenUp(), APART_MS);
    return { action: actions.DoNotRestart, handled: true };
  }

  #tellGivenUp(): void {
    if (this.#disposed || this.#state !== "broken") return;
    void vscode.window
      .showErrorMessage(
        `The Agent Mesh coordinator ended ${this.#deaths.length} times within 3 minutes and is not started again by itself.`,
        "Start Again",
        "Show Log",
      )
      .then((choice) => {
        if (choice === "Start Again") void this.restart();
        if (choice === "Show Log") this.#log.show();
      });
  }

  /** After the language client restarted it, everything that is shown is asked for anew. */
  async #awaitRunning(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const deadline = Date.now() + 30_000;
    await new Promise<void>((resolve) => {
      const subscription = client.onDidChangeState((change) => {
        if (change.newState === this.#language?.State.Running || Date.now() > deadline) {
          subscription.dispose();
          resolve();
        }
      });
    });
    if (this.#client === client) this.#setState("running");
  }

  #setState(state: CoordinatorState): void {
    if (state === this.#state || this.#disposed) return;
    this.#state = state;
    this.#stateChanged.fire(state);
  }
}

/** The coordinator refused or failed; `code` is one of CoordinatorError. */
export class CoordinatorFailure extends Error {
  override readonly name = "CoordinatorFailure";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }

  get cancelled(): boolean {
    return this.code === CoordinatorError.cancelled;
  }
}
