import { RecordingAgent, type RecordingSink } from "../agent/recording/recording-agent.ts";
import type { AgentFactory } from "./world.ts";

/** One life of one agent, as far as it was recorded. */
export interface RecordedLife {
  readonly agent: string;
  readonly incarnation: number;
  readonly segments: readonly Uint8Array[];
}

const MAX_BLOCK_BYTES = 64 * 1024;

/** Records every life of every agent of a simulation: give `createAgent` to `simulate`, and take what was recorded when it is over. */
export class SimRecorder {
  #lives: { readonly recorder: RecordingAgent; readonly life: MemoryLife }[] = [];
  readonly #segmentBytes: number;
  readonly #blockBytes: number;

  /** @param segmentBytes a segment of so many bytes is followed by another; absent: a life is one segment. */
  constructor(segmentBytes = Number.POSITIVE_INFINITY) {
    this.#segmentBytes = segmentBytes;
    this.#blockBytes = Math.min(MAX_BLOCK_BYTES, segmentBytes);
  }

  readonly createAgent: AgentFactory = (config, world, recovered, now) => {
    const life = new MemoryLife(config.id, config.incarnation, this.#segmentBytes);
    const options = { blockBytes: this.#blockBytes, digest: "simulated" } as const;
    const recorder = new RecordingAgent(config, world, recovered, now, life, options);
    this.#lives.push({ recorder, life });
    return recorder;
  };

  /** What was recorded since the last call, in the order the lives began. To be called between two simulations. */
  finish(): RecordedLife[] {
    const lives = this.#lives;
    this.#lives = [];
    return lives.map(({ recorder, life }) => {
      recorder.flush();
      return { agent: life.agent, incarnation: life.incarnation, segments: life.segments() };
    });
  }
}

class MemoryLife implements RecordingSink {
  readonly open = true;
  readonly gap = false;
  readonly agent: string;
  readonly incarnation: number;
  readonly #segmentBytes: number;
  readonly #segments: Uint8Array[][] = [];
  #bytes = 0;

  constructor(agent: string, incarnation: number, segmentBytes: number) {
    this.agent = agent;
    this.incarnation = incarnation;
    this.#segmentBytes = segmentBytes;
  }

  get full(): "no" | "soon" | "now" {
    if (this.#bytes < this.#segmentBytes) return "no";
    return this.#bytes < this.#segmentBytes * 1.5 ? "soon" : "now";
  }

  begin(_segment: number, bytes: Uint8Array): void {
    this.#segments.push([bytes]);
    this.#bytes = 0;
  }

  append(bytes: Uint8Array): void {
    this.#segments.at(-1)?.push(bytes);
    this.#bytes += bytes.length;
  }

  segments(): Uint8Array[] {
    return this.#segments.map(joined);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
