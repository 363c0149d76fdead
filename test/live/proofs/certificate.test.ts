import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { verdictText } from "../../../server/contract/evidence.ts";
import type { Certificate } from "../../../server/contract/proposals.ts";
import type { Ground } from "../../../server/live/proofs/ground.ts";
import { certificateText, makeCertificate } from "../../../server/live/proofs/make-certificate.ts";
import { verifyProofs } from "../../../server/live/proofs/verify.ts";
import { Deciders } from "./deciders.ts";
import { Liars } from "./lies.ts";

const deciders = new Deciders("a1", "a2", "a3", "a4");
const others = new Deciders("a1", "a2", "a3", "a4");
const BALLOT = { a1: "approve", a2: ["approve", "it fits"], a3: ["reject", "not on a Friday"], a4: "approve" } as const;
const approved = deciders.certificate(BALLOT);
const rejected = deciders.certificate({ a1: "reject", a2: "approve", a4: "reject" });
const swarm: Ground = { swarm: deciders.swarm };
const STATEMENT = '"deploy 1.4" was approved: 3 of 4 voters signed for it, 3 were needed (a1, a2, a4)';

function verdict(proof: string | object, ground?: Ground) {
  const verdicts = verifyProofs(typeof proof === "string" ? proof : JSON.stringify(proof), () => ground);
  assert.equal(verdicts.length, 1);
  return verdicts[0] as (typeof verdicts)[number];
}

/** With one vote changed. */
function withVote(voter: string, changes: Partial<Certificate["votes"][number]>): Certificate {
  return { ...approved, votes: approved.votes.map((vote) => (vote.voter === voter ? { ...vote, ...changes } : vote)) };
}

function signatureOf(voter: string, certificate = approved): string {
  return certificate.votes.find((vote) => vote.voter === voter)?.signature as string;
}

