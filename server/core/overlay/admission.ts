/**
 * How many callers that nobody knows are listened to: a token bucket a source and one for all (Turner 1986; as of a leaky bucket used as a meter). What
 * came too often is refused with how long to wait, and takes no memory to speak of. Time is an argument, in ms from anywhere, that does not run backwards.
 */

export interface AdmissionLimits {
  /** So many at once. */
  readonly burst: number;
  /** And from then on one in this time, ms. */
  readonly everyMs: number;
}

export interface AdmissionSettings {
  readonly source: AdmissionLimits;
  readonly all: AdmissionLimits;
  /** Sources that are told apart; of more the ones that were seen longest ago are forgotten. */
  readonly maxSources: number;
}

export const ADMISSION: AdmissionSettings = {
  source: { burst: 8, everyMs: 1_000 },
  all: { burst: 16, everyMs: 500 },
  maxSources: 1_024,
};

export type Admitted =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly by: "source" | "all"; readonly retryAfterMs: number };

export class Admission {
  readonly #settings: AdmissionSettings;
  readonly #all: Bucket;
  /** In the order in which they were last seen. */
  readonly #sources = new Map<string, Bucket>();

  constructor(settings: AdmissionSettings = ADMISSION) {
    this.#settings = settings;
    this.#all = new Bucket(settings.all);
  }

  /** A caller from this source asks at this time. One that is refused costs nobody else anything. */
  ask(source: string, nowMs: number): Admitted {
    const own = this.#sources.get(source) ?? new Bucket(this.#settings.source);
    this.#sources.delete(source);
    this.#sources.set(source, own);
    if (this.#sources.size > this.#settings.maxSources) {
      for (const oldest of this.#sources.keys()) {
        this.#sources.delete(oldest);
        break;
      }
    }
    const ownWaitMs = own.waitMs(nowMs);
    if (ownWaitMs > 0) return { admitted: false, by: "source", retryAfterMs: ownWaitMs };
    const waitMs = this.#all.waitMs(nowMs);
    if (waitMs > 0) return { admitted: false, by: "all", retryAfterMs: waitMs };
    own.take();
    this.#all.take();
    return { admitted: true };
  }

  get sources(): number {
    return this.#sources.size;
  }
}

class Bucket {
  readonly #limits: AdmissionLimits;
  #left: number;
  #filledMs = Number.NaN;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#left = limits.burst;
  }

  /** Until there is one to take; 0: now. */
  waitMs(nowMs: number): number {
    const { burst, everyMs } = this.#limits;
    if (!Number.isNaN(this.#filledMs)) this.#left = Math.min(burst, this.#left + (nowMs - this.#filledMs) / everyMs);
    this.#filledMs = nowMs;
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) * everyMs);
  }

  take(): void {
    this.#left--;
  }
}
