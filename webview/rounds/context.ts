/** What VS Code's context menus are told about the event or message under the pointer (`data-vscode-context`, see its `webview/context` menus). */
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { MessageInfo, TimelineEvent } from "../../server/contract/timeline.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import type { Hit } from "./hit.ts";

export function hitContext(swarm: SwarmView, found: Hit): string {
  if (found.kind === "arrow") return messageContext(swarm, found.arrow.message);
  return eventContext(swarm, found.kind === "event" ? found.event : null);
}

/** Of a message where it is sent or received; else of the agent that the event is about; else of the swarm. */
export function eventContext(swarm: SwarmView, event: TimelineEvent | null): string {
  if (event?.message !== undefined) return messageContext(swarm, event.message);
  const agent = swarm.agents.find(({ id }) => id === event?.agent);
  return context(
    agent === undefined
      ? { webviewSection: "swarm", swarm: swarm.id }
      : { webviewSection: "agent", swarm: swarm.id, agent: agent.id, member: agent.member },
  );
}

function messageContext(swarm: SwarmView, message: MessageInfo): string {
  return context({ webviewSection: "message", ...messageTarget(swarm, message) });
}

/** Messages like this one. */
export function messageTarget(swarm: SwarmView, { type, from, to }: MessageInfo): InjectTarget {
  return { swarm: swarm.id, message: { type, from, to } };
}

function context(said: object): string {
  return JSON.stringify({ ...said, preventDefaultContextMenuItems: true });
}