describe("a certificate", () => {
  it("holds against its own keys, and says what that is worth", () => {
    const held = verdict(approved);
    assert.deepEqual(held, {
      ...{ line: 1, type: "certificate", statement: STATEMENT, key: "itself", swarm: "demo", culprit: "" },
    });
    assert.equal(
      verdictText(held),
      `holds: ${STATEMENT}. The keys are the certificate's own: that they are those of the agents of demo is not verified.`,
    );
  });

  it("holds against the roster of its swarm", () => {
    const held = verdict(approved, swarm);
    assert.deepEqual([held.problem, held.key], [undefined, "swarm"]);
    assert.equal(verdictText(held), `holds: ${STATEMENT}. The keys are those of swarm demo's roster.`);
  });

  it("proves a rejection as well", () => {
    assert.equal(
      verdictText(verdict(rejected, swarm)),
      'holds: "deploy 1.4" was rejected: 2 of 4 voters signed against it, so that 3 for it cannot be reached (a1, a4). The keys are those of swarm demo\'s roster.',
    );
  });

  it("is made of the votes in whatever order they came, sorted by voter, with the keys of the voters alone", () => {
    const made = deciders.certificate({ a4: "approve", a2: "approve" }, { voters: ["a2", "a4"], threshold: 1 });
    assert.deepEqual(
      [made.votes.map(({ voter }) => voter), made.roster.map(({ id }) => id), made.rule],
      [["a2", "a4"], ["a2", "a4"], { voters: 2, needed: 2 }],
    );
    assert.equal(verdict(made, swarm).problem, undefined);
  });

  it("is one proof on many lines, as it is written into a file, and one of many on lines of their own", () => {
    const text = certificateText(approved);
    assert.ok(text.split("\n").length > 20);
    for (const written of [text, `\n\n${text}\n`, text.replaceAll("\n", "\r\n")])
      assert.deepEqual([verdict(written, swarm).line, verdict(written, swarm).problem], [1, undefined]);
    const liars = new Liars("a1", "a7");
    const mixed = [JSON.stringify(approved), JSON.stringify(liars.line("a7")), JSON.stringify(rejected)].join("\n");
    const told = verifyProofs(mixed, (id) => (id === undefined ? undefined : { swarm: deciders.swarm }));
    assert.deepEqual(
      told.map(({ type, problem }) => [type, problem === undefined]),
      [
        ["certificate", true],
        ["evidence", false],
        ["certificate", true],
      ],
    );
    assert.match(verdict(text.slice(0, text.length / 2)).problem ?? "", /^it is no JSON: /);
  });

  const swapped = <T>([first, second, ...rest]: readonly T[]): T[] => [second as T, first as T, ...rest];
  const keysSwapped = approved.roster.map(({ id, publicKey }, at) => ({
    id,
    publicKey: at > 1 ? publicKey : (approved.roster[1 - at] as (typeof approved.roster)[number]).publicKey,
  }));
  const [first, second, third, fourth] = approved.roster as [...typeof approved.roster] as [
    ...Certificate["roster"][number][],
  ];
  const { proposal } = approved;
  const wrong: readonly (readonly [title: string, proof: unknown, why: string | RegExp, ground?: Ground])[] = [
    [
      "with another body",
      { ...approved, proposal: { ...proposal, body: '{"version":"1.5"}' } },
      "its digest is not that of its proposal",
    ],
    [
      "with another digest",
      { ...approved, digest: rejected.digest.replace(/^./, (c) => (c === "0" ? "1" : "0")) },
      "its digest is not that of its proposal",
    ],
    [
      "with a body that is no JSON",
      { ...approved, proposal: { ...proposal, body: "{" } },
      /^the proposal's body .* JSON: /,
    ],
    [
      "with a body in another form",
      { ...approved, proposal: { ...proposal, body: '{ "version": "1.4" }' } },
      /^the proposal's body is not in the canonical form of JSON/,
    ],
    [
      "with a threshold that nobody can have asked for",
      { ...approved, proposal: { ...proposal, threshold: 0.66667 } },
      "its threshold is 0.66667, and thresholds have at most four decimals",
    ],
    [
      "with a threshold of half",
      { ...approved, proposal: { ...proposal, threshold: 0.5 } },
      /^the proposal's threshold is 5000 ten-thousandths/,
    ],
    [
      "with a lower rule",
      { ...approved, rule: { voters: 4, needed: 2 } },
      "its rule is not what the threshold says: 0.67 of 4 voters is 3, and the rule is 2 of 4",
    ],
    [
      "with a rule of fewer voters",
      { ...approved, rule: { voters: 3, needed: 3 } },
      "its rule is not what the threshold says: 0.67 of 4 voters is 3, and the rule is 3 of 3",
    ],
    [
      "with a swapped roster",
      { ...approved, roster: swapped(approved.roster) },
      `its roster is not in the voters' order: "a2" stands where "a1" belongs`,
    ],
    [
      "with a voter missing in the roster",
      { ...approved, roster: [first, second, third] },
      `its roster is not the voters': it lacks "a4"`,
    ],
    [
      "with somebody else in the roster",
      { ...approved, roster: [...approved.roster, { id: "a9", publicKey: others.publicKey("a1") }] },
      `its roster is not the voters': it has "a9", who is no voter`,
    ],
    [
      "with an agent twice in the roster",
      { ...approved, roster: [first, first, third, fourth] },
      `its roster is not the voters': it has "a1" twice`,
    ],
    [
      "with a key that is none",
      { ...approved, roster: [{ id: "a1", publicKey: "AAAA" }, second, third, fourth] },
      /^the public key of "a1" is none: /,
    ],
    [
      "with a key that is written otherwise",
      { ...approved, roster: [{ id: "a1", publicKey: `${first?.publicKey} ` }, second, third, fourth] },
      /^the public key of "a1" is none: it is not written as keys are/,
    ],
    [
      "with one key for two",
      { ...approved, roster: [first, { id: "a2", publicKey: first?.publicKey }, third, fourth] },
      `"a1" and "a2" have the same public key, so that one could vote for both`,
    ],
    [
      "with two keys swapped, by its own keys",
      { ...approved, roster: keysSwapped },
      'the signature of "a1" (64 bytes) is not the one under its vote to approve this proposal',
    ],
    [
      "with two keys swapped, against the swarm",
      { ...approved, roster: keysSwapped },
      'the public key of "a1" is not the one that it has in demo (f00d), but that of "a2"',
      swarm,
    ],
    [
      "with keys of others, against the swarm",
      others.certificate(BALLOT),
      'the public key of "a1" is not the one that it has in demo (f00d)',
      swarm,
    ],
    [
      "with a voter that the swarm does not know",
      approved,
      'there is no agent "a4" in demo (f00d)',
      { swarm: { ...deciders.swarm, agents: deciders.swarm.agents.slice(0, 3) } },
    ],
    [
      "with a reason that is no Unicode",
      withVote("a3", { reason: "\ud800" }),
      /^the vote of "a3" is none: the vote's reason is not valid Unicode/,
    ],
    [
      "with a reason that is too long",
      withVote("a3", { reason: "é".repeat(600) }),
      /^the vote of "a3" is none: the vote's reason is longer than the 1024 bytes/,
    ],
    [
      "of another swarm",
      { ...approved, swarm: "beef" },
      "it is from the swarm demo (beef), and not from demo (f00d)",
      swarm,
    ],
    [
      "with another name for its swarm",
      { ...approved, name: "production" },
      "it calls the swarm f00d production, and that is demo",
      swarm,
    ],
    [
      "held against one key",
      approved,
      "a certificate is held against the keys of all its voters, and not against one: give the swarm's swarm.json, or no key",
      { key: deciders.publicKey("a1") },
    ],
    [
      "with a stranger's vote",
      {
        ...approved,
        votes: [...approved.votes, { voter: "a9", choice: "approve", reason: "", signature: signatureOf("a1") }],
      },
      '"a9" voted, but is a stranger: the proposal\'s voters are "a1", "a2", "a3", "a4"',
    ],
    [
      "with a vote twice",
      { ...approved, votes: [approved.votes[0], ...approved.votes] },
      '"a1" voted twice, and everybody has one vote',
    ],
    [
      "with a truncated signature",
      withVote("a2", { signature: signatureOf("a2").slice(0, -2) }),
      'the signature of "a2" is cut short: it has 63 of 64 bytes',
    ],
    [
      "with no signature",
      withVote("a2", { signature: "" }),
      'the signature of "a2" is cut short: it has 0 of 64 bytes',
    ],
    [
      "with half a byte in a signature",
      withVote("a2", { signature: signatureOf("a2").slice(0, -1) }),
      'the signature of "a2" is not written in pairs of hexadecimal digits',
    ],
    [
      "with a signature in capitals",
      withVote("a2", { signature: signatureOf("a2").toUpperCase() }),
      'the signature of "a2" is not written in pairs of hexadecimal digits',
    ],
    [
      "with somebody else's signature",
      withVote("a2", { signature: signatureOf("a4") }),
      'the signature of "a2" (64 bytes) is not the one under its vote to approve this proposal',
    ],
    [
      "with a vote turned round",
      withVote("a3", { choice: "approve" }),
      'the signature of "a3" (64 bytes) is not the one under its vote to approve this proposal',
    ],
    [
      "with another reason",
      withVote("a3", { reason: "" }),
      'the signature of "a3" (64 bytes) is not the one under its vote to reject this proposal',
    ],
    [
      "with a vote on something else",
      withVote("a1", { signature: signatureOf("a1", deciders.certificate(BALLOT, { id: "proposal-2" })) }),
      'the signature of "a1" (64 bytes) is not the one under its vote to approve this proposal',
    ],
    [
      "with too few approvals",
      { ...approved, votes: approved.votes.slice(0, 3) },
      "too few approvals: of 4 voters with a threshold of 0.67, 3 must approve, and 2 did",
    ],
    [
      "with too few rejections",
      { ...rejected, votes: rejected.votes.slice(0, 2) },
      "too few rejections: of 4 voters with a threshold of 0.67, 2 must reject, and 1 did",
    ],
    [
      "that calls a rejection an approval",
      { ...rejected, outcome: "approved" },
      "too few approvals: of 4 voters with a threshold of 0.67, 3 must approve, and 1 did",
    ],
    [
      "of another version",
      { ...approved, version: 2 },
      "certificate.version must be a whole number from 1 to 1, but is 2",
    ],
    [
      "that says nothing of the outcome",
      { ...approved, outcome: "expired" },
      'certificate.outcome must be one of approved, rejected, but is "expired"',
    ],
    ["without a roster", { ...approved, roster: undefined }, "certificate.roster must be a list, but is missing"],
    [
      "with a key that is far too long",
      { ...approved, roster: [{ id: "a1", publicKey: "A".repeat(201) }] },
      "certificate.roster[0].publicKey is longer than 200 characters",
    ],
    [
      "with too many votes",
      { ...approved, votes: Array.from({ length: 1001 }, () => approved.votes[0]) },
      "certificate.votes has more than 1000 elements",
    ],
    [
      "with a body that is far too long",
      { ...approved, proposal: { ...proposal, body: "1".repeat(65_537) } },
      "certificate.proposal.body is longer than 65536 characters",
    ],
    [
      "with a voter that can be no agent",
      { ...approved, proposal: { ...proposal, voters: ["\u001b[2J"] } },
      /^certificate\.proposal\.voters\.0 is .* no id$/,
    ],
    ["with control characters in its name", { ...approved, name: "\u001b[2J" }, /^certificate\.name is .* no id$/],
  ];
  for (const [title, proof, why, ground] of wrong) {
    it(`proves nothing ${title}`, () => {
      const told = verdict(proof as object, ground);
      if (typeof why === "string") assert.equal(told.problem, why);
      else assert.match(told.problem ?? "it was believed", why);
      assert.doesNotMatch(verdictText(told), /\p{Cc}/u);
      assert.match(verdictText(told), /^proves nothing: /);
    });
  }

  it("shows nothing that a terminal would act on", () => {
    const subject = "deploy\u001b[2J\u009b1\n\u202e4.1";
    const made = deciders.certificate({ a1: "approve", a2: "approve", a3: "approve" }, { subject });
    assert.equal(verdict(made).problem, undefined);
    assert.doesNotMatch(verdictText(verdict(made)), /[\p{Cc}\u202e]/u);
    const damaged = { ...made, proposal: { ...made.proposal, id: "\u009b" } };
    assert.doesNotMatch(verdictText(verdict(damaged)), /\p{Cc}/u);
  });

  it("proves nothing any more once a byte of any of its fields is another", function () {
    this.timeout(30_000);
    const leaves = leavesOf(approved);
    assert.ok(leaves.length > 40, String(leaves.length));
    const change = fc
      .constantFrom(...leaves)
      .chain((path) =>
        fc.tuple(fc.constant(path), fc.nat(), fc.integer({ min: 1, max: 127 }), fc.double({ noNaN: true })),
      );
    fc.assert(
      fc.property(change, ([path, place, flip, number]) => {
        const damaged = changed(approved, path, (leaf) => {
          if (typeof leaf === "number") return number === leaf ? leaf + 1 : number;
          const bytes = Buffer.from(leaf as string);
          if (bytes.length === 0) return String.fromCharCode(flip);
          const at = place % bytes.length;
          bytes[at] = (bytes[at] as number) ^ flip;
          return bytes.toString("latin1");
        });
        assert.notEqual(verdict(damaged, swarm).problem, undefined, path.join("."));
        const nameOnly = path.length === 1 && (path[0] === "swarm" || path[0] === "name");
        if (!nameOnly) assert.notEqual(verdict(damaged).problem, undefined, path.join("."));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("whatever stands in a certificate's fields", () => {
  it("is answered with a verdict; only the whole one holds", function () {
    this.timeout(30_000);
    const places = nodesOf(approved);
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("[".repeat(60_000), "__proto__", -0, 1e308, 2 ** 53, null),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), anything, (path, value) => {
        const made = JSON.parse(JSON.stringify(path.length === 0 ? value : changed(approved, path, () => value)));
        const written = JSON.stringify(made);
        if (!written.startsWith("{")) return;
        const { problem } = verdict(written, swarm);
        if (problem === undefined) assert.deepEqual(made, approved);
      }),
      { numRuns: 1500 },
    );
  });
});

describe("making a certificate", () => {
  const problemOf = (
    ...[info, roster = deciders.swarm]: [Parameters<typeof makeCertificate>[0], typeof deciders.swarm?]
  ) => {
    const made = makeCertificate(info, roster);
    return "problem" in made ? made.problem : undefined;
  };

  it("gives what verifies against the swarm", () => {
    const made = makeCertificate(deciders.info(BALLOT), deciders.swarm);
    assert.deepEqual(made, { certificate: approved });
  });

  it("refuses what is not decided, and what the agents' votes do not prove", () => {
    assert.equal(problemOf(deciders.info({ a1: "approve" })), "it is open");
    assert.equal(problemOf(deciders.info({ a1: "approve" }, { state: "expired" })), "it is expired");
    assert.equal(
      problemOf(deciders.info({ a1: "approve", a2: "approve" }, { state: "approved" })),
      "too few approvals: of 4 voters with a threshold of 0.67, 3 must approve, and 2 did",
    );
    assert.match(problemOf(others.info(BALLOT)) ?? "", /^the signature of "a1" \(64 bytes\) is not/);
    const more = new Deciders("a1", "a9");
    assert.equal(problemOf(more.info({ a1: "approve", a9: "approve" })), `the swarm's roster has no "a9"`);
    assert.match(problemOf({ ...deciders.info(BALLOT), needed: 2 }) ?? "", /^its rule is not what the threshold says/);
    assert.match(problemOf({ ...deciders.info(BALLOT), body: "nonsense" }) ?? "", /^the proposal's body .* JSON: /);
    assert.match(problemOf({ ...deciders.info(BALLOT), threshold: 0.123456 }) ?? "", /at most four decimals/);
  });
});

type Path = readonly (string | number)[];

/** The places of all texts and numbers in it. */
function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

/** The places of everything in it. */
function nodesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, inner]) => nodesOf(inner, [...path, name]))];
}

function changed(value: unknown, [name, ...rest]: Path, change: (leaf: unknown) => unknown): object {
  const copy = structuredClone(value) as Record<string, unknown>;
  const key = name as string;
  copy[key] = rest.length === 0 ? change(copy[key]) : changed(copy[key], rest, change);
  return copy;
}
