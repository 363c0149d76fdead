import { Agent } from "../../server/agent/agent.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { AgentFactory } from "../../server/sim/world.ts";

/** One agent's present life, and what it said in it. */
interface Life {
  readonly agent: Agent;
  /** Of each culprit, which lies. */
  readonly evidence: Map<string, Set<string>>;
  /** Of whom it did not believe something. */
  readonly disbelieved: Set<string>;
}

export interface ReputationTrial {
  /** Opinions that are not what the evidence says. */
  readonly problems: readonly string[];
  /** Honest agents that held proof against the liar at the end, in all runs. */
  readonly convinced: number;
  /** Honest agents of which another honest one did not believe something, in all runs. */
  readonly doubted: number;
}

type Opinion = Pick<AgentReport["reputations"][number], "peer" | "honesty" | "proofs">;

/** What is wrong with what an agent holds of its peers, by the evidence that it told of. */
export function opinionProblems(
  by: string,
  opinions: readonly Opinion[],
  evidence: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  return opinions.flatMap(({ peer, honesty, proofs }) => {
    const held = evidence.get(peer)?.size ?? 0;
    const expected = 0.5 ** held;
    return proofs === held && honesty === expected
      ? []
      : [
          `${by} holds ${held} proofs against ${peer}, counts ${proofs}, and gives it ${honesty} instead of ${expected}`,
        ];
  });
}

/** Four PBFT agents, of which a2 equivocates, votes twice and forges, and another one crashes and comes back, in each of the seeds. */
export function reputationTrial(seeds: number): ReputationTrial {
  const problems: string[] = [];
  let [convinced, doubted] = [0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const lives = runOf(seed);
    for (const [id, { agent, evidence, disbelieved }] of lives) {
      // Its own core is honest, but is told of what it is made to say.
      if (id === LIAR) continue;
      const { reputations } = agent.report(0);
      problems.push(...opinionProblems(id, reputations, evidence).map((problem) => `seed ${seed}: ${problem}`));
      for (const culprit of evidence.keys())
        if (culprit !== LIAR) problems.push(`seed ${seed}: ${id} holds proof against ${culprit}, which does not lie`);
      if (evidence.has(LIAR)) convinced++;
      for (const one of disbelieved) if (one !== LIAR) doubted++;
    }
  }
  return { problems, convinced, doubted };
}

const LIAR = "a2";

function runOf(seed: number): ReadonlyMap<string, Life> {
  const lives = new Map<string, Life>();
  const createAgent: AgentFactory = (config, world, recovered, now) => {
    const agent = new Agent(config, world, recovered, now);
    lives.set(config.id, { agent, evidence: new Map(), disbelieved: new Set() });
    return agent;
  };
  const onEvent = ({ agent, kind, fields }: TimelineEvent): void => {
    const life = lives.get(agent);
    if (kind === "disbelieved") life?.disbelieved.add(String(fields.from));
    if (kind !== "equivocation") return;
    const culprit = String(fields.culprit);
    const lies = life?.evidence.get(culprit) ?? new Set();
    life?.evidence.set(culprit, lies.add(`${fields.kind} ${fields.view} ${fields.seq}`));
  };
  const mesh = quickMesh({ name: "pbft4", agents: 4, topology: "ring", consensus: "pbft" });
  const lie = (behaviour: "equivocate" | "doubleVote" | "forge") =>
    ({ trigger: { on: "time", atMs: 10 }, fault: { kind: "byzantine", agent: LIAR, behaviour } }) as const;
  const skew = { trigger: { on: "time", atMs: 20 }, fault: { kind: "clock", agent: "a1", skewMs: 3_600_000 } } as const;
  const crash = { trigger: { on: "time", atMs: 1500 }, fault: { kind: "crash", agent: "a1", forMs: 900 } } as const;
  const faults = [lie("equivocate"), lie("doubleVote"), lie("forge"), skew, crash];
  simulate({ ...mesh, faults }, seed, { durationMs: 5000, createAgent, onEvent });
  return lives;
}
