/** Records up to this size come from few requests at a time: what counts then is the time each one takes. */
const SMALL_BYTES = 2 * 1024;
/** A sync in place holds everything else up: it must be quick. */
const QUICK_MS = 0.5;
/** Weight of the newest sync in the running mean. */
const WEIGHT = 1 / 16;
/** After so many syncs elsewhere it is tried in place again: the disk may have become quick. */
const TRY_AGAIN_AFTER = 256;

/**
 * Where to sync: in place (the process waits) or apart (in the thread pool). Apart costs two changes of thread, on a quick disk as much as the sync itself,
 * but lets the next batch build up meanwhile. So small records on a quick disk are synced in place, all others apart.
 */
export class SyncChoice {
  #meanMs = 0;
  #apart = 0;

  inPlace(recordBytes: number): boolean {
    if (recordBytes > SMALL_BYTES) return false;
    if (this.#meanMs <= QUICK_MS) return true;
    if (++this.#apart < TRY_AGAIN_AFTER) return false;
    this.#apart = 0;
    this.#meanMs = QUICK_MS;
    return true;
  }

  /** How long a sync in place took. */
  tookInPlace(ms: number): void {
    this.#meanMs += (ms - this.#meanMs) * WEIGHT;
  }
}
