import type { AgentPush } from "../../contract/client.ts";

/** Characters of one stream of one task that wait for the next push; of more, the latest are kept. */
const MAX_WAITING_CHARACTERS = 256 * 1024;

export type OutputPush = Extract<AgentPush, { readonly push: "taskOutput" }>;

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
    const key = keyOf({ taskId, token, stream });
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

  get empty(): boolean {
    return this.#waiting.size === 0;
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

/** What one observer did not get, because it reads too slowly: told it in the place where it was left out. */
export class MissedOutput {
  readonly #missed = new Map<string, OutputPush & { characters: number }>();

  add(pushes: readonly OutputPush[]): void {
    for (const push of pushes) {
      const key = keyOf(push);
      const characters = (this.#missed.get(key)?.characters ?? 0) + push.text.length;
      this.#missed.set(key, { ...push, text: "", characters });
    }
  }

  /** One push for each stream of a task that something was left out of. */
  take(): OutputPush[] {
    const pushes = Array.from(this.#missed.values(), ({ characters, ...push }): OutputPush => {
      const text = `\n[${characters} characters left out: they came faster than they were read here]\n`;
      return { ...push, text };
    });
    this.#missed.clear();
    return pushes;
  }
}

function keyOf({ taskId, token, stream }: Pick<OutputPush, "taskId" | "token" | "stream">): string {
  return `${stream} ${token} ${taskId}`;
}
