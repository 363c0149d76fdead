/** The card of the chosen agent or link: its figures, its faults, and what can be done to it. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import { html, nothing, type TemplateResult } from "lit";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { ActiveFault } from "../../server/contract/faults.ts";
import { agreementText, behindText, spreadText } from "../../server/contract/gossip.ts";
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import { toolButton } from "../elements/toolbar.ts";
import { capital, formatBytes, formatClock, formatDuration, formatNumber, formatShare, plural } from "../format.ts";
import { agentGlyph, glyphSvg, lookOf } from "../glyphs.ts";
import { conditionName, troubleGlyph, troublesOf } from "../troubles.ts";
import type { Thing } from "./graph.ts";
import { linkId, wayName } from "./link-style.ts";

export interface DetailsActions {
  readonly close: () => void;
  readonly inject: (target: InjectTarget) => void;
  readonly heal: (fault: string) => void;
  readonly showRounds: (agent: string) => void;
}

export function details(swarm: SwarmView, thing: Thing, actions: DetailsActions): TemplateResult | typeof nothing {
  if (thing.kind === "agent") {
    const agent = swarm.agents.find((candidate) => candidate.id === thing.agent);
    return agent === undefined ? nothing : agentCard(swarm, agent, actions);
  }
  const link = swarm.links.find((candidate) => linkId(candidate) === thing.link);
  return link === undefined ? nothing : linkCard(swarm, link, actions);
}

function agentCard(swarm: SwarmView, agent: AgentView, actions: DetailsActions): TemplateResult {
  const look = lookOf(agent, swarm.health.quorum);
  const words = CONSENSUS[swarm.consensus];
  const facts: readonly Fact[] = [
    ["State", conditionName(agent, look, swarm.faults)],
    ...(words.ordered ? [["Member", memberName(swarm, agent)] as const] : []),
    ["Process", agent.pid === null ? agent.process : `${agent.process}, PID ${agent.pid}, port ${agent.port}`],
    ...(words.term === "" ? [] : [[capital(words.term), formatNumber(agent.term)] as const]),
    ...(words.leader === "" ? [] : [[capital(words.leader), leaderName(agent)] as const]),
    ...spreadOf(agent),
    [
      "Log",
      `commit ${formatNumber(agent.commit)}, applied ${formatNumber(agent.applied)}, last ${formatNumber(agent.lastIndex)}`,
    ],
    ["CPU", agent.cpu === null ? "–" : `${formatShare(agent.cpu)} of a core`],
    ["Memory", formatBytes(agent.rssBytes)],
    ["Links", `${agent.linksUp} of ${agent.linksTotal} up`],
    ...(words.ordered ? [["Tasks", `${agent.tasksRunning} of ${agent.slots} slots`] as const] : []),
    ...liesOf(agent),
    ...(agent.suspectedBy.length > 0 ? [["Doubted by", agent.suspectedBy.join(", ")] as const] : []),
    ...(agent.observed ? [] : [["Figures", "last known: the agent is not connected to the coordinator"] as const]),
  ];
  return html`<section class="card details" aria-label="Agent ${agent.id}">
    <header>${glyphSvg(agentGlyph(look), 18)}${troublesOf(agent, swarm.faults).map((trouble) => glyphSvg(troubleGlyph(trouble), 16))}<h2>${agent.id}</h2>${closeButton(actions)}</header>
    ${factList(facts)} ${faultList(swarm.faults, agent.faults, actions)}
    <div class="actions">
      <vscode-button secondary @click=${() => actions.inject({ swarm: swarm.id, agent: agent.id })}>Inject Failure…</vscode-button>
      <vscode-button secondary @click=${() => actions.showRounds(agent.id)}>Show Rounds</vscode-button>
    </div>
  </section>`;
}

function leaderName({ leader }: AgentView): string {
  if (leader === null) return "–";
  return leader === "" ? "none known" : leader;
}

/** How far what it has has spread, as far as it knows. */
function spreadOf({ gossip }: AgentView): readonly Fact[] {
  if (gossip === undefined) return [];
  const { agreement, waiting, convergedAtMs } = gossip;
  return [
    ["Agreement", `${agreementText(agreement)}: ${spreadText(gossip)}`],
    ["Not known everywhere", behindText(gossip)],
    ...(waiting === 0 ? [] : [["Waiting", `${plural(waiting, "operation")} for what comes before`] as const]),
    ["Converged", convergedAtMs === null ? "not since it started" : `last at ${formatClock(convergedAtMs)}`],
  ];
}

