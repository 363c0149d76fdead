/** Groups and positions for a swarm: at once for few agents, from the worker for many. */
import { type Arrangement, type Arranging, arrange } from "./arrange.ts";
import type { LayoutAnswer, LayoutQuestion } from "./layout.worker.ts";

/** Up to this many agents it takes a few ms: not worth the way to the worker. */
const WORKER_FROM = 80;

export class LayoutService {
  readonly #workerUri: string;
  #worker: Promise<Worker | null> | undefined;
  #asked = 0;

  /** `workerUri`: where the worker's script is; fetched, since a webview may start workers only from a blob. */
  constructor(workerUri: string) {
    this.#workerUri = workerUri;
  }

  /** Calls back once with the answer; never for a question that a newer one has replaced. */
  arrange(arranging: Arranging, done: (arrangement: Arrangement) => void): void {
    const id = ++this.#asked;
    if (arranging.agents.length < WORKER_FROM) {
      done(arrange(arranging));
      return;
    }
    this.#worker ??= this.#start();
    void this.#worker.then((worker) => {
      if (id !== this.#asked) return;
      if (worker === null) {
        done(arrange(arranging));
        return;
      }
      worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
        if (data.id === this.#asked) done(data.arrangement);
      };
      worker.postMessage({ id, arranging } satisfies LayoutQuestion);
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
