/** What VS Code's context menus are told about the thing under the pointer (`data-vscode-context`, see its `webview/context` menus). */
import type { LinkView } from "../../server/contract/swarm.ts";
import type { Thing } from "./graph.ts";

export function agentContext(swarm: string, agent: string): string {
  return JSON.stringify({ webviewSection: "agent", agent, swarm, preventDefaultContextMenuItems: true });
}

export function linkContext(swarm: string, link: LinkView): string {
  return JSON.stringify({ webviewSection: "link", a: link.a, b: link.b, swarm, preventDefaultContextMenuItems: true });
}

/** The context of a thing in the picture; of the picture itself where there is none. */
export function thingContext(swarm: string, thing: Thing | null, links: ReadonlyMap<string, LinkView>): string {
  if (thing?.kind === "agent") return agentContext(swarm, thing.agent);
  const link = thing === null ? undefined : links.get(thing.link);
  if (link !== undefined) return linkContext(swarm, link);
  return JSON.stringify({ webviewSection: "swarm", swarm, preventDefaultContextMenuItems: true });
}
