// The language server as an editor runs it: dist/coordinator.cjs as a process, spoken to over its stdin and stdout.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  type InitializeResult,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type PublishDiagnosticsParams,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver/node";
import {
  type CoordinatorMethod,
  type CoordinatorNotification,
  type CoordinatorNotifications,
  type CoordinatorRequests,
  METHOD_PREFIX,
} from "../../server/contract/coordinator.ts";
import { eventually, withDeadline } from "../live/waiting.ts";

const SERVER = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "dist", "coordinator.cjs");
const ANSWER_MS = 20_000;
const HEARD = ["swarmChanged", "progress", "taskOutput", "taskFinished", "proposalDecided", "notice"] as const;

interface Told {
  readonly name: CoordinatorNotification;
  readonly params: unknown;
}

export class Editor {
  readonly diagnostics: PublishDiagnosticsParams[] = [];
  readonly told: Told[] = [];
  readonly connection: ProtocolConnection;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #end: Promise<number | null>;
  #version = 1;

  constructor() {
    const child = spawn(process.execPath, [SERVER], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stderr.resume();
    // Writing to a server that is gone: tests that end it look for that themselves.
    child.stdin.on("error", () => undefined);
    this.#end = new Promise((resolve) => child.once("exit", resolve));
    this.connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    this.connection.onNotification(PublishDiagnosticsNotification.type, (params) => void this.diagnostics.push(params));
    for (const name of HEARD)
      this.connection.onNotification(METHOD_PREFIX + name, (params: unknown) => void this.told.push({ name, params }));
    this.connection.listen();
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async initialize(folders: readonly string[], trusted = true): Promise<InitializeResult> {
    const result = await withDeadline(
      this.connection.sendRequest(InitializeRequest.type, {
        processId: process.pid,
        rootUri: null,
        capabilities: {},
        initializationOptions: { folders, trusted },
      }),
      ANSWER_MS,
      "initialize",
    );
    await this.connection.sendNotification(InitializedNotification.type, {});
    return result;
  }

  request<M extends CoordinatorMethod>(
    method: M,
    params: CoordinatorRequests[M]["params"],
  ): Promise<CoordinatorRequests[M]["result"]> {
    return withDeadline(this.connection.sendRequest(METHOD_PREFIX + method, params), ANSWER_MS, method);
  }

  heard<N extends CoordinatorNotification>(
    name: N,
    holds: (params: CoordinatorNotifications[N]) => boolean = () => true,
  ): Promise<CoordinatorNotifications[N]> {
    return eventually(
      name,
      () =>
        this.told
          .filter((one) => one.name === name)
          .map(({ params }) => params as CoordinatorNotifications[N])
          .find(holds),
      ANSWER_MS,
    );
  }

  open(uri: string, text: string): Promise<void> {
    const textDocument = { uri, languageId: "agent-mesh", version: this.#version++, text };
    return this.connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
  }

  change(uri: string, text: string): Promise<void> {
    const textDocument = { uri, version: this.#version++ };
    return this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument,
      contentChanges: [{ text }],
    });
  }

  close(uri: string): Promise<void> {
    return this.connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } });
  }

  /** The diagnostics of a document as they were told the nth time. */
  async toldOf(uri: string, times: number): Promise<PublishDiagnosticsParams["diagnostics"]> {
    const all = (): PublishDiagnosticsParams[] => this.diagnostics.filter((one) => one.uri === uri);
    const found = await eventually(`diagnostics of ${uri}, ${times}`, () => all()[times - 1]);
    return found.diagnostics;
  }

  shutdown(): Promise<void> {
    return withDeadline(this.connection.sendRequest(ShutdownRequest.type), ANSWER_MS, "shutdown");
  }

  exit(): Promise<void> {
    return this.connection.sendNotification(ExitNotification.type);
  }

  /** As when the editor's extension host dies. */
  hangUp(): void {
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  ended(): Promise<number | null> {
    return withDeadline(this.#end, ANSWER_MS, "the language server ends");
  }

  end(): void {
    this.connection.dispose();
    this.#child.kill("SIGKILL");
  }
}
