import {
  type CompletionItem,
  CompletionItemKind,
  CompletionRequest,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  HoverRequest,
  InitializeRequest,
  type InitializeResult,
  MarkupKind,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  ResponseError,
  ShutdownRequest,
  TextDocumentSyncKind,
} from "vscode-languageserver/node";
import { CoordinatorError, type CoordinatorMethod, METHOD_PREFIX } from "../../contract/coordinator.ts";
import { Coordinator } from "../../coordinator/coordinator.ts";
import { Refusal } from "../../coordinator/refusal.ts";
import { COORDINATOR_METHODS } from "../../coordinator/requests.ts";
import { MESH_FILE_LIMIT_BYTES } from "../../meshfile/mesh-file.ts";
import { completions, editorDiagnostics, hover } from "./mesh-language.ts";

interface StartOptions {
  readonly folders: readonly string[];
  readonly trusted: boolean;
}

/** Speaks the language server protocol on one side and to the coordinator on the other. */
export class LanguageServer {
  readonly #connection: ProtocolConnection;
  readonly #pathOf: (uri: string) => string | undefined;
  readonly #texts = new Map<string, string>();
  #coordinator: Coordinator | undefined;
  #exit: (code: number) => void = () => undefined;
  #shutdown = false;
  #gone = false;

  constructor(connection: ProtocolConnection, pathOf: (uri: string) => string | undefined) {
    this.#connection = connection;
    this.#pathOf = pathOf;
    this.#documents();
    this.#life();
    for (const method of COORDINATOR_METHODS) {
      connection.onRequest(METHOD_PREFIX + method, (params: unknown) => this.#request(method, params));
    }
  }

  onExit(listener: (code: number) => void): void {
    this.#exit = listener;
  }

  /** Stops what is not detached. */
  async dispose(): Promise<void> {
    await this.#coordinator?.dispose();
  }

  #life(): void {
    const connection = this.#connection;
    connection.onRequest(InitializeRequest.type, async (params): Promise<InitializeResult> => {
      const options = startOptions(params.initializationOptions);
      const coordinator = new Coordinator({
        trusted: options.trusted,
        notify: (name, values) => void this.#tell(METHOD_PREFIX + name, values),
      });
      this.#coordinator = coordinator;
      for (const folder of options.folders) await this.#adopt(coordinator, folder);
      return {
        capabilities: {
          textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Full },
          completionProvider: { triggerCharacters: [" ", ":"] },
          hoverProvider: true,
        },
        serverInfo: { name: "Agent Mesh coordinator" },
      };
    });
    connection.onNotification(`${METHOD_PREFIX}trusted`, () => {
      if (this.#coordinator) this.#coordinator.trusted = true;
    });
    connection.onRequest(ShutdownRequest.type, async () => {
      this.#shutdown = true;
      await this.dispose();
    });
    connection.onClose(() => {
      this.#gone = true;
    });
    connection.onNotification(ExitNotification.type, () => this.#exit(this.#shutdown ? 0 : 1));
  }

  /** A folder that cannot be looked into keeps nobody from the others. */
  async #adopt(coordinator: Coordinator, folder: string): Promise<void> {
    try {
      await coordinator.adopt([folder]);
    } catch (error) {
      const message = `The swarms of ${folder} cannot be looked for: ${error instanceof Error ? error.message : String(error)}.`;
      void this.#tell(`${METHOD_PREFIX}notice`, { level: "error", swarm: "", message });
    }
  }

  #documents(): void {
    const connection = this.#connection;
    connection.onNotification(DidOpenTextDocumentNotification.type, ({ textDocument }) =>
      this.#check(textDocument.uri, textDocument.text),
    );
    connection.onNotification(DidChangeTextDocumentNotification.type, ({ textDocument, contentChanges }) => {
      const last = contentChanges.at(-1);
      if (last) this.#check(textDocument.uri, last.text);
    });
    connection.onNotification(DidCloseTextDocumentNotification.type, ({ textDocument }) => {
      this.#texts.delete(textDocument.uri);
      void this.#tell(PublishDiagnosticsNotification.method, { uri: textDocument.uri, diagnostics: [] });
    });
    connection.onRequest(CompletionRequest.type, ({ textDocument, position }): CompletionItem[] =>
      completions(this.#texts.get(textDocument.uri) ?? "", position).map((offer) => ({
        label: offer.label,
        insertText: offer.insertText,
        documentation: offer.detail,
        kind: offer.insertText.endsWith(": ") ? CompletionItemKind.Property : CompletionItemKind.Value,
      })),
    );
    connection.onRequest(HoverRequest.type, ({ textDocument, position }) => {
      const value = hover(this.#texts.get(textDocument.uri) ?? "", position);
      return value === undefined ? null : { contents: { kind: MarkupKind.Markdown, value } };
    });
  }

  #check(uri: string, text: string): void {
    // Beyond the limit the parser only says so; nothing of it is kept.
    this.#texts.set(uri, text.length > MESH_FILE_LIMIT_BYTES ? "" : text);
    void this.#tell(PublishDiagnosticsNotification.method, {
      uri,
      diagnostics: editorDiagnostics(text, this.#pathOf(uri) ?? uri),
    });
  }

  async #tell(method: string, params: object): Promise<void> {
    if (this.#gone) return;
    try {
      await this.#connection.sendNotification(method, params);
    } catch {
      // The editor has gone, at whatever moment: there is nobody to tell, and stopping the swarms must go on undisturbed.
      this.#gone = true;
    }
  }

  async #request(method: CoordinatorMethod, params: unknown): Promise<unknown> {
    const coordinator = this.#coordinator;
    if (!coordinator) return new ResponseError(CoordinatorError.failed, "The language server is not initialized.");
    try {
      return await coordinator.handleUnchecked(method, params);
    } catch (error) {
      const code = error instanceof Refusal ? error.code : CoordinatorError.failed;
      return new ResponseError(code, error instanceof Error ? error.message : String(error));
    }
  }
}

/** What the editor sent; anything else counts as nothing trusted, no folder. */
function startOptions(given: unknown): StartOptions {
  const options = (typeof given === "object" && given !== null ? given : {}) as {
    folders?: unknown;
    trusted?: unknown;
  };
  const folders = Array.isArray(options.folders)
    ? options.folders.filter((folder): folder is string => typeof folder === "string")
    : [];
  return { folders, trusted: options.trusted === true };
}
