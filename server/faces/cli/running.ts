import { CONSENSUS } from "../../contract/consensus.ts";
import type { ActiveFault, ActivePreset, FaultSpec } from "../../contract/faults.ts";
import { simulatedText } from "../../contract/simulated.ts";
import type { TaskRequest } from "../../contract/swarm.ts";
import { liarsSurvivedBy } from "../../meshfile/consensus-section.ts";
import { aggregate, aggregateMetric } from "./aggregate.ts";
import { type Arguments, durationFlag, integerFlag, UsageError } from "./arguments.ts";
import { faultWish } from "./fault-arguments.ts";
import { members, membersWish } from "./members.ts";
import { memory, memoryRequest } from "./memory.ts";
import { linksWish, optimise } from "./optimise.ts";
import type { Output } from "./output.ts";
import { pace, paceWish } from "./pace.ts";
import { certificate, certificateWish, proposals, proposalsWish, proposalWish, propose } from "./proposals.ts";
import { type Heard, type Reached, reachSwarm } from "./reach.ts";
import { evidenceText, faultsText, metricsText, statusText, stoppedText, taskEndText, tasksText } from "./tables.ts";
import { finishedTask } from "./task-wait.ts";

/** Metrics are rates: a stand-in has measured some after so many samples, one a second. */
const STAND_IN_SAMPLES = 2;
const STAND_IN_SAMPLES_MS = 4000;
/** Besides when something is told. */
const LOOK_EVERY_MS = 1000;
const NOTICES_MS = 500;

/** Commands whose answer says by itself that a swarm is simulated. */
const TELL_IT = ["status", "pace", "stop"];

type Command = (reached: Reached, given: Arguments, output: Output) => Promise<number>;

/** Commands against a running swarm, by name. */
const COMMANDS: Readonly<Record<string, Command>> = {
  status,
  submit,
  tasks,
  propose,
  proposals,
  certificate,
  fault,
  heal,
  members,
  optimise,
  metrics,
  aggregate,
  memory,
  evidence,
  pace,
  stop,
};

export function isRunningCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name);
}

/** Reaches the swarm's coordinator, or stands in for one that is gone, and runs the command. @returns the exit code. */
export async function runCommand(given: Arguments, output: Output): Promise<number> {
  checkWords(given);
  const reached = await reachSwarm(given.flags, output);
  const { simulated, name } = reached.swarm;
  if (simulated && !TELL_IT.includes(given.command)) output.note(`${name}: ${simulatedText(simulated)}.`);
  try {
    return await (COMMANDS[given.command] as Command)(reached, given, output);
  } finally {
    await reached.coordinator.close();
  }
}

/** What makes no sense is said before any swarm is reached. @throws UsageError */
function checkWords(given: Arguments): void {
  if (given.command === "fault" && given.words.length > 0) faultWish(given.words, given.flags);
  if (given.command === "heal") healArgument(given);
  if (given.command === "memory") memoryRequest("", given);
  if (given.command === "members") membersWish(given);
  if (given.command === "aggregate") aggregateMetric(given);
  if (given.command === "optimise") linksWish(given.flags.links);
  if (given.command === "metrics") durationFlag(given.flags.last, "last");
  if (given.command === "pace") paceWish(given);
  if (given.command === "submit") taskArguments(given);
  if (given.command === "propose") proposalWish(given);
  if (given.command === "proposals") proposalsWish(given);
  if (given.command === "certificate") certificateWish(given);
}

async function status({ swarm }: Reached, _: Arguments, output: Output): Promise<number> {
  output.answer(swarm, () => statusText(swarm));
  return 0;
}

async function submit(reached: Reached, given: Arguments, output: Output): Promise<number> {
  const { coordinator, swarm } = reached;
  const { taskId } = await coordinator.handle("submitTask", { swarm: swarm.id, task: taskArguments(given) });
  if (!given.flags.wait) {
    output.answer({ taskId }, () => `task ${taskId} submitted`);
    return 0;
  }
  const again = (): Promise<Reached> => reachSwarm({ ...given.flags, swarm: swarm.id }, output);
  const task = await finishedTask(reached, taskId, output, again);
  // For people its output has been shown already, and is all there is on stdout.
  if (output.json) output.answer({ taskId, task }, () => "");
  else output.note(taskEndText(task));
  return task.state === "completed" ? 0 : 1;
}

