/** Moving a lane by dragging its name: the order changes as the pointer passes the middle of another lane. */
import { type Lane, moveAgent } from "./lanes.ts";

export function dragLane(
  down: PointerEvent,
  agent: string,
  lanes: readonly Lane[],
  reorder: (order: readonly string[]) => void,
): void {
  const list = (down.currentTarget as HTMLElement).closest("ul");
  if (list === null || down.button !== 0) return;
  down.preventDefault();
  const heights = new Map(lanes.map((lane) => [lane.agent, lane.height]));
  let order = lanes.map((lane) => lane.agent);
  const move = (event: PointerEvent): void => {
    const y = event.clientY - list.getBoundingClientRect().top;
    const target = placeAt(order, heights, agent, y);
    if (target === order.indexOf(agent)) return;
    order = [...moveAgent(order, agent, target)];
    reorder(order);
  };
  const up = (): void => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", up);
    window.removeEventListener("pointercancel", up);
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", up);
  window.addEventListener("pointercancel", up);
}

/** The place among the others whose middles are above y. */
function placeAt(order: readonly string[], heights: ReadonlyMap<string, number>, agent: string, y: number): number {
  let top = 0;
  let place = 0;
  for (const other of order) {
    const height = heights.get(other) ?? 0;
    if (other !== agent && y > top + height / 2) place++;
    top += height;
  }
  return place;
}
