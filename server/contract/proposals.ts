/** Proposals: what a swarm decides by signed votes, as people and faces see it, and the certificate that proves a decision to anyone. */

export const CHOICES = ["approve", "reject"] as const;
export type ChoiceName = (typeof CHOICES)[number];
export const PROPOSAL_STATES = ["open", "approved", "rejected", "expired"] as const;
export type ProposalStateName = (typeof PROPOSAL_STATES)[number];

export interface ProposalRequest {
  /** Made by the client when empty. */
  readonly id?: string;
  /** In a few words. */
  readonly subject: string;
  /** Any JSON, as text. */
  readonly body: string;
  /** Absent: all that vote in the swarm. */
  readonly voters?: readonly string[];
  /** The share of the voters that must approve, above 0.5, at most 1, with at most four decimals. Absent: the swarm's; there 0.67 unless its file says otherwise. */
  readonly threshold?: number;
  /** Absent: the swarm's; there 30 s unless its file says otherwise. */
  readonly timeoutMs?: number;
}

export interface VoteInfo {
  readonly voter: string;
  readonly choice: ChoiceName;
  readonly reason: string;
  readonly atMs: number;
}

/** How far gossip has spread what a proposal stands at, as it was asked of the agents after the last that happened to it. */
export interface ProposalSpread {
  /** Of those that could be asked the one that is the least sure that everybody has all that it has, this proposal included. */
  readonly agent: string;
  /** How probable it holds that: 1 only where it is known. */
  readonly agreement: number;
  /** So many of so many members are known to it to have it all. */
  readonly sameVector: number;
  readonly members: number;
}

/** What a decision stands at. */
export interface ProposalView {
  readonly id: string;
  readonly subject: string;
  /** Sorted. */
  readonly voters: readonly string[];
  readonly threshold: number;
  /** Approvals that it takes. */
  readonly needed: number;
  readonly timeoutMs: number;
  readonly state: ProposalStateName;
  readonly submittedAtMs: number;
  readonly deadlineMs: number;
  /** null while it is open. */
  readonly decidedAtMs: number | null;
  /** In the order in which they came. */
  readonly votes: readonly VoteInfo[];
  /** Only by gossip, where others may not have heard of it yet; absent, too, while nobody has told since. */
  readonly spread?: ProposalSpread;
}

/** All there is to know of a proposal, with the signatures. */
export interface ProposalInfo extends Omit<ProposalView, "votes"> {
  /** JSON in its canonical form (RFC 8785). */
  readonly body: string;
  readonly votes: readonly (VoteInfo & {
    /** Hexadecimal digits. */
    readonly signature: string;
  })[];
}

/**
 * Proof of a decision: whoever has it verifies offline that so many of the voters signed for it as the rule asks. It says nothing of when they did. One that expired
 * has none: who did not vote has signed nothing.
 */
export interface Certificate {
  readonly type: "certificate";
  readonly version: 1;
  /** Of the swarm: its id and name. */
  readonly swarm: string;
  readonly name: string;
  readonly outcome: "approved" | "rejected";
  readonly proposal: {
    readonly id: string;
    readonly subject: string;
    readonly body: string;
    readonly voters: readonly string[];
    readonly threshold: number;
    readonly timeoutMs: number;
  };
  /** Of the proposal, what the votes are signed for: hexadecimal digits of SHA-256 over its binary form. */
  readonly digest: string;
  /** The quorum rule, in numbers: of so many voters so many must approve. */
  readonly rule: { readonly voters: number; readonly needed: number };
  /** The voters' public keys: base64 of their DER form (SPKI), as in swarm.json. In the order of the voters. */
  readonly roster: readonly { readonly id: string; readonly publicKey: string }[];
  /** Those that decided, at least; sorted by voter. */
  readonly votes: readonly {
    readonly voter: string;
    readonly choice: ChoiceName;
    readonly reason: string;
    /** Hexadecimal digits. */
    readonly signature: string;
  }[];
}

export const DEFAULT_THRESHOLD = 0.67;
export const DEFAULT_PROPOSAL_TIMEOUT_MS = 30_000;

/** How an agent makes up its mind, as a mesh file says it. */
export type VotingPolicy =
  | { readonly kind: "approve" }
  | { readonly kind: "reject"; readonly reason: string }
  /** Approves what the JSON schema (draft 2020-12) accepts; its reason is what does not fit. */
  | { readonly kind: "schema"; readonly schema: string }
  /**
   * Runs a program, without a shell, in the swarm's folder: the proposal as JSON on its standard input. Exit code 0 approves; any other rejects, and the last line it wrote is the
   * reason; so does one that cannot be started, or takes too long.
   */
  | {
      readonly kind: "command";
      readonly command: string;
      readonly args: readonly string[];
      readonly timeoutMs: number;
    };

/** What a mesh file says of proposals. */
export interface ProposalSettings {
  readonly threshold: number;
  readonly timeoutMs: number;
  /** Every proposal's body must fit this JSON schema (as text), before it costs a round; null: any JSON will do. */
  readonly schema: string | null;
  /** Of agents that none is named for. */
  readonly policy: VotingPolicy;
  /** By agent. */
  readonly policies: Readonly<Record<string, VotingPolicy>>;
}

export const PROPOSALS_BY_DEFAULT: ProposalSettings = {
  threshold: DEFAULT_THRESHOLD,
  timeoutMs: DEFAULT_PROPOSAL_TIMEOUT_MS,
  schema: null,
  policy: { kind: "approve" },
  policies: {},
};

/** "3 of 4 approve, 1 rejects; 3 needed" */
export function tallyText({ votes, voters, needed }: Pick<ProposalView, "votes" | "voters" | "needed">): string {
  const approvals = votes.filter(({ choice }) => choice === "approve").length;
  const rejections = votes.length - approvals;
  const against = rejections === 0 ? "" : `, ${rejections} ${rejections === 1 ? "rejects" : "reject"}`;
  return `${approvals} of ${voters.length} ${approvals === 1 ? "approves" : "approve"}${against}; ${needed} needed`;
}
