import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes, sameBytes, utf8 } from "../../../server/core/bytes.ts";
import { EventualProposals } from "../../../server/core/proposals/eventual.ts";
import type { Choice, ProposalCommand, ProposalSpec, SignedVote } from "../../../server/core/proposals/types.ts";

const VOTERS = ["a1", "a2", "a3", "a4"];

function specOf(id: string, subject: string, timeoutMs = 100): ProposalSpec {
  return { id, subject, body: "{}", voters: VOTERS, threshold: 6700, timeoutMs };
}

/** Stands for a signature: nobody's of another vote is the same. */
function signatureOf(
  { id, subject }: ProposalSpec,
  { voter, choice }: Pick<SignedVote, "voter" | "choice">,
): Uint8Array {
  return utf8(`${voter} ${choice} ${id} ${subject}`);
}

function voteOn(spec: ProposalSpec, voter: string, choice: Choice): ProposalCommand {
  const vote = { voter, choice, reason: "" };
  return { type: "vote", id: spec.id, vote: { ...vote, signature: signatureOf(spec, vote) } };
}

interface Operation {
  readonly command: ProposalCommand;
  readonly saidMs: number;
  /** The place of the operation that it was made after: it is applied after it everywhere. */
  readonly after?: number;
}

class Replica {
  readonly table: EventualProposals;
  #index = 0;
  #timeMs = 0;

  constructor(table = new EventualProposals((spec, vote) => sameBytes(vote.signature, signatureOf(spec, vote)))) {
    this.table = table;
  }

  apply({ command, saidMs }: Operation): ReturnType<EventualProposals["apply"]> {
    this.#timeMs = Math.max(this.#timeMs, saidMs);
    return this.table.apply(command, ++this.#index, this.#timeMs, saidMs);
  }
}

function propose(spec: ProposalSpec, saidMs: number): Operation {
  return { command: { type: "propose", spec }, saidMs };
}

function vote(spec: ProposalSpec, voter: string, choice: Choice, saidMs: number): Operation {
  return { command: voteOn(spec, voter, choice), saidMs };
}

/** A few proposals, some of one id, and votes on them: each voter one on each, after it was made. */
const OPERATIONS = fc
  .array(
    fc.record({
      id: fc.constantFrom("p", "q"),
      subject: fc.constantFrom("one", "other"),
      saidMs: fc.integer({ min: 1000, max: 1100 }),
      votes: fc.uniqueArray(
        fc.record({
          voter: fc.constantFrom(...VOTERS),
          choice: fc.constantFrom<Choice>("approve", "reject"),
          delayMs: fc.integer({ min: 1, max: 150 }),
        }),
        { selector: ({ voter }) => voter },
      ),
    }),
    { maxLength: 4 },
  )
  .map((made) => {
    const operations: Operation[] = [];
    const voted = new Set<string>();
    for (const { id, subject, saidMs, votes } of made) {
      const spec = specOf(id, subject);
      const after = operations.push(propose(spec, saidMs)) - 1;
      for (const { voter, choice, delayMs } of votes) {
        if (voted.has(`${voter} ${id} ${subject}`)) continue;
        voted.add(`${voter} ${id} ${subject}`);
        operations.push({ ...vote(spec, voter, choice, saidMs + delayMs), after });
      }
    }
    return operations;
  });

/** The operations in an order that these numbers choose, none before the one that it comes after. */
function ordered(operations: readonly Operation[], choices: readonly number[]): Operation[] {
  const left = operations.map((operation, place) => ({ operation, place }));
  const done = new Set<number>();
  const order: Operation[] = [];
  for (let at = 0; left.length > 0; at++) {
    const ready = left.filter(({ operation: { after } }) => after === undefined || done.has(after));
    const next = ready[(choices[at % choices.length] ?? 0) % ready.length];
    assert.ok(next !== undefined);
    left.splice(left.indexOf(next), 1);
    done.add(next.place);
    order.push(next.operation);
  }
  return order;
}

const CHOICES = fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 });

