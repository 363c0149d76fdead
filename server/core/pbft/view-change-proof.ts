import type { Crypto } from "../crypto.ts";
import type { Replicas } from "./replicas.ts";
import { batchBytes, orderBytes, viewChangeBytes } from "./signed.ts";
import { nullBatch } from "./state.ts";
import type { CheckpointCertificate, Disbelief, PreparedCertificate, ViewChange } from "./types.ts";

/** What is wrong with a view change, its stable checkpoint's proof left out; undefined: nothing. @param window how far above its checkpoint anything can be prepared. */
export function viewChangeProblem(
  viewChange: ViewChange,
  replicas: Replicas,
  crypto: Crypto,
  window: number,
): Disbelief | undefined {
  const { replica, stable, prepared, view, signature } = viewChange;
  if (!replicas.has(replica)) return "notReplica";
  if (!crypto.verify(replica, viewChangeBytes(viewChange), signature)) return "badSignature";
  for (const certificate of prepared) {
    if (certificate.seq <= stable.seq || certificate.seq > stable.seq + window) return "outOfWindow";
    if (certificate.view >= view || !provesPrepared(certificate, replicas, crypto)) return "badProof";
  }
  return undefined;
}

/** Whether a quorum, the primary of its view among it, prepared this. */
export function provesPrepared(certificate: PreparedCertificate, replicas: Replicas, crypto: Crypto): boolean {
  const { view, seq, digest, prePrepare, prepares } = certificate;
  const primary = replicas.primaryOf(view);
  const signers = new Set(prepares.map(({ replica }) => replica));
  if (signers.size !== prepares.length || signers.size < replicas.quorum - 1 || signers.has(primary)) return false;
  if (!crypto.verify(primary, orderBytes("prePrepare", view, seq, digest), prePrepare)) return false;
  const bytes = orderBytes("prepare", view, seq, digest);
  return prepares.every(({ replica, signature }) => replicas.has(replica) && crypto.verify(replica, bytes, signature));
}

/** With what a view begins: the latest stable checkpoint of those who entered it, and what stands at each place after it. */
export interface Beginning {
  readonly stable: CheckpointCertificate;
  readonly places: readonly { readonly seq: number; readonly digest: Uint8Array }[];
}

/**
 * What a quorum's view changes make the new view begin with (OSDI '99, §4.4): at each place up to the highest that was prepared anywhere, what was prepared there in the highest view;
 * where nothing was, the null request. Whatever was decided was prepared by a quorum, one honest member of which is in this one.
 */
export function beginningOf(view: number, viewChanges: readonly ViewChange[], crypto: Crypto): Beginning {
  let stable = (viewChanges[0] as ViewChange).stable;
  for (const one of viewChanges) if (one.stable.seq > stable.seq) stable = one.stable;
  const highest = new Map<number, PreparedCertificate>();
  let last = stable.seq;
  for (const { prepared } of viewChanges) {
    for (const certificate of prepared) {
      if (certificate.seq <= stable.seq) continue;
      last = Math.max(last, certificate.seq);
      const known = highest.get(certificate.seq);
      if (known === undefined || certificate.view > known.view) highest.set(certificate.seq, certificate);
    }
  }
  const nothing = crypto.digest(batchBytes(nullBatch(view)));
  const places: { readonly seq: number; readonly digest: Uint8Array }[] = [];
  for (let seq = stable.seq + 1; seq <= last; seq++) places.push({ seq, digest: highest.get(seq)?.digest ?? nothing });
  return { stable, places };
}
