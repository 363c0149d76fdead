import type { Disposable } from "vscode";

const INTERVAL_MS = 250;

/** Runs an update at once and then at most four times a second: trees that redraw faster cannot be read or clicked. */
export class Refresher implements Disposable {
  readonly #update: () => void;
  #timer: NodeJS.Timeout | undefined;
  #again = false;

  constructor(update: () => void) {
    this.#update = update;
  }

  request(): void {
    if (this.#timer !== undefined) {
      this.#again = true;
      return;
    }
    this.#update();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.request();
    }, INTERVAL_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
