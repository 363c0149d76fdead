import type { Patch } from "../mutants/mutant.ts";

/** One known way to get gossip wrong, found by what it makes of a simulated run. */
export interface GossipMutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Of what is said when it is found. */
  readonly found: RegExp;
}

const patch = (file: string, find: string, replace: string): Patch => ({ file: `server/core/${file}`, find, replace });

/** So little that what others lack is soon not kept any more: then their states must travel. By itself it is no bug. */
export const LITTLE_KEPT: readonly Patch[] = [
  patch("gossip/config.ts", "retainBytes: 8 * 1024 * 1024,", "retainBytes: 3 * 1024,"),
];

export const GOSSIP_MUTANTS: readonly GossipMutant[] = [
  {
    name: "does not send what another lacks",
    patches: [patch("gossip/anti-entropy.ts", 'if (!have.covers(state.have)) this.#lacks(from, "all");', "")],
    found: /hold the same \(.* have applied \d+ and \d+ operations\): not within \d+ ms/,
  },
  {
    name: "acknowledges before its disk does",
    patches: [
      patch(
        "gossip/gossip.ts",
        "this.#handedOut = lastIndex;",
        "this.#handedOut = lastIndex; this.#durable = lastIndex;",
      ),
    ],
    found: /acknowledges version \d+, which is not on its disk/,
  },
  {
    name: "passes on what its disk could forget",
    patches: [
      patch(
        "gossip/gossip.ts",
        "messages: [],\n      messagesAfterPersist,",
        "messages: messagesAfterPersist,\n      messagesAfterPersist: [],",
      ),
    ],
    found: /is given operation \d+ of a\d, which a\d has not on its disk/,
  },
  {
    name: "loses a key in its snapshot",
    patches: [
      patch(
        "memory/eventual.ts",
        "registers: namespace.all() as Register[] }",
        "registers: (namespace.all() as Register[]).slice(-3) }",
      ),
    ],
    found: /differ in their memory|holds nothing as k\d, which was last told c\d:\d+/,
  },
  {
    name: "says of its snapshot that it stands for one operation more than it does",
    patches: [
      patch(
        "gossip/journal.ts",
        "  writeVector(writer, state.have);\n",
        "  writeVector(writer, state.have.map((seq, at) => (at === 0 ? seq + 1 : seq)));\n",
      ),
    ],
    found: /has a snapshot of more than it was given|stopped itself/,
  },
  {
    name: "lets the write stand that comes last, whenever it was made",
    patches: [
      patch("memory/eventual.ts", "if (before !== undefined && !wins(register, before)) return;", "void wins;"),
    ],
    // It is seen in either way: by what an agent holds, or by what it shows after something later.
    found: /holds .* which was last told|shows k\d of version \d+, and has shown \d+/,
  },
  {
    name: "forgets that something was deleted",
    patches: [
      patch(
        "memory/eventual.ts",
        "if (before !== undefined) this.#remove(before);\n    this.#insert(register);",
        "if (before !== undefined) this.#remove(before);\n    if (!register.deleted) this.#insert(register);",
      ),
    ],
    found: /as k\d, which was last told its deletion|shows k\d of version \d+, and has shown \d+/,
  },
  {
    name: "lets what expired come back",
    patches: [
      patch(
        "memory/eventual.ts",
        "const expiresAtMs = ttlMs === 0 ? 0 : timeMs + ttlMs;",
        "const expiresAtMs = 0 * ttlMs;",
      ),
      patch(
        "memory/eventual.ts",
        "const forgetMs = ttlMs === 0 ? Number.POSITIVE_INFINITY : Math.max(expiresAtMs, timeMs + TOMBSTONE_MS);",
        "const forgetMs = Number.POSITIVE_INFINITY;",
      ),
    ],
    found: /which was last told c\d:\d+ \(\d+, expired\)/,
  },
  {
    name: "does not wait for what an operation depends on",
    patches: [
      patch(
        "gossip/state.ts",
        "return deps.every((dependency) => dependency.seq <= have.get(dependency.member));",
        "return deps.length >= 0;",
      ),
    ],
    found: /is given operation \d+ of a\d without all that a\d knew before it|stopped itself/,
  },
  {
    name: "gives numbers again that it gave before it was killed",
    patches: [
      patch(
        "gossip/state.ts",
        "for (const [at, entry] of entries.entries()) {",
        "for (const [at, entry] of entries.slice(0, Math.max(0, entries.length - 3)).entries()) {",
      ),
    ],
    found: /is given operation \d+ of a\d after \d+|has forgotten operation|and has shown \d+/,
  },
  {
    name: "gives an operation the time of its clock, whatever it has heard",
    patches: [
      patch(
        "gossip/stamps.ts",
        "this.#last = Math.max(Math.floor(nowMs * 1000), this.#last + 1);",
        "this.#last = Math.floor(nowMs * 1000);",
      ),
    ],
    found: /is of \d+, and it knew one of \d+|is another to/,
  },
  {
    name: "takes it that all have what all but one have",
    patches: [
      patch(
        "gossip/gossip.ts",
        "const converged = knowledge.settled;",
        "const converged = knowledge.complete >= roll.count - 1;",
      ),
    ],
    found: /says that all have its \d+ operations; a\d lacks some/,
  },
  {
    name: "counts a vote twice",
    patches: [
      patch(
        "proposals/eventual.ts",
        "[...rival.votes.filter((one) => one.voter !== voter), counted]",
        "[...rival.votes.filter((one) => one.voter !== voter), counted, counted]",
      ),
    ],
    found: /counts a\d's vote on p\d+ twice|no more votes than voters/,
  },
  {
    name: "counts a vote on one agent that it does not count on another",
    patches: [
      patch(
        "proposals/eventual.ts",
        "if (known === undefined || rival === undefined) return",
        "if (known === undefined || rival === undefined || index % 7 === 0) return",
      ),
      patch(
        "proposals/eventual.ts",
        "#vote(id: string, vote: SignedVote, saidMs: number)",
        "#vote(id: string, vote: SignedVote, saidMs: number, index: number)",
      ),
      patch(
        "proposals/eventual.ts",
        ": this.#vote(command.id, command.vote, saidMs);",
        ": this.#vote(command.id, command.vote, saidMs, index);",
      ),
    ],
    found: /differ in their proposals|vote \d on p\d+ is/,
  },
  {
    name: "rejects what others approve, once it has expired",
    patches: [
      patch(
        "proposals/eventual.ts",
        "if (state !== undefined) return { ...known, state, decidedAtMs",
        'if (state !== undefined) return { ...known, state: deadlineMs <= timeMs ? "rejected" : state, decidedAtMs',
      ),
    ],
    found: /is rejected .* by its votes it is approved|is rejected now/,
  },
];

