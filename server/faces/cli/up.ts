import { resolve } from "node:path";
import type { CoordinatorNotification, CoordinatorNotifications } from "../../contract/coordinator.ts";
import type { SwarmView } from "../../contract/swarm.ts";
import { Coordinator } from "../../coordinator/coordinator.ts";
import { durationFlag, type Flags, UsageError } from "./arguments.ts";
import { diagnosticText, readMeshFile } from "./check.ts";
import type { Output } from "./output.ts";
import { statusText } from "./tables.ts";

/** Brings a swarm up and stays in front of it until the time is over, a signal comes or the swarm ends. @returns the exit code. */
export async function up(file: string, flags: Flags, output: Output): Promise<number> {
  const path = resolve(file);
  const { mesh, diagnostics } = readMeshFile(path);
  for (const found of diagnostics) output.problem(diagnosticText(file, found));
  if (!mesh) return 2;
  const forMs = durationFlag(flags.for, "for");
  if (flags.detached) throw new UsageError("A swarm is detached by its mesh file: write `detached: true` there.");

  const ending = Promise.withResolvers<string>();
  const onSignal = (signal: NodeJS.Signals): void => ending.resolve(signal);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  const narrator = new Narrator(output, ending.resolve);
  const coordinator = new Coordinator({ notify: (name, params) => narrator.hear(name, params) });
  const operation = "up";
  let swarm: SwarmView | undefined;
  try {
    const starting = coordinator.handle("initSwarm", { file: path, operation });
    const first = await Promise.race([starting, ending.promise]);
    if (typeof first === "string") {
      await coordinator.handle("cancel", { operation });
      await starting.catch(() => undefined);
      output.line("cancelled", { reason: first }, "Cancelled; nothing is left.");
      return 130;
    }
    swarm = first;
    output.line("up", { swarm }, `\n${statusText(swarm)}\n`);
    await coordinator.handle("subscribe", { swarms: true, timeline: false, metrics: false });
    const timer = forMs === undefined ? undefined : setTimeout(() => ending.resolve("time is over"), forMs);
    const reason = await ending.promise;
    clearTimeout(timer);
    return await stop(coordinator, swarm, reason, output);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
    await coordinator.dispose();
  }
}

async function stop(coordinator: Coordinator, swarm: SwarmView, reason: string, output: Output): Promise<number> {
  const views = await coordinator.handle("swarms", {});
  if (!views.some((view) => view.id === swarm.id)) {
    output.line("stopped", { reason, ended: [] }, `${swarm.name} has stopped (${reason}).`);
    return 0;
  }
  const { ended } = await coordinator.handle("stopSwarm", { swarm: swarm.id, operation: "stop" });
  output.line(
    "stopped",
    { reason, ended },
    `${swarm.name} has stopped (${reason}): ${ended.length} processes ended, nothing left.`,
  );
  return 0;
}

/** Turns notifications into lines: only what changed. */
class Narrator {
  readonly #output: Output;
  readonly #end: (reason: string) => void;
  #summary = "";
  #stage = "";
  #faults = new Set<string>();

  constructor(output: Output, end: (reason: string) => void) {
    this.#output = output;
    this.#end = end;
  }

  hear<N extends CoordinatorNotification>(name: N, params: CoordinatorNotifications[N]): void {
    const heard = { name, params } as {
      [K in CoordinatorNotification]: { name: K; params: CoordinatorNotifications[K] };
    }[CoordinatorNotification];
    switch (heard.name) {
      case "progress": {
        const stage = `${heard.params.stage} (${heard.params.done}/${heard.params.total})`;
        if (heard.params.operation !== "up" || stage === this.#stage) return;
        this.#stage = stage;
        this.#output.line("progress", heard.params, stage);
        return;
      }
      case "swarmChanged":
        this.#changed(heard.params);
        return;
      case "taskOutput":
        this.#output.line(
          "taskOutput",
          heard.params,
          heard.params.text.trimEnd().replace(/^/gm, `${heard.params.taskId}@${heard.params.agent} | `),
        );
        return;
      case "taskFinished": {
        const { task } = heard.params;
        this.#output.line(
          "taskFinished",
          heard.params,
          `task ${task.id} ${task.state} on ${task.agent || "no agent"}, exit ${task.exitCode ?? (task.signal || task.error)}`,
        );
        return;
      }
      case "notice":
        this.#output.line("notice", heard.params, heard.params.message);
        return;
      default:
        return;
    }
  }

  #changed(swarm: SwarmView): void {
    if (swarm.phase === "stopped" || swarm.phase === "failed") this.#end(swarm.problem || swarm.phase);
    if (swarm.phase !== "running") return;
    if (swarm.health.summary !== this.#summary) {
      this.#summary = swarm.health.summary;
      this.#output.line("health", { swarm: swarm.id, health: swarm.health }, swarm.health.summary);
    }
    const now = new Set(swarm.faults.map((fault) => fault.id));
    for (const fault of swarm.faults)
      if (!this.#faults.has(fault.id))
        this.#output.line("fault", { swarm: swarm.id, fault }, `fault ${fault.id}: ${fault.title}`);
    for (const id of this.#faults)
      if (!now.has(id)) this.#output.line("healed", { swarm: swarm.id, fault: id }, `healed ${id}`);
    this.#faults = now;
  }
}
