/** How a message fared, in words, as far as the timeline tells: when it arrived, or that it did not, and which faults were on its way. */
import type { FaultKind } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { MessageInfo, TimelineEvent } from "../../server/contract/timeline.ts";
import { formatDuration } from "../format.ts";
import type { EventStory } from "./event-details.ts";
import type { Arrow, PlacedWindow } from "./placed.ts";

export interface Passage {
  /** "arrived after 1.2 ms". */
  readonly end: string;
  /** Titles of what was on its way. */
  readonly faults: readonly string[];
}

/** Of the message that the event sent or received; null where it did neither. `window` knows whether a receipt is overdue. */
export function passageOf(swarm: SwarmView, story: EventStory, window: PlacedWindow | null): Passage | null {
  const { message } = story.event;
  if (message === undefined) return null;
  const sent = [story.event, ...story.causes].find(({ id }) => id === message.id) ?? story.event;
  return {
    end: passageName(story, window),
    faults: faultsOnWay(swarm, window?.landmarks ?? [], message, sent.hlc.wallMs),
  };
}

function passageName({ event, causes, effects }: EventStory, window: PlacedWindow | null): string {
  const isOf = (other: TimelineEvent): boolean => other.message?.id === event.message?.id;
  const all = [event, ...causes, ...effects];
  const sent = all.find((other) => other.kind === "send" && isOf(other));
  const received = all.find((other) => other.kind === "receive" && isOf(other));
  if (received !== undefined) return sent === undefined ? "arrived" : arrival(received.hlc.wallMs - sent.hlc.wallMs);
  return endName(window?.arrows.find(({ message }) => message.id === event.message?.id)?.fate ?? "open");
}

/** As its arrow tells. */
export function arrowEnd({ fromMs, toMs, fate }: Arrow): string {
  return toMs === null ? endName(fate) : arrival(toMs - fromMs);
}

function arrival(ms: number): string {
  return `arrived after ${formatDuration(Math.max(0, Math.round(ms * 100) / 100))}`;
}

function endName(fate: Arrow["fate"]): string {
  return fate === "lost" ? "no receipt was recorded: lost" : "on its way, or its receipt is out of sight";
}

/** Faults that befall messages between agents; an agent's own troubles are seen on its lane. */
const ON_MESSAGES: readonly FaultKind[] = ["partition", "isolate", "slow", "lossy", "link", "message", "byzantine"];

/**
 * Titles of the faults that were on a message's way when it was sent. Those that hold still are known way by way and type by type; of those that have healed the
 * timeline tells whom they hit.
 */
export function faultsOnWay(
  swarm: SwarmView,
  landmarks: readonly TimelineEvent[],
  message: MessageInfo,
  atMs: number,
): readonly string[] {
  const holding = swarm.faults.filter(({ id, spec, agents, sinceMs }) => {
    if (sinceMs > atMs) return false;
    if (spec.kind === "byzantine") return agents.includes(message.from);
    const isMeant = spec.kind !== "message" || (spec.match.types?.includes(message.type) ?? true);
    return isMeant && faultsOf(swarm, message).includes(id);
  });
  const healed = landmarks.filter(({ kind, hlc, fields }) => {
    if (kind !== "faultHealed" || hlc.wallMs < atMs || !ON_MESSAGES.includes(fields.kind as FaultKind)) return false;
    const injected = landmarks.find((other) => other.kind === "faultInjected" && other.fields.fault === fields.fault);
    const hits = [message.from, message.to].some((id) => listed(fields.agents, id));
    return hits && (injected === undefined || injected.hlc.wallMs <= atMs);
  });
  return [...holding.map(({ title }) => title), ...healed.map(({ fields }) => `${fields.title} (healed since)`)];
}

/** Ids of what is on the link that a message took, on its way. */
function faultsOf({ links }: SwarmView, { from, to }: MessageInfo): readonly string[] {
  const out = links.find(({ a, b }) => a === from && b === to);
  return out?.faultsOut ?? links.find(({ a, b }) => a === to && b === from)?.faultsIn ?? [];
}

function listed(value: TimelineEvent["fields"][string] | undefined, id: string): boolean {
  return Array.isArray(value) && value.includes(id);
}
