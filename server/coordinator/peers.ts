/**
 * Agents that joined by themselves, and those that ask to: the coordinator's side. They run where whoever started them does; the coordinator knows of one what it
 * says over a connection of its own token, and believes of that what is about the agent itself.
 */
import type { AgentPush, JoinRefusal } from "../contract/client.ts";
import { Admission, type AdmissionSettings } from "../core/overlay/admission.ts";
import type { SwarmFile } from "../live/swarm-file.ts";
import type { AgentWatch } from "./agent-watch.ts";
import { messageOf, Refusal } from "./refusal.ts";
import type { Swarm } from "./swarm.ts";

type JoinRequest = Extract<AgentPush, { readonly push: "joinRequest" }>;
type PeerPush = Extract<AgentPush, { readonly push: "joinRequest" | "leaveRequest" | "joinsRefused" }>;

/** Members change one at a time: so many wait for their turn. */
const MAX_WAITING = 8;
const ANSWER_MS = 5_000;
const RETRY_MS = 2_000;
/** Who knows the secret asks through any agent, each of which limits by itself; here all are one. A roster has room for a thousand and never shrinks. */
const TAKEN_IN: AdmissionSettings = {
  source: { burst: 20, everyMs: 3_000 },
  all: { burst: 20, everyMs: 3_000 },
  maxSources: 1,
};

/** What people are warned of, at most so often. */
const WARN_EVERY_MS = 60_000;
const WARNED: Partial<Readonly<Record<JoinRefusal, string>>> = {
  tooMany: "came too often",
  wrongSecret: "did not know the join secret",
};

export class Peers {
  readonly #swarm: Swarm;
  readonly #admission = new Admission(TAKEN_IN);
  #waiting = 0;
  #quietUntilMs = 0;
  #last: Promise<void> = Promise.resolve();
  /** Of whom it was said that they told of others. */
  readonly #blamed = new Set<string>();

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  heard(seed: AgentWatch, push: PeerPush): void {
    switch (push.push) {
      case "joinRequest":
        void this.#join(seed, push);
        break;
      case "leaveRequest":
        void this.#leave(seed, push.request);
        break;
      case "joinsRefused":
        for (const { why, count } of push.refused) this.#swarm.record("joinRefused", seed.id, { why, count });
        this.#warn(seed, push.refused);
        break;
    }
  }

  /** Whether an agent that joined says this of itself. What it says of others is passed over, which is noticed once. */
  believed({ id }: AgentWatch, push: AgentPush): boolean {
    if (isOwn(id, push, this.#swarm)) return true;
    if (!this.#blamed.has(id)) {
      this.#blamed.add(id);
      this.#swarm.notice(
        "warning",
        `${id}, which joined by itself, tells of what is not its own. That is passed over.`,
      );
    }
    return false;
  }

  /** The connection with an agent that joined is gone: whether it still runs nobody here can tell. */
  lost(agent: AgentWatch): void {
    if (!agent.connected) return;
    agent.process = "unreachable";
    agent.forget();
    const entry = this.#swarm.file.agents.find(({ id }) => id === agent.id);
    if (this.#swarm.phase !== "running" || entry?.leaving === true || entry?.left === true) return;
    this.#swarm.notice(
      "warning",
      `${agent.id}, which joined by itself, does not answer any more. It comes back when it is started again where it ran; else remove it.`,
    );
  }

  /** Of what nobody does by mistake for long; the timeline has all of it. */
  #warn({ id }: AgentWatch, refused: Extract<PeerPush, { readonly push: "joinsRefused" }>["refused"]): void {
    const now = performance.now();
    const told = refused.filter(({ why }) => WARNED[why] !== undefined);
    if (told.length === 0 || now < this.#quietUntilMs) return;
    this.#quietUntilMs = now + WARN_EVERY_MS;
    const words = told.map(({ why, count }) => `${count} ${WARNED[why]}`).join(", ");
    this.#swarm.notice("warning", `${id} refused to take agents in that asked to join: ${words}.`);
  }

  async #join(seed: AgentWatch, { request, agent, port, host, publicKey, learner, token }: JoinRequest): Promise<void> {
    const admitted = this.#admission.ask("", performance.now());
    const tooMany = !admitted.admitted || this.#waiting >= MAX_WAITING;
    const { members, file, phase } = this.#swarm;
    if (tooMany || phase !== "running") {
      this.#swarm.record("joinRefused", seed.id, { why: tooMany ? "tooMany" : "refused", count: 1 });
      const problem = tooMany
        ? `${file.name} takes in no more agents just now; they come one at a time.`
        : `${file.name} is not running yet, or stops.`;
      const retryAfterMs = admitted.admitted ? RETRY_MS : admitted.retryAfterMs;
      await this.#answer(seed, { request, problem, retryAfterMs });
      return;
    }
    this.#waiting++;
    let welcomed = false;
    const welcome = (): void => {
      welcomed = true;
      this.#swarm.record("joinAccepted", seed.id, { agent, port, ...(host !== "" && { host }), learner });
      void this.#answer(seed, { request, swarm: JSON.stringify(shown(this.#swarm.file)) });
    };
    const turn = this.#last.then(async () => {
      await members.idle();
      await members.admit({ agent, port, host, publicKey, learner, token }, welcome);
    });
    this.#last = turn.catch(() => {
      // Whoever asked is told below; the next one has its turn.
    });
    try {
      await turn;
    } catch (error) {
      if (this.#swarm.over) return;
      if (welcomed) this.#swarm.notice("error", `${agent} was taken in, but: ${messageOf(error)}`);
      else {
        this.#swarm.record("joinRefused", seed.id, { why: "refused", count: 1 });
        const final = error instanceof Refusal && error.reason === "refused";
        await this.#answer(seed, { request, problem: messageOf(error), retryAfterMs: final ? 0 : RETRY_MS });
      }
    } finally {
      this.#waiting--;
    }
  }

  async #leave(agent: AgentWatch, request: number): Promise<void> {
    if (!agent.foreign) return;
    try {
      await this.#swarm.members.idle();
      await this.#swarm.members.change({ kind: "remove", agent: agent.id });
    } catch (error) {
      if (!this.#swarm.over) await this.#answer(agent, { request, problem: messageOf(error), retryAfterMs: RETRY_MS });
    }
  }

  /** A seed that is gone meanwhile tells nobody any more. */
  async #answer(
    seed: AgentWatch,
    answer: {
      readonly request: number;
      readonly swarm?: string;
      readonly problem?: string;
      readonly retryAfterMs?: number;
    },
  ): Promise<void> {
    await this.#swarm
      .observer(seed)
      ?.request({ op: "answerRequest", ...answer }, ANSWER_MS)
      .catch(() => {});
  }
}

/** What a newcomer needs: not where the swarm's files are. */
function shown(file: SwarmFile): SwarmFile {
  return { ...file, file: "", folder: "", recording: null };
}

function isOwn(id: string, push: AgentPush, { tasks }: Pick<Swarm, "tasks">): boolean {
  switch (push.push) {
    case "events":
      return push.events.every((event) => event.agent === id && event.id.startsWith(`${id}.`));
    case "report":
      return push.report.agent === id;
    case "taskOutput": {
      const task = tasks.items.find((one) => one.id === push.taskId);
      return task === undefined || task.agent === id || task.agent === "";
    }
    default:
      return true;
  }
}
