// Voters with real keys, what they decided, and certificates of it.

import { createHash, sign } from "node:crypto";
import type { Certificate, ChoiceName, ProposalInfo } from "../../../server/contract/proposals.ts";
import { approvalsNeeded } from "../../../server/core/proposals/quorum.ts";
import { signVote } from "../../../server/core/proposals/votes.ts";
import { type KeyTexts, makeKeys, privateKeyOf } from "../../../server/live/identity.ts";
import { specOf } from "../../../server/live/proofs/certificate.ts";
import { makeCertificate } from "../../../server/live/proofs/make-certificate.ts";
import type { SwarmFile } from "../../../server/live/swarm-file.ts";
import { LOCAL_TIMING } from "../swarm.ts";

/** Who votes how; whoever is not named has not voted. */
export type Ballot = Readonly<Record<string, ChoiceName | readonly [ChoiceName, string]>>;

export class Deciders {
  readonly #keys: ReadonlyMap<string, KeyTexts>;
  readonly swarm: SwarmFile;

  constructor(...ids: readonly string[]) {
    this.#keys = new Map(ids.map((id) => [id, makeKeys()]));
    this.swarm = {
      version: 1,
      ...{ id: "f00d", name: "demo", file: "", folder: "/nowhere", createdAtMs: 0, topology: "mesh" },
      ...{
        consensus: "raft",
        reads: "readIndex",
        detector: "swim",
        links: [],
        timing: LOCAL_TIMING,
        slots: 1,
        taskLeaseMs: 1000,
      },
      ...{ graceMs: 1000, detached: false, recording: null },
      agents: ids.map((id, at) => ({ id, port: 4000 + at, publicKey: this.publicKey(id) })),
    };
  }

  publicKey(id: string): string {
    return (this.#keys.get(id) as KeyTexts).publicKey;
  }

  /** What agents hold of it. */
  info(ballot: Ballot, changes: Partial<ProposalInfo> = {}): ProposalInfo {
    const { id = "proposal-1", subject = "deploy 1.4", body = '{"version":"1.4"}', threshold = 0.67 } = changes;
    const { voters = this.swarm.agents.map((agent) => agent.id), timeoutMs = 10_000 } = changes;
    const proposal = { id, subject, body, voters, threshold, timeoutMs };
    const spec = specOf(proposal) as NonNullable<ReturnType<typeof specOf>>;
    const votes = Object.entries(ballot).map(([voter, said]) => {
      const [choice, reason] = typeof said === "string" ? [said, ""] : said;
      const crypto = {
        digest: (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest()),
        sign: (bytes: Uint8Array) =>
          new Uint8Array(sign(null, bytes, privateKeyOf((this.#keys.get(voter) as KeyTexts).privateKey))),
      };
      const { signature } = signVote(crypto, spec, voter, choice, reason);
      return { voter, choice, reason, atMs: 5, signature: Buffer.from(signature).toString("hex") };
    });
    const needed = approvalsNeeded(voters.length, spec.threshold);
    const approvals = votes.filter(({ choice }) => choice === "approve").length;
    const state =
      approvals >= needed ? "approved" : votes.length - approvals > voters.length - needed ? "rejected" : "open";
    return { ...proposal, needed, state, submittedAtMs: 1, deadlineMs: 10_001, decidedAtMs: 7, votes, ...changes };
  }

  certificate(ballot: Ballot, changes: Partial<ProposalInfo> = {}): Certificate {
    const made = makeCertificate(this.info(ballot, changes), this.swarm);
    if ("problem" in made) throw new Error(made.problem);
    return made.certificate;
  }
}
