/** Proofs as they are kept, handed on and verified. Of a lie: two statements with one agent's signature that contradict each other. Of a decision: see Certificate in proposals.ts. */

/** The kinds of proof that `verify` knows, by the `type` of their JSON. */
export const PROOF_TYPES = ["evidence", "certificate"] as const;
export type ProofType = (typeof PROOF_TYPES)[number];

/** A line of the file that a swarm's coordinator keeps. It can be verified without the swarm; whether the key is the culprit's is then only what the line says. */
export interface EvidenceLine {
  readonly type: "evidence";
  readonly version: 1;
  /** Of the swarm: its id and name. */
  readonly swarm: string;
  readonly name: string;
  readonly culprit: string;
  /** The culprit's: base64 of its DER form (SPKI), as in swarm.json. */
  readonly publicKey: string;
  /** Hexadecimal digits. */
  readonly evidence: string;
  /** Who told it first. */
  readonly by: string;
  readonly atMs: number;
}

/** What a coordinator has verified with the swarm's keys, and holds. */
export interface HeldEvidence extends EvidenceLine {
  /** "a7 signed two prepares for view 3, sequence 41" */
  readonly statement: string;
}

/** Where the keys came from that a proof was held against: the proof itself, the swarm's roster, or whoever asks. */
export type KeySource = "itself" | "swarm" | "given";

/** What came of verifying one proof. */
export interface ProofVerdict {
  /** Of the text or file, from 1. */
  readonly line: number;
  /** undefined: what it is could not be read. */
  readonly type?: ProofType;
  /** What it says, whether that holds or not; empty where it could not be read. */
  readonly statement: string;
  /** Why it proves nothing; undefined: it holds under that key. */
  readonly problem?: string;
  /** undefined: it came to no key. A certificate is never held against one that is given: it takes all its voters'. */
  readonly key?: KeySource;
  /** The swarm's name, as the proof says it; of evidence that is only digits, the name of the swarm that it was held against. Empty: none is known. */
  readonly swarm: string;
  /** Of a lie; of a certificate empty. */
  readonly culprit: string;
}

export interface SignedTwice {
  readonly culprit: string;
  readonly kind: "prePrepare" | "prepare" | "commit" | "checkpoint";
  readonly view: number;
  readonly seq: number;
}

const NAMES: Readonly<Record<SignedTwice["kind"], string>> = {
  prePrepare: "pre-prepares",
  prepare: "prepares",
  commit: "commits",
  checkpoint: "checkpoints",
};

export function signedTwiceText({ culprit, kind, view, seq }: SignedTwice): string {
  const place = kind === "checkpoint" ? `sequence ${seq}` : `view ${view}, sequence ${seq}`;
  return `${culprit} signed two ${NAMES[kind]} for ${place}`;
}

/** The verdict in one sentence or two, for people. */
export function verdictText({ type, statement, problem, key, culprit, swarm }: ProofVerdict): string {
  if (problem !== undefined) return `proves nothing: ${problem}.${statement === "" ? "" : ` It says: ${statement}.`}`;
  if (type === "certificate")
    return key === "swarm"
      ? `holds: ${statement}. The keys are those of swarm ${swarm}'s roster.`
      : `holds: ${statement}. The keys are the certificate's own: that they are those of the agents of ${swarm} is not verified.`;
  const whose = swarm === "" ? culprit : `${culprit} of ${swarm}`;
  if (key === "swarm") return `holds: ${statement}. The key is that of ${whose} in the swarm's roster.`;
  if (key === "given") return `holds: ${statement}. The key is the one given.`;
  return `holds: ${statement}. The key is the proof's own: that it is the key of ${whose} is not verified.`;
}
