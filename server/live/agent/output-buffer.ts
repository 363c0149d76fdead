import type { AgentPush } from "../../contract/client.ts";

/** Characters of one stream of one task that wait for the next push; of more, the latest are kept. */
const MAX_WAITING_CHARACTERS = 256 * 1024;

type OutputPush = Extract<AgentPush, { readonly push: "taskOutput" }>;

interface Waiting {
  readonly taskId: string;
  readonly token: number;
  readonly stream: OutputPush["stream"];
  pieces: string[];
  characters: number;
  dropped: number;
}

/** Live output of tasks on its way to observers: collected between two pushes, and bounded, saying so where something was left out. */
export class OutputBuffer {
  readonly #waiting = new Map<string, Waiting>();

  add(taskId: string, token: number, stream: OutputPush["stream"], text: string): void {
    const key = `${stream} ${token} ${taskId}`;
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      waiting = { taskId, token, stream, pieces: [], characters: 0, dropped: 0 };
      this.#waiting.set(key, waiting);
    }
    waiting.pieces.push(text);
    waiting.characters += text.length;
    while (waiting.characters > MAX_WAITING_CHARACTERS && waiting.pieces.length > 1) {
      const oldest = waiting.pieces.shift() as string;
      waiting.characters -= oldest.length;
      waiting.dropped += oldest.length;
    }
  }

  /** Everything collected since the last call. */
  take(): OutputPush[] {
    const pushes = [...this.#waiting.values()].map(({ taskId, token, stream, pieces, dropped }): OutputPush => {
      const gap = dropped === 0 ? "" : `\n[${dropped} characters left out: output came faster than it is shown]\n`;
      return { push: "taskOutput", taskId, token, stream, text: gap + pieces.join("") };
    });
    this.#waiting.clear();
    return pushes;
  }
}
