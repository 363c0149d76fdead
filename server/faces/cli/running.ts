import type { MemoryRequest } from "../../contract/coordinator.ts";
import type { SwarmView, TaskInfo } from "../../contract/swarm.ts";
import { connectCoordinator, type ReachedCoordinator } from "../../coordinator/control-client.ts";
import { type Arguments, durationFlag, type Flags, faultArguments, integerFlag, UsageError } from "./arguments.ts";
import { findSwarmFolder } from "./find-folder.ts";
import type { Output } from "./output.ts";
import { faultsText, metricsText, statusText, table, tasksText } from "./tables.ts";

type Command = (coordinator: ReachedCoordinator, swarm: SwarmView, given: Arguments, output: Output) => Promise<number>;

/** Commands against a running swarm, by name. */
const COMMANDS: Readonly<Record<string, Command>> = { status, submit, tasks, fault, heal, metrics, memory, stop };

export function isRunningCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name);
}

/** Reaches the swarm's coordinator, or stands in for one that is gone, and runs the command. @returns the exit code. */
export async function runCommand(given: Arguments, output: Output): Promise<number> {
  const folder = findSwarmFolder(given.flags.dir, process.cwd());
  const coordinator = await connectCoordinator(folder, () => undefined);
  try {
    const swarm = chooseSwarm(await coordinator.handle("swarms", {}), given.flags, folder);
    return await (COMMANDS[given.command] as Command)(coordinator, swarm, given, output);
  } finally {
    await coordinator.close();
  }
}

function chooseSwarm(swarms: readonly SwarmView[], flags: Flags, folder: string): SwarmView {
  if (flags.swarm !== undefined) {
    const found = swarms.find((swarm) => swarm.id === flags.swarm || swarm.name === flags.swarm);
    if (found) return found;
    throw new UsageError(
      `No swarm "${flags.swarm}" is running in ${folder}${swarms.length > 0 ? `; there is ${swarms.map((s) => s.id).join(", ")}` : ""}.`,
    );
  }
  const [only] = swarms;
  if (only === undefined) throw new UsageError(`No swarm is running in ${folder}.`);
  if (swarms.length > 1)
    throw new UsageError(
      `Several swarms are running in ${folder}: choose with --swarm ${swarms.map((swarm) => swarm.id).join(" or ")}.`,
    );
  return only;
}

async function status(_: ReachedCoordinator, swarm: SwarmView, __: Arguments, output: Output): Promise<number> {
  output.answer(swarm, () => statusText(swarm));
  return 0;
}

