/** The names of the lanes, at their left: what the agent is now, and the handles to move, fold and hide its lane. */
import { html, nothing, type TemplateResult } from "lit";
import { agreementText, spreadText } from "../../server/contract/gossip.ts";
import type { AgentView, GossipReport, SwarmView } from "../../server/contract/swarm.ts";
import { agentGlyph, glyphSvg, lookOf } from "../glyphs.ts";
import { conditionName, troubleGlyph, troublesOf } from "../troubles.ts";
import { type Lane, lanesHeight } from "./lanes.ts";

/** A lane so high has room for a second line below its name. */
const TWO_LINES_PX = 64;

export interface LaneActions {
  readonly move: (agent: string, by: number) => void;
  readonly drag: (event: PointerEvent, agent: string) => void;
  readonly fold: (agent: string) => void;
  readonly hide: (agent: string) => void;
}

/** Only the lanes in sight get an element. */
export function laneHeaders(
  swarm: SwarmView,
  lanes: readonly Lane[],
  scrollY: number,
  roomPx: number,
  actions: LaneActions,
): TemplateResult {
  const agents = new Map(swarm.agents.map((agent) => [agent.id, agent]));
  const inSight = lanes.filter((lane) => lane.top + lane.height > scrollY - 200 && lane.top < scrollY + roomPx + 200);
  return html`<ul class="lanes" aria-label="Lanes" .style=${`height:${lanesHeight(lanes)}px`}>
    ${inSight.map((lane) => header(swarm, agents.get(lane.agent), lane, actions))}
  </ul>`;
}

/** How sure it is, and what else there is to say of it: that it is a peer, as all are, is not. */
function spreadLines(condition: string, { agreement }: GossipReport): readonly string[] {
  const rest = condition.replace(/^peer(, )?/, "");
  return [`agreement ${agreementText(agreement)}`, ...(rest === "" ? [] : [rest])];
}

function header(swarm: SwarmView, agent: AgentView | undefined, lane: Lane, actions: LaneActions): TemplateResult {
  const look = agent === undefined ? undefined : lookOf(agent, swarm.health.quorum);
  const condition = agent === undefined || look === undefined ? "removed" : conditionName(agent, look, swarm.faults);
  const lines = agent?.gossip === undefined ? [condition] : spreadLines(condition, agent.gossip);
  const state = lines.join(", ");
  const title = agent?.gossip === undefined ? state : `${condition}: ${spreadText(agent.gossip)}`;
  const troubles = agent === undefined ? [] : troublesOf(agent, swarm.faults);
  const onKey = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    if (event.altKey && event.key === "ArrowUp") actions.move(lane.agent, -1);
    else if (event.altKey && event.key === "ArrowDown") actions.move(lane.agent, 1);
    else if (event.key === "f") actions.fold(lane.agent);
    else if (event.key === "h" || event.key === "Delete") actions.hide(lane.agent);
    else return;
    event.preventDefault();
  };
  const shown = lane.height < TWO_LINES_PX ? state : lines.map((line) => html`<span>${line}</span>`);
  const fold = lane.folded ? "Unfold" : "Fold";
  return html`<li
    class=${lane.folded ? "folded" : ""}
    data-agent=${lane.agent}
    data-vscode-context=${JSON.stringify({ webviewSection: "agent", agent: lane.agent, member: agent?.member, swarm: swarm.id, preventDefaultContextMenuItems: true })}
    tabindex="0"
    aria-label="${lane.agent}, ${state}. Alt+arrow moves the lane, F folds it, H hides it."
    .style=${`top:${lane.top}px;height:${lane.height}px`}
    @keydown=${onKey}
  >
    <span class="grip" title="Drag to move the lane" @pointerdown=${(event: PointerEvent) => actions.drag(event, lane.agent)}>
      ${look === undefined ? nothing : glyphSvg(agentGlyph(look), lane.folded ? 12 : 17)}<b>${lane.agent}</b>${troubles.map((trouble) => glyphSvg(troubleGlyph(trouble), lane.folded ? 11 : 15))}
    </span>
    <span class="lane-tools">
      <button class="icon" title="${fold} ${lane.agent}" aria-label="${fold} ${lane.agent}" @click=${() => actions.fold(lane.agent)}>
        <span class="codicon codicon-${lane.folded ? "unfold" : "fold"}" aria-hidden="true"></span>
      </button>
      <button class="icon" title="Hide ${lane.agent}" aria-label="Hide ${lane.agent}" @click=${() => actions.hide(lane.agent)}>
        <span class="codicon codicon-eye-closed" aria-hidden="true"></span>
      </button>
    </span>
    ${lane.folded || lane.height < 40 ? nothing : html`<span class="state" title=${title}>${shown}</span>`}
  </li>`;
}
