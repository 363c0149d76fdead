import * as vscode from "vscode";
import type { ActiveFault, ActivePreset, FaultKind } from "../../server/contract/faults.ts";
import { virtualText } from "../../server/contract/simulated.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { DisposableList } from "../disposal.ts";
import type { Swarms } from "../swarms.ts";
import { KeyedNodes } from "./keyed-nodes.ts";
import { Refresher } from "./refresher.ts";

export interface FaultNode {
  readonly kind: "fault";
  readonly swarm: string;
  readonly fault: ActiveFault | ActivePreset;
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

/** Every preset that runs and every active fault, with a heal button. */
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
        view.description = swarm?.simulated ? "simulated" : "";
        const faults = [...(swarm?.presets ?? []), ...(swarm?.faults ?? [])];
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
    const icon = "preset" in fault.spec ? "sync" : ICONS[fault.spec.kind];
    item.id = `${swarm}/${fault.id}`;
    const timeOf = clockOf(this.#swarms.get(swarm));
    item.description = `${"untilMs" in fault ? endOf(fault, timeOf) : "until it ends or is healed"} · since ${timeOf(fault.sinceMs)}`;
    item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor("charts.red"));
    item.contextValue = "fault";
    const hits = "agents" in fault ? `Hits: ${fault.agents.join(", ")}` : "Its steps are listed while they are active.";
    item.tooltip = `${fault.title}\n${item.description}\n${hits}`;
    return item;
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}

/** The time of day; in a simulation the virtual time since its start. */
function clockOf(swarm: SwarmView | undefined): (ms: number) => string {
  if (swarm?.simulated) return (ms) => virtualText(ms - swarm.startedAtMs);
  return (ms) => new Date(ms).toLocaleTimeString();
}

function endOf({ untilMs, source, preset }: ActiveFault, timeOf: (ms: number) => string): string {
  const until = untilMs === null ? "until healed" : `until ${timeOf(untilMs)}`;
  return `${until}${source === "plan" ? ", planned" : ""}${preset === undefined ? "" : `, of ${preset}`}`;
}
