/** The mesh in words: the same facts as the picture, and the way to every agent and link by keyboard. */
import { html, type TemplateResult } from "lit";
import { CONSENSUS, type ConsensusKind } from "../../server/contract/consensus.ts";
import type { ActiveFault } from "../../server/contract/faults.ts";
import { agreementText } from "../../server/contract/gossip.ts";
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { TableColumn } from "../elements/data-table.ts";
import "../elements/data-table.ts";
import { capital, formatBytes, formatDuration, formatNumber, formatShare } from "../format.ts";
import { agentGlyph, glyphSvg, lookOf } from "../glyphs.ts";
import { conditionName, troublesOf } from "../troubles.ts";
import { agentContext, linkContext } from "./context.ts";
import type { Thing } from "./graph.ts";
import { hitWays, linkId } from "./link-style.ts";

const LINK_COLUMNS: readonly TableColumn<LinkView>[] = [
  { id: "link", title: "Link", text: linkId, sort: linkId },
  { id: "state", title: "State", text: (link) => link.state, sort: (link) => link.state },
  {
    id: "latency",
    title: "Latency p50",
    numeric: true,
    text: (link) => formatDuration(link.latencyP50Ms),
    sort: (link) => link.latencyP50Ms,
  },
  {
    id: "frames",
    title: "Frames/s",
    numeric: true,
    text: (link) => formatNumber(link.framesPerSecond),
    sort: (link) => link.framesPerSecond,
  },
  {
    id: "bytes",
    title: "Traffic/s",
    numeric: true,
    text: (link) => formatBytes(link.bytesPerSecond),
    sort: (link) => link.bytesPerSecond,
  },
  share("loss", "Loss", (link) => link.loss),
  share("delayed", "Delayed", (link) => link.delayed),
  share("corrupted", "Damaged", (link) => link.corrupted),
  { id: "faults", title: "Faults", text: hitWays, sort: hitWays },
];

/** Of the frames of a link. */
function share(id: string, title: string, value: (link: LinkView) => number): TableColumn<LinkView> {
  return { id, title, numeric: true, text: (link) => formatShare(value(link)), sort: value };
}

function agentColumns(
  consensus: ConsensusKind,
  quorum: number,
  faults: readonly ActiveFault[],
): readonly TableColumn<AgentView>[] {
  const { term } = CONSENSUS[consensus];
  const look = (agent: AgentView): string => conditionName(agent, lookOf(agent, quorum), faults);
  return [
    {
      id: "agent",
      title: "Agent",
      text: (agent) => agent.id,
      sort: (agent) => agent.id,
      content: (agent) => html`${glyphSvg(agentGlyph(lookOf(agent, quorum)))} ${agent.id}`,
    },
    { id: "role", title: "State", text: look, sort: look },
    ...(term === "" ? SPREAD_COLUMNS : [numeric("term", capital(term), (agent) => agent.term, formatNumber)]),
    numeric("commit", "Commit", (agent) => agent.commit, formatNumber),
    numeric(
      "pid",
      "PID",
      (agent) => agent.pid,
      (value) => (value === null ? "–" : String(value)),
    ),
    numeric("cpu", "CPU", (agent) => agent.cpu, formatShare),
    numeric("memory", "Memory", (agent) => agent.rssBytes, formatBytes),
    {
      id: "links",
      title: "Links",
      numeric: true,
      text: (agent) => `${agent.linksUp}/${agent.linksTotal}`,
      sort: (agent) => agent.linksUp,
    },
    numeric("faults", "Faults", (agent) => agent.faults.length, formatNumber),
  ];
}

function numeric(
  id: string,
  title: string,
  value: (agent: AgentView) => number | null,
  format: (value: number | null) => string,
): TableColumn<AgentView> {
  return { id, title, numeric: true, text: (agent) => format(value(agent)), sort: value };
}

/** How far what an agent has has spread. */
const SPREAD_COLUMNS: readonly TableColumn<AgentView>[] = [
  numeric(
    "agreement",
    "Agreement",
    (agent) => agent.gossip?.agreement ?? null,
    (value) => (value === null ? "–" : agreementText(value)),
  ),
  {
    id: "spread",
    title: "Known at",
    text: ({ gossip }) =>
      gossip === undefined
        ? "–"
        : gossip.sameVector === gossip.members
          ? "all"
          : `${gossip.sameVector} of ${gossip.members}`,
    sort: ({ gossip }) => gossip?.sameVector ?? null,
  },
  numeric("behind", "Not known everywhere", (agent) => agent.gossip?.behind ?? null, formatNumber),
];

/** Columns are made anew only when they say something else, so that a table is not sorted anew without cause. */
let shown: { readonly key: string; readonly columns: readonly TableColumn<AgentView>[] } = { key: "", columns: [] };

function columnsOf({ agents, consensus, faults, health }: SwarmView): readonly TableColumn<AgentView>[] {
  const key = JSON.stringify([consensus, health.quorum, agents.map((agent) => troublesOf(agent, faults))]);
  if (key !== shown.key) shown = { key, columns: agentColumns(consensus, health.quorum, faults) };
  return shown.columns;
}

export function meshTables(swarm: SwarmView, selected: Thing | null, select: (thing: Thing) => void): TemplateResult {
  return html`<div class="tables">
    <am-table
      class="agents"
      caption="Agents"
      .columns=${columnsOf(swarm)}
      .items=${swarm.agents}
      .keyOf=${agentKey}
      .contextOf=${(agent: AgentView) => agentContext(swarm.id, agent)}
      .selected=${selected?.kind === "agent" ? selected.agent : ""}
      @row-select=${(event: CustomEvent<string>) => select({ kind: "agent", agent: event.detail })}
    ></am-table>
    <am-table
      class="links"
      caption="Links"
      .columns=${LINK_COLUMNS}
      .items=${swarm.links}
      .keyOf=${linkId}
      .contextOf=${(link: LinkView) => linkContext(swarm.id, link)}
      .selected=${selected?.kind === "link" ? selected.link : ""}
      @row-select=${(event: CustomEvent<string>) => select({ kind: "link", link: event.detail })}
    ></am-table>
  </div>`;
}

function agentKey(agent: AgentView): string {
  return agent.id;
}
