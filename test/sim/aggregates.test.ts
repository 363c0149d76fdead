import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { Agent } from "../../server/agent/agent.ts";
import type { ClientReply, World } from "../../server/agent/world.ts";
import type { AggregateInfo } from "../../server/contract/aggregate.ts";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { TopologyName } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { AgentFactory } from "../../server/sim/world.ts";

const SEEDS = 8;
const DURATION_MS = 4_000;
const ASK_EVERY_MS = 700;
/** No client of the workload has it. */
const CONNECTION = 1_000_000;

interface Tally {
  answers: AggregateInfo[];
  failures: number;
  events: Map<string, number>;
}

/** An agent that is asked for an aggregate again and again; its slots are its number. */
class AskedAgent extends Agent {
  #nextMs = Number.NaN;
  #asked = 0;

  override turn(now: number): void {
    if (Number.isNaN(this.#nextMs)) this.#nextMs = now + ASK_EVERY_MS;
    if (now >= this.#nextMs) {
      this.#nextMs = now + ASK_EVERY_MS;
      this.clientRequests(CONNECTION, [{ id: ++this.#asked, op: "aggregate", metric: "slots" }], now);
    }
    super.turn(now);
  }
}

function asked(tally: Tally): AgentFactory {
  return (config, world, recovered, now) => {
    const heard = ({ connection, result }: ClientReply): boolean => {
      if (connection !== CONNECTION) return false;
      if (result.ok && result.value.type === "aggregate") tally.answers.push(result.value.aggregate);
      else tally.failures++;
      return true;
    };
    const between: World = {
      network: world.network,
      log: world.log,
      executor: world.executor,
      judge: world.judge,
      crypto: world.crypto,
      requestTurn: () => world.requestTurn(),
      setAlarm: (atMs) => world.setAlarm(atMs),
      measure: () => world.measure(),
      observing: (sort) => world.observing?.(sort) ?? true,
      observe: (event: TimelineEvent) => {
        tally.events.set(event.kind, (tally.events.get(event.kind) ?? 0) + 1);
        world.observe(event);
      },
      applied: (entries) => world.applied?.(entries),
      restored: (snapshot) => world.restored?.(snapshot),
      taskOutput: (taskId, token, stream, text) => world.taskOutput(taskId, token, stream, text),
      reply: (replies) => {
        const others = replies.filter((reply) => !heard(reply));
        if (others.length > 0) world.reply(others);
      },
    };
    return new AskedAgent({ ...config, slots: numberOf(config.id) }, between, recovered, now);
  };
}

/** a7: 7 */
function numberOf(id: string): number {
  return Number(id.slice(1));
}

/** What is wrong with an answer; undefined: nothing. */
function wrongWith(info: AggregateInfo, agents: number): string | undefined {
  const ids = Array.from({ length: agents }, (_, at) => `a${at + 1}`);
  const values = ids.filter((id) => !info.missing.includes(id)).map(numberOf);
  const truth = values.reduce((sum, one) => sum + one, 0) / values.length;
  const { mean, error, count, min, max, contributors, members } = info;
  if (error === null) return info.converged ? "converged, and nothing is certain" : undefined;
  if (mean === null || Math.abs(mean - truth) > error) return `${mean} ± ${error}, and the truth is ${truth}`;
  const exact = [count, contributors, members, min, max].join();
  const wanted = [values.length, values.length, agents, Math.min(...values), Math.max(...values)].join();
  return exact === wanted ? undefined : `${exact}, not ${wanted}`;
}

describe("aggregates in simulated swarms under chaos", function () {
  this.timeout(240_000);

  const swarms: readonly (readonly [ConsensusKind, TopologyName, agents: number])[] = [
    ["raft", "mesh", 5],
    ["raft", "ring", 7],
    ["gossip", "mesh", 5],
    ["gossip", "hierarchical", 9],
  ];
  for (const [consensus, topology, agents] of swarms)
    it(`of ${agents} in a ${topology} by ${consensus} are never further from the truth than they say, and break nothing: ${SEEDS} seeds`, () => {
      const quick = quickMesh({ name: "aggregates", agents, topology, consensus });
      const told = { seed: null, forMs: null, clients: null, operations: null, counters: null };
      const mesh = { ...quick, simulate: { ...told, chaos: true, members: false } };
      const tally: Tally = { answers: [], failures: 0, events: new Map() };
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { violation } = simulate(mesh, seed, { durationMs: DURATION_MS, createAgent: asked(tally) });
        deepEqual({ seed, violation }, { seed, violation: null });
        for (const info of tally.answers) {
          const wrong = wrongWith(info, agents);
          ok(wrong === undefined, `seed ${seed}: ${wrong} (${JSON.stringify(info)})`);
        }
      }
      const converged = tally.answers.filter((info) => info.converged);
      const whole = converged.filter(({ missing }) => missing.length === 0);
      const met = `${tally.answers.length} answers, ${converged.length} converged, ${whole.length} whole, ${tally.failures} failures, ${JSON.stringify([...tally.events].filter(([kind]) => kind.startsWith("aggregate")))}`;
      ok(converged.length >= 10 * SEEDS, met);
      ok(converged.length >= 0.9 * tally.answers.length, met);
      ok(whole.length >= 0.25 * converged.length && whole.length < converged.length, met);
    });
});
