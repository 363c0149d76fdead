import type { Mutant } from "./mutant.ts";

const RAFT = "server/core/raft";

/** Members, snapshots and the handing over of leadership: § is the Raft paper's, "thesis" Ongaro's. */
export const MEMBER_MUTANTS: readonly Mutant[] = [
  {
    name: "skip the joint phase",
    bug: "any number of voters changes at once (thesis §4.3)",
    patches: [{ file: `${RAFT}/configuration.ts`, find: "if (came + went <= 1)", replace: "if (came + went <= 99)" }],
  },
  {
    name: "old voters alone in a joint phase",
    bug: "a joint phase asks the voters before and not those after (thesis §4.3)",
    patches: [
      {
        file: `${RAFT}/members.ts`,
        find: "return this.#outgoing === undefined ? incoming : Math.min(incoming, reachedIn(this.#outgoing, ownValue, numberOf));",
        replace: "return this.#outgoing === undefined ? incoming : reachedIn(this.#outgoing, ownValue, numberOf);",
      },
    ],
  },
  {
    name: "changes one upon the other",
    bug: "a change is proposed while another is not committed (thesis §4.1)",
    patches: [
      {
        file: `${RAFT}/membership.ts`,
        find: "if (state.transfer !== undefined || members.index > commit || log.termAt(commit) !== state.term)",
        replace: "if (state.transfer !== undefined)",
      },
    ],
  },
  {
    name: "learners count",
    bug: "a learner's acknowledgement and vote are counted (thesis §4.2.1)",
    patches: [
      {
        file: `${RAFT}/members.ts`,
        find: "this.#incoming = this.#half(configuration.voters);\n    this.#outgoing =",
        replace:
          "this.#incoming = this.#half([...configuration.voters, ...configuration.learners]);\n    this.#outgoing =",
      },
    ],
  },
  {
    name: "the leader always counts itself",
    bug: "a leader that removed itself counts its own disk (thesis §4.2.2)",
    patches: [
      {
        file: `${RAFT}/members.ts`,
        find: "return { voters, others, self: voters.includes(this.#id), room: new Float64Array(voters.length) };",
        replace: "return { voters, others, self: true, room: new Float64Array(others.length + 1) };",
      },
    ],
  },
  {
    name: "members do not fall back",
    bug: "a change that was replaced in the log goes on to hold (thesis §4.1)",
    patches: [
      {
        file: `${RAFT}/following.ts`,
        find: "  state.members.truncated(index);\n",
        replace: "",
      },
    ],
  },
  {
    name: "snapshot without its members",
    bug: "a snapshot tells the members that there were at first (thesis §5.1)",
    patches: [
      {
        file: `${RAFT}/snapshots.ts`,
        find: "const configuration = members.at(index);",
        replace: "const configuration = members.at(0);",
      },
    ],
  },
  {
    name: "snapshot's parts out of place",
    bug: "a part is put behind what has come, wherever it belongs (§7, offset)",
    patches: [
      {
        file: `${RAFT}/snapshots.ts`,
        find: "incoming.parts.push(data.slice(held - offset));",
        replace: "incoming.parts.unshift(data.slice(held - offset));",
      },
    ],
  },
  {
    name: "snapshot acknowledged before it is durable",
    bug: "a follower says done before its disk has the snapshot (Figure 2; §7)",
    patches: [{ file: `${RAFT}/snapshots.ts`, find: "state.sendAfterPersist(from, {", replace: "state.send(from, {" }],
  },
  {
    name: "snapshot over a log that conflicts",
    bug: "what was in the log before an installed snapshot stays on the disk (§7)",
    patches: [
      {
        file: `${RAFT}/durability.ts`,
        find: "this.#snapshot = { snapshot, discardLog: true };",
        replace: "this.#snapshot = { snapshot, discardLog: false };",
      },
    ],
  },
  {
    name: "snapshot that takes back",
    bug: "a snapshot older than what is committed is installed (§7)",
    patches: [
      {
        file: `${RAFT}/snapshots.ts`,
        find: "if (index <= state.commit || state.log.matches(index, term)) {",
        replace: "if (state.log.matches(index, term)) {",
      },
    ],
  },
  {
    name: "compact what is not committed",
    bug: "a snapshot claims more entries than its state holds (§7)",
    patches: [
      {
        file: "server/core/raft/snapshots.ts",
        find: "const snapshot: Snapshot = { index, term,",
        replace: "const snapshot: Snapshot = { index: index + 1, term,",
      },
    ],
  },
];