/** What is proved of it: the first, and how many more. */
function liesOf({ lies = [], provenLiarBy = [] }: AgentView): readonly Fact[] {
  const [first] = lies;
  if (first === undefined) return [];
  const more = lies.length > 1 ? `, and ${lies.length - 1} more of the kind` : "";
  return [["Lies", `${first}${more}; found by ${provenLiarBy.join(", ")}`]];
}

function memberName({ members }: SwarmView, { id, member }: AgentView): string {
  if (members === null || members.outgoing.length === 0) return member;
  const both = [
    members.voters.includes(id) ? "votes from now on" : "",
    members.outgoing.includes(id) ? "voted before" : "",
  ];
  return `${member}; members are changing: ${both.filter((part) => part !== "").join(", ") || "has no vote"}`;
}

function linkCard(swarm: SwarmView, link: LinkView, actions: DetailsActions): TemplateResult {
  const facts: readonly Fact[] = [
    ["State", link.state],
    ["Latency p50", formatDuration(link.latencyP50Ms)],
    ["Traffic", `${formatNumber(link.framesPerSecond)} frames/s, ${formatBytes(link.bytesPerSecond)}/s`],
    ["Loss", formatShare(link.loss)],
    ...(link.delayed > 0 ? [["Delayed", formatShare(link.delayed)] as const] : []),
    ...(link.corrupted > 0 ? [["Damaged", formatShare(link.corrupted)] as const] : []),
  ];
  const { a, b } = link;
  const both = link.faultsOut.filter((id) => link.faultsIn.includes(id));
  const target: InjectTarget = { swarm: swarm.id, a, b };
  const rule = (from: string, to: string, bothWays: boolean): void =>
    actions.inject({ swarm: swarm.id, message: { from, to, ...(bothWays ? { bothWays } : {}) } });
  return html`<section class="card details" aria-label="Link ${linkId(link)}">
    <header><span class="codicon codicon-link" aria-hidden="true"></span><h2>${linkId(link)}</h2>${closeButton(actions)}</header>
    ${factList(facts)} ${way(swarm, "Both ways", both, actions)}
    ${way(
      swarm,
      wayName(a, b),
      link.faultsOut.filter((id) => !both.includes(id)),
      actions,
    )}
    ${way(
      swarm,
      wayName(b, a),
      link.faultsIn.filter((id) => !both.includes(id)),
      actions,
    )}
    <div class="actions">
      <vscode-button secondary @click=${() => actions.inject(target)}>Inject Failure…</vscode-button>
    </div>
    <h3 class="way">Message rule</h3>
    <div class="actions" role="group" aria-label="Message rule">
      <vscode-button secondary @click=${() => rule(a, b, false)}>${wayName(a, b)}…</vscode-button>
      <vscode-button secondary @click=${() => rule(b, a, false)}>${wayName(b, a)}…</vscode-button>
      <vscode-button secondary @click=${() => rule(a, b, true)}>Both ways…</vscode-button>
    </div>
  </section>`;
}

/** What befalls a link on this way. */
function way(
  swarm: SwarmView,
  name: string,
  faults: readonly string[],
  actions: DetailsActions,
): TemplateResult | typeof nothing {
  if (faults.length === 0) return nothing;
  return html`<h3 class="way">${name}</h3> ${faultList(swarm.faults, faults, actions, name)}`;
}

type Fact = readonly [name: string, value: string];

function factList(facts: readonly Fact[]): TemplateResult {
  return html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function closeButton(actions: DetailsActions): TemplateResult {
  return toolButton({ icon: "close", label: "Close the details", run: actions.close });
}

function faultList(
  all: readonly ActiveFault[],
  ids: readonly string[],
  actions: DetailsActions,
  where = "",
): TemplateResult | typeof nothing {
  const faults = all.filter((fault) => ids.includes(fault.id));
  if (faults.length === 0) return nothing;
  return html`<ul class="faults" aria-label="Active faults${where === "" ? "" : `, ${where}`}">
    ${faults.map(
      (fault) => html`<li>
        <span class="codicon codicon-zap" aria-hidden="true"></span><span>${fault.title}</span>
        <button class="plain" title="Heal: ${fault.title}" @click=${() => actions.heal(fault.id)}>Heal</button>
      </li>`,
    )}
  </ul>`;
}
