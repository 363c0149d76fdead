/**
 * One trial of the experiment behind Figure 16 of the Raft paper (Ongaro and Ousterhout 2014, §9.3): a leader broadcasts heartbeats, is crashed at a moment
 * drawn uniformly from the heartbeat interval after that, and it is measured how long its four followers take to elect another one.
 *
 * The followers are the real core. The leader is only what it does before it dies: one broadcast. As in the paper the logs are of different lengths, so that two of the four
 * followers cannot win; a leader that really replicated would make them equal.
 */
import { type Entry, EntryKind } from "../server/core/consensus.ts";
import { Raft } from "../server/core/raft/raft.ts";
import type { RaftMessage } from "../server/core/raft/types.ts";
import type { Random } from "../server/core/random.ts";
import { EventQueue } from "../server/sim/event-queue.ts";

/**
 * core: elections as this project holds them. paper: without what the paper does not have: pre-votes are granted at once and for nothing, votes are heard although a leader
 * was heard of lately, and a candidate asks for votes while its own is still being written, which the paper leaves open. voteFirst: the same, but for
 * that: as in the core the candidate's own vote is durable first.
 */
export type ElectionRules = "core" | "paper" | "voteFirst";

export interface TrialSettings {
  readonly timeoutMinMs: number;
  readonly timeoutMaxMs: number;
  readonly rules: ElectionRules;
  /** A trial that elected nobody by then ends, virtual ms. */
  readonly patienceMs: number;
}

export interface Trial {
  /** From the crash to the election of another leader; Infinity when patience ended. */
  readonly downtimeMs: number;
  /** Terms that were campaigned in and that nobody won: a split vote, or a candidate whose log is behind. */
  readonly lostTerms: number;
}

/** One way. With SYNC_MS it makes a broadcast that is answered when durable take about 15 ms, as in the paper: see broadcastMs. */
const LINK_MS = { min: 1, max: 5 } as const;
/** One write and fdatasync. */
const SYNC_MS = { min: 4, max: 8 } as const;

const LEADER = "a1";
const VOTERS = [LEADER, "a2", "a3", "a4", "a5"] as const;
const TERM = 1;
/** Heartbeats are twice as frequent as the shortest timeout (§9.3). */
const HEARTBEATS_PER_TIMEOUT = 2;

export function heartbeatMs(timeoutMinMs: number): number {
  return timeoutMinMs / HEARTBEATS_PER_TIMEOUT;
}

/** How long a broadcast to all followers takes until the last has answered that it is durable, ms: the paper's broadcast time, measured in the same surroundings. */
export function broadcastMs(random: Random): number {
  let last = 0;
  for (let follower = 1; follower < VOTERS.length; follower++)
    last = Math.max(last, between(random, LINK_MS) + between(random, SYNC_MS) + between(random, LINK_MS));
  return last;
}

export function trial(settings: TrialSettings, random: Random): Trial {
  return new Crash(settings, random).run();
}

interface Follower {
  readonly raft: Raft;
  /** Its disk syncs one batch after the other. */
  diskFreeAtMs: number;
  /** When each peer's latest message arrives: links keep the order. */
  readonly arrivedMs: Map<string, number>;
}

class Crash {
  readonly #settings: TrialSettings;
  readonly #random: Random;
  readonly #followers = new Map<string, Follower>();
  readonly #queue = new EventQueue<() => void>();
  #nowMs = 0;
  #elected = false;
  #highestTerm = TERM;

