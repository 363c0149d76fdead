import { ByteWriter, utf8 } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { type Crypto, DIGEST_BYTES } from "../crypto.ts";
import { invariant } from "../invariant.ts";
import { encodeSpec, writeChoice } from "./codec.ts";
import type { Choice, ProposalSpec, SignedVote } from "./types.ts";

/**
 * What a statement of a vote begins with. Nothing else that an agent's key signs begins so (PBFT's statements: "agent-mesh pbft 1"; a link's handshake: "agent-mesh link handshake"), so
 * that a signature under one is none under another. A swarm's name is not in it: an agent's keys are made for one swarm.
 */
const DOMAIN = utf8("agent-mesh vote 1\0");

/** By which votes name the proposal. */
export function proposalDigest(crypto: Pick<Crypto, "digest">, spec: ProposalSpec): Uint8Array {
  return crypto.digest(encodeSpec(spec));
}

/** What a voter signs. Its id is not in it: its key says who it is. @param digest of the proposal's spec */
export function voteStatement(digest: Uint8Array, choice: Choice, reason: string): Uint8Array {
  invariant(digest.length === DIGEST_BYTES, "proposals: a digest has 32 bytes");
  const writer = new ByteWriter();
  writer.raw(DOMAIN);
  writer.raw(digest);
  writeChoice(writer, choice);
  writer.text(reason);
  return writer.finish();
}

/** @param crypto the voter's. @param reason at most MAX_REASON_BYTES: see `boundedReason` */
export function signVote(
  crypto: Pick<Crypto, "digest" | "sign">,
  spec: ProposalSpec,
  voter: AgentId,
  choice: Choice,
  reason: string,
): SignedVote {
  const statement = voteStatement(proposalDigest(crypto, spec), choice, reason);
  return { voter, choice, reason, signature: crypto.sign(statement) };
}

/** Whether this is the voter's signature, of this choice and reason, on this very proposal. Not whether its vote is asked for. */
export function verifyVote(
  crypto: Pick<Crypto, "digest" | "verify">,
  spec: ProposalSpec,
  { voter, choice, reason, signature }: SignedVote,
): boolean {
  return crypto.verify(voter, voteStatement(proposalDigest(crypto, spec), choice, reason), signature);
}
