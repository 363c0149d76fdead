import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { Seen } from "../../../server/agent/tamper/byzantine/pbft/seen.ts";
import type { AgentId } from "../../../server/core/consensus.ts";
import { readEvidence, verifyEvidence } from "../../../server/core/pbft/evidence.ts";
import { newViewBytes, viewChangeBytes } from "../../../server/core/pbft/signed.ts";
import type { PbftMessage, PbftObservation, ViewChange } from "../../../server/core/pbft/types.ts";
import { type Behaviour, lieOf } from "./chaos.ts";
import { type Agent, Cluster, cryptoOf, type Lie } from "./cluster.ts";

const PATIENCE_MS = 30_000;

interface Trial {
  readonly cluster: Cluster;
  readonly liar: AgentId;
  /** What the honest replicas observed. */
  readonly seen: readonly PbftObservation[];
}

/** One liar among four, a network that is in time, and commands of the honest agents: all of them are to be executed, and nobody honest is accused. */
function trial(
  seed: string,
  liar: AgentId,
  lie: Lie,
  during: (cluster: Cluster, step: number) => void = () => {},
): Trial {
  const cluster = new Cluster({ replicas: 4, seed, liars: new Map([[liar, lie]]) });
  const proposed: { readonly agent: Agent; readonly life: number; readonly text: string }[] = [];
  const propose = (agent: Agent) => {
    const { life } = agent;
    for (const text of cluster.propose(agent, 1)) proposed.push({ agent, life, text });
  };
  for (let step = 0; step < 40; step++) {
    for (const agent of cluster.honest) propose(agent);
    for (const agent of cluster.honest) if (step % 5 === 0) cluster.read(agent);
    during(cluster, step);
    cluster.run(20);
  }
  cluster.heal();
  for (const agent of cluster.honest) propose(agent);
  const wanted = () => proposed.filter(({ agent, life }) => agent.life === life);
  const done = cluster.run(PATIENCE_MS, () => {
    const { honest, checkers } = cluster;
    if (honest.some(({ reads }) => reads.size > 0)) return false;
    if (new Set(honest.map(({ subject }) => subject?.status().executedSeq)).size > 1) return false;
    return wanted().every(({ text }) => checkers.placeOf(text) !== undefined);
  });
  ok(done, `it goes on: ${cluster.honest.map(({ subject }) => JSON.stringify(subject?.status())).join(" ")}`);
  const seen = cluster.observations.filter(({ id }) => id !== liar).map(({ observation }) => observation);
  for (const observation of seen) {
    if (observation.type === "disbelieved") equal(observation.from, liar, JSON.stringify(observation));
    if (observation.type !== "equivocation") continue;
    equal(observation.culprit, liar);
    equal(verifyEvidence(readEvidence(observation.evidence), cryptoOf("n3")), undefined);
  }
  return { cluster, liar, seen };
}

function lies(behaviour: Behaviour): Lie {
  return lieOf([behaviour], new Seen());
}

/** `message reason` of all that was not believed. */
function disbelieved({ seen }: Trial): ReadonlySet<string> {
  return new Set(seen.flatMap((one) => (one.type === "disbelieved" ? [`${one.message} ${one.reason}`] : [])));
}

function caught({ seen }: Trial): ReadonlySet<string> {
  return new Set(seen.flatMap((one) => (one.type === "equivocation" ? [one.kind] : [])));
}

/** The honest replicas have left the first view, whose primary is n1. */
function leftFirstView({ cluster }: Trial): boolean {
  return cluster.honest.every(({ subject }) => (subject?.status().term ?? 0) > 0);
}

/** The primary is cut off for a while: the others change the view. */
const cutPrimary = (cluster: Cluster, step: number) => {
  if (step !== 10 && step !== 24) return;
  const { term } = (cluster.honest[0] as Agent).subject?.status() ?? { term: 0 };
  const primary = cluster.ids[term % 4] as AgentId;
  for (const other of cluster.ids) {
    cluster.block(primary, other);
    cluster.block(other, primary);
  }
  cluster.after(260, () => cluster.blocked.clear());
};

/** All seeds' together: a lie that is drawn is met in some of them. */
function trials(count: number, one: (seed: string) => Trial): readonly Trial[] {
  return Array.from({ length: count }, (_, at) => one(`liar ${at + 1}`));
}

