import * as vscode from "vscode";
import { addressText } from "../../server/contract/address.ts";
import { CONSENSUS, follows, leads, roleTitle } from "../../server/contract/consensus.ts";
import { detectionText } from "../../server/contract/detection.ts";
import { agreementText, behindText, spreadText } from "../../server/contract/gossip.ts";
import { sideText, sideWord } from "../../server/contract/partition.ts";
import { simulatedText } from "../../server/contract/simulated.ts";
import type { AgentView, SwarmView } from "../../server/contract/swarm.ts";
import { DisposableList } from "../disposal.ts";
import type { Swarms } from "../swarms.ts";
import { agentContext, isProvenLiar } from "./agent-context.ts";
import { reputationFigure, reputationPart } from "./agent-reputation.ts";
import { KeyedNodes } from "./keyed-nodes.ts";
import { Refresher } from "./refresher.ts";

export interface AgentNode {
  readonly kind: "agent";
  readonly swarm: string;
  readonly agent: string;
}
interface FigureNode {
  readonly kind: "figure";
  readonly label: string;
  readonly value: string;
  readonly icon: string;
}
type Node = AgentNode | FigureNode;

/** Agents with their role, state, PID, CPU, memory and links. */
export class AgentsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #swarms: Swarms;
  readonly #nodes = new KeyedNodes<AgentNode>();
  readonly #changed = this.#disposables.add(new vscode.EventEmitter<AgentNode[] | undefined>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(swarms: Swarms) {
    this.#swarms = swarms;
    const view = this.#disposables.add(
      vscode.window.createTreeView("agentMesh.agents", { treeDataProvider: this, showCollapseAll: true }),
    );
    const refresher = this.#disposables.add(
      new Refresher(() => {
        const swarm = this.#swarms.current;
        view.description = swarm ? [...simulatedPart(swarm), swarm.health.summary].join(" · ") : "";
        const changed = this.#nodes.update(
          (swarm?.agents ?? []).map((agent) => ({
            key: `${swarm?.id}/${agent.id}`,
            face: JSON.stringify([
              iconName(agent),
              describe(agent, swarm),
              agent.member,
              agent.faults,
              agent.lies,
              agent.provenLiarBy,
              swarm && figures(agent, swarm).map((figure) => figure.value),
            ]),
            make: (): AgentNode => ({ kind: "agent", swarm: swarm?.id ?? "", agent: agent.id }),
          })),
        );
        if (changed === "all") this.#changed.fire(undefined);
        else if (changed.length > 0) this.#changed.fire([...changed]);
      }),
    );
    this.#disposables.add(swarms.onChanged(() => refresher.request()));
  }

  getChildren(node?: Node): Node[] {
    if (!node) return this.#nodes.nodes;
    if (node.kind === "figure") return [];
    const swarm = this.#swarms.get(node.swarm);
    const agent = swarm?.agents.find((candidate) => candidate.id === node.agent);
    return swarm && agent ? figures(agent, swarm) : [];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === "figure") {
      const item = new vscode.TreeItem(node.label);
      item.description = node.value;
      item.iconPath = new vscode.ThemeIcon(node.icon);
      return item;
    }
    const swarm = this.#swarms.get(node.swarm);
    const agent = swarm?.agents.find((candidate) => candidate.id === node.agent);
    const item = new vscode.TreeItem(node.agent, vscode.TreeItemCollapsibleState.Collapsed);
    item.id = `${node.swarm}/${node.agent}`;
    if (!agent || !swarm) return item;
    item.description = describe(agent, swarm);
    item.iconPath = iconOf(agent);
    item.contextValue = agentContext(agent);
    item.tooltip = tooltip(swarm, agent);
    item.accessibilityInformation = { label: `${agent.id}, ${describe(agent, swarm)}` };
    return item;
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}

function stateOf(agent: AgentView): string {
  if (agent.process !== "running") return agent.process;
  const side = agent.partition === undefined ? "" : sideWord(agent.partition);
  const role = roleOf(agent) + (side === "" ? "" : `, ${side}`);
  if (agent.health === "failed") return `${role}, held for failed`;
  return agent.health === "suspected" ? `${role}, suspected` : role;
}

/** Who has no vote does not follow: it learns. */
function roleOf(agent: AgentView): string {
  if (agent.member === "joining") return agent.role === "peer" ? "peer, joining" : "learner, joining";
  if (agent.member === "learner" && agent.role === "follower") return "learner";
  const role = agent.role === null ? "not observed" : roleTitle(agent.role);
  return agent.member === "leaving" ? `${role}, leaving` : role;
}

const SHOWN_LIES = 3;

/** What matters first comes first: a narrow side bar cuts the rest off. */
function describe(agent: AgentView, swarm?: Pick<SwarmView, "simulated">): string {
  const parts = [stateOf(agent)];
  if (isProvenLiar(agent)) parts.push("lies");
  parts.push(...reputationPart(agent));
  if (agent.faults.length > 0) parts.push(`${agent.faults.length} fault${agent.faults.length > 1 ? "s" : ""}`);
  if (agent.process === "running") {
    if (agent.gossip !== undefined && agent.gossip.agreement < 1)
      parts.push(`agreement ${agreementText(agent.gossip.agreement)}`);
    parts.push(`${agent.linksUp}/${agent.linksTotal} links`);
    if (agent.cpu !== null) parts.push(`${(agent.cpu * 100).toFixed(0)} %`);
    if (agent.rssBytes !== null) parts.push(megabytes(agent.rssBytes));
  }
  if (agent.zone !== undefined) parts.push(`zone ${agent.zone}`);
  if (agent.foreign === true) parts.push("joined by itself");
  if (swarm?.simulated) parts.push("simulated");
  if (agent.pid !== null && agent.process !== "crashed") parts.push(`PID ${agent.pid}`);
  return parts.join(" · ");
}

