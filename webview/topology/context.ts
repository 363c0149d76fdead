/** What VS Code's context menus are told about the thing under the pointer (`data-vscode-context`, see its `webview/context` menus). */
import type { AgentView, LinkView } from "../../server/contract/swarm.ts";
import type { Thing } from "./thing.ts";

export function agentContext(swarm: string, { id, member }: Pick<AgentView, "id" | "member">): string {
  return JSON.stringify({ webviewSection: "agent", agent: id, member, swarm, preventDefaultContextMenuItems: true });
}

export function linkContext(swarm: string, link: LinkView): string {
  return JSON.stringify({ webviewSection: "link", a: link.a, b: link.b, swarm, preventDefaultContextMenuItems: true });
}

/** The context of a thing in the picture; of the picture itself where there is none. */
export function thingContext(
  swarm: string,
  thing: Thing | null,
  agents: readonly AgentView[],
  links: ReadonlyMap<string, LinkView>,
): string {
  const agent = thing?.kind === "agent" ? agents.find(({ id }) => id === thing.agent) : undefined;
  if (agent !== undefined) return agentContext(swarm, agent);
  const link = thing?.kind === "link" ? links.get(thing.link) : undefined;
  if (link !== undefined) return linkContext(swarm, link);
  return JSON.stringify({ webviewSection: "swarm", swarm, preventDefaultContextMenuItems: true });
}
