/** Lanes: which agents are shown, in which order, how high, and where. */
import { compareIds } from "../format.ts";

export interface LaneSettings {
  /** The person's own order; agents that are not named follow in the order of their names. */
  readonly order: readonly string[];
  readonly hidden: readonly string[];
  readonly folded: readonly string[];
}

export interface Lane {
  readonly agent: string;
  readonly folded: boolean;
  /** CSS pixels from the first lane's top. */
  readonly top: number;
  readonly height: number;
  /** Where events and arrows are. */
  readonly lineY: number;
  readonly barTop: number;
  readonly barHeight: number;
}

const LANE_PX = { min: 44, max: 124, folded: 18 };

/** Agents in the person's order, all of them. */
export function orderedAgents(agents: readonly string[], order: readonly string[]): readonly string[] {
  const places = new Map(order.map((agent, i) => [agent, i]));
  return [...agents].sort((a, b) => {
    const difference = (places.get(a) ?? order.length) - (places.get(b) ?? order.length);
    return difference !== 0 ? difference : compareIds(a, b);
  });
}

/** Lays lanes out; they share the room, between a least and a greatest height. `bars`: below the line of each is room for its terms. */
export function layLanes(
  agents: readonly string[],
  settings: LaneSettings,
  roomPx: number,
  bars = true,
): readonly Lane[] {
  const shown = orderedAgents(agents, settings.order).filter((agent) => !settings.hidden.includes(agent));
  const folded = new Set(settings.folded);
  const open = shown.filter((agent) => !folded.has(agent)).length;
  const room = roomPx - (shown.length - open) * LANE_PX.folded;
  const height = Math.floor(Math.max(LANE_PX.min, Math.min(LANE_PX.max, room / Math.max(1, open))));
  let top = 0;
  return shown.map((agent) => {
    const lane = folded.has(agent) ? thinLane(agent, top) : openLane(agent, top, height, bars);
    top += lane.height;
    return lane;
  });
}

function openLane(agent: string, top: number, height: number, bars: boolean): Lane {
  const barHeight = height >= 60 ? 15 : 12;
  return {
    agent,
    folded: false,
    top,
    height,
    lineY: top + Math.round(height * (bars ? 0.4 : 0.52)),
    barTop: top + height - barHeight - Math.max(4, Math.round(height * 0.12)),
    barHeight,
  };
}

function thinLane(agent: string, top: number): Lane {
  return {
    agent,
    folded: true,
    top,
    height: LANE_PX.folded,
    lineY: top + 7,
    barTop: top + 12,
    barHeight: 4,
  };
}

export function lanesHeight(lanes: readonly Lane[]): number {
  const last = lanes.at(-1);
  return last === undefined ? 0 : last.top + last.height;
}

/** Moves an agent to another place in the order. */
export function moveAgent(order: readonly string[], agent: string, to: number): readonly string[] {
  const rest = order.filter((other) => other !== agent);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), agent, ...rest.slice(place)];
}
