/**
 * Notifications to one consumer, at most 30 a second together: of each subject only the newest state is sent, subjects take turns, and
 * what must not be lost (output, notices) waits in order.
 */
import type { CoordinatorNotification, CoordinatorNotifications } from "../contract/coordinator.ts";

export type Notify = <N extends CoordinatorNotification>(name: N, params: CoordinatorNotifications[N]) => void;

const INTERVAL_MS = 1000 / 30;
/** Output of one stream that waits; the consumer is told how much was left out beyond it. */
const MAX_OUTPUT_CHARACTERS = 1024 * 1024;

/** Makes the notification when its turn comes; undefined: nothing to send any more. */
type Make = () => (() => void) | undefined;

export class Outbox {
  readonly #notify: Notify;
  readonly #waiting = new Map<string, Make>();
  readonly #outputs = new Map<string, { params: CoordinatorNotifications["taskOutput"]; leftOut: number }>();
  /** Who waits for what was before it. */
  readonly #awaiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  #unique = 0;
  #closed = false;

  constructor(notify: Notify) {
    this.#notify = notify;
  }

  /** The newest state of a subject, asked for when its turn comes. `null`: there is none any more. */
  state<N extends CoordinatorNotification>(
    name: N,
    subject: string,
    current: () => CoordinatorNotifications[N] | null,
  ): void {
    this.#put(`${name} ${subject}`, () => {
      const params = current();
      return params === null ? undefined : () => this.#notify(name, params);
    });
  }

  /** Sent once, after what was given before it. */
  once<N extends CoordinatorNotification>(name: N, params: CoordinatorNotifications[N]): void {
    this.#put(`once ${this.#unique++}`, () => () => this.#notify(name, params));
  }

  output(params: CoordinatorNotifications["taskOutput"]): void {
    const subject = `taskOutput ${params.swarm} ${params.taskId} ${params.token} ${params.stream}`;
    const waiting = this.#outputs.get(subject);
    if (waiting === undefined) this.#outputs.set(subject, { params, leftOut: 0 });
    else if (waiting.params.text.length + params.text.length > MAX_OUTPUT_CHARACTERS)
      waiting.leftOut += params.text.length;
    else waiting.params = { ...waiting.params, text: waiting.params.text + params.text };
    this.#put(subject, () => {
      const { params: merged, leftOut } = this.#outputs.get(subject)!;
      this.#outputs.delete(subject);
      const note = leftOut === 0 ? "" : `\n[${leftOut} characters of output came too fast and are left out here]\n`;
      return () => this.#notify("taskOutput", { ...merged, text: merged.text + note });
    });
  }

  /** Ends when all that waits now has been sent, or nothing is sent any more: for an answer that must not come before what led to it. */
  sent(): Promise<void> {
    if (this.#closed || this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#awaiting.add(resolve);
      this.#put(`sent ${this.#unique++}`, () => {
        this.#awaiting.delete(resolve);
        resolve();
        return undefined;
      });
    });
  }

  close(): void {
    this.#closed = true;
    for (const resolve of this.#awaiting) resolve();
    this.#awaiting.clear();
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #put(subject: string, make: Make): void {
    if (this.#closed) return;
    // A subject that waits keeps its turn.
    this.#waiting.set(subject, make);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    const waitMs = Math.max(0, this.#lastSentAt + INTERVAL_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sendNext();
      this.#schedule();
    }, waitMs);
  }

  #sendNext(): void {
    for (const [subject, make] of this.#waiting) {
      this.#waiting.delete(subject);
      const send = make();
      if (send === undefined) continue;
      this.#lastSentAt = performance.now();
      send();
      return;
    }
  }
}