  constructor(settings: TrialSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
    const { timeoutMinMs, timeoutMaxMs } = settings;
    const config = {
      voters: VOTERS,
      electionTimeoutMinMs: timeoutMinMs,
      electionTimeoutMaxMs: timeoutMaxMs,
      heartbeatMs: heartbeatMs(timeoutMinMs),
      maxInflightAppends: 64,
      maxAppendBytes: 1 << 20,
      maxUncommittedBytes: 1 << 26,
    };
    for (const [place, id] of random.shuffled(VOTERS.slice(1)).entries()) {
      const restored = { hardState: { term: TERM, votedFor: LEADER, commit: 0 }, entries: logOf(place + 1) };
      this.#followers.set(id, {
        raft: new Raft({ ...config, id }, restored, random.fork(id), this.#nowMs),
        diskFreeAtMs: 0,
        arrivedMs: new Map(),
      });
    }
  }

  run(): Trial {
    const { timeoutMinMs, patienceMs } = this.#settings;
    for (const id of this.#followers.keys())
      this.#send(LEADER, id, { type: "heartbeat", term: TERM, commit: 0, round: 1 });
    const crashMs = this.#random.float() * heartbeatMs(timeoutMinMs);
    while (!this.#elected) {
      this.#nowMs = this.#queue.nextTime;
      if (this.#nowMs > crashMs + patienceMs) break;
      (this.#queue.pop() as () => void)();
    }
    return {
      downtimeMs: this.#elected ? this.#nowMs - crashMs : Number.POSITIVE_INFINITY,
      lostTerms: this.#highestTerm - TERM - (this.#elected ? 1 : 0),
    };
  }

  /** What is for the leader is lost: it is dead, or about to be. */
  #send(from: string, to: string, message: RaftMessage): void {
    const follower = this.#followers.get(to);
    if (follower === undefined) return;
    const atMs = Math.max(this.#nowMs + between(this.#random, LINK_MS), follower.arrivedMs.get(from) ?? 0);
    follower.arrivedMs.set(from, atMs);
    const heard = message.type === "vote" && this.#settings.rules !== "core" ? { ...message, transfer: true } : message;
    this.#queue.push(atMs, () => {
      follower.raft.step(from, heard, this.#nowMs);
      this.#turn(follower);
    });
  }

  #turn(follower: Follower): void {
    const { raft } = follower;
    for (let ready = raft.take(this.#nowMs); ready !== undefined; ready = raft.take(this.#nowMs)) {
      for (const observation of ready.observations) {
        if (observation.type === "becameCandidate") this.#highestTerm = Math.max(this.#highestTerm, observation.term);
        if (observation.type === "becameLeader") this.#elected = true;
      }
      for (const { to, message } of ready.messages) {
        if (message.type === "preVote" && this.#settings.rules !== "core")
          raft.step(to, { type: "preVoteReply", term: message.term, granted: true }, this.#nowMs);
        else this.#send(raft.id, to, message);
      }
      const { persist, messagesAfterPersist } = ready;
      const early = (message: RaftMessage) => message.type === "vote" && this.#settings.rules === "paper";
      for (const { to, message } of messagesAfterPersist) if (early(message)) this.#send(raft.id, to, message);
      const sendRest = () => {
        for (const { to, message } of messagesAfterPersist) if (!early(message)) this.#send(raft.id, to, message);
      };
      if (persist === undefined) {
        sendRest();
        continue;
      }
      follower.diskFreeAtMs = Math.max(follower.diskFreeAtMs, this.#nowMs) + between(this.#random, SYNC_MS);
      this.#queue.push(follower.diskFreeAtMs, () => {
        raft.persisted(persist.id, this.#nowMs);
        sendRest();
        this.#turn(follower);
      });
    }
    const deadlineMs = raft.deadline();
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#queue.push(Math.max(deadlineMs, this.#nowMs), () => {
      // It may have been put off in between; who put it off has set another alarm.
      if (raft.deadline() !== deadlineMs) return;
      raft.tick(this.#nowMs);
      this.#turn(follower);
    });
  }
}

function logOf(length: number): readonly Entry[] {
  return Array.from({ length }, (_, at) => ({
    index: at + 1,
    term: TERM,
    timeMs: 0,
    kind: EntryKind.command,
    data: new Uint8Array(1),
  }));
}

function between(random: Random, { min, max }: { readonly min: number; readonly max: number }): number {
  return min + random.float() * (max - min);
}
