import * as vscode from "vscode";
import type { ActiveFault, FaultKind } from "../../server/contract/faults.ts";
import { DisposableList } from "../disposal.ts";
import type { Swarms } from "../swarms.ts";
import { KeyedNodes } from "./keyed-nodes.ts";
import { Refresher } from "./refresher.ts";

export interface FaultNode {
  readonly kind: "fault";
  readonly swarm: string;
  readonly fault: ActiveFault;
}

const ICONS: Readonly<Record<FaultKind, string>> = {
  crash: "close",
  pause: "debug-pause",
  partition: "split-horizontal",
  isolate: "debug-disconnect",
  slow: "watch",
  lossy: "filter",
  link: "plug",
  message: "mail",
  disk: "database",
  clock: "clock",
  cpu: "dashboard",
  byzantine: "eye-closed",
};

/** Every active fault, with a heal button. */
export class FaultsTree implements vscode.TreeDataProvider<FaultNode>, vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #swarms: Swarms;
  readonly #nodes = new KeyedNodes<FaultNode>();
  readonly #changed = this.#disposables.add(new vscode.EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(swarms: Swarms) {
    this.#swarms = swarms;
    const view = this.#disposables.add(vscode.window.createTreeView("agentMesh.faults", { treeDataProvider: this }));
    const refresher = this.#disposables.add(
      new Refresher(() => {
        const swarm = this.#swarms.current;
        const faults = swarm?.faults ?? [];
        const count = faults.length;
        view.badge =
          count === 0 ? undefined : { value: count, tooltip: `${count} active fault${count > 1 ? "s" : ""}` };
        // A fault does not change while it is there.
        const changed = this.#nodes.update(
          faults.map((fault) => ({
            key: `${swarm?.id}/${fault.id}`,
            face: "",
            make: (): FaultNode => ({ kind: "fault", swarm: swarm?.id ?? "", fault }),
          })),
        );
        if (changed === "all") this.#changed.fire(undefined);
      }),
    );
    this.#disposables.add(swarms.onChanged(() => refresher.request()));
  }

  getChildren(node?: FaultNode): FaultNode[] {
    return node ? [] : this.#nodes.nodes;
  }

  getTreeItem({ swarm, fault }: FaultNode): vscode.TreeItem {
    const item = new vscode.TreeItem(fault.title);
    item.id = `${swarm}/${fault.id}`;
    const until = fault.untilMs === null ? "until healed" : `until ${new Date(fault.untilMs).toLocaleTimeString()}`;
    item.description = `${until}${fault.source === "plan" ? ", planned" : ""} · since ${new Date(fault.sinceMs).toLocaleTimeString()}`;
    item.iconPath = new vscode.ThemeIcon(ICONS[fault.spec.kind], new vscode.ThemeColor("charts.red"));
    item.contextValue = "fault";
    item.tooltip = `${fault.title}\n${item.description}\nHits: ${fault.agents.join(", ")}`;
    return item;
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}
