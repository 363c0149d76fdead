import type { AgentId } from "../../server/core/consensus.ts";
import {
  batchBytes,
  checkpointBytes,
  newViewBytes,
  orderBytes,
  readReplyBytes,
  viewChangeBytes,
} from "../../server/core/pbft/signed.ts";
import { GENESIS, nullBatch } from "../../server/core/pbft/state.ts";
import type { Batch, PbftMessage, Request, ViewChange } from "../../server/core/pbft/types.ts";
import type { Liar, Lie } from "../core/pbft/cluster.ts";

type Of<Type extends PbftMessage["type"]> = PbftMessage & { readonly type: Type };

/** What the liars of one run share: they work together (OSDI '99, §2: a strong adversary coordinates faulty replicas). */
export interface Conspiracy {
  /** Places between checkpoints. */
  readonly every: number;
  /** How often each lie is told instead of the truth, where it can be. */
  readonly eagerness: number;
  /** The view and the place that the liars last spoke of. */
  view: number;
  seq: number;
  /** Requests that are properly signed, whosever they are. */
  readonly requests: Request[];
  /** What was said before. */
  readonly said: PbftMessage[];
  /** What each is yet to be told. */
  readonly later: Map<AgentId, PbftMessage>;
  /** The digest that each was told for a place, by view, place and whom. */
  readonly told: Map<string, Uint8Array>;
}

/** A way to lie: what is sent in place of a message, and beside it. undefined: this way has nothing to say here. */
type Way = (liar: Liar, to: AgentId, message: PbftMessage, plot: Conspiracy) => readonly PbftMessage[] | undefined;

const SECOND_MS = 1000;
/** When a cluster's time begins: near enough to any time of a run to be believed. */
const START_MS = 1_000_000;

