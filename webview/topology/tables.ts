/** The mesh in words: the same facts as the picture, and the way to every agent and link by keyboard. */
import { html, type TemplateResult } from "lit";
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { TableColumn } from "../elements/data-table.ts";
import "../elements/data-table.ts";
import { formatBytes, formatDuration, formatNumber, formatShare } from "../format.ts";
import { agentGlyph, glyphSvg, lookOf, stateName } from "../glyphs.ts";
import { agentContext, linkContext } from "./context.ts";
import type { Thing } from "./graph.ts";
import { linkId } from "./link-style.ts";

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
];

/** Of the frames of a link. */
function share(id: string, title: string, value: (link: LinkView) => number): TableColumn<LinkView> {
  return { id, title, numeric: true, text: (link) => formatShare(value(link)), sort: value };
}

function agentColumns(quorum: number): readonly TableColumn<AgentView>[] {
  const look = (agent: AgentView): string => stateName(agent, lookOf(agent, quorum));
  return [
    {
      id: "agent",
      title: "Agent",
      text: (agent) => agent.id,
      sort: (agent) => agent.id,
      content: (agent) => html`${glyphSvg(agentGlyph(lookOf(agent, quorum)))} ${agent.id}`,
    },
    { id: "role", title: "State", text: look, sort: look },
    numeric("term", "Term", (agent) => agent.term, formatNumber),
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

/** Columns are made once a quorum size, so that a table is not sorted anew without cause. */
const columnsByQuorum = new Map<number, readonly TableColumn<AgentView>[]>();

export function meshTables(swarm: SwarmView, selected: Thing | null, select: (thing: Thing) => void): TemplateResult {
  const { quorum } = swarm.health;
  const columns = columnsByQuorum.get(quorum) ?? agentColumns(quorum);
  columnsByQuorum.set(quorum, columns);
  return html`<div class="tables">
    <am-table
      class="agents"
      caption="Agents"
      .columns=${columns}
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
