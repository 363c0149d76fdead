import type { Mutant } from "./mutant.ts";

const RAFT = "server/core/raft";

/** Elections, replication and reads as they have been got wrong before: § is the Raft paper's, others are named. */
export const CONSENSUS_MUTANTS: readonly Mutant[] = [
  {
    name: "vote twice in a term",
    bug: "a vote does not bind (§5.2)",
    patches: [
      {
        file: `${RAFT}/elections.ts`,
        find: `return state.votedFor === candidate || (state.votedFor === "" && state.leader === "");`,
        replace: "return candidate !== undefined && state.term > 0;",
      },
    ],
  },
  {
    name: "vote not persisted",
    bug: "who was voted for is not part of what becomes durable (Figure 2, persistent state)",
    patches: [
      {
        file: `${RAFT}/raft.ts`,
        find: "state.durability.take(state.log, state)",
        replace: `state.durability.take(state.log, { ...state, votedFor: state.role === "follower" ? "" : state.votedFor })`,
      },
    ],
  },
  {
    name: "vote told before it is durable",
    bug: "a grant leaves before the vote would survive a crash (Figure 2)",
    patches: [
      {
        file: `${RAFT}/elections.ts`,
        find: `state.sendAfterPersist(from, { type: "voteReply", term, granted: true });`,
        replace: `state.send(from, { type: "voteReply", term, granted: true });`,
      },
    ],
  },
  {
    name: "vote for a log that is behind",
    bug: "the candidate's log is not compared (§5.4.1)",
    patches: [
      {
        file: `${RAFT}/state.ts`,
        find: "return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);",
        replace: "return lastTerm >= 0 && lastIndex >= 0 && log.lastIndex >= 0;",
      },
    ],
  },
  {
    name: "logs compared by length alone",
    bug: "a longer log of older terms passes for more complete (§5.4.1)",
    patches: [
      {
        file: `${RAFT}/state.ts`,
        find: "return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);",
        replace: "return lastTerm >= 0 && lastIndex >= log.lastIndex;",
      },
    ],
  },
  {
    name: "majority of half",
    bug: "half of the voters pass for a majority",
    patches: [
      {
        file: `${RAFT}/quorum.ts`,
        find: "return Math.floor(voters / 2) + 1;",
        replace: "return Math.max(1, Math.floor(voters / 2));",
      },
    ],
  },
  {
    name: "commit an older term by counting",
    bug: "an entry of an earlier term is committed because it is on a majority (§5.4.2, Figure 8)",
    patches: [
      {
        file: `${RAFT}/replication.ts`,
        find: "if (index <= state.commit || log.termAt(index) !== state.term) return;",
        replace: "if (index <= state.commit) return;",
      },
    ],
  },
  {
    name: "ack before it is durable",
    bug: "a follower acknowledges entries that a crash would take (Figure 2)",
    patches: [
      {
        file: `${RAFT}/state.ts`,
        find: "this.sendAfterPersist(this.leader, {",
        replace: "this.send(this.leader, {",
      },
    ],
  },
  {
    name: "leader counts what it has not written",
    bug: "the leader's own entries count before its disk has them (thesis §10.2.1)",
    patches: [
      {
        file: `${RAFT}/replication.ts`,
        find: "state.reached(state.durability.index, (follower) => follower.match)",
        replace: "state.reached(log.lastIndex, (follower) => follower.match)",
      },
    ],
  },
  {
    name: "no look at the entry before",
    bug: "a follower takes entries without comparing the one before them (§5.3)",
    patches: [
      {
        file: `${RAFT}/following.ts`,
        find: "if (prevIndex >= log.firstIndex - 1 && !log.matches(prevIndex, prevTerm)) {",
        replace: "if (prevIndex > log.lastIndex) {",
      },
    ],
  },
  {
    name: "append always truncates",
    bug: "an append that is late cuts off what came after it (§5.3; Figure 2, AppendEntries 3)",
    patches: [
      {
        file: `${RAFT}/following.ts`,
        find: "return Math.max(log.lastIndex, prevIndex + entries.length) + 1;",
        replace: "return prevIndex + 1;",
      },
    ],
  },
  {
    name: "commit what was not compared",
    bug: "a follower commits up to the leader's commit index, whatever its own log has there (Figure 2, AppendEntries 5)",
    patches: [
      {
        file: `${RAFT}/following.ts`,
        find: "const commit = Math.min(message.commit, matched);",
        replace: "const commit = Math.min(message.commit, log.lastIndex);",
      },
    ],
    // A refusal's hint leads this leader to exactly where the logs part, so that the first append that is taken cuts off all that conflicts and nothing is left
    // to commit by mistake (but for a refusal that outlives a crash, or its term: no seed of hundreds shows one). The paper's way back (§5.3, end) goes over all
    // of the conflicting entry's term, and so past that place: then appends of one entry each are taken while what conflicts still follows on them.
    variant: [
      {
        file: `${RAFT}/following.ts`,
        find: "const index = log.lastIndexOfTermAtMost(Math.min(prevIndex - 1, log.lastIndex), prevTerm);",
        replace:
          "const index = log.lastIndexOfTermAtMost(log.lastIndex, (log.termAt(prevIndex) ?? Number.POSITIVE_INFINITY) - 1);",
      },
      {
        file: "server/agent/settings.ts",
        find: "const MAX_APPEND_BYTES = 512 * 1024;",
        replace: "const MAX_APPEND_BYTES = 1;",
      },
    ],
  },
  {
    name: "heartbeat commits too much",
    bug: "heartbeats tell the commit index without regard to what the follower was seen to hold",
    patches: [
      {
        file: `${RAFT}/replication.ts`,
        find: "commit: Math.min(state.commit, match), round",
        replace: "commit: state.commit, round",
      },
    ],
  },
  {
    name: "older leader is obeyed",
    bug: "appends of an older term are taken (§5.1)",
    patches: [
      {
        file: `${RAFT}/raft.ts`,
        find: "if (message.term < state.term && answerOlderTerm(state, from, message)) return;",
        replace: `if (message.term < state.term && message.type !== "append" && answerOlderTerm(state, from, message)) return;`,
      },
    ],
  },
  {
    name: "read without a quorum",
    bug: "a leader serves reads without asking whether it still leads (thesis §6.4)",
    patches: [
      {
        file: `${RAFT}/reads.ts`,
        find: "this.confirm(state);\n    if (this.#rounds.length > 0) state.heartbeatDue = true;",
        replace: "for (const follower of state.followers) follower.ackedRound = this.#round;\n    this.confirm(state);",
      },
    ],
  },
  {
    name: "read before the term's first commit",
    bug: "a new leader reads at a commit index that may be behind (thesis §6.4, step 1)",
    patches: [
      {
        file: `${RAFT}/reads.ts`,
        find: "if (state.log.termAt(state.commit) !== state.term) return;",
        replace: "",
      },
    ],
  },
  {
    name: "read before it is applied",
    bug: "a read is served before the state machine has reached its index (thesis §6.4, step 3)",
    patches: [
      {
        file: "server/agent/reads.ts",
        find: "if (barrier.index > index) return true;",
        replace: "if (index < 0) return true;",
      },
    ],
  },
  {
    name: "refusals count as votes",
    bug: "every answer to a request for votes is taken for a grant",
    patches: [
      {
        file: `${RAFT}/elections.ts`,
        find: `if (state.role === "candidate") countVote(state, reads, from, message.granted);`,
        replace: `if (state.role === "candidate") countVote(state, reads, from, true);`,
      },
    ],
  },
  {
    name: "what was sent counts as held",
    bug: "the leader takes an append that left for one that arrived",
    patches: [
      {
        file: `${RAFT}/progress.ts`,
        find: "this.next += count;",
        replace: "this.next += count;\n    this.match = this.next - 1;",
      },
    ],
  },
];
