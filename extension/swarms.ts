import * as vscode from "vscode";
import type { SwarmView } from "../server/contract/swarm.ts";
import type { Coordinator } from "./coordinator.ts";
import { DisposableList } from "./disposal.ts";

/** The swarms as last heard of, and the one that views and commands are about. A mirror: the coordinator is the source. */
export class Swarms implements vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #coordinator: Coordinator;
  readonly #views = new Map<string, SwarmView>();
  readonly #changed = this.#disposables.add(new vscode.EventEmitter<SwarmView | undefined>());
  #currentId: string | undefined;

  /** A swarm changed, came, went or became the current one. */
  readonly onChanged = this.#changed.event;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    this.#disposables.add(coordinator.on("swarmChanged", (view) => this.accept(view)));
    this.#disposables.add(
      coordinator.onStateChanged((state) => {
        void vscode.commands.executeCommand("setContext", "agentMesh.coordinatorDown", state === "broken");
        if (state === "running") void this.refresh();
        if (state === "broken") {
          this.#views.clear();
          this.#publish(undefined);
        }
      }),
    );
  }

  get current(): SwarmView | undefined {
    return this.#currentId === undefined ? undefined : this.#views.get(this.#currentId);
  }

  get all(): readonly SwarmView[] {
    return [...this.#views.values()].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
  }

  get(id: string): SwarmView | undefined {
    return this.#views.get(id);
  }

  select(id: string): void {
    if (!this.#views.has(id) || this.#currentId === id) return;
    this.#currentId = id;
    this.#publish(this.current);
  }

  /** Asks for everything: at the start and after the coordinator was started again. */
  async refresh(): Promise<void> {
    await this.#coordinator.request("subscribe", { swarms: true, timeline: false, metrics: false });
    const views = await this.#coordinator.request("swarms", {});
    this.#views.clear();
    for (const view of views) this.#store(view);
    this.#publish(this.current);
  }

  accept(view: SwarmView): void {
    const known = this.#views.get(view.id);
    if (known && known.revision > view.revision) return;
    this.#store(view);
    this.#publish(view);
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #store(view: SwarmView): void {
    if (view.phase === "stopped") this.#views.delete(view.id);
    else this.#views.set(view.id, view);
    if (this.#currentId === undefined || !this.#views.has(this.#currentId)) this.#currentId = this.all[0]?.id;
  }

  #publish(view: SwarmView | undefined): void {
    void vscode.commands.executeCommand("setContext", "agentMesh.running", this.#views.size > 0);
    void vscode.commands.executeCommand("setContext", "agentMesh.hasFaults", isBroken(this.current));
    void vscode.commands.executeCommand("setContext", "agentMesh.consensus", this.current?.consensus ?? "");
    const { simulated } = this.current ?? {};
    const pace = simulated === undefined ? "" : simulated.verdict ? "over" : simulated.paused ? "paused" : "running";
    void vscode.commands.executeCommand("setContext", "agentMesh.simulated", pace);
    this.#changed.fire(view);
  }
}

function isBroken(swarm: SwarmView | undefined): boolean {
  return swarm !== undefined && swarm.faults.length + (swarm.presets?.length ?? 0) > 0;
}
