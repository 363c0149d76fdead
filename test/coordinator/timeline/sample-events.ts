// Events as a swarm of Raft agents would report them, from a seed.

import type { AgentStamp, EventKind, MessageType, TimelineEvent } from "../../../server/contract/timeline.ts";

export class SampleSwarm {
  readonly agents: readonly string[];
  readonly #sequences = new Map<string, number>();
  readonly #stamps = new Map<string, AgentStamp>();
  #state: number;
  #clock: number;
  #counter = 0;

  constructor(agents: number, seed: number, startMs = 1_000_000) {
    this.agents = Array.from({ length: agents }, (_, at) => `a${at + 1}`);
    this.#state = seed >>> 0 || 1;
    this.#clock = startMs;
  }

  /** xorshift32, in [0, 1). */
  random(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state / 2 ** 32;
  }

  /** In HLC order. */
  events(count: number): TimelineEvent[] {
    const events: TimelineEvent[] = [];
    while (events.length < count) {
      const from = this.#agent();
      const roll = this.random();
      if (roll < 0.04) {
        const term = this.#stamp(from).term + 1;
        this.#stamps.set(from, { ...this.#stamp(from), role: "candidate", term });
        events.push(this.#event(from, "becameCandidate", { term }));
      } else if (roll < 0.06) {
        this.#stamps.set(from, { ...this.#stamp(from), role: "leader", leader: from });
        events.push(this.#event(from, "becameLeader", { term: this.#stamp(from).term }));
      } else if (roll < 0.08) {
        this.#stamps.set(from, { ...this.#stamp(from), role: "follower" });
        events.push(this.#event(from, "becameFollower", { term: this.#stamp(from).term }));
      } else {
        this.#exchange(from, events);
      }
    }
    return events.slice(0, count);
  }

  #exchange(from: string, events: TimelineEvent[]): void {
    const to = this.#agent();
    const type: MessageType = this.random() < 0.7 ? "heartbeat" : "append";
    const send = this.#event(from, "send", {});
    const message = { id: send.id, type, from, to, bytes: 40, fields: { term: this.#stamp(from).term, prevIndex: 7 } };
    events.push({ ...send, message });
    if (this.random() < 0.1) return; // lost
    const receive = this.#event(to, "receive", {});
    events.push({ ...receive, cause: send.id, message });
    if (this.random() < 0.3) {
      const appended = this.#event(to, "appended", { fromIndex: 8, peers: [from, to] });
      events.push({ ...appended, cause: receive.id });
    }
  }

  #event(agent: string, kind: EventKind, fields: TimelineEvent["fields"]): TimelineEvent {
    if (this.random() < 0.3) {
      this.#clock += 1 + Math.floor(this.random() * 3);
      this.#counter = 0;
    }
    const sequence = (this.#sequences.get(agent) ?? 0) + 1;
    this.#sequences.set(agent, sequence);
    return {
      id: `${agent}.1:${sequence}`,
      agent,
      hlc: { wallMs: this.#clock, counter: this.#counter++ },
      kind,
      fields,
      state: this.#stamp(agent),
    };
  }

  #stamp(agent: string): AgentStamp {
    let stamp = this.#stamps.get(agent);
    if (stamp === undefined) {
      stamp = { role: "follower", term: 0, leader: "", commit: 0, lastIndex: 0, applied: 0 };
      this.#stamps.set(agent, stamp);
    }
    return stamp;
  }

  #agent(): string {
    return this.agents[Math.floor(this.random() * this.agents.length)]!;
  }
}

/** As agents deliver them: each one's in order and in batches, the agents' against each other in any order. */
export function asDelivered(events: readonly TimelineEvent[], random: () => number): TimelineEvent[][] {
  const queues = new Map<string, TimelineEvent[]>();
  for (const event of events) {
    const queue = queues.get(event.agent);
    if (queue === undefined) queues.set(event.agent, [event]);
    else queue.push(event);
  }
  const batches: TimelineEvent[][] = [];
  const waiting = [...queues.values()];
  while (waiting.length > 0) {
    const which = Math.floor(random() * waiting.length);
    batches.push(waiting[which]!.splice(0, 1 + Math.floor(random() * 40)));
    if (waiting[which]!.length === 0) waiting.splice(which, 1);
  }
  return batches;
}
