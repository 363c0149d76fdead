import fc from "fast-check";
import type {
  Batch,
  CheckpointCertificate,
  CommitCertificate,
  Evidence,
  PbftMessage,
  PreparedCertificate,
  Reproposal,
  Request,
  Signed,
  ViewChange,
} from "../../../server/core/pbft/types.ts";
import { of } from "../raft/arbitraries.ts";

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const id = fc.oneof(
  fc.constantFrom("a1", "a2", "a3", "a4", "a5", "a6", "a7"),
  fc.string({ unit: "grapheme-composite", minLength: 1, maxLength: 6 }).filter((text) => text.isWellFormed()),
);
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const signature = fc.oneof(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.uint8Array({ maxLength: 64 }));
const data = fc.uint8Array({ maxLength: 200 });
const signatures: fc.Arbitrary<readonly Signed[]> = fc.uniqueArray(of<Signed>({ replica: id, signature }), {
  maxLength: 5,
  selector: ({ replica }) => replica,
});

/** What PBFT's messages are made of, sensible or not beyond its form. */
export const request: fc.Arbitrary<Request> = of({
  origin: id,
  life: number,
  number,
  floor: number,
  commands: fc.array(data, { maxLength: 4 }),
  signature,
});
export const batch: fc.Arbitrary<Batch> = of({
  view: number,
  timeMs: number,
  requests: fc.array(request, { maxLength: 3 }),
});
export const preparedCertificate: fc.Arbitrary<PreparedCertificate> = of({
  view: number,
  seq: number,
  digest,
  prePrepare: signature,
  prepares: signatures,
});
export const commitCertificate: fc.Arbitrary<CommitCertificate> = of({
  view: number,
  seq: number,
  digest,
  commits: signatures,
});
export const checkpointCertificate: fc.Arbitrary<CheckpointCertificate> = of({
  seq: number,
  digest,
  checkpoints: signatures,
});
export const viewChange: fc.Arbitrary<ViewChange> = of({
  view: number,
  replica: id,
  stable: checkpointCertificate,
  prepared: fc.uniqueArray(preparedCertificate, { maxLength: 3, selector: ({ seq }) => seq }),
  signature,
}).map((drawn) => {
  const seqs = drawn.prepared.map(({ seq }) => seq).sort((a, b) => a - b);
  const prepared = drawn.prepared.map((one, at) => ({ ...one, seq: seqs[at] as number }));
  return { ...drawn, prepared: prepared.filter(({ seq }) => seq > drawn.stable.seq) };
});
export const reproposals: fc.Arbitrary<readonly Reproposal[]> = fc
  .uniqueArray(of<Reproposal>({ seq: number.map((seq) => Math.max(seq, 1)), digest, signature }), {
    maxLength: 4,
    selector: ({ seq }) => seq,
  })
  .map((drawn) => drawn.sort((a, b) => a.seq - b.seq));
export const namedViewChanges = fc.uniqueArray(of({ replica: id, digest }), {
  maxLength: 5,
  selector: ({ replica }) => replica,
});
export const evidence: fc.Arbitrary<Evidence> = of({
  culprit: id,
  kind: fc.constantFrom("prePrepare" as const, "prepare" as const, "commit" as const, "checkpoint" as const),
  view: number,
  seq: number,
  first: of({ digest, signature }),
  second: of({ digest, signature }),
});

const order = { view: number, seq: number, digest, signature };

/** Each type of message by its name: none is forgotten. */
export const messages: {
  readonly [Type in PbftMessage["type"]]: fc.Arbitrary<PbftMessage & { readonly type: Type }>;
} = {
  request: of({ type: fc.constant("request"), request }),
  prePrepare: of({ type: fc.constant("prePrepare"), ...order, batch }),
  prepare: of({ type: fc.constant("prepare"), ...order, prePrepare: signature }),
  commit: of({ type: fc.constant("commit"), ...order }),
  checkpoint: of({ type: fc.constant("checkpoint"), seq: number, digest, signature }),
  viewChange: of({ type: fc.constant("viewChange"), viewChange }),
  newView: of({ type: fc.constant("newView"), view: number, viewChanges: namedViewChanges, reproposals, signature }),
  status: of({
    type: fc.constant("status"),
    view: number,
    active: fc.boolean(),
    stable: number,
    executed: number,
    proposed: number,
    asks: fc.boolean(),
  }),
  fetchBatch: of({ type: fc.constant("fetchBatch"), seq: number, digest }),
  batch: of({ type: fc.constant("batch"), seq: number, batch }),
  fetchViewChange: of({ type: fc.constant("fetchViewChange"), view: number, replica: id }),
  decided: of({ type: fc.constant("decided"), certificate: commitCertificate, batch }),
  fetchState: of({ type: fc.constant("fetchState"), seq: number, offset: fc.nat() }),
  stateChunk: of({
    type: fc.constant("stateChunk"),
    certificate: checkpointCertificate,
    totalBytes: fc.integer({ min: 1000, max: 2 ** 31 }),
    offset: fc.nat(800),
    data,
  }),
  read: of({ type: fc.constant("read"), life: number, number }),
  readReply: of({ type: fc.constant("readReply"), life: number, number, prepared: number, signature }),
};

export const message: fc.Arbitrary<PbftMessage> = fc.oneof(...Object.values(messages));
