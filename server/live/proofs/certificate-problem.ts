import { createHash } from "node:crypto";
import type { Certificate } from "../../contract/proposals.ts";
import type { Crypto } from "../../core/crypto.ts";
import { MAX_SIGNATURE_BYTES } from "../../core/crypto.ts";
import { certificateProblem } from "../../core/proposals/certificate.ts";
import { checkProposalSpec } from "../../core/proposals/limits.ts";
import { approvalsNeeded } from "../../core/proposals/quorum.ts";
import type { ProposalSpec, SignedVote } from "../../core/proposals/types.ts";
import { proposalDigest } from "../../core/proposals/votes.ts";
import { publicKeyOf } from "../identity.ts";
import { plain, specOf } from "./certificate.ts";
import { type Ground, otherSwarm, stranger } from "./ground.ts";
import { rosterKeys } from "./roster-keys.ts";

const DIGITS = /^(?:[0-9a-f]{2})*$/;
const DIGEST: Pick<Crypto, "digest"> = {
  digest: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
};

/**
 * Why a certificate proves nothing to somebody who holds it against this ground, or, without one, against its own keys. It says what is wrong first in the order in which
 * a reader would ask: what was proposed, by which rule, who may vote, with which keys, who voted how.
 * @returns a sentence without a full stop; undefined: it proves its outcome
 */
export function provesNoDecision(certificate: Certificate, ground: Ground | undefined): string | undefined {
  // Sentences of the core quote what is in it, and are shown to people.
  const problem = findProblem(certificate, ground);
  return problem === undefined ? undefined : plain(problem);
}

function findProblem(certificate: Certificate, ground: Ground | undefined): string | undefined {
  const { outcome, proposal, digest, roster } = certificate;
  const spec = specOf(proposal);
  if (spec === undefined) return `its threshold is ${proposal.threshold}, and thresholds have at most four decimals`;
  return (
    checkProposalSpec(spec) ??
    digestProblem(digest, digestText(spec)) ??
    ruleProblem(certificate, approvalsNeeded(spec.voters.length, spec.threshold)) ??
    rosterProblem(certificate) ??
    keysProblem(roster) ??
    groundProblem(certificate, ground) ??
    signaturesProblem(certificate) ??
    certificateProblem({ spec, outcome, votes: votesOf(certificate) }, { ...DIGEST, ...rosterKeys(roster) })
  );
}

function digestProblem(digest: string, own: string): string | undefined {
  return digest === own ? undefined : "its digest is not that of its proposal";
}

function ruleProblem({ proposal, rule }: Certificate, needed: number): string | undefined {
  const voters = proposal.voters.length;
  if (rule.voters === voters && rule.needed === needed) return undefined;
  return `its rule is not what the threshold says: ${proposal.threshold} of ${voters} voters is ${needed}, and the rule is ${rule.needed} of ${rule.voters}`;
}

/** The roster has exactly the voters, in their order. */
function rosterProblem({ proposal: { voters }, roster }: Certificate): string | undefined {
  const ids = roster.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) < at);
  if (twice !== undefined) return `its roster is not the voters': it has "${twice}" twice`;
  const extra = ids.find((id) => !voters.includes(id));
  if (extra !== undefined) return `its roster is not the voters': it has "${extra}", who is no voter`;
  const missing = voters.find((id) => !ids.includes(id));
  if (missing !== undefined) return `its roster is not the voters': it lacks "${missing}"`;
  const swapped = voters.findIndex((id, at) => ids[at] !== id);
  return swapped < 0
    ? undefined
    : `its roster is not in the voters' order: "${ids[swapped]}" stands where "${voters[swapped]}" belongs`;
}

function keysProblem(roster: Certificate["roster"]): string | undefined {
  const owners = new Map<string, string>();
  for (const { id, publicKey } of roster) {
    try {
      const written = publicKeyOf(publicKey).export({ format: "der", type: "spki" }).toString("base64");
      if (written !== publicKey) throw new Error("it is not written as keys are, in base64 without anything else");
    } catch (error) {
      return `the public key of "${id}" is none: ${(error as Error).message}`;
    }
    const owner = owners.get(publicKey);
    if (owner !== undefined) return `"${owner}" and "${id}" have the same public key, so that one could vote for both`;
    owners.set(publicKey, id);
  }
  return undefined;
}

/** Whether the keys are those that the ground has. */
function groundProblem(certificate: Certificate, ground: Ground | undefined): string | undefined {
  if (ground === undefined) return undefined;
  if ("key" in ground)
    return "a certificate is held against the keys of all its voters, and not against one: give the swarm's swarm.json, or no key";
  const { swarm } = ground;
  if (certificate.swarm === swarm.id && certificate.name !== swarm.name)
    return `it calls the swarm ${swarm.id} ${certificate.name}, and that is ${swarm.name}`;
  const other = otherSwarm(certificate, swarm);
  if (other !== undefined) return other;
  for (const { id, publicKey } of certificate.roster) {
    const entry = swarm.agents.find((agent) => agent.id === id);
    if (entry === undefined) return stranger(id, swarm);
    if (entry.publicKey === publicKey) continue;
    const owner = swarm.agents.find((agent) => agent.publicKey === publicKey);
    const whose = owner === undefined ? "" : `, but that of "${owner.id}"`;
    return `the public key of "${id}" is not the one that it has in ${swarm.name} (${swarm.id})${whose}`;
  }
  return undefined;
}

function signaturesProblem({ votes }: Certificate): string | undefined {
  for (const { voter, signature } of votes) {
    if (!DIGITS.test(signature)) return `the signature of "${voter}" is not written in pairs of hexadecimal digits`;
    const bytes = signature.length / 2;
    if (bytes < MAX_SIGNATURE_BYTES)
      return `the signature of "${voter}" is cut short: it has ${bytes} of ${MAX_SIGNATURE_BYTES} bytes`;
  }
  return undefined;
}

function votesOf({ votes }: Certificate): SignedVote[] {
  return votes.map(({ signature, ...vote }) => ({ ...vote, signature: new Uint8Array(Buffer.from(signature, "hex")) }));
}

/** In hexadecimal digits. */
export function digestText(spec: ProposalSpec): string {
  return Buffer.from(proposalDigest(DIGEST, spec)).toString("hex");
}