/** Every way of lying that a mutant of PBFT may fall for. */
export const WAYS = {
  /** A primary tells different replicas different batches, each properly signed, and commits to each what it told it. */
  equivocate: (liar, to, message, plot) => {
    if (message.type === "prePrepare") {
      const requests = message.batch.requests.filter(() => liar.random.chance(0.7));
      const batch = { ...message.batch, timeMs: message.batch.timeMs + liar.random.int(0, 1), requests };
      if (requests.length === 0) return undefined;
      const told = ordered(liar, message, batch);
      plot.told.set(`${told.view}/${told.seq}/${to}`, told.digest);
      return [told];
    }
    if (message.type !== "commit") return undefined;
    const digest = plot.told.get(`${message.view}/${message.seq}/${to}`);
    if (digest === undefined) return undefined;
    const { view, seq } = message;
    return [{ ...message, digest, signature: liar.crypto.sign(orderBytes("commit", view, seq, digest)) }];
  },
  /** A primary tells all the same at first, and each another batch for the same place later: who has forgotten the first one falls for it. */
  late: (liar, to, message, plot) => {
    const later = plot.later.get(to);
    if (message.type === "prePrepare")
      plot.later.set(to, ordered(liar, message, { ...message.batch, timeMs: message.batch.timeMs + 1 }));
    return later === undefined ? undefined : [message, later];
  },
  /** One digest, other contents. */
  wrongDigest: (liar, _to, message) => {
    if (message.type !== "prePrepare" || message.batch.requests.length < 1) return undefined;
    const requests = message.batch.requests.filter(() => liar.random.chance(0.6));
    return [{ ...message, batch: { ...message.batch, requests } }];
  },
  /** A batch from the future. */
  future: (liar, _to, message) =>
    message.type === "prePrepare"
      ? [ordered(liar, message, { ...message.batch, timeMs: message.batch.timeMs + 3600 * SECOND_MS })]
      : undefined,
  /** A request that was executed is ordered again. */
  again: (liar, _to, message, plot) => {
    if (message.type !== "prePrepare" || plot.requests.length === 0) return undefined;
    const requests = [...message.batch.requests, liar.random.pick(plot.requests)];
    return [ordered(liar, message, { ...message.batch, requests })];
  },
  /** A request in another's name. */
  madeUpRequest: (liar, to, message) => {
    if (message.type === "prePrepare")
      return [ordered(liar, message, { ...message.batch, requests: [...message.batch.requests, madeUp(liar, to)] })];
    return message.type === "request" ? [message, { type: "request", request: madeUp(liar, to) }] : undefined;
  },
  /** A pre-prepare in the primary's name. */
  usurp: (liar, _to, message, plot) => {
    if (message.type !== "prepare" || plot.requests.length === 0) return undefined;
    const seq = message.seq + liar.random.int(0, 2);
    const batch: Batch = { view: message.view, timeMs: START_MS, requests: [liar.random.pick(plot.requests)] };
    return [ordered(liar, { view: message.view, seq }, batch), message];
  },
  /** Far beyond the window. */
  far: (liar, _to, message) =>
    message.type === "prePrepare"
      ? [message, ordered(liar, { ...message, seq: message.seq + 1000 }, message.batch)]
      : undefined,
  /** A view change that hides what was prepared. */
  hide: (liar, _to, message) => {
    if (message.type !== "viewChange") return undefined;
    const { prepared } = message.viewChange;
    return [changed(liar, { ...message.viewChange, prepared: prepared.filter(() => liar.random.chance(0.3)) })];
  },
  /** A view change that shows what was never prepared. */
  madeUpCertificate: (liar, _to, message, plot) => {
    if (message.type !== "viewChange" || message.viewChange.view === 0) return undefined;
    const { view, stable, prepared } = message.viewChange;
    const seq = stable.seq + liar.random.int(1, plot.every);
    const digest = liar.crypto.digest(
      batchBytes({ view: view - 1, timeMs: START_MS, requests: plot.requests.slice(-1) }),
    );
    const prepares = liar.replicas.filter((id) => id !== primaryOf(liar, view - 1));
    const false_ = {
      view: view - 1,
      seq,
      digest,
      prePrepare: liar.crypto.sign(orderBytes("prePrepare", view - 1, seq, digest)),
      prepares: prepares.map((replica) => ({ replica, signature: liar.crypto.sign(digest) })),
    };
    const others = prepared.filter((one) => one.seq !== seq);
    return [changed(liar, { ...message.viewChange, prepared: [...others, false_].sort((a, b) => a.seq - b.seq) })];
  },
  /** A view change with a checkpoint that nobody has. */
  madeUpCheckpoint: (liar, _to, message, plot) => {
    if (message.type !== "viewChange") return undefined;
    const { stable } = message.viewChange;
    const seq = stable.seq + plot.every * liar.random.int(1, 3);
    const digest = liar.crypto.digest(Uint8Array.of(seq));
    const signature = liar.crypto.sign(checkpointBytes(seq, digest));
    const checkpoints = liar.replicas.map((replica) => ({ replica, signature }));
    return [changed(liar, { ...message.viewChange, stable: { seq, digest, checkpoints }, prepared: [] })];
  },
  /** A view change in another's name. */
  otherLeaves: (liar, to, message) => {
    if (message.type !== "viewChange") return undefined;
    const { view } = message.viewChange;
    const replica = liar.random.pick(liar.replicas.filter((id) => id !== to));
    return [changed(liar, { view, replica, stable: GENESIS, prepared: [], signature: NONE }), message];
  },
  /** It wants another view whenever it says anything. */
  restless: (liar, _to, message, plot) => {
    const view = plot.view + liar.random.int(1, 2);
    return [changed(liar, { view, replica: liar.id, stable: GENESIS, prepared: [], signature: NONE }), message];
  },
  /** A new view that leaves out or replaces what it must begin with. */
  forgetful: (liar, _to, message) => {
    if (message.type !== "newView" || message.reproposals.length === 0) return undefined;
    const { view, viewChanges } = message;
    const digest = liar.crypto.digest(batchBytes(nullBatch(view)));
    const reproposals = message.reproposals.map(({ seq }) => {
      return { seq, digest, signature: liar.crypto.sign(orderBytes("prePrepare", view, seq, digest)) };
    });
    const kept = liar.random.chance(0.5) ? reproposals : reproposals.slice(0, liar.random.int(0, reproposals.length));
    return [{ ...message, reproposals: kept, signature: liar.crypto.sign(newViewBytes(view, viewChanges, kept)) }];
  },
  /** A checkpoint of another state. */
  falseCheckpoint: (liar, _to, message) => {
    if (message.type !== "checkpoint") return undefined;
    const digest = liar.crypto.digest(Uint8Array.of(1, message.seq));
    return [{ ...message, digest, signature: liar.crypto.sign(checkpointBytes(message.seq, digest)) }];
  },
  corruptState: (liar, _to, message) => {
    if (message.type !== "stateChunk") return undefined;
    const data = message.data.slice();
    const at = liar.random.int(0, data.length - 1);
    data[at] = (data[at] as number) ^ 1;
    return [{ ...message, data }];
  },
  /** It says to have prepared nothing, or more than there is. */
  wrongReadReply: (liar, to, message) => {
    if (message.type !== "readReply") return undefined;
    const { life, number } = message;
    const prepared = liar.random.chance(0.8) ? 0 : message.prepared + 1000;
    return [{ ...message, prepared, signature: liar.crypto.sign(readReplyBytes(to, life, number, prepared)) }];
  },
  /** A decision with a proof that is none. */
  falseDecision: (liar, _to, message, plot) => {
    if (message.type !== "prepare" && message.type !== "status") return undefined;
    if (plot.requests.length === 0) return undefined;
    const seq = plot.seq + liar.random.int(-1, 1);
    if (seq < 1) return undefined;
    const batch: Batch = { view: plot.view, timeMs: START_MS, requests: [liar.random.pick(plot.requests)] };
    const digest = liar.crypto.digest(batchBytes(batch));
    const signature = liar.crypto.sign(orderBytes("commit", plot.view, seq, digest));
    const commits = liar.replicas.map((replica) => ({ replica, signature }));
    return [message, { type: "decided", certificate: { view: plot.view, seq, digest, commits }, batch }];
  },
  replay: (liar, _to, message, plot) => (plot.said.length === 0 ? undefined : [message, liar.random.pick(plot.said)]),
  silent: () => [],
} as const satisfies Record<string, Way>;

