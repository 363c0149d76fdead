/** Positions for a swarm: at once where its topology has a shape, from the worker where it has not. */
import { forceLayout } from "./force.ts";
import { layoutByKind, type Pair, type Position } from "./layout.ts";
import type { LayoutAnswer, LayoutQuestion } from "./layout.worker.ts";

type Positions = ReadonlyMap<string, Position>;

/** Up to this many agents a force layout takes a few ms: not worth the way to the worker. */
const WORKER_FROM = 80;

export class LayoutService {
  readonly #workerUri: string;
  #worker: Promise<Worker | null> | undefined;
  #asked = 0;

  /** `workerUri`: where the worker's script is; fetched, since a webview may start workers only from a blob. */
  constructor(workerUri: string) {
    this.#workerUri = workerUri;
  }

  /** Calls back once with the positions; never for a question that a newer one has replaced. */
  layout(
    topology: string,
    agents: readonly string[],
    links: readonly Pair[],
    done: (positions: Positions) => void,
  ): void {
    const id = ++this.#asked;
    const known = layoutByKind(topology, agents, links);
    if (known !== null || agents.length < WORKER_FROM) {
      done(known ?? forceLayout(agents, links));
      return;
    }
    this.#worker ??= this.#start();
    void this.#worker.then((worker) => {
      if (id !== this.#asked) return;
      if (worker === null) {
        done(forceLayout(agents, links));
        return;
      }
      worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
        if (data.id !== this.#asked) return;
        done(
          new Map(agents.map((agent, i) => [agent, { x: data.coordinates[2 * i]!, y: data.coordinates[2 * i + 1]! }])),
        );
      };
      worker.postMessage({ id, agents, links } satisfies LayoutQuestion);
    });
  }

  /** null where no worker can run (a policy, an old browser): the page then computes by itself. */
  async #start(): Promise<Worker | null> {
    try {
      const script = await (await fetch(this.#workerUri)).blob();
      return new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    } catch (error) {
      console.warn(`The layout worker could not start (${String(error)}); the page lays the swarm out by itself.`);
      return null;
    }
  }
}
