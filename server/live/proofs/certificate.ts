import { type Certificate, CHOICES } from "../../contract/proposals.ts";
import { MAX_SIGNATURE_BYTES } from "../../core/crypto.ts";
import {
  MAX_BODY_BYTES,
  MAX_PROPOSAL_ID_BYTES,
  MAX_PROPOSAL_TIMEOUT_MS,
  MAX_REASON_BYTES,
  MAX_SUBJECT_BYTES,
  MAX_VOTERS,
  MIN_PROPOSAL_TIMEOUT_MS,
  THRESHOLD_PARTS,
} from "../../core/proposals/limits.ts";
import type { ProposalSpec } from "../../core/proposals/types.ts";
import { asFields, type Fields, integer, list, number, oneOf, text } from "../checked-json.ts";
import { checkedId, MAX_KEY_CHARACTERS } from "./proof-fields.ts";

/** SHA-256, in hexadecimal digits. */
const DIGEST_DIGITS = 64;
/** Of agents that are listed in a sentence. */
const SHOWN_AGENTS = 10;

/** Its form, and not whether it proves anything. @throws WrongShape naming the field */
export function checkedCertificate(value: unknown): Certificate {
  const where = "certificate";
  const fields = asFields(value, where);
  const rule = asFields(fields.rule, `${where}.rule`);
  return {
    type: oneOf(fields, "type", where, ["certificate"]),
    version: integer(fields, "version", where, 1, 1) as 1,
    swarm: checkedId(fields, "swarm", where),
    name: checkedId(fields, "name", where),
    outcome: oneOf(fields, "outcome", where, ["approved", "rejected"]),
    proposal: proposal(asFields(fields.proposal, `${where}.proposal`), `${where}.proposal`),
    digest: text(fields, "digest", where, DIGEST_DIGITS),
    rule: {
      voters: integer(rule, "voters", `${where}.rule`, 1, MAX_VOTERS),
      needed: integer(rule, "needed", `${where}.rule`, 1, MAX_VOTERS),
    },
    roster: each(fields, "roster", where, (entry, at) => ({
      id: checkedId(entry, "id", at),
      publicKey: text(entry, "publicKey", at, MAX_KEY_CHARACTERS),
    })),
    votes: each(fields, "votes", where, (entry, at) => ({
      voter: checkedId(entry, "voter", at),
      choice: oneOf(entry, "choice", at, CHOICES),
      reason: text(entry, "reason", at, MAX_REASON_BYTES),
      signature: text(entry, "signature", at, 2 * MAX_SIGNATURE_BYTES),
    })),
  };
}

function proposal(fields: Fields, where: string): Certificate["proposal"] {
  return {
    id: text(fields, "id", where, MAX_PROPOSAL_ID_BYTES),
    subject: text(fields, "subject", where, MAX_SUBJECT_BYTES),
    body: text(fields, "body", where, MAX_BODY_BYTES),
    voters: list(fields, "voters", where, MAX_VOTERS).map((voter, at) =>
      checkedId({ [at]: voter }, String(at), `${where}.voters`),
    ),
    threshold: number(fields, "threshold", where, 0, 1),
    timeoutMs: integer(fields, "timeoutMs", where, MIN_PROPOSAL_TIMEOUT_MS, MAX_PROPOSAL_TIMEOUT_MS),
  };
}

function each<T>(fields: Fields, name: string, where: string, read: (entry: Fields, at: string) => T): T[] {
  return list(fields, name, where, MAX_VOTERS).map((entry, place) => {
    const at = `${where}.${name}[${place}]`;
    return read(asFields(entry, at), at);
  });
}

/** What the voters signed for, as the agents have it; undefined: they have no such threshold. */
export function specOf({ threshold, ...proposal }: Certificate["proposal"]): ProposalSpec | undefined {
  const parts = Math.round(threshold * THRESHOLD_PARTS);
  return parts / THRESHOLD_PARTS === threshold ? { ...proposal, threshold: parts } : undefined;
}

/** What it says, whether that holds or not: `"deploy 1.4" was approved: 3 of 4 voters signed for it, 3 were needed (a1, a2, a4)` */
export function statementOf({ outcome, proposal, rule, votes }: Certificate): string {
  const choice = outcome === "approved" ? "approve" : "reject";
  const signers = votes.flatMap((vote) => (vote.choice === choice ? [vote.voter] : []));
  const share = `${signers.length} of ${rule.voters} voters signed`;
  const how =
    outcome === "approved"
      ? `${share} for it, ${rule.needed} ${rule.needed === 1 ? "was" : "were"} needed`
      : `${share} against it, so that ${rule.needed} for it cannot be reached`;
  return `${JSON.stringify(plain(proposal.subject))} was ${outcome}: ${how}${listed(signers)}`;
}

function listed(agents: readonly string[]): string {
  if (agents.length === 0) return "";
  const more = agents.length > SHOWN_AGENTS ? ` and ${agents.length - SHOWN_AGENTS} more` : "";
  return ` (${agents.slice(0, SHOWN_AGENTS).join(", ")}${more})`;
}

/** What a certificate says, for a sentence on one line: nothing that a terminal acts on, or that changes the direction of what stands beside it. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, " ");
}
