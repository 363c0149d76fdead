import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { Patch } from "../mutants/mutant.ts";

/** One known way to get proposals wrong, found by what it makes of a simulated run. */
export interface ProposalMutant {
  readonly name: string;
  readonly consensus: ConsensusKind;
  readonly patches: readonly Patch[];
  /** Of what is said when it is found. */
  readonly found: RegExp;
}

const TABLE = "server/core/proposals/proposals.ts";
const QUORUM = "server/core/proposals/quorum.ts";

const patch = (file: string, find: string, replace: string): Patch => ({ file, find, replace });

export const PROPOSAL_MUTANTS: readonly ProposalMutant[] = [
  {
    name: "counts a stranger's vote",
    consensus: "pbft",
    patches: [
      patch(TABLE, 'if (!proposal.spec.voters.includes(vote.voter)) return "stranger";', ""),
      // What is counted must be written down, too.
      patch(
        "server/core/proposals/snapshot.ts",
        'if (!spec.voters.includes(vote.voter)) throw new MalformedBytes("a vote by a stranger");',
        "",
      ),
    ],
    found: /which is not asked to vote/,
  },
  {
    name: "counts a voter twice",
    consensus: "raft",
    patches: [
      patch(
        TABLE,
        'if (before !== undefined && sameVote(before, vote)) return { type: "refused", reason: "votedAlready" };',
        "void sameVote;",
      ),
      patch(TABLE, 'if (before !== undefined) return "votedAlready";', "void before;"),
    ],
    // Or an agent refuses the state that comes of it.
    found: /counts a\d's vote on p\d+ twice|a voter that voted twice/,
  },
  {
    name: "counts the contradicting second vote of a liar",
    consensus: "pbft",
    patches: [patch(TABLE, 'if (before !== undefined) return "votedAlready";', "void before;")],
    found: /counts a\d's vote on p\d+ twice/,
  },
  {
    name: "approves with one vote too few",
    consensus: "raft",
    patches: [patch(QUORUM, "if (approvals >= needed) return", "if (approvals >= Math.max(1, needed - 1)) return")],
    found: /is approved .* by its votes it is open/,
  },
  {
    name: "rejects too early",
    consensus: "raft",
    patches: [
      patch(
        QUORUM,
        "return votes.length - approvals > voters.length - needed ?",
        "return votes.length - approvals >= Math.max(1, voters.length - needed) ?",
      ),
    ],
    found: /is rejected .* by its votes it is open/,
  },
  {
    name: "does not look at a vote's signature",
    consensus: "pbft",
    patches: [patch(TABLE, 'if (!this.#verify(proposal.spec, vote)) return "badSignature";', "void this.#verify;")],
    found: /has not signed/,
  },
  {
    name: "decides after the deadline",
    consensus: "raft",
    patches: [
      patch(
        TABLE,
        "this.#deadlines.takeDue(timeMs); id !== undefined;",
        "this.#deadlines.takeDue(0); id !== undefined;",
      ),
    ],
    found: /its time was up/,
  },
  {
    name: "expires before the deadline",
    consensus: "raft",
    patches: [
      patch(
        TABLE,
        "this.#deadlines.set(spec.id, deadlineMs, index);",
        "this.#deadlines.set(spec.id, deadlineMs - 500, index);",
      ),
    ],
    found: /has expired .* before/,
  },
  {
    name: "forgets a proposal in its snapshot",
    consensus: "raft",
    patches: [
      patch(
        TABLE,
        "const open = Array.from(this.#open, (id) => this.#kept(id));",
        "const open = Array.from(this.#open, (id) => this.#kept(id)).slice(1);",
      ),
    ],
    found: /does not know it|has forgotten|proposals are decided: not within/,
  },
  {
    name: "forgets who has voted when it goes by a snapshot",
    consensus: "raft",
    patches: [
      patch(
        "server/core/proposals/snapshot.ts",
        "return { order, proposal: standing(spec, votes, submittedAtMs, timeMs) };",
        'const stood = standing(spec, votes, submittedAtMs, timeMs); return { order, proposal: stood.state === "open" ? { ...stood, votes: [] } : stood };',
      ),
    ],
    found: /vote 1 on|is approved with|is rejected with/,
  },
  {
    name: "loses what it has acknowledged",
    consensus: "raft",
    patches: [
      patch(
        TABLE,
        "    const deadlineMs = this.#timeMs + spec.timeoutMs;\n",
        '    if (index % 5 === 0) return { type: "proposed", created: true };\n    const deadlineMs = this.#timeMs + spec.timeoutMs;\n',
      ),
    ],
    found: /was acknowledged, and .* does not know it/,
  },
  {
    name: "puts another threshold to the vote than was asked for",
    consensus: "raft",
    patches: [
      patch(
        "server/core/proposals/read.ts",
        "const parts = Math.round(threshold * THRESHOLD_PARTS);",
        "const parts = 6700;",
      ),
      patch("server/core/proposals/read.ts", "if (parts / THRESHOLD_PARTS === threshold)", "if (parts > 0)"),
    ],
    found: /what was asked for is/,
  },
  {
    name: "lets the time of its own clock decide",
    consensus: "raft",
    patches: [
      patch(
        "server/agent/replica.ts",
        "const applied = machine.apply(entry);",
        "const applied = machine.apply({ ...entry, timeMs: Math.max(entry.timeMs, Math.floor(now)) });",
      ),
    ],
    found: /is not the same proposal|vote \d on/,
  },
  {
    name: "lets nothing expire by itself",
    consensus: "raft",
    patches: [
      patch(
        "server/agent/machine.ts",
        "this.tasks.deadlineMs(), this.proposals.deadlineMs());",
        "this.tasks.deadlineMs());",
      ),
    ],
    found: /proposals are decided: not within/,
  },
];