const ICONS = {
  paused: ["debug-pause", "charts.yellow"],
  starting: ["loading~spin", "foreground"],
  failed: ["close", "charts.red"],
  liar: ["eye-closed", "charts.red"],
  suspected: ["question", "symbolIcon.classForeground"],
  leader: ["star-full", "charts.yellow"],
  candidate: ["record", "charts.purple"],
  follower: ["circle-filled", "charts.blue"],
  learner: ["circle-small-filled", "charts.blue"],
} as const;

function iconName(agent: AgentView): keyof typeof ICONS {
  if (agent.process === "paused" || agent.process === "starting") return agent.process;
  if (agent.process !== "running") return "failed";
  if (isProvenLiar(agent)) return "liar";
  if (agent.health === "failed" || agent.health === "suspected") return "suspected";
  if (leads(agent.role)) return "leader";
  if (agent.role !== null && agent.role !== "peer" && !follows(agent.role)) return "candidate";
  return agent.member === "learner" || agent.member === "joining" ? "learner" : "follower";
}

/** What is proved of it, a few of them. */
function liesOf({ lies = [], provenLiarBy = [] }: AgentView): string[] {
  if (lies.length === 0) return [];
  const more = lies.length > SHOWN_LIES ? [`… and ${lies.length - SHOWN_LIES} more proofs`] : [];
  return [`Lies, as ${provenLiarBy.join(", ")} found:`, ...lies.slice(0, SHOWN_LIES), ...more];
}

function iconOf(agent: AgentView): vscode.ThemeIcon {
  const [icon, colour] = ICONS[iconName(agent)];
  return new vscode.ThemeIcon(icon, new vscode.ThemeColor(colour));
}

/** A simulation's time and pace, for the view's own line. */
function simulatedPart({ simulated }: SwarmView): string[] {
  return simulated ? [simulatedText(simulated)] : [];
}

function figures(agent: AgentView, { consensus, simulated }: SwarmView): FigureNode[] {
  const shown = (value: number | string | null, unit = ""): string =>
    value === null ? "not known" : `${value}${unit}`;
  const figure = (label: string, value: string, icon: string): FigureNode => ({ kind: "figure", label, value, icon });
  const { ordered, term } = CONSENSUS[consensus];
  return [
    figure("Role", shown(agent.role === null ? null : roleTitle(agent.role)), "account"),
    figure("State", stateOf(agent), "pulse"),
    // By gossip all that stay are alike.
    ...(ordered || agent.member !== "voter" ? [figure("Member", agent.member, "organization")] : []),
    ...(term === "" ? [] : [figure(capital(term), shown(agent.term), "law")]),
    ...spreadOf(agent).map(([label, value, icon]) => figure(label, value, icon)),
    figure("Commit index", `${shown(agent.commit)} of ${shown(agent.lastIndex)}`, "git-commit"),
    ...(agent.zone === undefined ? [] : [figure("Zone", agent.zone, "globe")]),
    ...(simulated ? [figure("Process", "none: it is simulated", "beaker")] : processFigures(agent)),
    figure("Links", `${agent.linksUp} of ${agent.linksTotal} up`, "link"),
    figure("Reputation", reputationFigure(agent), "thumbsup"),
    ...(agent.partition === undefined
      ? []
      : [figure("Side of a partition", sideText(agent.id, agent.partition), "split-horizontal")]),
    ...(agent.detector === undefined ? [] : [figure("Failure detection", detectionText(agent.detector), "broadcast")]),
    ...(ordered ? [figure("Tasks", `${agent.tasksRunning} of ${agent.slots} slots`, "checklist")] : []),
  ];
}

function processFigures(agent: AgentView): FigureNode[] {
  const figure = (label: string, value: string, icon: string): FigureNode => ({ kind: "figure", label, value, icon });
  const shown = (value: number | null): string => (value === null ? "not known" : String(value));
  return [
    figure("PID", agent.foreign === true ? "of another program" : shown(agent.pid), "server-process"),
    agent.host === undefined
      ? figure("Port", shown(agent.port), "plug")
      : figure("Address", addressText(agent), "remote"),
    figure("CPU", agent.cpu === null ? "not known" : `${(agent.cpu * 100).toFixed(1)} % of a core`, "dashboard"),
    figure("Memory", agent.rssBytes === null ? "not known" : megabytes(agent.rssBytes), "database"),
  ];
}

/** How far what it has has spread, as far as it knows; nothing where consensus is another one. */
function spreadOf({ gossip }: AgentView): readonly (readonly [label: string, value: string, icon: string])[] {
  if (gossip === undefined) return [];
  return [
    ["Agreement", `${agreementText(gossip.agreement)} · ${spreadText(gossip)}`, "pass"],
    ["Not known everywhere", behindText(gossip), "history"],
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function tooltip(swarm: SwarmView, agent: AgentView): string {
  const lines = [
    `${agent.id} in ${swarm.name}`,
    ...figures(agent, swarm).map((figure) => `${figure.label}: ${figure.value}`),
  ];
  if (agent.suspectedBy.length > 0) lines.push(`Suspected or held for failed by: ${agent.suspectedBy.join(", ")}`);
  lines.push(...liesOf(agent));
  for (const fault of swarm.faults) if (agent.faults.includes(fault.id)) lines.push(`Fault: ${fault.title}`);
  return lines.join("\n");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1048576).toFixed(0)} MB`;
}
