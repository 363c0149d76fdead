/** Groups and places agents beside the page, so that the page stays quick. One question, one answer. */
import { type Arrangement, type Arranging, arrange } from "./arrange.ts";

export interface LayoutQuestion {
  readonly id: number;
  readonly arranging: Arranging;
}

export interface LayoutAnswer {
  readonly id: number;
  readonly arrangement: Arrangement;
}

self.addEventListener("message", (event: MessageEvent<LayoutQuestion>) => {
  const { id, arranging } = event.data;
  self.postMessage({ id, arrangement: arrange(arranging) } satisfies LayoutAnswer);
});
