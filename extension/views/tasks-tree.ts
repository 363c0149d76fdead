import * as vscode from "vscode";
import type { TaskInfo, TaskStateName } from "../../server/contract/swarm.ts";
import { DisposableList } from "../disposal.ts";
import type { Swarms } from "../swarms.ts";
import { KeyedNodes } from "./keyed-nodes.ts";
import { Refresher } from "./refresher.ts";

export interface TaskNode {
  readonly kind: "task";
  readonly swarm: string;
  readonly taskId: string;
}

const ICONS: Readonly<Record<TaskStateName, readonly [string, string?]>> = {
  pending: ["clock"],
  leased: ["sync~spin", "charts.blue"],
  completed: ["pass-filled", "charts.green"],
  failed: ["error", "charts.red"],
  cancelled: ["circle-slash"],
};

/** Tasks, newest first, with the agent, the result and the exit code. */
export class TasksTree implements vscode.TreeDataProvider<TaskNode>, vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #swarms: Swarms;
  readonly #nodes = new KeyedNodes<TaskNode>();
  readonly #changed = this.#disposables.add(new vscode.EventEmitter<TaskNode[] | undefined>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(swarms: Swarms) {
    this.#swarms = swarms;
    const view = this.#disposables.add(vscode.window.createTreeView("agentMesh.tasks", { treeDataProvider: this }));
    const refresher = this.#disposables.add(
      new Refresher(() => {
        const swarm = this.#swarms.current;
        view.description = swarm?.simulated ? "simulated" : "";
        const tasks = [...(swarm?.tasks ?? [])].sort(
          (a, b) => b.submittedAtMs - a.submittedAtMs || b.id.localeCompare(a.id),
        );
        const running = tasks.filter((task) => task.state === "leased").length;
        view.badge = running === 0 ? undefined : { value: running, tooltip: `${running} running` };
        const changed = this.#nodes.update(
          tasks.map((task) => ({
            key: `${swarm?.id}/${task.id}`,
            face: `${task.state} ${describe(task)}`,
            make: (): TaskNode => ({ kind: "task", swarm: swarm?.id ?? "", taskId: task.id }),
          })),
        );
        if (changed === "all") this.#changed.fire(undefined);
        else if (changed.length > 0) this.#changed.fire([...changed]);
      }),
    );
    this.#disposables.add(swarms.onChanged(() => refresher.request()));
  }

  getChildren(node?: TaskNode): TaskNode[] {
    return node ? [] : this.#nodes.nodes;
  }

  getTreeItem(node: TaskNode): vscode.TreeItem {
    const { swarm, taskId } = node;
    const item = new vscode.TreeItem(taskId);
    const task = this.#swarms.get(swarm)?.tasks.find((candidate) => candidate.id === taskId);
    if (!task) return item;
    const [icon, colour] = ICONS[task.state];
    item.id = `${swarm}/${task.id}`;
    item.description = describe(task);
    item.iconPath = new vscode.ThemeIcon(icon, colour === undefined ? undefined : new vscode.ThemeColor(colour));
    item.contextValue = task.state === "pending" || task.state === "leased" ? "task.open" : "task.finished";
    item.command = {
      command: "agentMesh.showTaskOutput",
      title: "Show Output",
      arguments: [node],
    };
    item.tooltip = [
      [task.command, ...task.args].join(" "),
      inWords(task),
      `Leases: ${task.leases}, failed runs: ${task.failures} of ${task.maxAttempts}`,
      ...(task.finishedIndex === null ? [] : [`Recorded once, at log index ${task.finishedIndex}`]),
      ...(task.outputTail === "" ? [] : ["", task.outputTail.slice(-600)]),
    ].join("\n");
    item.accessibilityInformation = { label: `${task.id}, ${inWords(task)}` };
    return item;
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}

/** The outcome first; the icon says whether it is good. */
function describe(task: TaskInfo): string {
  const again = task.leases > 1 ? ` · run ${task.leases}` : "";
  switch (task.state) {
    case "pending":
      return task.leases > 0 ? `waiting again${again}` : "waiting";
    case "leased":
      return `running on ${task.agent}${again}`;
    case "cancelled":
      return "cancelled";
    default:
      return `${outcome(task)} · ${task.agent}${task.durationMs === null ? "" : ` · ${duration(task.durationMs)}`}${again}`;
  }
}

function outcome(task: TaskInfo): string {
  return task.error || (task.signal ? `signal ${task.signal}` : `exit ${task.exitCode ?? "unknown"}`);
}

/** "completed, exit 0, on a1 in 0.5 s, run 2". */
function inWords(task: TaskInfo): string {
  if (task.state !== "completed" && task.state !== "failed") return describe(task).replaceAll(" · ", ", ");
  const time = task.durationMs === null ? "" : ` in ${duration(task.durationMs)}`;
  const again = task.leases > 1 ? `, run ${task.leases}` : "";
  return `${task.state}, ${outcome(task)}, on ${task.agent}${time}${again}`;
}

function duration(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
