import * as vscode from "vscode";
import { NOTHING_RAN } from "../server/contract/simulated.ts";
import type { Coordinator } from "./coordinator.ts";
import { DisposableList } from "./disposal.ts";

/** At most this many channels; the oldest is closed for a new one. */
const MAX_CHANNELS = 20;

/** Live output: one channel a task, holding every run of it. */
export class TaskOutput implements vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #channels = new Map<string, { readonly channel: vscode.OutputChannel; token: number; lineOpen: boolean }>();

  constructor(coordinator: Coordinator) {
    this.#disposables.add(
      coordinator.on("taskOutput", ({ swarm, taskId, agent, token, text }) => {
        const entry = this.#entry(swarm, taskId);
        if (entry.token !== token) {
          if (entry.lineOpen) entry.channel.appendLine("");
          entry.channel.appendLine(`--- ${taskId} on ${agent} (lease ${token})`);
          entry.token = token;
        }
        entry.channel.append(text);
        entry.lineOpen = !text.endsWith("\n");
      }),
    );
    this.#disposables.add(
      coordinator.on("taskFinished", ({ swarm, task }) => {
        const entry = this.#entry(swarm, task.id);
        if (entry.lineOpen) entry.channel.appendLine("");
        entry.lineOpen = false;
        if (task.outputTail === NOTHING_RAN) entry.channel.appendLine(NOTHING_RAN);
        const how = task.error || (task.signal ? `signal ${task.signal}` : `exit code ${task.exitCode ?? "unknown"}`);
        entry.channel.appendLine(`--- ${task.id} ${task.state} on ${task.agent || "no agent"}: ${how}`);
      }),
    );
  }

  show(swarm: string, taskId: string): void {
    this.#entry(swarm, taskId).channel.show(true);
  }

  dispose(): void {
    this.#disposables.dispose();
    for (const { channel } of this.#channels.values()) channel.dispose();
    this.#channels.clear();
  }

  #entry(swarm: string, taskId: string): { readonly channel: vscode.OutputChannel; token: number; lineOpen: boolean } {
    const key = `${swarm}/${taskId}`;
    const known = this.#channels.get(key);
    if (known) return known;
    if (this.#channels.size >= MAX_CHANNELS) {
      const [oldest, entry] = [...this.#channels][0] as [string, { channel: vscode.OutputChannel }];
      this.#channels.delete(oldest);
      entry.channel.dispose();
    }
    const made = {
      channel: vscode.window.createOutputChannel(`Agent Mesh Task ${taskId}`),
      token: -1,
      lineOpen: false,
    };
    this.#channels.set(key, made);
    return made;
  }
}
