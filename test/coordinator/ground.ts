// A folder, a coordinator and what it told, for one test; all that was started ends with it.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE } from "../../.ci/patience.mjs";
import type { CoordinatorNotification, CoordinatorNotifications } from "../../server/contract/coordinator.ts";
import type { SwarmView, TaskInfo } from "../../server/contract/swarm.ts";
import { Coordinator } from "../../server/coordinator/coordinator.ts";
import { identityOf, isRunning, kill, type ProcessIdentity } from "../../server/live/process.ts";

type Told = {
  [N in CoordinatorNotification]: { readonly name: N; readonly params: CoordinatorNotifications[N] };
}[CoordinatorNotification];

export class Ground {
  readonly folder = mkdtempSync(join(tmpdir(), "coordinator-"));
  readonly told: Told[] = [];
  readonly #coordinators: Coordinator[] = [];
  readonly #processes: ProcessIdentity[] = [];

  coordinator(): Coordinator {
    const made = new Coordinator({ notify: (name, params) => void this.told.push({ name, params } as Told) });
    this.#coordinators.push(made);
    return made;
  }

  mesh(text: string, name = "test.mesh.yaml"): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async quick(coordinator: Coordinator, agents: number, operation = "init"): Promise<SwarmView> {
    const quick = { name: "quick", agents, topology: "mesh", consensus: "raft" } as const;
    const swarm = await coordinator.handle("initSwarm", { quick, folder: this.folder, operation });
    this.remember(swarm);
    return swarm;
  }

  async init(coordinator: Coordinator, mesh: string, operation = "init"): Promise<SwarmView> {
    const swarm = await coordinator.handle("initSwarm", { file: this.mesh(mesh), operation });
    this.remember(swarm);
    return swarm;
  }

  /** Its processes end with the test even when the coordinator fails to end them. */
  remember(swarm: SwarmView): void {
    for (const { pid } of swarm.agents) if (pid !== null) this.#processes.push(identityOf(pid));
  }

  rememberProcess(pid: number): ProcessIdentity {
    const identity = identityOf(pid);
    this.#processes.push(identity);
    return identity;
  }

  all<N extends CoordinatorNotification>(name: N): CoordinatorNotifications[N][] {
    return this.told.flatMap((one) => (one.name === name ? [one.params as CoordinatorNotifications[N]] : []));
  }

  /** What is left on disk of swarms. */
  get left(): string[] {
    const home = join(this.folder, ".agent-mesh");
    return existsSync(home) ? readdirSync(home).filter((name) => name !== ".gitignore") : [];
  }

  get runningPids(): number[] {
    return this.#processes.filter(isRunning).map(({ pid }) => pid);
  }

  async end(): Promise<void> {
    try {
      for (const coordinator of this.#coordinators) await coordinator.dispose();
    } finally {
      for (const process of this.#processes) kill(process);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** @param withinMs on a machine with nothing else to do */
export async function until<T>(what: string, look: () => T | Promise<T>, withinMs = 8000): Promise<NonNullable<T>> {
  const patienceMs = withinMs * PATIENCE;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<T>;
    if (performance.now() > deadline) assert.fail(`${what}: not within ${patienceMs} ms`);
    await new Promise((wake) => setTimeout(wake, 15));
  }
}

export async function untilView(
  coordinator: Coordinator,
  swarm: string,
  what: string,
  holds: (view: SwarmView) => boolean,
  withinMs = 8000,
): Promise<SwarmView> {
  let last: SwarmView | undefined;
  const look = async (): Promise<SwarmView | undefined> => {
    last = await coordinator.handle("swarm", { swarm });
    return holds(last) ? last : undefined;
  };
  return until(what, look, withinMs).catch((error: Error) => {
    throw new Error(`${error.message}; it is: ${JSON.stringify(last?.health)}`);
  });
}

export async function untilTask(
  coordinator: Coordinator,
  swarm: string,
  taskId: string,
  holds: (task: TaskInfo) => boolean,
  withinMs = 10_000,
): Promise<TaskInfo> {
  const find = async (): Promise<TaskInfo | undefined> => {
    const tasks = await coordinator.handle("tasks", { swarm });
    return tasks.find((task) => task.id === taskId && holds(task));
  };
  return until(`task ${taskId}`, find, withinMs);
}

/** Whether somebody listens on the port. */
export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(true));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(false)));
  });
}
