// What tests ask of a swarm that is up: who leads, where it is drawn, whether a process is stopped.

import { readFileSync } from "node:fs";
import type { FrameLocator } from "playwright-core";
import type { Editor } from "./editor.ts";

/** What the page's own element of a picture can tell of itself. */
interface Drawn extends Element {
  readonly graph: { pointOf(agent: string): { readonly x: number; readonly y: number } | null } | undefined;
}

/** The status bar of a whole swarm, with its leader. */
const WHOLE = /first-swarm 5\/5 · (\S+) leads/;

/** Brings up the examples' first swarm and returns its leader. */
export async function initFirstSwarm(editor: Editor): Promise<string> {
  await editor.runCommand("Agent Mesh: Init Swarm");
  await editor.quickInput.choose("first-swarm.mesh.yaml");
  await editor.notifications.waitFor(/first-swarm is up: 5\/5 agents/, 30_000);
  return leaderNow(editor);
}

/** Waits until the status bar names a leader, and returns it. */
export async function leaderNow(editor: Editor, pattern: RegExp = WHOLE, deadlineMs = 20_000): Promise<string> {
  const text = await editor.statusBar.item(pattern, deadlineMs);
  return pattern.exec(text)?.[1] ?? "";
}

/** Where an agent is drawn in a topology, CSS pixels from the picture's corner. */
export async function pointOf(topology: FrameLocator, agent: string): Promise<{ x: number; y: number }> {
  const point = await topology
    .locator("am-topology")
    .evaluate((element, id) => (element as unknown as Drawn).graph?.pointOf(id) ?? null, agent);
  if (point === null) throw new Error(`The topology does not draw ${agent}.`);
  return point;
}

/** The state letter of a process as the kernel tells it: R, S, T (stopped), Z ... */
export function processState(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).charAt(0);
}
