/** The topology view with a swarm in it, and what its picture says of itself: a canvas has no elements to ask. */
import type { SwarmView } from "../../../server/contract/swarm.ts";
import type { Label } from "../../../webview/topology/labels.ts";
import type { TopologyView } from "../../../webview/topology/topology-view.ts";
import type { OpenOptions, WebviewPage } from "./webview-page.ts";
import type { Webviews } from "./webviews.ts";

export async function openTopology(
  harness: Webviews,
  swarm: SwarmView,
  options: OpenOptions = {},
): Promise<WebviewPage> {
  const view = await harness.open("topology", options);
  const swarms = [{ id: swarm.id, name: swarm.name }];
  await view.send({ type: "snapshot", view: "topology", swarm, swarms, trusted: true });
  if ((options.state as { table?: boolean } | undefined)?.table !== true) await settled(view);
  return view;
}

/** Waits until the layout has arrived and everything stands still: the same labels at the same places in two frames. */
export async function settled(view: WebviewPage): Promise<void> {
  await view.frames(2);
  await view.page.waitForFunction(() => {
    const topology = document.querySelector<TopologyView>("am-topology");
    if (topology?.settled !== true) return false;
    const now = JSON.stringify(topology.graph?.labels ?? []);
    const kept = window as unknown as { lastLabels?: string };
    const same = kept.lastLabels === now;
    kept.lastLabels = now;
    return same;
  });
}

export function labelsOf(view: WebviewPage): Promise<readonly Label[]> {
  return view.page.evaluate(() => document.querySelector<TopologyView>("am-topology")?.graph?.labels ?? []);
}

/** Where an agent or a closed group is on the page; null where it is not drawn. */
export function pointOf(view: WebviewPage, id: string): Promise<{ x: number; y: number } | null> {
  return view.page.evaluate((wanted) => {
    const topology = document.querySelector<TopologyView>("am-topology");
    const box = topology?.querySelector(".picture")?.getBoundingClientRect();
    const at = topology?.graph?.pointOf(wanted);
    return box && at ? { x: box.left + at.x, y: box.top + at.y } : null;
  }, id);
}

/** The groups there are, each with whether it is drawn in one piece. */
export async function groupsOf(view: WebviewPage): Promise<readonly { id: string; name: string; closed: boolean }[]> {
  return view.page.evaluate(() => {
    const topology = document.querySelector<TopologyView>("am-topology");
    return (topology?.groups ?? []).map(({ id, name }) => ({
      id,
      name,
      closed: topology?.graph?.pointOf(id) !== null,
    }));
  });
}

/** Labels that cover each other: there should be none. */
export function overlapping(labels: readonly Label[]): readonly string[] {
  const found: string[] = [];
  labels.forEach((a, i) => {
    for (const b of labels.slice(i + 1)) {
      const apart =
        a.box.x + a.box.width <= b.box.x ||
        b.box.x + b.box.width <= a.box.x ||
        a.box.y + a.box.height <= b.box.y ||
        b.box.y + b.box.height <= a.box.y;
      if (!apart) found.push(`${a.text} and ${b.text}`);
    }
  });
  return found;
}
