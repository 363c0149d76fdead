import assert from "node:assert/strict";
import type { Proposals } from "../../../server/core/proposals/proposals.ts";
import type {
  Choice,
  Proposal,
  ProposalCommand,
  ProposalObservation,
  ProposalSpec,
  ProposalState,
} from "../../../server/core/proposals/types.ts";
import { bearsItsSignature, type Step } from "./arbitraries.ts";

export type Subject = Pick<
  Proposals,
  "apply" | "clock" | "takeObservations" | "list" | "open" | "openCount" | "deadlineMs" | "revision"
>;

interface Account {
  readonly spec: ProposalSpec;
  readonly deadlineMs: number;
  readonly votes: Map<string, Choice>;
  state: ProposalState;
  decidedAtMs: number;
}

/**
 * Lives one life of the proposals and checks their promises from outside, with the plainest account of votes kept beside them: what is decided is counted anew each time, in fractions.
 * @throws AssertionError naming the promise.
 */
export function assertKeepsPromises(subject: Subject, life: readonly Step[]): void {
  const accounts = new Map<string, Account>();
  const told = new Map<string, number>();
  let timeMs = 1000;
  for (const [at, { laterMs, command }] of life.entries()) {
    timeMs += laterMs;
    const revision = subject.revision;
    const before = shown(subject.list());
    for (const account of accounts.values()) expire(account, timeMs);
    if (command === undefined) subject.clock(timeMs);
    else assert.equal(answered(subject, command, at + 1, timeMs), expected(accounts, command, timeMs), "the answer");
    for (const observation of subject.takeObservations()) countDecision(observation, accounts, told);
    check(subject, accounts, told);
    const changed = shown(subject.list()) !== before;
    assert.equal(subject.revision > revision, changed, "the revision rises exactly when something changed");
  }
}

function answered(subject: Subject, command: ProposalCommand, index: number, timeMs: number): string {
  const result = subject.apply(command, index, timeMs);
  return result.type === "refused" ? result.reason : result.type === "proposed" ? `created ${result.created}` : "voted";
}

/** What is to be answered, and what becomes of it in the account. */
function expected(accounts: Map<string, Account>, command: ProposalCommand, timeMs: number): string {
  if (command.type === "propose") {
    const { spec } = command;
    const known = accounts.get(spec.id);
    if (known !== undefined)
      return JSON.stringify(known.spec) === JSON.stringify(spec) ? "created false" : "proposalIdTaken";
    const deadlineMs = timeMs + spec.timeoutMs;
    accounts.set(spec.id, { spec, deadlineMs, votes: new Map(), state: "open", decidedAtMs: 0 });
    return "created true";
  }
  const { id, vote } = command;
  const account = accounts.get(id);
  if (account === undefined) return "unknownProposal";
  if (!account.spec.voters.includes(vote.voter)) return "stranger";
  if (!bearsItsSignature(account.spec, vote)) return "badSignature";
  if (account.votes.has(vote.voter)) return "votedAlready";
  if (account.state !== "open") return "decided";
  account.votes.set(vote.voter, vote.choice);
  const decision = recounted(account);
  if (decision !== "open") {
    account.state = decision;
    account.decidedAtMs = timeMs;
  }
  return "voted";
}

function recounted({ spec, votes }: Account): "approved" | "rejected" | "open" {
  const choices = [...votes.values()];
  const approvals = choices.filter((choice) => choice === "approve").length;
  const couldApprove = spec.voters.length - (choices.length - approvals);
  const share = spec.threshold * spec.voters.length;
  return approvals * 10_000 >= share ? "approved" : couldApprove * 10_000 < share ? "rejected" : "open";
}

function expire(account: Account, timeMs: number): void {
  if (account.state !== "open" || account.deadlineMs > timeMs) return;
  account.state = "expired";
  account.decidedAtMs = account.deadlineMs;
}

function countDecision(
  observation: ProposalObservation,
  accounts: ReadonlyMap<string, Account>,
  told: Map<string, number>,
): void {
  if (observation.type !== "proposalDecided") return;
  const { id, state, approvals, rejections } = observation;
  told.set(id, (told.get(id) ?? 0) + 1);
  const account = accounts.get(id);
  assert.equal(state, account?.state, "what is told of a decision is what was decided");
  assert.equal(approvals + rejections, account?.votes.size, "what is told of a decision is what was decided");
}

function check(subject: Subject, accounts: ReadonlyMap<string, Account>, told: ReadonlyMap<string, number>): void {
  const list = subject.list();
  assert.deepEqual(
    list.map(({ spec }) => spec.id),
    [...accounts.keys()],
    "proposals are listed in the order of submission",
  );
  for (const { spec, state, votes, deadlineMs, decidedAtMs } of list) {
    const account = accounts.get(spec.id) as Account;
    assert.deepEqual(
      votes.map(({ voter, choice }) => [voter, choice]),
      [...account.votes],
      "a voter's first vote in time counts, and nobody else's",
    );
    assert.equal(state, account.state, "decided at the threshold or at the deadline");
    assert.equal(decidedAtMs, account.decidedAtMs, "decided when it was decided");
    assert.equal(deadlineMs, account.deadlineMs, "the deadline stays");
    assert.equal(told.get(spec.id) ?? 0, state === "open" ? 0 : 1, "each decision is told once");
  }
  const open = [...accounts.values()].filter(({ state }) => state === "open");
  assert.deepEqual(
    Array.from(subject.open(), ({ spec }) => spec.id),
    open.map(({ spec }) => spec.id),
    "the open ones are open, in the order of submission",
  );
  assert.equal(subject.openCount, open.length, "so many are open");
  const earliest = Math.min(...open.map(({ deadlineMs }) => deadlineMs));
  assert.equal(subject.deadlineMs(), earliest, "the deadline is the earliest of the open ones");
}

function shown(list: readonly Proposal[]): string {
  return JSON.stringify(list);
}
