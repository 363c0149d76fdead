import type { Mutant, Patch } from "./mutant.ts";

const GOSSIP = "server/core/gossip";

function patch(file: string, find: string, replace: string): Patch {
  return { file: `${GOSSIP}/${file}.ts`, find, replace };
}

/** Gossip as it may be got wrong. */
const BUGS: readonly Omit<Mutant, "core">[] = [
  {
    name: "no causal wait",
    bug: "an operation is delivered before those that it depends on",
    patches: [
      patch(
        "state",
        "return deps.every((dependency) => dependency.seq <= have.get(dependency.member));",
        "return deps.length >= 0;",
      ),
    ],
  },
  {
    name: "dependency forgotten",
    bug: "an operation does not say that it depends on what every other member issued",
    patches: [
      patch(
        "gossip",
        "if (seq > this.#depended.get(member)) deps",
        "if (member % 2 === 0 && seq > this.#depended.get(member)) deps",
      ),
    ],
  },
  {
    name: "dependencies once and for all",
    bug: "what an operation depends on is not said again when it has grown",
    patches: [
      patch(
        "gossip",
        "if (seq > this.#depended.get(member)) deps",
        "if (seq > 0 && this.#depended.get(member) === 0) deps",
      ),
    ],
  },
  {
    name: "told before it is durable",
    bug: "messages do not wait for the disk",
    patches: [
      patch(
        "gossip",
        "messages: [],\n      messagesAfterPersist,",
        "messages: messagesAfterPersist,\n      messagesAfterPersist: [],",
      ),
    ],
  },
  {
    name: "given out before it is durable",
    bug: "an operation is acknowledged while it is being written",
    patches: [
      patch(
        "gossip",
        "if (this.#durable <= fromIndex) return [];",
        "this.#durable = state.lastIndex;\n    if (this.#durable <= fromIndex) return [];",
      ),
    ],
  },
  {
    name: "number used again",
    bug: "after a start the last operation of the log is not known any more, and its number is given to another",
    patches: [
      patch(
        "state",
        "for (const [at, entry] of entries.entries()) {",
        "for (const [at, entry] of entries.slice(0, -1).entries()) {",
      ),
    ],
  },
  {
    name: "no anti-entropy",
    bug: "nobody asks for what it lacks (Demers et al., §1.3)",
    patches: [
      patch(
        "anti-entropy",
        "this.#digests.set(peer, false);\n    if (first)",
        "this.#digests.delete(peer);\n    if (first)",
      ),
    ],
  },
  {
    name: "tail of a delta lost",
    bug: "the newest operation of each member is left out",
    patches: [
      patch(
        "retained",
        "of this.#merged(from, ours)) {",
        "of this.#merged(from, ours)) {\n      if (operation.seq === ours.get(operation.origin)) continue;",
      ),
    ],
  },
  {
    name: "everything travels",
    bug: "a digest is answered with all that is kept, not with what differs",
    patches: [
      patch("anti-entropy", "retained.lacking(have, state.have,", "retained.lacking(retained.dropped, state.have,"),
    ],
  },
  {
    name: "stale vector counts",
    bug: "who had everything before something new came is still taken to have everything",
    patches: [
      patch(
        "knowledge",
        "column.having(seq - 1, (member) => this.#lacks(member, 1));",
        "column.having(seq - 1, () => {});",
      ),
    ],
  },
  {
    name: "sent counts as had",
    bug: "whoever was sent a delta is taken to have it, though it may be lost",
    patches: [
      patch(
        "anti-entropy",
        'state.send(peer, { type: "delta", roster, operations });',
        'state.send(peer, { type: "delta", roster, operations });\n      knowledge.heardAll(peer, state.have);',
      ),
    ],
  },
  {
    name: "complete by another's vector",
    bug: "whom a peer knows to have all that the peer has is taken to have all that this agent has",
    patches: [
      patch(
        "anti-entropy",
        "have.visit((origin, seq) => knowledge.heardOf",
        "state.have.visit((origin, seq) => knowledge.heardOf",
      ),
    ],
  },
  {
    name: "equal but for what is not said",
    bug: "whoever's checksum is another is taken to have all that this agent has, too",
    patches: [patch("anti-entropy", "if (!sameChecksum(this.#sumWith(theirs), sum)) {", "if (recent.length > 99) {")],
  },
  {
    name: "checksum of then",
    bug: "what is delivered does not change the checksum",
    patches: [
      patch(
        "knowledge",
        "this.#checksums.changed(origin, seq - 1);",
        "if (seq === 1) this.#checksums.changed(origin, 0);",
      ),
    ],
  },
  {
    name: "rumour that never dies",
    bug: "whoever hears of something again tells of it again (§1.4)",
    patches: [
      patch(
        "state",
        "if (seq <= delivered) {",
        "if (seq <= delivered) {\n      if (hops > 0) this.hot.push({ operation, hops: hops + 1 });",
      ),
    ],
  },
  {
    name: "stamp by the clock alone",
    bug: "a stamp may be less than one that was heard before (Kulkarni et al., §3)",
    patches: [patch("stamps", "Math.max(Math.floor(nowMs * 1000), this.#last + 1)", "Math.floor(nowMs * 1000)")],
  },
  {
    name: "any clock believed",
    bug: "one clock that is far ahead drags all others",
    patches: [patch("stamps", "return (stamp - this.#maxAheadUs) / 1000;", "return (stamp - this.#maxAheadUs) * 0;")],
  },
  {
    name: "delivered and still waiting",
    bug: "what waited and then came again takes up room for good",
    patches: [patch("state", "this.waiting.forgetOne(operation);", "this.waiting.has(operation);")],
  },
  {
    name: "state over what it lacks",
    bug: "a state is installed over operations that it does not stand for",
    patches: [
      patch(
        "state-transfer",
        "|| !VersionVector.of(read.have).covers(state.have)) return;",
        "|| read.have.length === 0) return;",
      ),
    ],
  },
  {
    name: "state never asked on",
    bug: "after a state's first part the next is not asked for",
    patches: [
      patch(
        "state-transfer",
        'state.send(from, { type: "stateReply", roster: state.roster, index, offset: this.#bytes });',
        "state.now += 0;",
      ),
    ],
  },
  {
    name: "snapshot of now",
    bug: "a snapshot's vector is that of the moment at which it is handed over, not of its own entry",
    patches: [
      patch(
        "state",
        "have.set(operation.origin, operation.seq);",
        "for (const [at, seq] of this.have.entries()) have.set(at, seq + operation.seq * 0);",
      ),
    ],
  },
  {
    name: "dropped for all",
    bug: "what not even a majority has is dropped when there is too much",
    patches: [
      patch(
        "state",
        "this.retained.dropOldest(have.least(line), retainBytes);",
        "this.retained.dropOldest(have.least(this.have), retainBytes + line.length * 0);",
      ),
    ],
  },
  {
    name: "a majority for each",
    bug: "what is dropped is had by a majority each time, but not by the same one all of it",
    patches: [
      patch(
        "state",
        "this.knowledge.atMajority(this.retained.dropped)",
        "this.knowledge.atMajority(new VersionVector(have.length))",
      ),
    ],
  },
  {
    name: "own journal not continued",
    bug: "what was delivered while a snapshot was made is not written after it",
    patches: [
      patch(
        "gossip",
        ".slice(this.#handedOut - before)",
        ".slice(snapshot === undefined ? this.#handedOut - before : state.since.length)",
      ),
    ],
  },
];

export const GOSSIP_MUTANTS: readonly Mutant[] = BUGS.map((bug) => ({ ...bug, core: "gossip" }));
