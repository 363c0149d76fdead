import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "mocha";

/**
 * The rules of Raft, and the test of each. Figure 2 and § are of Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm"; "thesis" is Ongaro's.
 * A test is named by its title, or a part of it.
 */
const RULES: readonly (readonly [string, string])[] = [
  ["Figure 2, persistent state: a vote leaves only when it is durable", "leaves only when it is durable"],
  ["Figure 2, persistent state: a vote is remembered over a restart", "is remembered over a restart"],
  [
    "Figure 2, AppendEntries 1: an older term is refused, with the newer one",
    "that is older is answered with the newer one",
  ],
  ["Figure 2, AppendEntries 2: what does not follow is refused", "refuses what does not follow on it"],
  ["Figure 2, AppendEntries 3: a conflict is replaced, and all after it", "replaces what conflicts and all after it"],
  ["Figure 2, AppendEntries 4: only what is new is appended", "takes only what is new of an overlapping append"],
  [
    "Figure 2, AppendEntries 5: commit as far as that append reaches",
    "commits what the leader says, as far as that append reaches",
  ],
  ["Figure 2, RequestVote 1: an older term gets no vote", "is refused to an older term"],
  ["Figure 2, RequestVote 2: one vote a term, first come first served", "goes to one candidate a term"],
  ["Figure 2, all servers: what is committed is applied in order", "keeps every promise of Figure 3"],
  [
    "Figure 2, all servers: a newer term makes anybody a follower",
    "that is newer makes a leader and a candidate follow",
  ],
  ["Figure 2, candidates: a majority's votes win", "is won with a majority's votes"],
  ["Figure 2, candidates: a leader of the same term ends the campaign", "is given up for a leader of the same term"],
  ["Figure 2, candidates: an election that times out starts anew", "starts anew when it times out"],
  ["Figure 2, leaders: heartbeats at once and at their interval", "sends heartbeats to all at its interval"],
  ["Figure 2, leaders: a majority of this term's commits", "commits what a majority has, and only then"],
  ["§5.2: a silence drawn from a range", "starts after a silence drawn from the election timeout"],
  ["§5.3, end: a refusal lets the leader jump back", "hinting below terms that the leader cannot have there"],
  ["§5.4.1: a log that is behind gets no vote", "(§5.4.1)"],
  ["§5.4.2: an older term's entries commit with one of the own", "(§5.4.2"],
  ["§7: a snapshot stands for all entries up to its index", "lets the entries go (§7)"],
  ["§7: a snapshot goes in parts", "sends its snapshot part by part"],
  [
    "§7: a snapshot takes the place of a log that conflicts",
    "installs it whole, and only when that is durable says done",
  ],
  ["§7: a log that has its last entry is kept", "keeps its log where it has the snapshot's last entry already"],
  ["§8: a new leader's first entry says nothing", "is told to all by a noop of the new term at once"],
  ["thesis §3.10: the log is brought up first", "brings the other's log up to its own first"],
  ["thesis §3.10: proposals wait", "refuses proposals meanwhile, and says why"],
  ["thesis §3.10: it is given up after an election timeout", "is given up after an election timeout"],
  ["thesis §4.1: a configuration holds from when it is in the log", "holds at the leader from when it is in the log"],
  ["thesis §4.1: and falls back when it is replaced", "falls back when it is replaced"],
  ["thesis §4.1: one change at a time", "is one at a time (thesis §4.1)"],
  [
    "Ongaro 2015: no change before an entry of the own term is committed",
    "waits for an entry of the leader's own term",
  ],
  ["thesis §4.2.1: learners do not count", "its acknowledgement commits nothing"],
  ["thesis §4.2.1: learners catch up before they vote", "becomes a voter only once it has caught up"],
  ["thesis §4.2.2: a leader that removes itself leads until that is committed", "steps down once that is committed"],
  ["thesis §4.2.2: who is removed campaigns until that is committed", "leaves its subject the right to campaign"],
  ["thesis §4.2.3: votes are not heard while a leader lives", "is not even heard while a leader was heard of"],
  ["thesis §4.3: a joint phase needs both majorities", "needs a majority of the voters before and of those after"],
  ["thesis §4.3: it is left as soon as it is committed", "is left by the leader as soon as it is committed"],
  ["thesis §6.2: a leader without a quorum steps down", "steps down after an election timeout without a quorum"],
  [
    "thesis §6.4: a read waits for a round that a majority answers",
    "waits for a round of heartbeats that a majority answers",
  ],
  ["thesis §6.4, step 1: and for the term's first commit", "waits until the leader has committed in its term"],
  ["thesis §6.4.1: a lease ends before another can lead", "ends an election timeout, by the slowest clock"],
  ["thesis §6.4.1: a transfer voids it", "is void for the rest of the term"],
  ["thesis §9.6: pre-votes change nothing", "first asks for pre-votes in the next term"],
  [
    "thesis §10.2.1: the leader writes in parallel, and counts itself once that is durable",
    "counts itself only for what is durable here",
  ],
];

const FOLDER = new URL("./", import.meta.url);
/** Titles stand in quotes, at the test or in the table that it goes through. */
const sources = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".test.ts") && name !== "rules.test.ts")
  .map((name) => readFileSync(new URL(name, FOLDER), "utf8"));

function isTitle(title: string): boolean {
  const quoted = new RegExp(`["'\`][^"'\`\n]*${title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
  return sources.some((source) => quoted.test(source));
}

describe("each rule of the paper", () => {
  for (const [rule, title] of RULES)
    it(`has a test: ${rule}`, () => assert.ok(isTitle(title), `no test is called "${title}"`));

  it("is looked for among titles that there are", () => assert.ok(!isTitle("no test is called so")));
});
