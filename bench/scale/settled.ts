import { encodeFrame } from "../../server/agent/frame.ts";
import { MAX_NEWS } from "../../server/core/membership/news.ts";
import { SwimCodec } from "../../server/core/membership/swim/codec.ts";
import { Untold } from "../../server/core/membership/swim/untold.ts";
import type { Link } from "../../server/core/overlay/types.ts";
import { EPOCH_MS } from "../../server/sim/clock.ts";
import type { SimWorld } from "../../server/sim/world.ts";

/** Of each agent: the first one. */
const LIFE = 1;

/**
 * Starts agents as if they had been there for long: each is told by a neighbour, in one frame, that all the others are, and none of them has that to tell any more. What it takes until
 * all have heard of all is no part of what is measured: among ten thousand that is minutes of the processor.
 */
export function startSettled(worlds: readonly SimWorld[], ids: readonly string[], links: readonly Link[]): void {
  const frame = frameOfAll(ids);
  const places = new Map(ids.map((id, place) => [id, place]));
  const neighbour = new Map(links.flatMap(({ a, b }) => [[a, b], [b, a]] as const)); // biome-ignore format: two pairs
  withoutNews(() => {
    for (const world of worlds) {
      world.start();
      const from = places.get(neighbour.get(world.id) ?? "");
      if (from !== undefined) world.receive(from, frame, false);
      // At once: what it observes of all others is not to wait until all have observed as much.
      world.agent?.turn(world.now);
    }
  });
}

/** What whoever has heard of all says in a comparison. */
function frameOfAll(ids: readonly string[]): Uint8Array {
  const codec = new SwimCodec(ids);
  const news = ids.map((id) => ({ id, state: "alive", incarnation: LIFE, heartbeat: 1 }) as const);
  const packets = Array.from({ length: Math.ceil(news.length / MAX_NEWS) }, (_, at) => ({
    kind: "gossip" as const,
    payload: codec.encode({ type: "sync", asks: false, news: news.slice(at * MAX_NEWS, (at + 1) * MAX_NEWS) }),
  }));
  const head = { sentAtMs: EPOCH_MS, hlc: { wallMs: EPOCH_MS, counter: 0 }, incarnation: LIFE };
  return encodeFrame(head, packets).slice();
}

/** What members hear meanwhile they have nobody to tell. */
function withoutNews(run: () => void): void {
  const { add } = Untold.prototype;
  Untold.prototype.add = () => {};
  try {
    run();
  } finally {
    Untold.prototype.add = add;
  }
}