async function submit(
  coordinator: ReachedCoordinator,
  swarm: SwarmView,
  { rest, flags }: Arguments,
  output: Output,
): Promise<number> {
  const [command, ...args] = rest;
  if (command === undefined)
    throw new UsageError("submit takes the program behind --: agent-mesh submit -- node --version");
  const timeoutMs = durationFlag(flags.timeout, "timeout");
  const maxAttempts = integerFlag(flags.attempts, "attempts", 1, 100);
  const { taskId } = await coordinator.handle("submitTask", {
    swarm: swarm.id,
    task: {
      command,
      args,
      ...(flags.id === undefined ? {} : { id: flags.id }),
      ...(flags.cwd === undefined ? {} : { cwd: flags.cwd }),
      ...(flags.agent === undefined ? {} : { agent: flags.agent }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
    },
  });
  if (!flags.wait) {
    output.answer({ taskId }, () => `task ${taskId} submitted`);
    return 0;
  }
  const task = await finished(coordinator, swarm.id, taskId);
  output.answer({ taskId, task }, () => `${task.outputTail}${tasksText([task])}`);
  return task.state === "completed" ? 0 : 1;
}

async function finished(coordinator: ReachedCoordinator, swarm: string, taskId: string): Promise<TaskInfo> {
  for (;;) {
    const task = (await coordinator.handle("tasks", { swarm })).find((candidate) => candidate.id === taskId);
    if (task && task.finishedAtMs !== null) return task;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function tasks(coordinator: ReachedCoordinator, swarm: SwarmView, _: Arguments, output: Output): Promise<number> {
  const list = await coordinator.handle("tasks", { swarm: swarm.id });
  output.answer(list, () => tasksText(list));
  return 0;
}

async function fault(
  coordinator: ReachedCoordinator,
  swarm: SwarmView,
  { words, flags }: Arguments,
  output: Output,
): Promise<number> {
  if (words.length === 0) {
    output.answer(swarm.faults, () => (swarm.faults.length === 0 ? "No active fault." : faultsText(swarm.faults)));
    return 0;
  }
  const active = await coordinator.handle("injectFault", { swarm: swarm.id, fault: faultArguments(words, flags) });
  output.answer(active, () => `${active.title} (${active.id}); heal with: agent-mesh heal ${active.id}`);
  return 0;
}

async function heal(
  coordinator: ReachedCoordinator,
  swarm: SwarmView,
  { words }: Arguments,
  output: Output,
): Promise<number> {
  const [which] = words;
  if (which === undefined || words.length > 1) throw new UsageError("heal takes a fault's id, or `all`.");
  const answer =
    which === "all"
      ? await coordinator.handle("healAll", { swarm: swarm.id })
      : await coordinator.handle("healFault", { swarm: swarm.id, fault: which });
  output.answer(answer, () => (answer.healed.length === 0 ? "No active fault." : `healed ${answer.healed.join(", ")}`));
  return 0;
}

async function metrics(
  coordinator: ReachedCoordinator,
  swarm: SwarmView,
  { flags }: Arguments,
  output: Output,
): Promise<number> {
  const view = await coordinator.handle("metrics", {
    swarm: swarm.id,
    lastMs: durationFlag(flags.last, "last") ?? 300_000,
  });
  output.answer(view, () => metricsText(view));
  return 0;
}

async function memory(
  coordinator: ReachedCoordinator,
  swarm: SwarmView,
  given: Arguments,
  output: Output,
): Promise<number> {
  const answer = await coordinator.handle("memory", memoryRequest(swarm.id, given));
  output.answer(answer, () => {
    switch (answer.type) {
      case "item":
        return answer.item === null ? "(no such key)" : answer.item.text;
      case "items":
        return (
          table(
            ["key", "version", "value"],
            answer.items.map((item) => [
              item.key,
              item.version,
              item.text.length > 80 ? `${item.text.slice(0, 79)}…` : item.text,
            ]),
          ) + (answer.more ? "\n(more; raise --limit)" : "")
        );
      case "written":
        return `version ${answer.version}`;
      case "conflict":
        return `conflict: the present version is ${answer.version}`;
      case "deleted":
        return answer.existed ? "deleted" : "(no such key)";
    }
  });
  const missing = answer.type === "conflict" || (answer.type === "item" && answer.item === null);
  return missing ? 1 : 0;
}

function memoryRequest(swarm: string, { words, flags }: Arguments): MemoryRequest {
  const [op, namespace, key, text, ...more] = words;
  const ttlMs = durationFlag(flags.ttl, "ttl");
  const ttl = ttlMs === undefined ? {} : { ttlMs };
  const usage = new UsageError("memory takes get|put|cas|delete NAMESPACE KEY [TEXT], or list NAMESPACE [PREFIX].");
  if (namespace === undefined || more.length > 0) throw usage;
  if (op === "list") {
    if (text !== undefined) throw usage;
    return {
      swarm,
      op,
      namespace,
      ...(key === undefined ? {} : { prefix: key }),
      limit: integerFlag(flags.limit, "limit", 1, 10_000) ?? 100,
    };
  }
  if (key === undefined) throw usage;
  if (op === "get" || op === "delete") {
    if (text !== undefined) throw usage;
    return { swarm, op, namespace, key };
  }
  if (text === undefined) throw usage;
  if (op === "put") return { swarm, op, namespace, key, text, ...ttl };
  const expectedVersion = integerFlag(flags.expect, "expect", 0, Number.MAX_SAFE_INTEGER);
  if (op !== "cas" || expectedVersion === undefined)
    throw op === "cas" ? new UsageError("memory cas takes --expect VERSION (0: the key must be absent).") : usage;
  return { swarm, op: "compareAndSet", namespace, key, text, expectedVersion, ...ttl };
}

async function stop(coordinator: ReachedCoordinator, swarm: SwarmView, _: Arguments, output: Output): Promise<number> {
  const answer = await coordinator.handle("stopSwarm", { swarm: swarm.id, operation: "stop" });
  output.answer(answer, () => `${swarm.name} has stopped: ${answer.ended.length} processes ended, nothing left.`);
  return 0;
}
