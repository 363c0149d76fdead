import { newViewBytes, orderBytes, viewChangeBytes } from "../../../../core/pbft/signed.ts";
import type { PbftMessage, PreparedCertificate, Reproposal, ViewChange } from "../../../../core/pbft/types.ts";
import type { LyingReplica, PbftLie } from "./lie.ts";

type NewView = PbftMessage & { readonly type: "newView" };

/** A lie about a view that is this many rounds of primaries away. */
const FARTHEST_ROUND = 1000;

/**
 * Gives up on views with prepared certificates made up or left out, with several accounts of what it prepared, and begins views, its own and ones far ahead, with proposals left out, added
 * or replaced. All with its signature.
 */
export const prove: PbftLie = (liar, _to, message) => {
  if (message.type === "viewChange" && message.viewChange.replica === liar.id)
    return accounts(liar, message.viewChange);
  if (message.type === "newView" && liar.replicas[message.view % liar.replicas.length] === liar.id)
    return [beginnings(liar, message)];
  return [message];
};

function accounts(liar: LyingReplica, honest: ViewChange): readonly PbftMessage[] {
  const { random } = liar;
  const { prepared, stable, view } = honest;
  const said = (changed: Partial<ViewChange>): PbftMessage => {
    const unsigned = { ...honest, ...changed };
    const signature = liar.crypto.sign(viewChangeBytes(unsigned));
    return { type: "viewChange", viewChange: { ...unsigned, signature } };
  };
  return random.pick<() => readonly PbftMessage[]>([
    () => [said({ prepared: [] })],
    () => [said({ prepared: prepared.filter(() => random.chance(0.5)) })],
    () => [said({ prepared: [...prepared, madeUpCertificate(liar, honest)] })],
    () => [said({ prepared: prepared.map((one) => ({ ...one, digest: liar.crypto.digest(one.digest) })) })],
    // A state that nobody has signed.
    () => [said({ stable: { ...stable, seq: stable.seq + 8 }, prepared: [] })],
    // One account after the other of the same: each of them holds, and none is what the others were told.
    () => Array.from({ length: 6 }, (_, more) => said({ prepared: prepared.slice(0, random.int(0, more)) })),
    () => [said({ view: view + random.int(1, 50) })],
    () => [said({}), farAhead(liar, view)],
  ])();
}

/** Signed by it in every role. */
function madeUpCertificate(liar: LyingReplica, { stable, prepared, view }: ViewChange): PreparedCertificate {
  const { crypto, replicas } = liar;
  const seq = (prepared.at(-1)?.seq ?? stable.seq) + 1;
  const digest = crypto.digest(crypto.sign(orderBytes("prepare", view, seq, stable.digest)));
  const of = Math.max(0, view - 1);
  const primary = replicas[of % replicas.length];
  const signature = crypto.sign(orderBytes("prepare", of, seq, digest));
  const prepares = replicas.filter((replica) => replica !== primary).map((replica) => ({ replica, signature }));
  return { view: of, seq, digest, prePrepare: crypto.sign(orderBytes("prePrepare", of, seq, digest)), prepares };
}

/** A view of its own that nobody wants, with or without view changes that nobody has. */
function farAhead(liar: LyingReplica, view: number): NewView {
  const { crypto, random, replicas, id } = liar;
  const rounds = Math.ceil(view / replicas.length) + random.int(1, FARTHEST_ROUND);
  const digest = crypto.digest(crypto.sign(orderBytes("prepare", view, rounds, new Uint8Array(32))));
  const viewChanges = random.chance(0.5) ? replicas.map((replica) => ({ replica, digest })) : [];
  const unsigned = { view: rounds * replicas.length + replicas.indexOf(id), viewChanges, reproposals: [] };
  return signed(liar, { type: "newView", ...unsigned });
}

function beginnings(liar: LyingReplica, honest: NewView): NewView {
  const { random, crypto } = liar;
  const { view, reproposals, viewChanges } = honest;
  const last = reproposals.at(-1);
  const proposal = (seq: number): Reproposal => {
    const digest = crypto.digest(crypto.sign(orderBytes("prepare", view, seq, new Uint8Array(32))));
    return { seq, digest, signature: crypto.sign(orderBytes("prePrepare", view, seq, digest)) };
  };
  const lies: (() => NewView)[] = [
    () => signed(liar, { ...honest, reproposals: [...reproposals, proposal((last?.seq ?? 0) + 1)] }),
    () => signed(liar, { ...honest, viewChanges: viewChanges.slice(1) }),
    () => signed(liar, { ...honest, viewChanges: [] }),
    () => farAhead(liar, view),
  ];
  if (last !== undefined) {
    lies.push(() => signed(liar, { ...honest, reproposals: reproposals.slice(0, -1) }));
    lies.push(() => signed(liar, { ...honest, reproposals: reproposals.map(({ seq }) => proposal(seq)) }));
  }
  return random.pick(lies)();
}

function signed({ crypto }: LyingReplica, unsigned: Omit<NewView, "signature">): NewView {
  const { view, viewChanges, reproposals } = unsigned;
  return { ...unsigned, signature: crypto.sign(newViewBytes(view, viewChanges, reproposals)) };
}
