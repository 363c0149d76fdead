/** The mesh in words: the same facts as the picture, and the way to every agent and link by keyboard. */
import { html, type TemplateResult } from "lit";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import { agreementText } from "../../server/contract/gossip.ts";
import { scoreText } from "../../server/contract/reputation.ts";
import type { AgentView, LinkView, SwarmView } from "../../server/contract/swarm.ts";
import type { TableColumn } from "../elements/data-table.ts";
import "../elements/data-table.ts";
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import { capital, formatBytes, formatDuration, formatNumber, formatShare } from "../format.ts";
import { agentGlyph, glyphSvg, lookOf } from "../glyphs.ts";
import { conditionName, troublesOf } from "../troubles.ts";
import { agentContext, linkContext } from "./context.ts";
import type { RingPlace } from "./hash-ring.ts";
import { hitWays, linkId, treeText } from "./link-style.ts";
import { FILTER_STATES, type FilterState, filterMesh, type MeshFilter } from "./table-filter.ts";
import type { Thing } from "./thing.ts";
import { type Hearing, hearingText } from "./wave.ts";

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

/** Where agents broadcast: which links are of the tree. */
const TREE_COLUMN: TableColumn<LinkView> = { id: "broadcasts", title: "Broadcasts", text: treeText, sort: treeText };

function linkColumns(links: readonly LinkView[]): readonly TableColumn<LinkView>[] {
  return links.some(({ tree }) => tree !== undefined) ? [...LINK_COLUMNS, TREE_COLUMN] : LINK_COLUMNS;
}

/** Of the frames of a link. */
function share(id: string, title: string, value: (link: LinkView) => number): TableColumn<LinkView> {
  return { id, title, numeric: true, text: (link) => formatShare(value(link)), sort: value };
}

function agentColumns({
  consensus,
  health: { quorum },
  faults,
  simulated,
}: SwarmView): readonly TableColumn<AgentView>[] {
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
    ...(simulated ? [] : PROCESS_COLUMNS),
    {
      id: "links",
      title: "Links",
      numeric: true,
      text: (agent) => `${agent.linksUp}/${agent.linksTotal}`,
      sort: (agent) => agent.linksUp,
    },
    numeric(
      "reputation",
      "Reputation",
      (agent) => agent.reputation?.median ?? null,
      (value) => (value === null ? "–" : scoreText(value)),
    ),
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

/** Of agents that are processes. */
const PROCESS_COLUMNS: readonly TableColumn<AgentView>[] = [
  numeric(
    "pid",
    "PID",
    (agent) => agent.pid,
    (value) => (value === null ? "–" : String(value)),
  ),
  numeric("cpu", "CPU", (agent) => agent.cpu, formatShare),
  numeric("memory", "Memory", (agent) => agent.rssBytes, formatBytes),
];

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
      gossip === undefined || !gossip.counted
        ? "–"
        : gossip.sameVector === gossip.members
          ? "all"
          : `${gossip.sameVector} of ${gossip.members}`,
    sort: ({ gossip }) => gossip?.sameVector ?? null,
  },
  numeric("behind", "Not known everywhere", (agent) => agent.gossip?.behind ?? null, formatNumber),
];

/** What the table says of agents besides what the swarm does; absent where the picture shows nothing of the kind. */
export interface TableFacts {
  readonly zones?: ReadonlyMap<string, string>;
  readonly groups?: ReadonlyMap<string, string>;
  readonly ring?: ReadonlyMap<string, RingPlace>;
  readonly heard?: ReadonlyMap<string, Hearing>;
}

function factColumns({ zones, groups, ring, heard }: TableFacts): readonly TableColumn<AgentView>[] {
  const columns: TableColumn<AgentView>[] = [];
  if (zones !== undefined) {
    const zone = (agent: AgentView): string => zones.get(agent.id) ?? "–";
    columns.push({ id: "zone", title: "Zone", text: zone, sort: zone });
  }
  if (groups !== undefined) {
    const group = (agent: AgentView): string => groups.get(agent.id) ?? "–";
    columns.push({ id: "group", title: "Group", text: group, sort: group });
  }
  if (ring !== undefined) {
    columns.push(numeric("ringAt", "Ring at", (agent) => ring.get(agent.id)?.at ?? null, formatShare));
    columns.push(numeric("ringShare", "Ring share", (agent) => ring.get(agent.id)?.share ?? null, formatShare));
  }
  if (heard !== undefined) {
    const said = (agent: AgentView): string => {
      const hearing = heard.get(agent.id);
      return hearing === undefined ? "–" : hearingText(hearing);
    };
    columns.push({
      id: "heard",
      title: "Newest write",
      text: said,
      sort: (agent) => heard.get(agent.id)?.afterMs ?? null,
    });
  }
  return columns;
}