export type WayName = keyof typeof WAYS;

/** Lies in these ways, now and then; otherwise the truth. */
export function liesIn(ways: readonly WayName[], plot: Conspiracy): Lie {
  return (liar, to, message) => {
    note(message, plot);
    const way = WAYS[liar.random.pick(ways)];
    const told = liar.random.chance(plot.eagerness) ? (way as Way)(liar, to, message, plot) : undefined;
    return told ?? [message];
  };
}

/** By itself, as it drowns out what else a liar does: all are said to leave for a view of the liar's, whenever it has something to say. */
export function usurping(plot: Conspiracy): Lie {
  return (liar, to, message) => {
    note(message, plot);
    // Not on what others make it say: each asks for what the view names.
    return message.type === "prepare" || message.type === "status" ? [...coup(liar, to, plot), message] : [message];
  };
}

const NONE = new Uint8Array(0);
const REMEMBERED = 200;

function note(message: PbftMessage, plot: Conspiracy): void {
  if (message.type === "request") plot.requests.push(message.request);
  else if (message.type === "prePrepare" || message.type === "batch") plot.requests.push(...message.batch.requests);
  if ("view" in message) plot.view = message.view;
  if ("seq" in message) plot.seq = message.seq;
  plot.said.push(message);
  if (plot.said.length > REMEMBERED) plot.said.shift();
  if (plot.requests.length > REMEMBERED) plot.requests.splice(0, plot.requests.length - REMEMBERED);
}

/** Everybody is said to leave for the next view in which the liar leads, having prepared nothing; and it begins it. */
function coup(liar: Liar, to: AgentId, plot: Conspiracy): readonly PbftMessage[] {
  let view = plot.view + 1;
  while (primaryOf(liar, view) !== liar.id) view++;
  const leaving = liar.replicas
    .filter((id) => id !== to)
    .map((replica) => ({ view, replica, stable: GENESIS, prepared: [], signature: NONE }))
    .map((one) => ({ ...one, signature: liar.crypto.sign(viewChangeBytes(one)) }));
  const viewChanges = leaving.map((one) => ({
    replica: one.replica,
    digest: liar.crypto.digest(viewChangeBytes(one)),
  }));
  const signature = liar.crypto.sign(newViewBytes(view, viewChanges, []));
  return [
    ...leaving.map((viewChange): PbftMessage => ({ type: "viewChange", viewChange })),
    { type: "newView", view, viewChanges, reproposals: [], signature },
  ];
}

function primaryOf({ replicas }: Liar, view: number): AgentId {
  return replicas[view % replicas.length] as AgentId;
}

/** A pre-prepare for this batch, with the liar's signature. */
function ordered(
  { crypto }: Liar,
  { view, seq }: Pick<Of<"prePrepare">, "view" | "seq">,
  batch: Batch,
): Of<"prePrepare"> {
  const digest = crypto.digest(batchBytes(batch));
  const signature = crypto.sign(orderBytes("prePrepare", view, seq, digest));
  return { type: "prePrepare", view, seq, digest, signature, batch };
}

function changed({ crypto }: Liar, viewChange: ViewChange): PbftMessage {
  return { type: "viewChange", viewChange: { ...viewChange, signature: crypto.sign(viewChangeBytes(viewChange)) } };
}

function madeUp({ crypto, random, replicas }: Liar, to: AgentId): Request {
  const origin = random.pick(replicas.filter((id) => id !== to));
  const commands = [new TextEncoder().encode(`never asked for ${random.int(0, 1_000_000)}`)];
  const number = random.int(1, 100);
  return { origin, life: 1, number, floor: 1, commands, signature: crypto.sign(Uint8Array.of(number)) };
}
