/** The card of the chosen agent or link: its figures, its faults, and what can be done to it. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import { html, nothing, type TemplateResult } from "lit";
import { addressText } from "../../server/contract/address.ts";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import { detectionText } from "../../server/contract/detection.ts";
import type { ActiveFault } from "../../server/contract/faults.ts";
import { agreementText, behindText, spreadText } from "../../server/contract/gossip.ts";
import { sideText } from "../../server/contract/partition.ts";
import { reputationText } from "../../server/contract/reputation.ts";
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import { toolButton } from "../elements/toolbar.ts";
import { capital, formatBytes, formatClock, formatDuration, formatNumber, formatShare, plural } from "../format.ts";
import { agentGlyph, glyphSvg, lookOf } from "../glyphs.ts";
import { conditionName, troubleGlyph, troublesOf } from "../troubles.ts";
import { type Group, isZone } from "./groups.ts";
import type { RingPlace } from "./hash-ring.ts";
import { isSlow, linkId, treeText, usualLatencyMs, wayName } from "./link-style.ts";
import { groupGlyph } from "./paint.ts";
import { type Bundle, bundleText, conditionText, figuresOfGroup, latencyRange } from "./shown.ts";
import type { Thing } from "./thing.ts";
import { type Hearing, hearingText } from "./wave.ts";

export interface DetailsActions {
  readonly close: () => void;
  readonly inject: (target: InjectTarget) => void;
  readonly heal: (fault: string) => void;
  readonly showRounds: (agent: string) => void;
  /** Opens a closed group, closes an open one. */
  readonly toggleGroup: (group: string) => void;
}

/** What the picture knows of a thing besides the swarm. */
export interface PictureFacts {
  readonly group: Group | undefined;
  readonly isClosed: boolean;
  /** Where the picture is a ring. */
  readonly ringPlace: RingPlace | undefined;
  /** Of the write that spreads by gossip. */
  readonly hearing: Hearing | undefined;
  readonly bundle: Bundle | undefined;
}

export function details(
  swarm: SwarmView,
  thing: Thing,
  facts: PictureFacts,
  actions: DetailsActions,
): TemplateResult | typeof nothing {
  if (thing.kind === "group")
    return facts.group === undefined ? nothing : groupCard(swarm, facts.group, facts.isClosed, actions);
  if (thing.kind === "bundle") return facts.bundle === undefined ? nothing : bundleCard(facts.bundle, actions);
  if (thing.kind === "agent") {
    const agent = swarm.agents.find((candidate) => candidate.id === thing.agent);
    return agent === undefined ? nothing : agentCard(swarm, agent, facts, actions);
  }
  const link = swarm.links.find((candidate) => linkId(candidate) === thing.link);
  return link === undefined ? nothing : linkCard(swarm, link, actions);
}

function groupCard(swarm: SwarmView, group: Group, isShut: boolean, actions: DetailsActions): TemplateResult {
  const figures = figuresOfGroup(swarm, group);
  const facts: readonly Fact[] = [
    ["Agents", formatNumber(group.agents.length)],
    ["State", conditionText(figures) || "all well"],
    ...(figures.leader === "" ? [] : [["Leader", figures.leader] as const]),
    ["Links inside", formatNumber(figures.inside)],
    ["Members", membersText(group.agents)],
  ];
  const label = isShut ? "Open Group" : "Close Group";
  return html`<section class="card details" aria-label="Group ${group.name}">
    <header>${glyphSvg(groupGlyph(figures.worst), 18)}<h2>${group.name}</h2>${closeButton(actions)}</header>
    ${factList(facts)}
    <div class="actions">
      <vscode-button secondary @click=${() => actions.toggleGroup(group.id)}>${label}</vscode-button>
    </div>
  </section>`;
}

const MEMBERS_MAX = 30;

