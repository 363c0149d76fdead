import { joinBytes, MalformedBytes, sameBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { decodeReplicated, type ReplicatedState } from "./replicated-state.ts";
import type { RequestPool } from "./requests.ts";

import type { PbftState } from "./state.ts";
import type { CheckpointCertificate, PbftMessage } from "./types.ts";

type Chunk = PbftMessage & { readonly type: "stateChunk" };

interface Fetching {
  readonly certificate: CheckpointCertificate;
  readonly from: AgentId;
  readonly parts: Uint8Array[];
  bytes: number;
  /** When to try another one, as no part came for long, ms. */
  untilMs: number;
  /** When to try another one although parts keep coming, ms. */
  readonly giveUpMs: number;
}

/** Timeouts that one replica gets for a whole state in the first round; in each round twice as many as before. */
const PATIENCE_TIMEOUTS = 16;
const MAX_DOUBLINGS = 16;

/**
 * A replica that lacks what others have forgotten fetches the state of their stable checkpoint (OSDI '99, §5.3.2, without its tree of partitions), part by part from one replica. It believes
 * the bytes when their digest is the one that a quorum signed, whoever they came from; otherwise it asks another one. Nobody signed how many bytes there are: a liar could go on for ever, so that each
 * gets some time, and more in every round, as it may be a large state that takes long.
 */
export class StateTransfer {
  readonly #state: PbftState;
  readonly #checkpoints: Checkpoints;
  readonly #requests: RequestPool;
  #fetching: Fetching | undefined;
  /** How often it has begun: every time another replica is asked. */
  #attempts = 0;

  constructor(state: PbftState, checkpoints: Checkpoints, requests: RequestPool) {
    this.#state = state;
    this.#checkpoints = checkpoints;
    this.#requests = requests;
  }

  /** Whether this replica needs a state: it is behind the stable checkpoint. */
  get needed(): boolean {
    return this.#state.executed < this.#state.stable.seq;
  }

  get active(): boolean {
    return this.#fetching !== undefined;
  }

  /** Begins, unless it is under way. */
  begin(now: number): void {
    if (this.#fetching !== undefined || !this.needed) return;
    const { replicas, id, stable, effects } = this.#state;
    const others = replicas.ids.filter((one) => one !== id);
    const round = Math.floor(this.#attempts / others.length);
    const from = others[this.#attempts++ % others.length] as AgentId;
    const patienceMs = PATIENCE_TIMEOUTS * this.#state.config.viewTimeoutMs * (1 << Math.min(round, MAX_DOUBLINGS));
    effects.observe({ type: "stateTransferStarted", seq: stable.seq, from });
    this.#fetching = { certificate: stable, from, parts: [], bytes: 0, untilMs: 0, giveUpMs: now + patienceMs };
    this.#ask(this.#fetching, now);
  }

  /** Somebody asks for the state of a stable checkpoint: it gets the present one, which may be a later one. */
  asked(from: AgentId, { seq, offset }: PbftMessage & { readonly type: "fetchState" }): void {
    const own = this.#checkpoints.stableState;
    const { stable, config, effects } = this.#state;
    if (own === undefined || own.seq < seq) return;
    const begin = own.seq === seq ? Math.min(offset, own.bytes.length) : 0;
    const data = own.bytes.subarray(begin, begin + config.maxStateChunkBytes);
    effects.send(from, { type: "stateChunk", certificate: stable, totalBytes: own.bytes.length, offset: begin, data });
  }

  received(from: AgentId, { certificate, totalBytes, offset, data }: Chunk, now: number): void {
    const fetching = this.#fetching;
    if (fetching === undefined || fetching.from !== from || !this.needed) return;
    if (certificate.seq > fetching.certificate.seq) {
      // It has a later one by now.
      if (!this.#checkpoints.proves(certificate)) {
        this.#refuse(fetching, "malformed", now);
        return;
      }
      this.#checkpoints.adopt(certificate);
      this.#fetching = { ...fetching, certificate, parts: [], bytes: 0 };
      this.received(from, { type: "stateChunk", certificate, totalBytes, offset, data }, now);
      return;
    }
    if (certificate.seq !== fetching.certificate.seq || offset !== fetching.bytes) return;
    if (data.length === 0 || offset + data.length > totalBytes) {
      this.#refuse(fetching, "malformed", now);
      return;
    }
    fetching.parts.push(data);
    fetching.bytes += data.length;
    if (fetching.bytes < totalBytes) this.#ask(fetching, now);
    else this.#complete(fetching, now);
  }

  tick(now: number): void {
    if (now < this.deadline()) return;
    this.#fetching = undefined;
    this.begin(now);
  }

  deadline(): number {
    const { untilMs, giveUpMs } = this.#fetching ?? {
      untilMs: Number.POSITIVE_INFINITY,
      giveUpMs: Number.POSITIVE_INFINITY,
    };
    return Math.min(untilMs, giveUpMs);
  }

  #ask(fetching: Fetching, now: number): void {
    const { effects, config } = this.#state;
    effects.send(fetching.from, { type: "fetchState", seq: fetching.certificate.seq, offset: fetching.bytes });
    fetching.untilMs = now + config.viewTimeoutMs;
  }

  #complete(fetching: Fetching, now: number): void {
    const { certificate, from, parts } = fetching;
    const bytes = joinBytes(parts);
    if (!sameBytes(this.#state.digestOf(bytes), certificate.digest)) {
      this.#refuse(fetching, "wrongDigest", now);
      return;
    }
    let replicated: ReplicatedState;
    try {
      replicated = decodeReplicated(bytes);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.#refuse(fetching, "malformed", now);
      return;
    }
    this.#fetching = undefined;
    this.#install(replicated, bytes, certificate, from);
  }

  #install(replicated: ReplicatedState, bytes: Uint8Array, certificate: CheckpointCertificate, from: AgentId): void {
    const state = this.#state;
    const { seq, index } = replicated;
    state.effects.committed = [];
    state.effects.checkpoint = undefined;
    state.effects.install = {
      index,
      term: replicated.term,
      configuration: state.configuration,
      data: replicated.machine,
    };
    state.adoptReplicated(replicated);
    this.#checkpoints.installed({ seq, index, digest: certificate.digest, bytes });
    state.trimSlots();
    this.#requests.installed();
    state.effects.observe({ type: "stateInstalled", seq, index, from });
  }

  #refuse({ certificate, from }: Fetching, reason: "wrongDigest" | "malformed", now: number): void {
    this.#state.effects.observe({ type: "stateTransferRefused", seq: certificate.seq, from, reason });
    this.#fetching = undefined;
    this.begin(now);
  }
}
