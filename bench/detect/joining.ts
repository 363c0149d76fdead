import { rmSync } from "node:fs";
import { AgentConnection } from "../../server/client/connection.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { type BareSwarm, startBareSwarm } from "../bare-swarm.ts";
import { benchFolder } from "../folder.ts";
import { withSerf } from "../peers/serf.ts";
import { againstPeer, alone, type Figure, percentile } from "../report.ts";
import { withSwarm } from "../swarms.ts";
import type { PartOptions } from "./detect.ts";

const AGENTS = 12;
const TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** From when all listen until they are asked how it went. */
const UNDISTURBED_MS = 3000;
/** In which an agent pushes what it has kept. */
const EVENTS_MS = 300;

/** How agents that were started at once found each other. */
export interface Joining {
  /** From the moment from which the last of them can be talked to until each holds all alive, ms. */
  readonly sinceLastUpMs: number;
  /** The same from the moment at which the first was started. */
  readonly sinceStartMs: number;
}

/**
 * 12 are started, and each is to hold all 12 alive. How long a process takes to start is the language's and not the protocol's, so what is compared begins when the last one
 * can talk: ours with its event `started`, from which on it lets others in; serf's with the line that says that it has joined itself. Nobody observes either meanwhile: ours are
 * asked for their events afterwards. What it takes while the coordinator starts and observes them, as for people, is told besides.
 */
export async function joining({ say, quick, serf, look }: PartOptions): Promise<readonly Figure[]> {
  const bare: Joining[] = [];
  const theirs: Joining[] = [];
  const observed: Joining[] = [];
  for (let round = 0; round < (quick ? 1 : 7); round++) {
    bare.push(await joiningOfBare());
    if (serf !== undefined) theirs.push(await withSerf(AGENTS, async (cluster) => cluster.joining));
    observed.push(await joiningOfObserved());
    const [ours, other, seen] = [bare, theirs, observed].map((all) => all.at(-1)?.sinceLastUpMs.toFixed(0) ?? "-");
    say(`round ${round + 1}: ${ours} ms, serf ${other} ms, observed ${seen} ms`);
    look();
  }
  const median = (all: readonly Joining[], of: (joining: Joining) => number): number => percentile(all.map(of), 0.5);
  const beside = (name: string, of: (joining: Joining) => number): Figure =>
    againstPeer(
      name,
      median(bare, of),
      "ms",
      theirs.length === 0 ? undefined : { name: `serf ${serf}`, value: median(theirs, of) },
      "atMost",
    );
  return [
    beside(
      `all of ${AGENTS} hold all alive, from when the last can talk (median of ${bare.length})`,
      ({ sinceLastUpMs }) => sinceLastUpMs,
    ),
    // Most of it is what Node takes to start: no goal.
    { ...beside("the same, from the start of the first", ({ sinceStartMs }) => sinceStartMs), goal: "", met: true },
    alone(
      "all hold all alive, from when the last can talk, while a coordinator observes",
      "ms",
      median(observed, ({ sinceLastUpMs }) => sinceLastUpMs),
    ),
  ];
}

async function joiningOfBare(): Promise<Joining> {
  const folder = benchFolder();
  const startMs = Date.now();
  try {
    const swarm = await startBareSwarm(folder, AGENTS);
    try {
      // Whoever asks sooner takes time from those who find each other.
      await pause(UNDISTURBED_MS);
      const ids = swarm.agents.map(({ id }) => id);
      return await found(async () => joiningIn(await eventsOf(swarm), ids, startMs));
    } finally {
      await swarm.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function joiningOfObserved(): Promise<Joining> {
  const startMs = Date.now();
  const mesh = { name: "bench", agents: AGENTS, topology: "mesh", consensus: "raft" } as const;
  return await withSwarm(mesh, async (coordinator, { id: swarm, agents }) => {
    const ids = agents.map(({ id }) => id);
    const search = async (kind: string): Promise<readonly TimelineEvent[]> =>
      (await coordinator.handle("timelineSearch", { swarm, text: `kind:${kind}`, limit: 10_000 })).events;
    return await found(async () =>
      joiningIn([...(await search("started")), ...(await search("memberAlive"))], ids, startMs),
    );
  });
}

/** All that the agents have seen. */
async function eventsOf(swarm: BareSwarm): Promise<readonly TimelineEvent[]> {
  const events: TimelineEvent[] = [];
  await Promise.all(
    swarm.agents.map(async (agent) => {
      const connection = await AgentConnection.open({
        agent,
        token: swarm.token,
        silenceTimeoutMs: ANSWER_TIMEOUT_MS,
        signal: new AbortController().signal,
        onPush: (push) => {
          if (push.push === "events") events.push(...push.events);
        },
        onClosed: () => undefined,
      });
      await connection.request({ op: "observe", recent: 50_000, reportEveryMs: 1000, owner: false }, ANSWER_TIMEOUT_MS);
      await pause(EVENTS_MS);
      connection.close();
    }),
  );
  return events;
}

/** Until there is one. */
async function found(look: () => Promise<Joining | undefined>): Promise<Joining> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const joining = await look();
    if (joining !== undefined) return joining;
    if (Date.now() > deadline) throw new Error(`within ${TIMEOUT_MS} ms not all agents held all alive`);
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** By the agents' own clocks, which are the machine's. @returns undefined where one does not hold all alive */
export function joiningIn(
  events: readonly TimelineEvent[],
  ids: readonly string[],
  startMs: number,
): Joining | undefined {
  const firstMs = new Map<string, number>();
  for (const { kind, agent, fields, hlc } of events) {
    const key = kind === "started" ? `${agent} runs` : `${agent} holds ${String(fields.member)} alive`;
    firstMs.set(key, Math.min(hlc.wallMs, firstMs.get(key) ?? Number.POSITIVE_INFINITY));
  }
  const times = (keys: readonly string[]): number =>
    Math.max(...keys.map((key) => firstMs.get(key) ?? Number.POSITIVE_INFINITY));
  const upMs = times(ids.map((id) => `${id} runs`));
  const pairs = ids.flatMap((id) => ids.filter((other) => other !== id).map((other) => `${id} holds ${other} alive`));
  const allMs = times(pairs);
  if (allMs === Number.POSITIVE_INFINITY || upMs === Number.POSITIVE_INFINITY) return undefined;
  return { sinceLastUpMs: allMs - upMs, sinceStartMs: allMs - startMs };
}
