import { addressText } from "../../contract/address.ts";
import { CONSENSUS, roleTitle } from "../../contract/consensus.ts";
import type { MemoryAnswer, Vouched } from "../../contract/coordinator.ts";
import type { HeldEvidence } from "../../contract/evidence.ts";
import type { ActiveFault, ActivePreset } from "../../contract/faults.ts";
import { agreementText } from "../../contract/gossip.ts";
import type { MetricsView } from "../../contract/metrics.ts";
import { noteText, sideText, sideWord } from "../../contract/partition.ts";
import { reputationText, scoreText } from "../../contract/reputation.ts";
import { simulatedText } from "../../contract/simulated.ts";
import type { AgentView, SwarmView, TaskInfo } from "../../contract/swarm.ts";

/** A plain text table: columns as wide as their widest cell, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? "-" : String(cell))));
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => (row[column] ?? "").length)));
  const right = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number" || row[column] === null),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        right[column] ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
      )
      .join("  ")
      .trimEnd();
  return [line(head), ...cells.map(line)].join("\n");
}

/** Which swarm, and how it is: without a line for each agent. */
export function headText({ name, id, phase, health, simulated }: SwarmView): string {
  const virtual = simulated === undefined ? "" : `\n${simulatedText(simulated)}`;
  return `${name} (${id}): ${phase}, ${health.summary}${virtual}`;
}

export function statusText(swarm: SwarmView): string {
  const agents = CONSENSUS[swarm.consensus].leader === "" ? peersTable(swarm) : agentsTable(swarm);
  const { presets = [] } = swarm;
  const faults = swarm.faults.length + presets.length === 0 ? "" : `\n\n${faultsText(swarm.faults, presets)}`;
  return `${headText(swarm)}\n\n${agents}${sidesText(swarm.agents)}${liesText(swarm.agents)}${faults}`;
}

/** Where nobody leads: how far what each has has spread, instead of roles, terms and tasks. */
/** Of swarms in which agents of other hosts may take part, where each is. */
function addressHead({ agents }: SwarmView): string {
  return agents.some(({ host }) => host !== undefined) ? "address" : "port";
}

function addressCell(agent: AgentView): string | number {
  return agent.host === undefined ? agent.port : addressText(agent);
}

function peersTable(swarm: SwarmView): string {
  return table(
    [
      "agent",
      ...zoneHead(swarm),
      "state",
      ...ofProcesses(swarm, "pid", addressHead(swarm)),
      "entries",
      "agreement",
      "known by",
      "behind",
      ...ofProcesses(swarm, "cpu %", "MB"),
      "links",
      "reputation",
    ],
    swarm.agents.map((agent) => {
      const { gossip } = agent;
      return [
        agent.id,
        ...zoneCell(agent),
        stateText(agent) + movesText(agent),
        ...ofProcesses(swarm, agent.pid, addressCell(agent)),
        agent.commit,
        gossip === undefined ? null : agreementText(gossip.agreement),
        gossip === undefined ? null : `${gossip.sameVector}/${gossip.members}`,
        gossip === undefined ? null : gossip.behind,
        ...ofProcesses(swarm, ...usage(agent)),
        `${agent.linksUp}/${agent.linksTotal}`,
        reputationCell(agent),
      ];
    }),
  );
}

/** Columns that simulated agents have not. */
function ofProcesses<T>({ simulated }: SwarmView, ...cells: readonly T[]): readonly T[] {
  return simulated === undefined ? cells : [];
}

/** A column of its own where there are zones. */
function zoneHead({ agents }: SwarmView): readonly string[] {
  return agents.some(({ zone }) => zone !== undefined) ? ["zone"] : [];
}

/** All agents of a swarm have one, or none has. */
function zoneCell({ zone }: AgentView): readonly string[] {
  return zone === undefined ? [] : [zone];
}

/** What an agent says of itself comes before what the others hold of it. */
function stateText({ process, health, partition, foreign }: AgentView): string {
  const side = partition === undefined ? "" : sideWord(partition);
  const held = process === "running" && health !== null && health !== "alive" ? health : process;
  const state = process === "running" && side !== "" ? side : held;
  return foreign === true ? `${state}, joined` : state;
}

/** What a change of the members makes of it, where no role says it. */
function movesText({ member }: AgentView): string {
  return member === "joining" || member === "leaving" ? `, ${member}` : "";
}

/** Percent of a core, and MiB. */
function usage({ cpu, rssBytes }: AgentView): readonly (number | null)[] {
  return [
    cpu === null ? null : Number((cpu * 100).toFixed(1)),
    rssBytes === null ? null : Math.round(rssBytes / 1048576),
  ];
}

