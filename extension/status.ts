import * as vscode from "vscode";
import { CONSENSUS } from "../server/contract/consensus.ts";
import { listed } from "../server/contract/partition.ts";
import { briefText, simulatedText } from "../server/contract/simulated.ts";
import type { SwarmHealth, SwarmView } from "../server/contract/swarm.ts";
import type { Coordinator } from "./coordinator.ts";
import { DisposableList } from "./disposal.ts";
import type { Swarms } from "./swarms.ts";

const ICONS: Readonly<Record<SwarmHealth["level"], string>> = {
  ok: "$(pass-filled)",
  degraded: "$(warning)",
  noQuorum: "$(error)",
  down: "$(circle-slash)",
};

/** The swarm's health at a glance; a click opens the topology. */
export class StatusItem implements vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #item = this.#disposables.add(
    vscode.window.createStatusBarItem("agentMesh.status", vscode.StatusBarAlignment.Left, 10),
  );
  readonly #swarms: Swarms;
  readonly #coordinator: Coordinator;

  constructor(swarms: Swarms, coordinator: Coordinator) {
    this.#swarms = swarms;
    this.#coordinator = coordinator;
    this.#item.name = "Agent Mesh";
    this.#item.command = "agentMesh.topology.focus";
    this.#disposables.add(swarms.onChanged(() => this.#update()));
    this.#disposables.add(coordinator.onStateChanged(() => this.#update()));
    this.#update();
    this.#item.show();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #update(): void {
    const swarm = this.#swarms.current;
    this.#item.backgroundColor = undefined;
    if (this.#coordinator.state === "broken") {
      this.#show(
        "$(error) Agent Mesh: coordinator down",
        "The coordinator is not running. Run “Agent Mesh: Restart Coordinator”.",
      );
      this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
      return;
    }
    if (!swarm) {
      this.#show("$(type-hierarchy) Agent Mesh", "No swarm is running. Run “Agent Mesh: Init Swarm” to bring one up.");
      return;
    }
    if (swarm.phase !== "running") {
      const busy = swarm.phase === "starting" || swarm.phase === "stopping";
      this.#show(
        `${busy ? "$(sync~spin)" : "$(error)"} ${swarm.name}: ${swarm.phase}`,
        swarm.problem || swarm.health.summary,
      );
      return;
    }
    const { health } = swarm;
    const broken = [...(swarm.presets ?? []), ...swarm.faults];
    const faults = broken.length === 0 ? "" : ` $(zap)${broken.length}`;
    this.#show(
      `${ICONS[health.level]} ${swarm.name} ${glanceOf(swarm)}${sidesPart(health)}${paceShown(swarm)}${faults}`,
      [...simulatedLines(swarm), health.summary, ...broken.map(({ title }) => title), ...expectationLines(swarm)].join(
        "\n",
      ),
    );
    if (health.level === "noQuorum" || health.level === "down")
      this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
    else if (health.level === "degraded")
      this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
  }

  #show(text: string, tooltip: string): void {
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: `Agent Mesh: ${tooltip.replaceAll("\n", ", ")}` };
  }
}

/** "5/5 · a2 leads"; where nobody leads how far all have the same, which its summary begins with: "5/5 · converged". */
function glanceOf({ consensus, health }: Pick<SwarmView, "consensus" | "health">): string {
  const alive = `${health.agentsAlive}/${health.agentsTotal}`;
  if (CONSENSUS[consensus].leader !== "")
    return `${alive} · ${health.leader === null ? "no leader" : `${health.leader} leads`}`;
  const [, spread] = health.summary.split(", ");
  return spread === undefined ? alive : `${alive} · ${spread}`;
}

/** " · a4 and a5 read-only": who says of itself that it is cut off. */
function sidesPart({ readOnly = [], apart = [] }: SwarmHealth): string {
  const part = (names: readonly string[], word: string): string =>
    names.length === 0 ? "" : ` · ${names.length > 2 ? names.length : listed(names)} ${word}`;
  return part(readOnly, "read-only") + part(apart, "cut off");
}

function paceShown({ simulated }: SwarmView): string {
  return simulated === undefined ? "" : ` · ${briefText(simulated)}`;
}

function simulatedLines({ simulated }: SwarmView): string[] {
  return simulated === undefined ? [] : [`No process runs: ${simulatedText(simulated)}`];
}

/** What was expected of it, as last judged: each that does not hold, and how many do. */
function expectationLines({ expectations = [] }: SwarmView): string[] {
  if (expectations.length === 0) return [];
  const broken = expectations.filter(({ held }) => held === false);
  const held = expectations.filter((one) => one.held === true).length;
  return [
    ...broken.map(
      ({ name, measured, bound }) => `Does not hold: ${name} (${measured}${bound && `; expected ${bound}`})`,
    ),
    `Expectations: ${held} hold, ${broken.length} do not, ${expectations.length - held - broken.length} not known`,
  ];
}
