import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { decodeDigest, decodeId, decodeSignature, encodeDigest, encodeSignature } from "./fields.ts";
import { checkpointBytes, orderBytes } from "./signed.ts";
import type { Evidence } from "./types.ts";

/**
 * Proof that a replica lied: two statements with its signature of which an honest one makes only one (the idea is that of PeerReview, Haeberlen et al., SOSP 2007).
 * It needs nothing beside the culprit's public key, so that anybody can check it at any time.
 */

const TAGS = { prePrepare: 1, prepare: 2, commit: 3, checkpoint: 4 } as const satisfies Record<
  Evidence["kind"],
  number
>;
const KINDS = new Map<number, Evidence["kind"]>([
  [TAGS.prePrepare, "prePrepare"],
  [TAGS.prepare, "prepare"],
  [TAGS.commit, "commit"],
  [TAGS.checkpoint, "checkpoint"],
]);

/** More than any has: an id, two numbers, two digests and two signatures. */
const MAX_EVIDENCE_BYTES = 512;
/** Digits of a text that is worth looking at. */
export const MAX_EVIDENCE_DIGITS = 2 * MAX_EVIDENCE_BYTES;

export function encodeEvidence(writer: ByteWriter, evidence: Evidence): void {
  writer.byte(TAGS[evidence.kind]);
  writer.text(evidence.culprit);
  writer.varint(evidence.view);
  writer.varint(evidence.seq);
  for (const { digest, signature } of [evidence.first, evidence.second]) {
    encodeDigest(writer, digest);
    encodeSignature(writer, signature);
  }
}

/** Only its form is checked, and not whether it proves anything. @throws MalformedBytes */
export function decodeEvidence(reader: ByteReader): Evidence {
  const tag = reader.byte();
  const kind = KINDS.get(tag);
  if (kind === undefined) throw new MalformedBytes(`no evidence has the tag ${tag}`);
  return {
    culprit: decodeId(reader),
    kind,
    view: reader.varint(),
    seq: reader.varint(),
    first: { digest: decodeDigest(reader), signature: decodeSignature(reader) },
    second: { digest: decodeDigest(reader), signature: decodeSignature(reader) },
  };
}

/** @param keys of anybody who knows the culprit's. @returns undefined if it lied beyond doubt; else a sentence that says why this proves nothing. */
export function verifyEvidence(evidence: Evidence, keys: Pick<Crypto, "verify">): string | undefined {
  const { culprit, kind, view, first, second } = evidence;
  if (kind === "checkpoint" && view !== 0)
    return `a checkpoint belongs to no view, so its evidence names view 0, and not ${view}`;
  if (first.digest.every((byte, at) => byte === second.digest[at]))
    return "both statements name the same digest, so they do not contradict each other";
  for (const [which, { digest, signature }] of [["first", first] as const, ["second", second] as const]) {
    if (!keys.verify(culprit, statementBytes(evidence, digest), signature))
      return `the ${which} signature is not that of "${culprit}" under such a statement`;
  }
  return undefined;
}

/** Hexadecimal digits of the binary form, in lower case: one word that can be shown, kept in a file, and read again. */
export function evidenceText(evidence: Evidence): string {
  const writer = new ByteWriter();
  encodeEvidence(writer, evidence);
  let text = "";
  for (const byte of writer.view()) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** What `evidenceText` gave; letters may have become large ones on the way. @throws MalformedBytes saying what is wrong with the text. */
export function readEvidence(text: string): Evidence {
  if (text.length > MAX_EVIDENCE_DIGITS)
    throw new MalformedBytes(`evidence has at most ${MAX_EVIDENCE_DIGITS} digits, and this ${text.length}`);
  const at = text.search(/[^0-9a-f]/i);
  if (at >= 0)
    throw new MalformedBytes(
      `${JSON.stringify(text[at])} is not a hexadecimal digit (character ${at + 1} of the evidence)`,
    );
  if (text.length % 2 !== 0) throw new MalformedBytes("evidence has an even number of hexadecimal digits");
  const bytes = new Uint8Array(text.length / 2);
  for (let place = 0; place < bytes.length; place++)
    bytes[place] = Number.parseInt(text.slice(2 * place, 2 * place + 2), 16);
  const reader = new ByteReader(bytes);
  const evidence = decodeEvidence(reader);
  reader.end();
  return evidence;
}

function statementBytes({ kind, view, seq }: Evidence, digest: Uint8Array): Uint8Array {
  return kind === "checkpoint" ? checkpointBytes(seq, digest) : orderBytes(kind, view, seq, digest);
}