/** @throws UsageError */
function taskArguments({ rest, flags }: Arguments): TaskRequest {
  const [command, ...args] = rest;
  if (command === undefined)
    throw new UsageError("submit takes the program behind --: agent-mesh submit -- node --version");
  const timeoutMs = durationFlag(flags.timeout, "timeout");
  const maxAttempts = integerFlag(flags.attempts, "attempts", 1, 100);
  return {
    command,
    args,
    ...(flags.id === undefined ? {} : { id: flags.id }),
    ...(flags.cwd === undefined ? {} : { cwd: flags.cwd }),
    ...(flags.agent === undefined ? {} : { agent: flags.agent }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
}

async function tasks({ coordinator, swarm }: Reached, _: Arguments, output: Output): Promise<number> {
  const list = await coordinator.handle("tasks", { swarm: swarm.id });
  output.answer(list, () => tasksText(list));
  return 0;
}

async function fault(reached: Reached, { words, flags }: Arguments, output: Output): Promise<number> {
  const { coordinator, swarm } = reached;
  if (words.length === 0) {
    const { faults, presets = [] } = swarm;
    const all: readonly (ActiveFault | ActivePreset)[] = [...faults, ...presets];
    output.answer(all, () => (all.length === 0 ? "No active fault." : faultsText(faults, presets)));
    return 0;
  }
  const mesh = {
    agents: swarm.agents.map(({ id }) => id),
    links: swarm.links,
    zones: new Map(swarm.agents.flatMap(({ id, zone }) => (zone === undefined ? [] : [[id, zone] as const]))),
    consensus: swarm.consensus,
    ...(swarm.memory && { memory: swarm.memory }),
  };
  const { fault, preset } = faultWish(words, flags, mesh);
  if (preset !== undefined) {
    const running = await coordinator.handle("injectPreset", { swarm: swarm.id, preset });
    output.answer(running, () => `${running.title} (${running.id}); stop with: agent-mesh heal ${running.id}`);
    if (!coordinator.remote)
      await untilOver(reached, running.id, "to carry it on: this command stays until it is over.", output);
    return 0;
  }
  const active = await coordinator.handle("injectFault", { swarm: swarm.id, fault });
  output.answer(active, () => `${active.title} (${active.id}); heal with: agent-mesh heal ${active.id}`);
  if (fault.kind === "byzantine")
    output.note(
      swarm.consensus === "pbft"
        ? `PBFT survives ${liarsSurvivedBy(swarm.agents.length)} among ${swarm.agents.length} agents, and promises nothing where there are more.`
        : `${CONSENSUS[swarm.consensus].title} does not promise to survive an agent that lies.`,
    );
  if (!coordinator.remote && needsHealer(fault))
    await untilOver(reached, active.id, "to heal it in time: this command stays until it has.", output);
  return 0;
}

/** Cut and slow links end in the agents by themselves; a process needs somebody to start it, or to let it go on. */
function needsHealer({ kind, forMs }: FaultSpec): boolean {
  return forMs !== undefined && (kind === "crash" || kind === "pause");
}

/** A stand-in that promised something stays until it is done. */
async function untilOver(
  { coordinator, ears, swarm }: Reached,
  id: string,
  why: string,
  output: Output,
): Promise<void> {
  output.note(`No coordinator is there ${why}`);
  const done = new AbortController();
  for (;;) {
    const heals = ({ name, params }: Heard): boolean => name === "swarmChanged" && params.id === swarm.id;
    const changed = ears.until(heals, LOOK_EVERY_MS, done.signal);
    const { faults, presets = [] } = await coordinator.handle("swarm", { swarm: swarm.id });
    if (![...faults, ...presets].some((one) => one.id === id)) break;
    await changed;
  }
  done.abort();
}

async function heal({ coordinator, ears, swarm }: Reached, given: Arguments, output: Output): Promise<number> {
  const which = healArgument(given);
  const reasons: string[] = [];
  ears.listen(({ name, params }) => {
    if (name === "notice" && params.level === "error" && params.swarm === swarm.id) reasons.push(params.message);
  });
  const answer =
    which === "all"
      ? await coordinator.handle("healAll", { swarm: swarm.id })
      : await coordinator.handle("healFault", { swarm: swarm.id, fault: which });
  output.answer(answer, () => (answer.healed.length === 0 ? "No active fault." : `healed ${answer.healed.join(", ")}`));
  if (which !== "all") return 0;
  const { faults } = await coordinator.handle("swarm", { swarm: swarm.id });
  const left = swarm.faults.filter(({ id }) => faults.some((one) => one.id === id));
  // Why is told in notices, which come a moment later.
  if (reasons.length < left.length) await ears.until(() => reasons.length >= left.length, NOTICES_MS);
  for (const reason of reasons) output.problem(reason);
  if (left.length > 0) output.problem(`Still active: ${left.map(({ id, title }) => `${id} (${title})`).join(", ")}.`);
  return left.length === 0 ? 0 : 1;
}

/** @throws UsageError */
function healArgument({ words }: Arguments): string {
  const [which] = words;
  if (which === undefined || words.length > 1) throw new UsageError("heal takes a fault's id, or `all`.");
  return which;
}

async function metrics({ coordinator, ears, swarm }: Reached, { flags }: Arguments, output: Output): Promise<number> {
  if (!coordinator.remote) {
    let samples = 0;
    await coordinator.handle("subscribe", { swarms: true, timeline: false, metrics: true });
    await ears.until(
      ({ name, params }) => name === "metricsSampled" && params.swarm === swarm.id && ++samples >= STAND_IN_SAMPLES,
      STAND_IN_SAMPLES_MS,
    );
  }
  const view = await coordinator.handle("metrics", {
    swarm: swarm.id,
    lastMs: durationFlag(flags.last, "last") ?? 300_000,
  });
  output.answer(view, () => metricsText(view));
  return 0;
}

async function evidence({ coordinator, swarm }: Reached, _: Arguments, output: Output): Promise<number> {
  const held = await coordinator.handle("evidence", { swarm: swarm.id });
  output.answer(held, () => evidenceText(held));
  return 0;
}

async function stop({ coordinator, swarm }: Reached, _: Arguments, output: Output): Promise<number> {
  const answer = await coordinator.handle("stopSwarm", { swarm: swarm.id, operation: "stop" });
  output.answer(answer, () => stoppedText(swarm, "", answer.ended));
  return 0;
}
