import type { TimelineEvent } from "../../contract/timeline.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import type { Dialler, DurableLog, Executor, Judge, Network, World } from "../world.ts";
import { Fingerprint } from "./fingerprint.ts";
import type { RecordedCrypto } from "./recorded-crypto.ts";

/** The world of an agent that is replayed: it takes everything and answers nothing. What the real one answered is in the recording. */
export class NullWorld implements World {
  readonly fingerprint = new Fingerprint();
  readonly network: Network;
  readonly log: DurableLog;
  /** The same: appends are numbered together. */
  readonly memoryLog: DurableLog;
  readonly crypto: RecordedCrypto;
  readonly executor: Executor = { start: nothing, extend: nothing, stop: nothing };
  readonly dialler: Dialler = { open: nothing, close: nothing };
  readonly judge: Judge = { consider: nothing, dismiss: nothing };
  readonly observing: () => boolean;
  readonly #appending: (() => void)[] = [];
  readonly #onEvent: ((event: TimelineEvent) => void) | undefined;

  /** @param onEvent every event as it is recomputed; absent: none are made. */
  constructor(crypto: RecordedCrypto, onEvent: ((event: TimelineEvent) => void) | undefined) {
    this.crypto = crypto;
    this.#onEvent = onEvent;
    this.observing = () => onEvent !== undefined;
    this.network = { send: (to, frame) => this.fingerprint.sent(to, frame) };
    this.log = {
      append: (batch, durable) => {
        this.fingerprint.appended(batch);
        this.#appending.push(durable);
      },
    };
    this.memoryLog = this.log;
  }

  /** What the log said when this append became durable. @param place among those that are not, from 0. @throws MalformedBytes when there is none */
  durable(place: number): void {
    const [call] = this.#appending.splice(place, 1);
    if (call === undefined) throw new MalformedBytes(`append ${place} of ${this.#appending.length} became durable`);
    call();
  }

  requestTurn(): void {}

  setAlarm(): void {}

  measure(): void {}

  observe(event: TimelineEvent): void {
    this.#onEvent?.(event);
  }

  taskOutput(): void {}

  reply(): void {}
}

function nothing(): void {}