describe("one liar among four PBFT replicas: all agree, all goes on, and", function () {
  this.timeout(60_000);

  it("equivocate: a primary that tells two batches is caught with proof, and left", () => {
    const end = trial("e", "n1", lies("equivocate"));
    deepEqual([...caught(end)], ["prePrepare"]);
    deepEqual(end.cluster.honest[0]?.subject?.status().liars, ["n1"]);
    ok(leftFirstView(end));
  });

  it("doubleVote: whoever prepares or commits two batches is caught with proof, and its primary stays", () => {
    const end = trial("d", "n2", lies("doubleVote"));
    deepEqual([...caught(end)].sort(), ["commit", "prepare"]);
    ok(!leftFirstView(end));
  });

  it("wrongDigest: batches under another digest are refused, and their primary left; a wrong state is nobody's", () => {
    const end = trial("w", "n1", lies("wrongDigest"));
    ok(disbelieved(end).has("prePrepare wrongDigest"));
    ok(leftFirstView(end));
    const stable = end.seen.flatMap((one) => (one.type === "checkpointStable" ? [one.by] : []));
    ok(stable.length > 0 && stable.every((by) => !by.includes("n1")));
  });

  it("forge: what it signs for others is refused, whoever it is said to be of", () => {
    const all = new Set(
      trials(6, (seed) => trial(seed, "n1", lies("forge"), cutPrimary)).flatMap((end) => [...disbelieved(end)]),
    );
    for (const expected of [
      "prePrepare badRequest",
      "request badSignature",
      "commit badSignature",
      "readReply badSignature",
    ])
      ok(all.has(expected), `${expected} among ${[...all].join(", ")}`);
  });

  it("replay: old messages change nothing, and are no evidence", () => {
    for (const end of trials(6, (seed) => trial(seed, "n1", lies("replay"), cutPrimary)))
      deepEqual([...caught(end)], []);
  });

  it("badProof: view changes and new views that prove nothing are refused", () => {
    const ends = trials(40, (seed) => trial(seed, "n2", lies("badProof"), cutPrimary));
    const all = new Set(ends.flatMap((end) => [...disbelieved(end)]));
    for (const expected of ["viewChange badProof", "newView badProof", "newView wrongProposals"])
      ok(all.has(expected), `${expected} among ${[...all].join(", ")}`);
  });

  it("corruptState: another state than the one that was signed is not taken", () => {
    const away = (cluster: Cluster, step: number) => {
      if (step === 5) cluster.crash(cluster.agents[3] as Agent);
      if (step === 36) cluster.start(cluster.agents[3] as Agent);
    };
    const ends = trials(10, (seed) => trial(seed, "n1", lies("corruptState"), away));
    const refused = ends.flatMap(({ seen }) => seen.filter(({ type }) => type === "stateTransferRefused"));
    const installed = ends.flatMap(({ seen }) => seen.filter(({ type }) => type === "stateInstalled"));
    ok(refused.length > 0 && installed.length > 0, `${refused.length} refused, ${installed.length} installed`);
  });

  it("lieAboutLog: reads are answered, and right, whatever it says to have prepared", () => {
    const end = trial("l", "n3", lies("lieAboutLog"));
    ok(end.cluster.answeredReads >= 24);
  });

  it("silent: a primary that says nothing is left", () => {
    ok(leftFirstView(trial("s", "n1", lies("silent"))));
  });
});

describe("a liar that knows the PBFT replicas' weak spots", function () {
  this.timeout(60_000);

  it("begins views that nobody wants, with view changes that nobody has, and keeps nobody from entering those that are", () => {
    for (const names of [[], ["n1", "n2", "n3"]]) {
      const { sign, digest } = cryptoOf("n4");
      const view = 4003;
      const viewChanges = names.map((replica) => ({ replica, digest: digest(new Uint8Array(1)) }));
      const signature = sign(newViewBytes(view, viewChanges, []));
      const newView: PbftMessage = { type: "newView", view, viewChanges, reproposals: [], signature };
      const end = trial("far", "n4", lies("replay"), (cluster, step) => {
        if (step === 2) for (const to of ["n1", "n2"]) cluster.deliver("n4", to, newView);
        cutPrimary(cluster, step);
      });
      const { term } = end.cluster.honest[0]?.subject?.status() ?? { term: 0 };
      ok(term > 0 && term < 40, `view ${term}`);
    }
  });

  it("goes on telling other accounts of why it leaves a view: the view is entered all the same", () => {
    let told = 0;
    const lie = (): Lie => {
      let own: ViewChange | undefined;
      return ({ crypto, random }, _to, message) => {
        if (message.type === "prePrepare" && message.seq > 6) return [];
        if (message.type === "viewChange" && message.viewChange.replica === "n1") own = message.viewChange;
        const honest = own;
        if (honest === undefined) return [message];
        told++;
        const accounts = Array.from({ length: 6 }, (): PbftMessage => {
          const unsigned = { ...honest, prepared: honest.prepared.filter(() => random.chance(0.5)) };
          return { type: "viewChange", viewChange: { ...unsigned, signature: crypto.sign(viewChangeBytes(unsigned)) } };
        });
        return [...accounts, ...(message.type === "viewChange" ? [] : [message])];
      };
    };
    for (const end of trials(10, (seed) => trial(seed, "n1", lie()))) {
      ok(leftFirstView(end));
      const { term } = end.cluster.honest[0]?.subject?.status() ?? { term: 0 };
      ok(term < 10, `view ${term}`);
    }
    ok(told > 0);
  });

  it("hands out a state that never ends: another one is asked in time", () => {
    let parts = 0;
    let offset = 0;
    const lie: Lie = (_liar, _to, message) => {
      if (message.type !== "stateChunk") return [message];
      parts++;
      offset = message.offset === 0 ? 0 : offset + 1;
      return [{ ...message, offset, data: Uint8Array.of(7), totalBytes: 2 ** 30 }];
    };
    const away = (cluster: Cluster, step: number) => {
      if (step === 5) cluster.crash(cluster.agents[3] as Agent);
      if (step === 36) cluster.start(cluster.agents[3] as Agent);
    };
    const ends = trials(6, (seed) => trial(seed, "n1", lie, away));
    ok(parts > 100, `${parts} parts`);
    ok(ends.some(({ seen }) => seen.some(({ type }) => type === "stateInstalled")));
  });
});
