/** The first line of every view: which swarm, and how it is. */
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import { html, nothing, type TemplateResult } from "lit";
import { briefText, type SimulatedView, simulatedText } from "../../server/contract/simulated.ts";
import type { SwarmHealth, SwarmView } from "../../server/contract/swarm.ts";
import type { WebviewCommand } from "../../server/contract/webview.ts";

const LEVELS: Readonly<Record<SwarmHealth["level"], { readonly icon: string; readonly name: string }>> = {
  ok: { icon: "pass-filled", name: "Healthy" },
  degraded: { icon: "warning", name: "Degraded" },
  noQuorum: { icon: "error", name: "No quorum" },
  down: { icon: "circle-slash", name: "Down" },
};

export interface SwarmChoice {
  readonly id: string;
  readonly name: string;
}

/** The swarm's name (a picker when there are several) and its health in one line. */
export function swarmTitle(
  swarm: SwarmView,
  swarms: readonly SwarmChoice[],
  select: (swarm: string) => void,
  command: (command: WebviewCommand) => void,
): TemplateResult {
  return html`<div class="title">
    ${swarms.length > 1 ? picker(swarm, swarms, select) : html`<h1>${swarm.name}</h1>`}
    ${swarm.simulated ? simulationLine(swarm.simulated, command) : nothing} ${healthLine(swarm)}
  </div>`;
}

/** That no process runs, the virtual time, and how fast it goes; with what changes that. */
function simulationLine(view: SimulatedView, command: (command: WebviewCommand) => void): TemplateResult {
  const { paused, verdict } = view;
  return html`<span class="simulated">
    <span class="codicon codicon-beaker" aria-hidden="true"></span>
    <span class="wide" title="No process runs: the agents are simulated, in virtual time">${simulatedText(view)}</span>
    <span class="narrow" title="No process runs: ${simulatedText(view)}">simulated, ${briefText(view)}</span>
    ${verdict ? nothing : paceButtons(paused, command)}
  </span>`;
}

function paceButtons(paused: boolean, command: (command: WebviewCommand) => void): TemplateResult {
  return html`<button
      class="plain codicon codicon-${paused ? "debug-continue" : "debug-pause"}"
      title=${paused ? "Resume Simulation" : "Pause Simulation"}
      aria-label=${paused ? "Resume Simulation" : "Pause Simulation"}
      @click=${() => command(paused ? "agentMesh.resumeSimulation" : "agentMesh.pauseSimulation")}
    ></button>
    <button
      class="plain codicon codicon-dashboard"
      title="Simulation Speed…"
      aria-label="Simulation Speed…"
      @click=${() => command("agentMesh.setSimulationSpeed")}
    ></button>`;
}

function picker(swarm: SwarmView, swarms: readonly SwarmChoice[], select: (swarm: string) => void): TemplateResult {
  const chosen = (event: Event): void => {
    const { value } = event.target as HTMLElement & { value: string };
    if (value !== swarm.id) select(value);
  };
  return html`<h1 class="sr-only">${swarm.name}</h1>
    <vscode-single-select label="Swarm" aria-label="Swarm" .value=${swarm.id} @change=${chosen}>
      ${swarms.map(
        (choice) =>
          html`<vscode-option value=${choice.id} ?selected=${choice.id === swarm.id}>${choice.name}</vscode-option>`,
      )}
    </vscode-single-select>`;
}

function healthLine(swarm: SwarmView): TemplateResult {
  const level = LEVELS[swarm.health.level];
  const phase = swarm.phase === "running" ? nothing : html`<span>${swarm.phase}</span>`;
  return html`<span class="health ${swarm.health.level}" role="status">
    <span class="codicon codicon-${level.icon}" role="img" aria-label=${level.name} title=${level.name}></span>
    ${phase}<span>${swarm.health.summary}</span>
  </span>`;
}

/** Why a swarm failed, if it did. */
export function swarmProblem(swarm: SwarmView): TemplateResult | typeof nothing {
  return swarm.problem === "" ? nothing : html`<p class="problem" role="alert">${swarm.problem}</p>`;
}