function agentsTable(swarm: SwarmView): string {
  return table(
    [
      "agent",
      ...zoneHead(swarm),
      "state",
      "role",
      ...ofProcesses(swarm, "pid", addressHead(swarm)),
      CONSENSUS[swarm.consensus].term,
      "commit",
      ...ofProcesses(swarm, "cpu %", "MB"),
      "links",
      "tasks",
      ...(swarm.memory === "eventual" ? ["memory known by"] : []),
      "reputation",
    ],
    swarm.agents.map((agent) => [
      agent.id,
      ...zoneCell(agent),
      stateText(agent),
      roleText(agent),
      ...ofProcesses(swarm, agent.pid, addressCell(agent)),
      agent.term,
      agent.commit,
      ...ofProcesses(swarm, ...usage(agent)),
      `${agent.linksUp}/${agent.linksTotal}`,
      `${agent.tasksRunning}/${agent.slots}`,
      ...(swarm.memory === "eventual"
        ? [agent.memory ? `${agent.memory.sameVector}/${agent.memory.members}` : null]
        : []),
      reputationCell(agent),
    ]),
  );
}

/** The median of what the others say. */
function reputationCell({ reputation }: AgentView): string {
  return reputation === undefined ? "-" : scoreText(reputation.median);
}

/** Who says of itself that it is on a side of a partition. */
function sidesText(agents: readonly AgentView[]): string {
  const told = agents.flatMap(({ id, process, partition }) =>
    process !== "running" || partition === undefined || partition.state === "whole"
      ? []
      : [`${id} is ${sideText(id, partition)} (since ${clock(partition.sinceMs)})`],
  );
  return told.length === 0 ? "" : `\n\n${told.join("\n")}`;
}

/** What is proved of those who lie, the first of each, and how far the others trust them still. */
function liesText(agents: readonly AgentView[]): string {
  const told = agents.flatMap(({ lies = [], provenLiarBy = [], reputation }) => {
    const more = lies.length > 1 ? `, and ${lies.length - 1} more of the kind` : "";
    const trusted = reputation === undefined ? "" : `; reputation ${reputationText(reputation)}`;
    return lies.length === 0 ? [] : [`${lies[0]}${more} (found by ${provenLiarBy.join(", ")})${trusted}`];
  });
  return told.length === 0 ? "" : `\n\n${told.join("\n")}\nThe proof: agent-mesh evidence`;
}

export function evidenceText(held: readonly HeldEvidence[]): string {
  if (held.length === 0) return "Nobody was proved to lie.";
  return held
    .map(({ statement, by, atMs, evidence }) => `${statement} (found by ${by}, ${clock(atMs)})\n${evidence}`)
    .join("\n\n");
}

/** Whoever votes is not said to: most do. Whoever others hold proof against lies. */
function roleText({ role, member, provenLiarBy = [] }: AgentView): string {
  if (role === null) return "-";
  const lies = provenLiarBy.length === 0 ? "" : ", lies";
  if (member === "voter" || member === "none") return roleTitle(role) + lies;
  return member === "learner" ? "learner" : `${roleTitle(role)}, ${member}`;
}

export function faultsText(faults: readonly ActiveFault[], presets: readonly ActivePreset[]): string {
  return table(
    ["fault", "what", "since", "until"],
    [
      ...presets.map(({ id, title, sinceMs }) => [id, title, clock(sinceMs), "over, or healed by hand"]),
      ...faults.map(({ id, title, sinceMs, untilMs }) => [
        id,
        title,
        clock(sinceMs),
        untilMs === null ? "healed by hand" : clock(untilMs),
      ]),
    ],
  );
}

export function tasksText(tasks: readonly TaskInfo[]): string {
  if (tasks.length === 0) return "No task.";
  return table(
    ["task", "state", "agent", "leases", "exit", "seconds", "command"],
    tasks.map((task) => [
      task.id,
      task.state,
      task.agent || "-",
      task.leases,
      task.exitCode === null ? oneLine(task.signal || task.error || "-") : task.exitCode,
      task.durationMs === null ? null : Number((task.durationMs / 1000).toFixed(2)),
      oneLine([task.command, ...task.args].join(" ")),
    ]),
  );
}

