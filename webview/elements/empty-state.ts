/** What a view says when there is nothing to show, and what to do about it. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import { html, nothing, type TemplateResult } from "lit";
import type { Bridge } from "../bridge.ts";

/** No swarm runs here: how to bring one up, or why that is not allowed. */
export function noSwarm(bridge: Bridge, trusted: boolean, whatShows: string): TemplateResult {
  if (!trusted) {
    return message(
      "workspace-untrusted",
      "This workspace is not trusted",
      html`Agent Mesh checks and simulates mesh files here, and starts no process. Trusting the workspace (“Workspaces: Manage
      Workspace Trust” in the command palette) allows it to bring up agents as processes of this machine and to run tasks in
      this folder.`,
      watchButton(bridge),
    );
  }
  const init = (): void => bridge.command("agentMesh.initSwarm");
  return message(
    "type-hierarchy-sub",
    "No swarm is running",
    html`${whatShows}`,
    html`<vscode-button icon="play" @click=${init}>Init Swarm</vscode-button> ${watchButton(bridge)}`,
  );
}

/** What needs no process, and no trust. */
function watchButton(bridge: Bridge): TemplateResult {
  const watch = (): void => bridge.command("agentMesh.watchSimulation");
  return html`<vscode-button secondary icon="beaker" @click=${watch}>Watch Simulation</vscode-button>`;
}

/** The page is up and has not heard of a swarm yet. */
export function waiting(): TemplateResult {
  return html`<div class="empty" role="status"><p>Waiting for the coordinator…</p></div>`;
}

export function message(
  icon: string,
  title: string,
  text: TemplateResult | string,
  action: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  return html`<div class="empty" role="status">
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    <h2>${title}</h2>
    <p>${text}</p>
    ${action}
  </div>`;
}
