/** Runs the force layout beside the page, so that the page stays quick. One question, one answer. */
import { forceLayout } from "./force.ts";
import type { Pair } from "./layout.ts";

export interface LayoutQuestion {
  readonly id: number;
  readonly agents: readonly string[];
  readonly links: readonly Pair[];
}

export interface LayoutAnswer {
  readonly id: number;
  /** x and y in turn, in the order of the agents. */
  readonly coordinates: Float64Array;
}

self.addEventListener("message", (event: MessageEvent<LayoutQuestion>) => {
  const { id, agents, links } = event.data;
  const positions = forceLayout(agents, links);
  const coordinates = Float64Array.from(
    agents.flatMap((agent) => {
      const { x, y } = positions.get(agent) ?? { x: 0, y: 0 };
      return [x, y];
    }),
  );
  self.postMessage({ id, coordinates } satisfies LayoutAnswer);
});