export function metricsText(metrics: MetricsView): string {
  const rows = metrics.summary.map((figure) => [
    figure.name,
    figure.value === null ? "not measured" : Number(figure.value.toPrecision(4)),
    figure.unit,
  ]);
  const hotspots = metrics.hotspots.length === 0 ? "none" : metrics.hotspots.join(", ");
  const measured = (id: MetricsView["charts"][number]["id"]): boolean =>
    metrics.charts.some((chart) => chart.id === id);
  const reputations = measured("reputation") ? `\nReputation: ${reputationsText(metrics)}` : "";
  return `${table(["figure", "value", "unit"], rows)}\n${reputations}${measured("load") ? `\nHotspots: ${hotspots}` : ""}`;
}

/** "a1 1.00, a2 0.25": how far the others trust each, as last measured. */
function reputationsText({ charts }: MetricsView): string {
  const series = charts.find(({ id }) => id === "reputation")?.series ?? [];
  const measured = series.flatMap(({ name, values }) => {
    const last = values.at(-1) ?? null;
    return last === null ? [] : [`${name} ${scoreText(last)}`];
  });
  return measured.length === 0 ? "not measured" : measured.join(", ");
}

/** "task build completed on a2, exit 0, 1.2 s" */
export function taskEndText(task: TaskInfo): string {
  const where = task.agent === "" ? "" : ` on ${task.agent}`;
  const what = `task ${task.id} ${task.state}${where}`;
  if (task.error !== "") return `${what}: ${task.error}`;
  const how = task.exitCode === null ? task.signal : `exit ${task.exitCode}`;
  const seconds = task.durationMs === null ? "" : `${(task.durationMs / 1000).toFixed(1)} s`;
  return [what, how, seconds].filter((part) => part !== "").join(", ");
}

export function memoryText(answer: MemoryAnswer): string {
  switch (answer.type) {
    case "item":
      return answer.item === null ? "(no such key)" : answer.item.text;
    case "items": {
      if (answer.items.length === 0) return "No key.";
      const typed = answer.items.some(({ type }) => type !== undefined);
      const rows = answer.items.map((item) => [
        item.key,
        ...(typed ? [item.type ?? "value"] : []),
        item.version,
        item.expiresAtMs === null ? "never" : clock(item.expiresAtMs),
        oneLine(item.text),
      ]);
      const heads = ["key", ...(typed ? ["type"] : []), "version", "expires", "value"];
      return `${table(heads, rows)}${answer.more ? "\n(more; raise --limit)" : ""}`;
    }
    case "written":
      return `version ${answer.version}${vouchedText(answer)}`;
    case "conflict":
      return answer.version === 0
        ? `conflict: the key is absent${vouchedText(answer)}`
        : `conflict: the present version is ${answer.version}${vouchedText(answer)}`;
    case "deleted":
      return `${answer.existed ? "deleted" : "(no such key)"}${vouchedText(answer)}`;
    case "counted":
      return String(answer.total);
    case "added":
      return answer.created ? "added" : "(was an element already)";
    case "removed":
      return answer.existed ? "removed" : "(no such element)";
  }
}

/** What an answer is worth where there is no order for all. */
export function eventualText({ type }: MemoryAnswer): string {
  if (type === "counted")
    return "one agent has it on its disk and tells the others; the total is what that agent knows of.";
  if (type === "added" || type === "removed")
    return "one agent has it on its disk and tells the others; what is added elsewhere at the same time stays.";
  return type === "item" || type === "items"
    ? "one agent was read, as it is now; gossip is eventual: another one may not have heard of a write yet."
    : "one agent has it on its disk and tells the others; of two writes of a key the later stands.";
}

/** Whose word an answer is, where that agent is cut off; "" where it is not. */
export function sideNoteText(answer: MemoryAnswer): string {
  if (!("side" in answer) || answer.side === undefined) return "";
  return `read at ${answer.from}, on ${noteText(answer.side)}; it may be old.`;
}

/** Who says so, where one agent's word is not enough. */
function vouchedText({ vouchedBy = [] }: Vouched): string {
  return vouchedBy.length === 0 ? "" : `, vouched for by ${vouchedBy.join(", ")}`;
}

export function stoppedText({ name, simulated }: SwarmView, reason: string, ended: readonly number[]): string {
  const why = reason === "" ? "" : ` (${reason})`;
  if (simulated) return `${name} has ended${why}, nothing left.`;
  return `${name} has stopped${why}: ${ended.length === 1 ? "1 process" : `${ended.length} processes`} ended, nothing left.`;
}

/** A value may have lines and control characters, a table's cell has neither. */
export function oneLine(text: string): string {
  const flat = text.replace(/\p{Cc}+/gu, " ");
  return flat.length > 80 ? `${flat.slice(0, 79)}…` : flat;
}

export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
