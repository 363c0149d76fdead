import { Agent } from "../../server/agent/agent.ts";
import { Sessions } from "../../server/agent/sessions.ts";
import type { World } from "../../server/agent/world.ts";
import type { ClientRequest } from "../../server/contract/client.ts";
import type { Progress } from "../../server/core/raft/progress.ts";
import { RaftState } from "../../server/core/raft/state.ts";
import type { RaftMessage } from "../../server/core/raft/types.ts";
import { TaskLedger } from "../../server/core/tasks/ledger.ts";
import type { TaskCommand } from "../../server/core/tasks/types.ts";
import type { AgentFactory } from "../../server/sim/world.ts";

/** One way to break the protocol. */
export interface Mutation {
  readonly name: string;
  /** Changes the classes of the protocol; returns what undoes it. */
  readonly patch?: () => () => void;
  /** Breaks the agent from around it. */
  readonly createAgent?: AgentFactory;
}

/** Replaces a method until undone. `make` is given the original. */
function replace<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  make: (original: Class[Name]) => Class[Name],
): () => void {
  const original = prototype[name];
  prototype[name] = make(original);
  return () => {
    prototype[name] = original;
  };
}

/** Runs what `simulate` runs, with the protocol broken this way. */
export function mutated<Result>(mutation: Mutation, run: (createAgent: AgentFactory | undefined) => Result): Result {
  const undo = mutation.patch?.();
  try {
    return run(mutation.createAgent);
  } finally {
    undo?.();
  }
}

class LocalReads extends Agent {
  override clientRequests(connection: number, requests: readonly ClientRequest[], now: number): void {
    const local = requests.map((request) =>
      request.op === "get" || request.op === "list" ? { ...request, consistency: "local" as const } : request,
    );
    super.clientRequests(connection, local, now);
  }
}

/** The disk says durable before anything is written. */
function hasty(world: World): World {
  return {
    network: world.network,
    executor: world.executor,
    judge: world.judge,
    crypto: world.crypto,
    log: {
      append: (batch, durable) => {
        world.log.append(batch, () => {});
        durable();
      },
    },
    requestTurn: () => world.requestTurn(),
    setAlarm: (atMs) => world.setAlarm(atMs),
    measure: () => world.measure(),
    observe: (event) => world.observe(event),
    taskOutput: (taskId, token, stream, text) => world.taskOutput(taskId, token, stream, text),
    reply: (replies) => world.reply(replies),
  };
}

export const MUTATIONS = {
  voteTwice: {
    name: "votes for everyone who asks in a term",
    patch: () =>
      replace(
        RaftState.prototype,
        "sendAfterPersist",
        (original) =>
          function (this: RaftState, to: string, message: RaftMessage) {
            original.call(this, to, message);
            if (message.type === "voteReply") this.votedFor = "";
          },
      ),
  },
  forgottenVote: {
    name: "forgets its vote when it restarts",
    createAgent: (config, world, recovered, now) =>
      new Agent(config, world, { ...recovered, hardState: { ...recovered.hardState, votedFor: "" } }, now),
  },
  olderTermByCounting: {
    name: "commits entries of an older term by counting copies",
    patch: () =>
      replace(
        RaftState.prototype,
        "reached",
        (original) =>
          function (this: RaftState, own: number, numberOf: (follower: Progress) => number) {
            const reached = original.call(this, own, numberOf);
            const counting =
              own === this.durability.index && this.followers.every((one) => numberOf(one) === one.match);
            if (counting && this.role === "leader" && reached > this.commit) this.commitTo(reached, []);
            return reached;
          },
      ),
  },
  ackBeforeDurable: {
    name: "acknowledges before its disk does",
    createAgent: (config, world, recovered, now) => new Agent(config, hasty(world), recovered, now),
  },
  localReads: {
    name: "serves reads without a barrier",
    createAgent: (config, world, recovered, now) => new LocalReads(config, world, recovered, now),
  },
  anyLogWins: {
    name: "votes for candidates whose log is behind",
    patch: () => replace(RaftState.prototype, "upToDate", () => () => true),
  },
  noDeduplication: {
    name: "applies a retried write again",
    patch: () => {
      const undoAdmit = replace(
        Sessions.prototype,
        "admit",
        (original) =>
          function (this: Sessions, name: string, sequence: number, firstUnanswered: number) {
            const answer = original.call(this, name, sequence, firstUnanswered);
            return answer?.type === "sessionExpired" ? answer : undefined;
          },
      );
      const undoAnswer = replace(Sessions.prototype, "answerOf", () => () => undefined);
      return () => {
        undoAdmit();
        undoAnswer();
      };
    },
  },
  noFencing: {
    name: "takes the outcome of a lease that is over",
    patch: () =>
      replace(
        TaskLedger.prototype,
        "apply",
        (original) =>
          function (this: TaskLedger, command: TaskCommand, index: number, timeMs: number) {
            if (command.type !== "complete") return original.call(this, command, index, timeMs);
            const token = this.get(command.id)?.token ?? command.token;
            return original.call(this, { ...command, token }, index, timeMs);
          },
      ),
  },
} as const satisfies Record<string, Mutation>;
