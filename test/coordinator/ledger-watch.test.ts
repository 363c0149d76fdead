import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { MeshClient } from "../../server/client/client.ts";
import { MeshError } from "../../server/client/errors.ts";
import type { ProposalInfo } from "../../server/contract/proposals.ts";
import type { LedgerWatch } from "../../server/coordinator/ledger-watch.ts";
import { SHOWN_PROPOSALS, watchProposals } from "../../server/coordinator/ledgers.ts";
import { Metrics } from "../../server/coordinator/metrics.ts";
import { shownProposal } from "../../server/coordinator/views.ts";
import { until } from "./ground.ts";

const PROPOSAL: ProposalInfo = {
  ...{ id: "p1", subject: "deploy", body: '{"version":"1.4"}', voters: ["a1", "a2", "a3"], threshold: 0.67, needed: 3 },
  ...{ timeoutMs: 1000, state: "open", submittedAtMs: 100, deadlineMs: 1100, decidedAtMs: null, votes: [] },
};
const VOTE = { voter: "a1", choice: "approve", reason: "", atMs: 150, signature: "00" } as const;
const approved = { ...PROPOSAL, state: "approved", decidedAtMs: 180 } as const;

describe("a watch of proposals", () => {
  const watches: LedgerWatch<ProposalInfo>[] = [];
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.close();
  });

  /** Reads what `answers` gives one after the other; the last of them again and again. */
  function watched(foundAgain: boolean, ...answers: readonly (readonly ProposalInfo[] | Error)[]) {
    const decided: ProposalInfo[] = [];
    let reads = 0;
    const client = {
      proposals: async () => {
        const answer = answers[Math.min(reads++, answers.length - 1)] as (typeof answers)[number];
        if (answer instanceof Error) throw answer;
        return answer;
      },
    } as unknown as MeshClient;
    const ground = { client, foundAgain, onChanged: () => undefined };
    const watch = watchProposals(ground, (proposal) => void decided.push(proposal));
    watches.push(watch);
    const look = async (): Promise<void> => {
      const before = reads;
      watch.readSoon(0);
      await until("it is read", () => reads > before);
    };
    return { watch, decided, look, reads: () => reads };
  }

  it("tells each decision once, and reads on by itself until there is one", async () => {
    const { watch, decided, look } = watched(false, [PROPOSAL], [approved]);
    await look();
    await until("it is decided", () => decided.length > 0);
    await look();
    assert.deepEqual(
      [decided.map(({ id, state }) => [id, state]), watch.items.map(({ state }) => state)],
      [[["p1", "approved"]], ["approved"]],
    );
  });

  it("tells a late decision of what had expired, as it may come where consensus gives no order, and nothing of the reverse", async () => {
    const expired = { ...PROPOSAL, state: "expired", decidedAtMs: 1100 } as const;
    const { watch, decided, look } = watched(false, [expired], [approved], [expired]);
    for (let round = 0; round < 3; round++) await look();
    assert.deepEqual(
      [decided.map(({ state }) => state), watch.items.map(({ state }) => state)],
      [["expired", "approved"], ["approved"]],
    );
  });

  it("takes nothing back because an agent is behind: neither votes, nor decisions, nor a proposal it has not heard of", async () => {
    const { watch, look } = watched(
      false,
      [{ ...PROPOSAL, votes: [VOTE] }],
      [PROPOSAL],
      [],
      [approved],
      [PROPOSAL],
      [],
    );
    const seen: string[] = [];
    for (let round = 0; round < 6; round++) {
      await look();
      seen.push(watch.items.map(({ state, votes }) => `${state} ${votes.length}`).join());
    }
    assert.deepEqual(seen, ["open 1", "open 1", "open 1", "approved 0", "approved 0", "approved 0"]);
  });

  it("shows one at once that was read by itself, and tells its decision no second time", async () => {
    const { watch, decided, look } = watched(false, [], [PROPOSAL]);
    watch.saw(PROPOSAL);
    assert.deepEqual(watch.items, [PROPOSAL]);
    watch.saw(approved);
    await look();
    assert.deepEqual([watch.items, decided], [[approved], [approved]]);
    watch.saw(PROPOSAL);
    assert.deepEqual([watch.items, decided.length], [[approved], 1]);
  });

  it("says nothing of what was decided before an earlier coordinator's swarm was found again", async () => {
    const other = { ...approved, id: "p2", submittedAtMs: 200 };
    const { watch, decided, look } = watched(true, [approved], [approved, other]);
    await look();
    await look();
    assert.deepEqual([decided.map(({ id }) => id), watch.items.map(({ id }) => id)], [["p2"], ["p1", "p2"]]);
  });

  it(`keeps the newest ${SHOWN_PROPOSALS}`, async () => {
    const many = Array.from({ length: SHOWN_PROPOSALS + 5 }, (_, at) => ({
      ...approved,
      id: `p${at}`,
      submittedAtMs: at,
    }));
    const { watch, look } = watched(true, many.slice(0, SHOWN_PROPOSALS), many.slice(-SHOWN_PROPOSALS));
    await look();
    await look();
    assert.deepEqual([watch.items.length, watch.items[0]?.id], [SHOWN_PROPOSALS, "p5"]);
  });

  it("lets whoever waits for a decision know of it, or that its time is over, or that the watch is closed", async () => {
    const gone = new MeshError("unavailable", "notApplied", "nobody");
    const { watch } = watched(false, [], gone, [PROPOSAL], [approved]);
    assert.equal((await watch.final("p1", 8000))?.state, "approved");
    assert.equal((await watch.final("p1", 0))?.state, "approved");
    assert.equal(await watch.final("p9", 20), undefined);
    const waiting = watch.final("p9", 60_000);
    watch.close();
    assert.equal(await waiting, undefined);
  });

  it("is shown without bodies and signatures", () => {
    const shown = shownProposal({ ...approved, votes: [VOTE] });
    assert.deepEqual(
      Object.keys(shown).sort(),
      Object.keys(PROPOSAL)
        .filter((name) => name !== "body")
        .sort(),
    );
    assert.deepEqual(shown.votes, [{ voter: "a1", choice: "approve", reason: "", atMs: 150 }]);
  });
});

describe("the figures of proposals", () => {
  const figures = (...proposals: readonly ProposalInfo[]) => {
    const metrics = new Metrics("s", ["a1"]);
    metrics.proposals = proposals;
    const { summary } = metrics.view(1000);
    return summary
      .filter(({ name }) => /^(Proposals|Time to decide)/.test(name))
      .map(({ name, value }) => [name, value]);
  };

  it("are there once one was decided", () => {
    assert.deepEqual(figures(), []);
    assert.deepEqual(figures(PROPOSAL), []);
  });

  it("count the outcomes, and take the median of the times that decisions took; what expired took none", () => {
    const decided = (state: ProposalInfo["state"], tookMs: number) => ({
      ...PROPOSAL,
      state,
      decidedAtMs: 100 + tookMs,
    });
    assert.deepEqual(
      figures(
        decided("approved", 10),
        decided("approved", 30),
        decided("rejected", 20),
        decided("expired", 1000),
        PROPOSAL,
      ),
      [
        ["Proposals approved", 2],
        ["Proposals rejected", 1],
        ["Proposals expired", 1],
        ["Time to decide, median", 20],
      ],
    );
    assert.deepEqual(figures(decided("expired", 1000)).at(-1), ["Time to decide, median", null]);
  });
});
