import * as vscode from "vscode";
import type { SwarmView } from "../../server/contract/swarm.ts";
import {
  type ToExtension,
  type ToWebview,
  WEBVIEW_COMMANDS,
  WEBVIEW_METHODS,
  type WebviewKind,
} from "../../server/contract/webview.ts";
import type { Coordinator } from "../coordinator.ts";
import { DisposableList } from "../disposal.ts";
import type { Swarms } from "../swarms.ts";
import { pageHtml, pageRoot, pageTitle } from "./page.ts";

const DEFAULT_METRICS_MS = 5 * 60_000;

/** All webviews: the topology in the sidebar, and topology, rounds and metrics in editor tabs. */
export class Webviews implements vscode.Disposable, vscode.WebviewViewProvider {
  readonly #disposables = new DisposableList();
  readonly #context: vscode.ExtensionContext;
  readonly #coordinator: Coordinator;
  readonly #swarms: Swarms;
  readonly #hosts = new Set<Host>();
  readonly #panels = new Map<WebviewKind, vscode.WebviewPanel>();
  #subscribed = "";

  constructor(context: vscode.ExtensionContext, coordinator: Coordinator, swarms: Swarms) {
    this.#context = context;
    this.#coordinator = coordinator;
    this.#swarms = swarms;
    this.#disposables.add(vscode.window.registerWebviewViewProvider("agentMesh.topology", this));
    this.#disposables.add(
      swarms.onChanged((view) => {
        if (!view || view.id !== swarms.current?.id || view.phase === "stopped") this.#each((host) => host.snapshot());
        else this.#each((host) => host.changed(view));
        this.#subscribe();
      }),
    );
    this.#disposables.add(
      coordinator.on("timelineGrew", (params) => {
        if (params.swarm !== swarms.current?.id) return;
        this.#each((host) => host.post({ type: "timelineGrew", ...params }), "rounds");
        if (this.#showsSpread()) this.#each((host) => host.post({ type: "timelineGrew", ...params }), "topology");
      }),
    );
    this.#disposables.add(
      coordinator.on("metricsSampled", ({ swarm }) => {
        if (swarm === swarms.current?.id) this.#each((host) => void host.metrics(), "metrics");
      }),
    );
    this.#disposables.add(
      coordinator.onStateChanged((state) => {
        if (state !== "running") return;
        this.#subscribed = "";
        this.#subscribe();
      }),
    );
    this.#disposables.add(vscode.workspace.onDidGrantWorkspaceTrust(() => this.#each((host) => host.snapshot())));
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const host = this.#host("topology", "sidebar", view.webview, () => view.visible);
    host.own(view.onDidChangeVisibility(() => this.#visibilityChanged(host)));
    view.onDidDispose(() => this.#forget(host));
    this.#coordinator.start().catch(() => undefined);
  }

  /** Opens the view in an editor tab, or brings it forward. */
  open(kind: WebviewKind): void {
    const known = this.#panels.get(kind);
    if (known) {
      known.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      `agentMesh.${kind}Panel`,
      pageTitle(kind),
      { viewColumn: vscode.ViewColumn.Active },
      this.#options(),
    );
    panel.iconPath = vscode.Uri.joinPath(this.#context.extensionUri, "media", "tab.svg");
    this.#panels.set(kind, panel);
    const host = this.#host(kind, "editor", panel.webview, () => panel.visible);
    host.own(panel.onDidChangeViewState(() => this.#visibilityChanged(host)));
    panel.onDidDispose(() => {
      this.#panels.delete(kind);
      this.#forget(host);
    });
    this.#coordinator.start().catch(() => undefined);
  }

  reveal(kind: WebviewKind, what: { readonly event?: string; readonly agent?: string }): void {
    this.#each((host) => host.post({ type: "reveal", ...what }), kind);
  }

  dispose(): void {
    this.#disposables.dispose();
    for (const panel of this.#panels.values()) panel.dispose();
    for (const host of this.#hosts) host.dispose();
  }

  #options(): vscode.WebviewOptions & vscode.WebviewPanelOptions {
    return { enableScripts: true, localResourceRoots: [pageRoot(this.#context)], enableFindWidget: false };
  }

  #host(kind: WebviewKind, place: "sidebar" | "editor", webview: vscode.Webview, visible: () => boolean): Host {
    const host = new Host(kind, webview, visible, this.#coordinator, this.#swarms, () => this.#subscribe());
    this.#hosts.add(host);
    webview.options = this.#options();
    webview.html = pageHtml(this.#context, webview, kind, place);
    return host;
  }

  #forget(host: Host): void {
    this.#hosts.delete(host);
    host.dispose();
    this.#subscribe();
  }

  #visibilityChanged(host: Host): void {
    this.#subscribe();
    host.visibilityChanged();
  }

  #each(action: (host: Host) => void, kind?: WebviewKind): void {
    for (const host of this.#hosts) if (kind === undefined || host.kind === kind) action(host);
  }

  /** The topology tells of what spreads by gossip; of other swarms it needs no timeline. */
  #showsSpread(): boolean {
    return this.#swarms.current?.consensus === "gossip";
  }

  /** Only what is looked at is sent: nothing else leaves the coordinator. */
  #subscribe(): void {
    if (this.#coordinator.state !== "running") return;
    const visible = (kind: WebviewKind): boolean => [...this.#hosts].some((host) => host.kind === kind && host.visible);
    const timeline = visible("rounds") || (this.#showsSpread() && visible("topology"));
    const wanted = { swarms: true, timeline, metrics: visible("metrics") };
    const key = JSON.stringify(wanted);
    if (key === this.#subscribed) return;
    this.#subscribed = key;
    this.#coordinator.request("subscribe", wanted).catch(() => {
      this.#subscribed = "";
    });
  }
}

/** One page: holds everything back until it says `ready`, sends nothing while it is hidden, and a whole snapshot when it is seen again. */
class Host implements vscode.Disposable {
  readonly kind: WebviewKind;
  readonly #webview: vscode.Webview;
  readonly #isVisible: () => boolean;
  readonly #coordinator: Coordinator;
  readonly #swarms: Swarms;
  readonly #readied: () => void;
  readonly #disposables = new DisposableList();
  #ready = false;
  #stale = false;
  /** The swarm of the last snapshot. */
  #shown: string | undefined;
  #metricsMs = DEFAULT_METRICS_MS;

  constructor(
    kind: WebviewKind,
    webview: vscode.Webview,
    isVisible: () => boolean,
    coordinator: Coordinator,
    swarms: Swarms,
    readied: () => void,
  ) {
    this.kind = kind;
    this.#webview = webview;
    this.#isVisible = isVisible;
    this.#coordinator = coordinator;
    this.#swarms = swarms;
    this.#readied = readied;
    this.#disposables.add(webview.onDidReceiveMessage((message: ToExtension) => void this.#receive(message)));
  }

  get visible(): boolean {
    return this.#ready && this.#isVisible();
  }

  own(disposable: vscode.Disposable): void {
    this.#disposables.add(disposable);
  }

  post(message: ToWebview): void {
    if (this.visible) void this.#webview.postMessage(message);
    else this.#stale = true;
  }

  /** The swarm that views are about has changed, or is another one than the page shows. */
  changed(swarm: SwarmView): void {
    if (swarm.id === this.#shown) this.post({ type: "swarmChanged", swarm });
    else this.snapshot();
  }

  snapshot(): void {
    this.#stale = false;
    this.#shown = this.#swarms.current?.id;
    this.post({
      type: "snapshot",
      view: this.kind,
      swarm: this.#swarms.current ?? null,
      swarms: this.#swarms.all.map(({ id, name }) => ({ id, name })),
      trusted: vscode.workspace.isTrusted,
    });
    if (this.kind === "metrics") void this.metrics();
  }

  async metrics(): Promise<void> {
    const swarm = this.#swarms.current;
    if (!swarm || !this.visible) return;
    try {
      this.post({
        type: "metrics",
        metrics: await this.#coordinator.request("metrics", { swarm: swarm.id, lastMs: this.#metricsMs }),
      });
    } catch {
      // The swarm ended between the sample and the question: the next snapshot says so.
      this.#stale = true;
    }
  }

  visibilityChanged(): void {
    if (!this.#isVisible()) this.#stale = true;
    else if (this.#ready && this.#stale) this.snapshot();
  }

  dispose(): void {
    this.#ready = false;
    this.#disposables.dispose();
  }

  async #receive(message: ToExtension): Promise<void> {
    switch (message.type) {
      case "ready":
        this.#ready = true;
        this.#readied();
        this.snapshot();
        return;
      case "command":
        if (message.command === "agentMesh.selectSwarm" && typeof message.argument === "string")
          this.#swarms.select(message.argument);
        else if (WEBVIEW_COMMANDS.includes(message.command))
          await vscode.commands.executeCommand(message.command, message.argument);
        return;
      case "request": {
        const { id, method, params } = message;
        if (!WEBVIEW_METHODS.includes(method)) return;
        if (method === "metrics") this.#metricsMs = params.lastMs;
        try {
          this.post({ type: "reply", id, result: await this.#coordinator.request(method, params) });
        } catch (error) {
          this.post({ type: "failure", id, message: error instanceof Error ? error.message : String(error) });
        }
      }
    }
  }
}