function membersText(agents: readonly string[]): string {
  const more = agents.length - MEMBERS_MAX;
  return agents.slice(0, MEMBERS_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function bundleCard(bundle: Bundle, actions: DetailsActions): TemplateResult {
  const facts: readonly Fact[] = [
    ["State", bundleText(bundle)],
    ["Latency p50", latencyRange(bundle)],
    ["Frames", `${formatNumber(bundle.links.reduce((sum, link) => sum + link.framesPerSecond, 0))} /s`],
    ["Links", membersText(bundle.links.map(linkId))],
  ];
  return html`<section class="card details" aria-label="Merged links">
    <header><span class="codicon codicon-link" aria-hidden="true"></span><h2>${plural(bundle.links.length, "link")}</h2>${closeButton(actions)}</header>
    ${factList(facts)}
  </section>`;
}

/** Where it stands on a ring by the hash of its id. */
export function ringText({ at, share, next }: RingPlace): string {
  return `at ${formatShare(at)}, ${formatShare(share)} of the hash range, next is ${next}`;
}

function agentCard(
  swarm: SwarmView,
  agent: AgentView,
  { group, ringPlace, hearing }: PictureFacts,
  actions: DetailsActions,
): TemplateResult {
  const look = lookOf(agent, swarm.health.quorum);
  const words = CONSENSUS[swarm.consensus];
  const facts: readonly Fact[] = [
    ["State", conditionName(agent, look, swarm.faults)],
    // By gossip all that stay are alike.
    ...(words.ordered || agent.member !== "voter" ? [["Member", memberName(swarm, agent)] as const] : []),
    ...(swarm.simulated ? [] : [["Process", processText(agent)] as const]),
    ...(words.term === "" ? [] : [[capital(words.term), formatNumber(agent.term)] as const]),
    ...(words.leader === "" ? [] : [[capital(words.leader), leaderName(agent)] as const]),
    ...spreadOf(agent),
    ...(hearing === undefined ? [] : [["Newest write", hearingText(hearing)] as const]),
    ...(agent.zone === undefined ? [] : [["Zone", agent.zone] as const]),
    ...(group === undefined || isZone(group) ? [] : [["Group", group.name] as const]),
    ...(ringPlace === undefined ? [] : [["Ring", ringText(ringPlace)] as const]),
    [
      "Log",
      `commit ${formatNumber(agent.commit)}, applied ${formatNumber(agent.applied)}, last ${formatNumber(agent.lastIndex)}`,
    ],
    ...(swarm.simulated
      ? [["Process", "none: it is simulated"] as const]
      : [
          ["CPU", agent.cpu === null ? "–" : `${formatShare(agent.cpu)} of a core`] as const,
          ["Memory", formatBytes(agent.rssBytes)] as const,
        ]),
    ["Links", `${agent.linksUp} of ${agent.linksTotal} up`],
    ...sideOf(agent),
    ...(agent.detector === undefined ? [] : [["Failure detection", detectionText(agent.detector)] as const]),
    ...(words.ordered ? [["Tasks", `${agent.tasksRunning} of ${agent.slots} slots`] as const] : []),
    ...(agent.reputation === undefined ? [] : [["Reputation", reputationText(agent.reputation)] as const]),
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
      ${
        group === undefined
          ? nothing
          : html`<vscode-button secondary @click=${() => actions.toggleGroup(group.id)}>Close Group</vscode-button>`
      }
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

/** Which side of a partition it is on, by its own word; and how often it was on one in its present life. */
function sideOf({ id, partition }: AgentView): readonly Fact[] {
  if (partition === undefined) return [];
  const { state, sinceMs, seen, recoveryMs } = partition;
  const since = state === "whole" ? "" : `, since ${formatClock(sinceMs)}`;
  const before = seen === 0 ? "" : `; cut off ${plural(seen, "time")} since it started`;
  const took = recoveryMs === null ? "" : `, caught up in ${formatDuration(recoveryMs)}`;
  return [["Side", `${sideText(id, partition)}${since}${before}${took}`]];
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
  const usualMs = usualLatencyMs(swarm.links);
  const facts: readonly Fact[] = [
    ["State", link.state],
    [
      "Latency p50",
      `${formatDuration(link.latencyP50Ms)}${isSlow(link, { usualMs }) ? `, slow: ${formatDuration(usualMs)} is usual here` : ""}`,
    ],
    ["Traffic", `${formatNumber(link.framesPerSecond)} frames/s, ${formatBytes(link.bytesPerSecond)}/s`],
    ["Loss", formatShare(link.loss)],
    ...(link.delayed > 0 ? [["Delayed", formatShare(link.delayed)] as const] : []),
    ...(link.corrupted > 0 ? [["Damaged", formatShare(link.corrupted)] as const] : []),
    ...(link.tree === undefined ? [] : [["Broadcasts", treeText(link)] as const]),
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

function processText({ process, pid, port, host, foreign }: AgentView): string {
  const where = host === undefined ? `port ${port}` : addressText({ host, port });
  if (foreign === true) return `${process}, joined by itself, ${where}`;
  return pid === null ? process : `${process}, PID ${pid}, ${where}`;
}
