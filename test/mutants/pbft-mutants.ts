import type { Mutant, Patch } from "./mutant.ts";

const PBFT = "server/core/pbft";

function patch(file: string, find: string, replace: string): Patch {
  return { file: `${PBFT}/${file}.ts`, find, replace };
}

/** PBFT as it has been, or may be, got wrong: § is of Castro and Liskov, OSDI '99. */
const BUGS: readonly Omit<Mutant, "core">[] = [
  {
    name: "prepared with 2f-1 prepares",
    bug: "one prepare fewer than 2f makes a batch prepared, and proves it (§4.2)",
    patches: [
      patch(
        "ordering",
        "this.#matching(slot.prepares, accepted, state.replicas.quorum - 1)",
        "this.#matching(slot.prepares, accepted, state.replicas.quorum - 2)",
      ),
      patch("view-change-proof", "signers.size < replicas.quorum - 1", "signers.size < replicas.quorum - 2"),
    ],
  },
  {
    name: "committed with 2f commits",
    bug: "one commit fewer than 2f+1 decides, and proves it (§4.2)",
    patches: [
      patch(
        "ordering",
        "this.#matching(slot.commits, { view, digest }, this.#state.replicas.quorum)",
        "this.#matching(slot.commits, { view, digest }, this.#state.replicas.quorum - 1)",
      ),
      patch(
        "ordering",
        "signers.size < replicas.quorum) return false;",
        "signers.size < replicas.quorum - 1) return false;",
      ),
    ],
  },
  {
    name: "digest not compared",
    bug: "a pre-prepare's batch need not be the one that its digest names (§4.2)",
    patches: [
      patch(
        "ordering",
        `!sameBytes(state.digestOf(batchBytes(batch)), digest)) {
      state.disbelieve(from, "prePrepare"`,
        `batch === undefined) {
      state.disbelieve(from, "prePrepare"`,
      ),
    ],
  },
  {
    name: "votes for any digest counted",
    bug: "prepares and commits count for whatever was accepted, not for the digest that they name (§4.2)",
    patches: [
      patch("ordering", "view !== of.view || !sameBytes(digest, of.digest)) continue;", "view !== of.view) continue;"),
    ],
  },
  {
    name: "votes of any view counted",
    bug: "prepares and commits of other views count in this one (§4.2)",
    patches: [
      patch(
        "ordering",
        "view !== of.view || !sameBytes(digest, of.digest)) continue;",
        "!sameBytes(digest, of.digest)) continue;",
      ),
    ],
  },
  {
    name: "pre-prepare of anybody",
    bug: "the primary's signature under a pre-prepare is not looked at (§4.2)",
    patches: [
      patch("ordering", `!state.verifyOrder("prePrepare", state.primary, message)`, "message.signature.length === 0"),
    ],
  },
  {
    name: "two pre-prepares at one place",
    bug: "a second pre-prepare takes the first one's place, in the same view (§4.2)",
    patches: [
      patch(
        "ordering",
        "const accepted = slot.accepted?.view === view ? slot.accepted : undefined;",
        "const accepted = slot.accepted?.view === view && sameBytes(slot.accepted.digest, digest) ? slot.accepted : undefined;",
      ),
    ],
  },
  {
    name: "request of anybody",
    bug: "the origin's signature under a request is not looked at (§4.1)",
    patches: [
      patch(
        "requests",
        "return this.#state.crypto.verify(request.origin, requestBytes(request), request.signature);",
        "return request.number > 0;",
      ),
    ],
  },
  {
    name: "request executed twice",
    bug: "it is not remembered which requests were executed (§4.1)",
    patches: [
      patch(
        "request-table",
        "if (number < known.floor || known.executed.has(number) || known.executed.size",
        "if (known.executed.size",
      ),
    ],
  },
  {
    name: "requests forgotten by a checkpoint",
    bug: "which requests were executed is not part of the state that is transferred (§4.1, §4.3)",
    patches: [patch("state", "this.table = table;", "void table;\n    this.table = new RequestTable();")],
  },
  {
    name: "high watermark forgotten",
    bug: "places are proposed and accepted however far they are above the stable checkpoint (§4.2)",
    patches: [
      patch("state", "return seq > this.stable.seq && seq <= this.high;", "return seq > this.stable.seq;"),
      patch("ordering", "state.proposed < state.high", "state.proposed < state.high * 1000"),
      patch(
        "ordering",
        "if (seq > state.high || seq < state.slots.lowest) return;",
        "if (seq < state.slots.lowest) return;",
      ),
    ],
  },
  {
    name: "time not checked",
    bug: "a primary may give a batch any time (our addition to §4.2)",
    patches: [patch("ordering", "batch.timeMs > now + state.config.maxAheadMs", "batch.timeMs < 0")],
  },
  {
    name: "executed out of order",
    bug: "what is decided is executed before what stands ahead of it (§4.2)",
    patches: [
      patch(
        "pbft",
        "const slot = state.slots.get(state.executed + 1);",
        "const slot = [1, 2].map((ahead) => state.slots.get(state.executed + ahead)).find((one) => one?.decision !== undefined);",
      ),
    ],
  },
  {
    name: "entries of whatever view decides",
    bug: "an entry's term is the view that the replica is in, which is not the same everywhere",
    patches: [
      patch(
        "pbft",
        "effects.committed.push({ index, term: batch.view,",
        "effects.committed.push({ index, term: state.view,",
      ),
    ],
  },
  {
    name: "decision without proof",
    bug: "the signatures of a commit certificate are not looked at (§4.2)",
    patches: [
      patch(
        "ordering",
        "return replicas.has(replica) && this.#state.verifyOrder(",
        "return replicas.has(replica) || this.#state.verifyOrder(",
      ),
    ],
  },
  {
    name: "checkpoint stable with f+1",
    bug: "f+1 checkpoint messages make it stable (§4.3)",
    patches: [
      patch(
        "checkpoints",
        "if (checkpoints.length >= replicas.quorum) this.adopt(",
        "if (checkpoints.length >= replicas.weak) this.adopt(",
      ),
    ],
  },
  {
    name: "checkpoints of any state counted",
    bug: "the digests that checkpoint messages name are not compared (§4.3)",
    patches: [
      patch("checkpoints", "if (heard !== undefined && sameBytes(heard.digest, digest))", "if (heard !== undefined)"),
    ],
  },
  {
    name: "state not compared with its digest",
    bug: "a state is installed whoever it came from, whatever it is (§5.3.2)",
    patches: [
      patch(
        "state-transfer",
        "if (!sameBytes(this.#state.digestOf(bytes), certificate.digest)) {",
        "if (bytes.length === 0) {",
      ),
    ],
  },
  {
    name: "view change without what was prepared",
    bug: "the set P of a view change is empty (§4.4)",
    patches: [
      patch(
        "view-changes",
        "if (slot.prepared !== undefined) prepared.push(slot.prepared);",
        "if (slot.prepared !== undefined && view < 0) prepared.push(slot.prepared);",
      ),
    ],
  },
  {
    name: "view change of anybody",
    bug: "the signature under a view change is not looked at (§4.4)",
    patches: [
      patch(
        "view-change-proof",
        "!crypto.verify(replica, viewChangeBytes(viewChange), signature)",
        "signature.length === 0",
      ),
    ],
  },
  {
    name: "prepared certificate not verified",
    bug: "what a view change says to be prepared is believed (§4.4)",
    patches: [
      patch(
        "view-change-proof",
        "certificate.view >= view || !provesPrepared(certificate, replicas, crypto)",
        "certificate.view >= view",
      ),
    ],
  },
  {
    name: "stable checkpoint not verified",
    bug: "the checkpoint that a view change begins with is believed (§4.4)",
    patches: [
      patch("view-changes", "if (!this.#checkpoints.proves(viewChange.stable)) {", "if (viewChange.stable.seq < 0) {"),
    ],
  },
  {
    name: "lowest view's certificate",
    bug: "of two certificates for a place the new view takes the older one (§4.4)",
    patches: [patch("view-change-proof", "certificate.view > known.view", "certificate.view < known.view")],
  },
  {
    name: "new view not verified",
    bug: "what the new primary proposes first is not compared with what the view changes demand (§4.4)",
    patches: [patch("view-changes", "!this.#begins(view, reproposals, beginning)", "view < 0")],
  },
  {
    name: "new view with f+1",
    bug: "f+1 view changes make a new view (§4.4)",
    patches: [
      patch("view-changes", "if (all.length < state.replicas.quorum ||", "if (all.length < state.replicas.weak ||"),
      patch(
        "view-changes",
        "if (viewChanges.length < state.replicas.quorum) {",
        "if (viewChanges.length < state.replicas.weak) {",
      ),
    ],
  },
  {
    name: "view change on one message",
    bug: "a single replica that wants a later view is followed there (§4.5.2: f+1)",
    patches: [patch("view-changes", "if (wanted.length >= state.replicas.weak)", "if (wanted.length >= 1)")],
  },
  {
    name: "view change forgotten in a crash",
    bug: "that a replica has left a view is not written down, and it goes on in it after a restart (§4.4)",
    patches: [
      patch(
        "state",
        `const votedFor = this.active ? this.primary : "";`,
        "if (!this.active) return;\n    const votedFor = this.primary;",
      ),
    ],
  },
  {
    name: "prepare before it is durable",
    bug: "what was accepted may be forgotten in a crash, and another prepare signed",
    patches: [patch("ordering", `state.broadcastDurably({ type: "prepare"`, `state.broadcast({ type: "prepare"`)],
  },
  {
    name: "commit before it is durable",
    bug: "that it was prepared may be forgotten in a crash, after others counted on it",
    patches: [patch("ordering", `state.broadcastDurably({ type: "commit"`, `state.broadcast({ type: "commit"`)],
  },
  {
    name: "own commit before it is durable",
    bug: "a replica counts its own commit before it would remember in a crash what it prepared",
    patches: [
      patch(
        "ordering",
        `state.effects.whenDurable(() => {
      slot.ownCommit = own;
      slot.commits.set(state.id, own);
      this.#checkDecided(slot, own);
    });`,
        `slot.ownCommit = own;
      slot.commits.set(state.id, own);
      this.#checkDecided(slot, own);`,
      ),
    ],
  },
  {
    name: "prepared left out of a new journal",
    bug: "a journal that is begun anew lacks what was prepared and not decided",
    patches: [
      patch(
        "journal",
        `if (prepared !== undefined) records.push({ type: "prepared", certificate: prepared });`,
        `if (prepared !== undefined && seq < 0) records.push({ type: "prepared", certificate: prepared });`,
      ),
    ],
  },
  {
    name: "proposed before the view is durable",
    bug: "a new primary that crashes may begin its view again, and propose other batches there",
    patches: [patch("ordering", "state.durableView === state.view &&", "state.durableView <= state.view &&")],
  },
  {
    name: "new view told before it is durable",
    bug: "a new primary that crashes may begin its view again, with other proposals",
    patches: [
      patch("view-changes", "effects.sendDurably(to, this.#entered);", "effects.send(to, this.#entered);"),
      patch("view-changes", "state.broadcastDurably(message);", "state.broadcast(message);"),
    ],
  },
  {
    name: "those behind are left behind",
    bug: "a replica that has gone on to a later view change says no more that it wanted an earlier one (§4.5.2 assumes that it is heard)",
    patches: [
      patch(
        "view-changes",
        "if (viewChange.view >= there) effects",
        "if (viewChange.view >= this.#state.view && there >= 0) effects",
      ),
      patch("view-changes", "viewChange.view >= view)) wanting++;", "viewChange.view === view)) wanting++;"),
    ],
  },
  {
    name: "restarted primary goes on",
    bug: "a primary that crashed proposes anew at places where it had proposed",
    patches: [
      patch(
        "pbft",
        "state.primary === this.id && state.config.incarnation > 1",
        "state.primary === this.id && state.config.incarnation < 1",
      ),
    ],
  },
  {
    name: "read with f+1 answers",
    bug: "f+1 replicas say how far a read must be, and none of the honest ones among them may know (§4.6)",
    patches: [patch("reads", "question.replies.size >= replicas.quorum", "question.replies.size >= replicas.weak")],
  },
  {
    name: "read before it is executed",
    bug: "a read does not wait until this replica has executed far enough (§4.6)",
    patches: [
      patch(
        "reads",
        "if (upTo === undefined || upTo > this.#state.executed) continue;",
        "if (upTo === undefined) continue;",
      ),
    ],
  },
];

export const PBFT_MUTANTS: readonly Mutant[] = BUGS.map((bug) => ({ ...bug, core: "pbft" }));