/** Columns are made anew only when they say something else, so that a table is not sorted anew without cause. */
let shown: { readonly key: string; readonly facts: TableFacts; readonly columns: readonly TableColumn<AgentView>[] } = {
  key: "",
  facts: {},
  columns: [],
};

function columnsOf(swarm: SwarmView, facts: TableFacts): readonly TableColumn<AgentView>[] {
  const { agents, consensus, faults, health, simulated } = swarm;
  const key = JSON.stringify([
    consensus,
    health.quorum,
    simulated !== undefined,
    agents.map((agent) => troublesOf(agent, faults)),
  ]);
  const same = (["zones", "groups", "ring", "heard"] as const).every((name) => facts[name] === shown.facts[name]);
  if (key !== shown.key || !same) shown = { key, facts, columns: [...agentColumns(swarm), ...factColumns(facts)] };
  return shown.columns;
}

export interface TableActions {
  readonly select: (thing: Thing) => void;
  readonly filter: (filter: MeshFilter) => void;
}

export function meshTables(
  swarm: SwarmView,
  selected: Thing | null,
  filter: MeshFilter,
  facts: TableFacts,
  { select, filter: setFilter }: TableActions,
): TemplateResult {
  const { agents, links } = filterMesh(swarm, filter);
  return html`<div class="tables">
    ${filterBar(swarm, filter, agents.length, links.length, setFilter)}
    <am-table
      class="agents"
      caption="Agents"
      .columns=${columnsOf(swarm, facts)}
      .items=${agents}
      .keyOf=${agentKey}
      .contextOf=${(agent: AgentView) => agentContext(swarm.id, agent)}
      .selected=${selected?.kind === "agent" ? selected.agent : ""}
      emptyText="No agent is like that."
      @row-select=${(event: CustomEvent<string>) => select({ kind: "agent", agent: event.detail })}
    ></am-table>
    <am-table
      class="links"
      caption="Links"
      .columns=${linkColumns(swarm.links)}
      .items=${links}
      .keyOf=${linkId}
      .contextOf=${(link: LinkView) => linkContext(swarm.id, link)}
      .selected=${selected?.kind === "link" ? selected.link : ""}
      emptyText="No link is like that."
      @row-select=${(event: CustomEvent<string>) => select({ kind: "link", link: event.detail })}
    ></am-table>
  </div>`;
}

function filterBar(
  swarm: SwarmView,
  filter: MeshFilter,
  agents: number,
  links: number,
  set: (filter: MeshFilter) => void,
): TemplateResult {
  const text = (event: Event): void =>
    set({ ...filter, text: (event.target as HTMLElement & { value: string }).value });
  const state = (event: Event): void =>
    set({ ...filter, state: (event.target as HTMLElement & { value: FilterState }).value });
  const shownOf = (count: number, all: number): string => `${formatNumber(count)} of ${formatNumber(all)}`;
  return html`<div class="filter" role="search" aria-label="Filter agents and links">
    <vscode-textfield
      placeholder="Filter: a17, leader, crashed"
      label="Filter by text"
      title="Words that must all occur in an agent's id, zone or state, or in a link's ends or state"
      .value=${filter.text}
      @input=${text}
    ></vscode-textfield>
    <vscode-single-select label="Filter by state" aria-label="Filter by state" .value=${filter.state} @change=${state}>
      ${Object.entries(FILTER_STATES).map(
        ([id, name]) => html`<vscode-option value=${id} ?selected=${id === filter.state}>${name}</vscode-option>`,
      )}
    </vscode-single-select>
    <span class="muted" role="status"
      >${shownOf(agents, swarm.agents.length)} agents, ${shownOf(links, swarm.links.length)} links</span
    >
  </div>`;
}

function agentKey(agent: AgentView): string {
  return agent.id;
}