/** Of members that come and go. */
export const MEMBER_MUTANTS: readonly GossipMutant[] = [
  {
    name: "drops what a newcomer lacks, and gives it no state instead",
    patches: [
      patch(
        "gossip/state-transfer.ts",
        "if (base === undefined || !base.have.covers(othersOnly)) return false;",
        "return base !== undefined && othersOnly.length < 0;",
      ),
    ],
    found: /hold the same \(.* (have applied \d+ and \d+ operations|were not given)|members are settled/,
  },
  {
    name: "tells a newcomer that all have what only those have who were there before",
    patches: [
      patch(
        "gossip/knowledge.ts",
        "for (const member of this.#newcomers()) told = told.least(this.rowOf(member));",
        "void NOBODY;",
      ),
    ],
    found: /disk has forgotten what everybody is known to have|says that all have its \d+ operations/,
  },
  {
    name: "issues more after it has said that it leaves",
    patches: [
      patch(
        "gossip/gossip.ts",
        'if (!state.counted) state.dropped.push({ command, reason: "notMember" });\n      else if',
        "if",
      ),
      patch("../agent/consensus/gossip.ts", "(status as GossipStatus).gossip.counted", "status !== undefined"),
    ],
    found: /issues operation \d+, and does not count/,
  },
  {
    name: "leaves with what only it has",
    patches: [patch("gossip/gossip.ts", "unshared: have.get(self) - shared,", "unshared: shared - shared,")],
    found: /leaves, and of its \d+ operations nobody else has more than \d+/,
  },
  {
    name: "forgets in its state who came and went",
    patches: [patch("gossip/state.ts", "changes: roll.changes,", "changes: { added: [], removed: [] },")],
    found: /says that .* count, and by what it was given .* do|members are settled|stopped itself/,
  },
  {
    name: "lets come back whoever was removed",
    patches: [
      patch(
        "gossip/roll.ts",
        "if (this.#removed.has(place)) return place === this.#last;",
        "if (this.#removed.has(place) && !this.#added.has(place)) return place === this.#last;",
      ),
    ],
    found: /says that .* count, and by what it was given .* do|stopped itself|issues operation|members are settled/,
  },
];

/** The same of counters and sets. */
export const COUNTING_MUTANTS: readonly GossipMutant[] = [
  {
    name: "counts what a client repeats",
    patches: [patch("memory/once.ts", "    return false;\n", "    return true;\n")],
    found: /holds counter -?\d+ as c\d, which by what it was told is counter -?\d+/,
  },
  {
    name: "removes what the agent asked did not know of",
    patches: [
      patch(
        "memory/counters-and-sets.ts",
        "withoutElement(set, command.element, command.replaces)",
        "withoutElement(set, command.element, addsOf(set, command.element))",
      ),
    ],
    found: /holds (set .*|nothing) as s\d, which by what it was told is set/,
  },
  {
    name: "acknowledges an increment and tells nobody",
    patches: [
      {
        file: "server/agent/clients.ts",
        find: "    const write = this.#writes.add(",
        replace: `    if (command.on === "memory" && command.memory.type === "increment" && command.memory.by === 7) {
      this.#reply(connection, id, { ok: true, value: { type: "counted", total: 7 } });
      return;
    }
    const write = this.#writes.add(`,
      },
    ],
    found: /when all is quiet c\d is -?\d+; what clients were told of comes to -?\d+/,
  },
];