describe("proposals without an order", () => {
  it("come to the same, whichever causal order their commands are applied in", () => {
    fc.assert(
      fc.property(OPERATIONS, CHOICES, CHOICES, (operations, one, other) => {
        const replicas = [one, other].map((choices) => {
          const replica = new Replica();
          for (const operation of ordered(operations, choices)) replica.apply(operation);
          return Buffer.from(replica.table.snapshot()).toString("hex");
        });
        assert.equal(replicas[0], replicas[1]);
      }),
      { numRuns: 500 },
    );
  });

  it("are not taken back once votes decided them, whatever comes after", () => {
    fc.assert(
      fc.property(OPERATIONS, CHOICES, (operations, choices) => {
        const replica = new Replica();
        const decided = new Map<string, string>();
        for (const operation of ordered(operations, choices)) {
          replica.apply(operation);
          for (const { spec, state } of replica.table.list()) {
            const which = `${spec.id} ${spec.subject}`;
            const before = decided.get(which);
            if (before !== undefined) assert.equal(state, before);
            if (state === "approved" || state === "rejected") decided.set(which, state);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("would not, if the first that comes stood: the comparison sees it", () => {
    const first = specOf("p", "one");
    const second = specOf("p", "other");
    const states = [
      [first, second],
      [second, first],
    ].map((order) => {
      // Only what is applied first is known to it.
      const replica = new Replica();
      replica.apply(propose(order[0] as ProposalSpec, 1000));
      return Buffer.from(replica.table.snapshot()).toString("hex");
    });
    assert.notEqual(states[0], states[1]);
  });

  it("restore to what they were, at every point", () => {
    fc.assert(
      fc.property(OPERATIONS, CHOICES, fc.nat(30), (operations, choices, cut) => {
        const order = ordered(operations, choices);
        const straight = new Replica();
        for (const operation of order.slice(0, cut)) straight.apply(operation);
        const restored = new Replica();
        restored.table.restore(straight.table.snapshot());
        assert.deepEqual(restored.table.list(), straight.table.list());
        for (const operation of order.slice(cut)) {
          straight.apply(operation);
          restored.apply(operation);
        }
        assert.deepEqual(restored.table.list(), straight.table.list());
      }),
    );
  });

  it("are malformed at worst, whatever a snapshot's bytes are", () => {
    const replica = new Replica();
    const spec = specOf("p", "one");
    replica.apply(propose(spec, 1000));
    replica.apply(vote(spec, "a1", "approve", 1001));
    const snapshot = replica.table.snapshot();
    const before = replica.table.list();
    fc.assert(
      fc.property(fc.nat(snapshot.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const damaged = snapshot.slice();
        damaged[place] = (damaged[place] as number) ^ flip;
        try {
          new EventualProposals().restore(damaged);
        } catch (error) {
          assert.ok(error instanceof MalformedBytes, String(error));
        }
      }),
    );
    assert.throws(() => replica.table.restore(snapshot.subarray(0, -1)), MalformedBytes);
    assert.deepEqual(replica.table.list(), before);
  });

  it("are decided by votes cast in time, however late they come, and not by those cast too late", () => {
    const replica = new Replica();
    const spec = specOf("p", "one");
    replica.apply(propose(spec, 1000));
    replica.apply(vote(spec, "a1", "approve", 1001));
    replica.table.clock(2000);
    assert.equal(replica.table.get("p")?.state, "expired");
    assert.deepEqual(replica.apply(vote(spec, "a4", "approve", 1100)), { type: "refused", reason: "decided" });
    replica.apply(vote(spec, "a2", "approve", 1099));
    assert.equal(replica.table.get("p")?.state, "expired");
    replica.apply(vote(spec, "a3", "approve", 1050));
    const { state, decidedAtMs } = replica.table.get("p") ?? {};
    assert.deepEqual({ state, decidedAtMs }, { state: "approved", decidedAtMs: 1099 });
    const states = replica.table
      .takeObservations()
      .flatMap((one) => (one.type === "proposalDecided" ? [one.state] : []));
    assert.deepEqual(states, ["expired", "approved"]);
  });

  it("count the votes that were signed for the one of an id that stands", () => {
    const replica = new Replica();
    const [late, early] = [specOf("p", "late"), specOf("p", "early")];
    replica.apply(propose(late, 1010));
    for (const voter of ["a1", "a2", "a3"]) replica.apply(vote(late, voter, "approve", 1011));
    assert.equal(replica.table.get("p")?.state, "approved");
    assert.deepEqual(replica.apply(propose(early, 1005)), { type: "proposed", created: true });
    assert.deepEqual(replica.table.get("p")?.votes, []);
    assert.deepEqual(replica.apply(vote(late, "a4", "approve", 1012)), { type: "refused", reason: "badSignature" });
    assert.deepEqual(replica.apply(propose(late, 1020)), { type: "refused", reason: "proposalIdTaken" });
    replica.apply(vote(early, "a1", "reject", 1013));
    assert.deepEqual(
      replica.table.get("p")?.votes.map(({ voter, choice }) => `${voter} ${choice}`),
      ["a1 reject"],
    );
  });

  it("run from the last time that they were made at: a decision is never taken back, and a vote that was late may be in time", () => {
    const replica = new Replica();
    const spec = specOf("p", "one");
    replica.apply(propose(spec, 1050));
    for (const voter of ["a1", "a2", "a3"]) replica.apply(vote(spec, voter, "approve", 1140));
    assert.equal(replica.table.get("p")?.state, "approved");
    // It was made at another agent before, which answered too late.
    assert.deepEqual(replica.apply(propose(spec, 1000)), { type: "proposed", created: false });
    const { state, submittedAtMs, deadlineMs } = replica.table.get("p") ?? {};
    assert.deepEqual(
      { state, submittedAtMs, deadlineMs },
      { state: "approved", submittedAtMs: 1000, deadlineMs: 1150 },
    );
    const other = new Replica();
    other.apply(propose(spec, 1000));
    for (const voter of ["a1", "a2", "a3"])
      assert.deepEqual(other.apply(vote(spec, voter, "approve", 1140)), { type: "refused", reason: "decided" });
    assert.equal(other.table.get("p")?.state, "expired");
    other.apply(propose(spec, 1050));
    assert.equal(other.table.get("p")?.state, "approved");
    assert.deepEqual(other.table.snapshot(), replica.table.snapshot());
  });

  it("take no vote of a stranger, nor on what is not known, nor a second one that is later", () => {
    const replica = new Replica();
    const spec = specOf("p", "one");
    assert.deepEqual(replica.apply(vote(spec, "a1", "approve", 999)), { type: "refused", reason: "unknownProposal" });
    replica.apply(propose(spec, 1000));
    assert.deepEqual(replica.apply(vote(spec, "a9", "approve", 1001)), { type: "refused", reason: "stranger" });
    replica.apply(vote(spec, "a1", "approve", 1005));
    assert.deepEqual(replica.apply(vote(spec, "a1", "reject", 1006)), { type: "refused", reason: "votedAlready" });
    replica.apply(vote(spec, "a1", "reject", 1004));
    assert.deepEqual(
      replica.table.get("p")?.votes.map(({ choice, atMs }) => ({ choice, atMs })),
      [{ choice: "reject", atMs: 1004 }],
    );
  });
});
