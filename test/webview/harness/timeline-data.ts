/** A made-up but causally whole timeline of a Raft swarm (elections, votes, heartbeats, appends, a crash, a lossy link) and its queries. */
import type {
  AgentStamp,
  EventId,
  EventKind,
  Fields,
  Hlc,
  MessageInfo,
  MessageType,
  TermBar,
  TimelineBucket,
  TimelineEvent,
  TimelineQuery,
  TimelineSearch,
  TimelineSearchResult,
  TimelineWindow,
} from "../../../server/contract/timeline.ts";
import { STARTED_AT_MS, spread } from "./swarm-data.ts";

const LANDMARKS: readonly EventKind[] = [
  "becameLeader",
  "becameCandidate",
  "steppedDown",
  "faultInjected",
  "faultHealed",
  "processStarted",
  "processEnded",
];

interface Life {
  hlc: Hlc;
  sequence: number;
  state: AgentStamp;
  alive: boolean;
  bar: { fromMs: number; term: number; role: AgentStamp["role"] };
}

export class FakeTimeline {
  readonly agents: readonly string[];
  readonly events: TimelineEvent[] = [];
  readonly terms: TermBar[] = [];
  readonly #lives = new Map<string, Life>();
  readonly #byId = new Map<EventId, TimelineEvent>();
  #coordinatorSequence = 0;
  #draws = 0;
  readonly #agenda: { readonly atMs: number; readonly happen: () => void }[] = [];

  constructor(agents: number) {
    this.agents = Array.from({ length: agents }, (_, i) => `a${i + 1}`);
    for (const agent of this.agents) {
      const state: AgentStamp = { role: "follower", term: 0, leader: "", commit: 0, lastIndex: 0, applied: 0 };
      const bar = { fromMs: STARTED_AT_MS, term: 0, role: state.role };
      this.#lives.set(agent, { hlc: { wallMs: STARTED_AT_MS, counter: 0 }, sequence: 0, state, alive: true, bar });
    }
  }

  /** Records until there are so many events: an election, work, a crash of the leader, its return, and again. */
  run(events: number): this {
    this.#at(STARTED_AT_MS, () => this.#elect(1, STARTED_AT_MS));
    while (this.events.length < events) {
      const next = this.#agenda.shift();
      if (next === undefined) throw new Error("Nothing is left to happen.");
      next.happen();
    }
    this.events.sort((a, b) => a.hlc.wallMs - b.hlc.wallMs || a.hlc.counter - b.hlc.counter);
    for (const [agent, life] of this.#lives) if (life.alive) this.terms.push({ agent, ...life.bar, toMs: null });
    return this;
  }

  /** Puts something on the agenda, which is kept in the order of time. */
  #at(atMs: number, happen: () => void): void {
    let i = this.#agenda.length;
    while (i > 0 && this.#agenda[i - 1]!.atMs > atMs) i--;
    this.#agenda.splice(i, 0, { atMs, happen });
  }

  #draw(): number {
    return spread(this.#draws++);
  }

  #record(
    agent: string,
    atMs: number,
    kind: EventKind,
    fields: Fields = {},
    more: { cause?: EventId | undefined; message?: MessageInfo; merge?: Hlc } = {},
  ): TimelineEvent {
    const life = this.#lives.get(agent)!;
    const wallMs = Math.max(Math.floor(atMs), life.hlc.wallMs, more.merge?.wallMs ?? 0);
    const counters = [life.hlc, ...(more.merge ? [more.merge] : [])].filter((hlc) => hlc.wallMs === wallMs);
    life.hlc = { wallMs, counter: counters.length === 0 ? 0 : Math.max(...counters.map((hlc) => hlc.counter)) + 1 };
    const event: TimelineEvent = {
      id: `${agent}.1:${++life.sequence}`,
      agent,
      hlc: life.hlc,
      kind,
      fields,
      state: { ...life.state },
      ...(more.cause === undefined ? {} : { cause: more.cause }),
      ...(more.message === undefined ? {} : { message: more.message }),
    };
    this.events.push(event);
    this.#byId.set(event.id, event);
    return event;
  }

  #coordinator(atMs: number, kind: EventKind, fields: Fields): TimelineEvent {
    const event: TimelineEvent = {
      id: `coordinator.1:${++this.#coordinatorSequence}`,
      agent: "coordinator",
      hlc: { wallMs: Math.floor(atMs), counter: 0 },
      kind,
      fields,
    };
    this.events.push(event);
    this.#byId.set(event.id, event);
    return event;
  }

  /** Sends, and receives a little later unless it is lost. */
  #message(
    from: string,
    to: string,
    atMs: number,
    type: MessageType,
    fields: Fields,
    cause: EventId | undefined,
    received: (receipt: TimelineEvent, atMs: number) => void = () => {},
  ): void {
    const life = this.#lives.get(from)!;
    if (!life.alive) return;
    const id = `${from}.1:${life.sequence + 1}`;
    const message: MessageInfo = { id, type, from, to, bytes: 64 + Math.floor(400 * this.#draw()), fields };
    const send = this.#record(from, atMs, "send", {}, { cause, message });
    const arrivesMs = atMs + 1.5 + 7 * this.#draw();
    if (this.#draw() < 0.012) return;
    this.#at(arrivesMs, () => {
      if (!this.#lives.get(to)!.alive) return;
      received(this.#record(to, arrivesMs, "receive", {}, { cause: send.id, message, merge: send.hlc }), arrivesMs);
    });
  }

  #become(agent: string, role: AgentStamp["role"], term: number, leader: string): void {
    const life = this.#lives.get(agent)!;
    const atMs = life.hlc.wallMs;
    if (life.bar.role !== role || life.bar.term !== term) {
      this.terms.push({ agent, ...life.bar, toMs: atMs });
      life.bar = { fromMs: atMs, term, role };
    }
    life.state = { ...life.state, role, term, leader };
  }

  #others(agent: string): readonly string[] {
    return this.agents.filter((other) => other !== agent);
  }

  get #quorum(): number {
    return Math.floor(this.agents.length / 2) + 1;
  }

  #elect(index: number, atMs: number): void {
    const candidate = this.agents[index]!;
    const term = Math.max(...[...this.#lives.values()].map((life) => life.state.term)) + 1;
    const timeout = this.#record(candidate, atMs, "electionTimedOut", { after: "183 ms" });
    this.#become(candidate, "preCandidate", term - 1, "");
    const pre = this.#record(candidate, atMs, "becamePreCandidate", {}, { cause: timeout.id });
    let willing = 1;
    for (const other of this.#others(candidate)) {
      this.#message(candidate, other, atMs + 0.1, "preVote", { term }, pre.id, (asked, askedMs) =>
        this.#message(
          other,
          candidate,
          askedMs + 0.4,
          "preVoteReply",
          { term, granted: true },
          asked.id,
          (reply, replyMs) => {
            if (++willing === this.#quorum) this.#stand(index, term, replyMs + 0.3, reply.id);
          },
        ),
      );
    }
  }

  #stand(index: number, term: number, atMs: number, cause: EventId): void {
    const candidate = this.agents[index]!;
    this.#become(candidate, "candidate", term, "");
    const stood = this.#record(candidate, atMs, "becameCandidate", { term }, { cause });
    let votes = 1;
    let refusals = 0;
    for (const other of this.#others(candidate)) {
      this.#message(candidate, other, atMs + 0.2, "vote", { term, lastIndex: 40 }, stood.id, (asked, askedMs) => {
        const granted = refusals > 0 || this.#draw() > 0.25;
        if (!granted) refusals++;
        this.#become(other, "follower", term, "");
        const kind = granted ? "votedFor" : "voteRefused";
        const voted = this.#record(other, askedMs + 0.3, kind, { candidate }, { cause: asked.id });
        this.#message(other, candidate, askedMs + 1.2, "voteReply", { term, granted }, voted.id, (reply, replyMs) => {
          if (!granted) return;
          const got = this.#record(candidate, replyMs + 0.1, "voteReceived", { from: other }, { cause: reply.id });
          if (++votes === this.#quorum) this.#lead(index, term, replyMs + 0.2, got.id);
        });
      });
    }
  }

  #lead(index: number, term: number, atMs: number, cause: EventId): void {
    const leader = this.agents[index]!;
    this.#become(leader, "leader", term, leader);
    const led = this.#record(leader, atMs, "becameLeader", { term }, { cause });
    for (const other of this.#others(leader)) {
      this.#message(leader, other, atMs + 0.2, "heartbeat", { term }, led.id, (told, toldMs) => {
        this.#become(other, "follower", term, leader);
        this.#record(other, toldMs + 0.1, "leaderKnown", { leader }, { cause: told.id });
      });
    }
    for (let i = 1; i <= 40; i++) {
      const workMs = atMs + i * 45 + 20 * this.#draw();
      this.#at(workMs, () => (i % 2 === 0 ? this.#heartbeat(leader, workMs) : this.#replicate(leader, workMs)));
    }
    this.#at(atMs + 1950, () => this.#crash(index, atMs + 1950));
  }

  #heartbeat(leader: string, atMs: number): void {
    const { term } = this.#lives.get(leader)!.state;
    for (const other of this.#others(leader)) {
      this.#message(leader, other, atMs, "heartbeat", { term }, undefined, (told, toldMs) =>
        this.#message(other, leader, toldMs + 0.2, "heartbeatReply", {}, told.id),
      );
    }
  }

  #replicate(leader: string, atMs: number): void {
    const life = this.#lives.get(leader)!;
    const index = life.state.lastIndex + 1;
    const { term } = life.state;
    life.state = { ...life.state, lastIndex: index };
    const appended = this.#record(leader, atMs, "appended", { index });
    let acks = 1;
    for (const other of this.#others(leader)) {
      this.#message(leader, other, atMs + 0.3, "append", { term, entries: `${index}` }, appended.id, (got, gotMs) => {
        const follower = this.#lives.get(other)!;
        follower.state = { ...follower.state, lastIndex: index, commit: index - 1, applied: index - 1 };
        const kept = this.#record(other, gotMs + 1.4, "appended", { index }, { cause: got.id });
        this.#message(
          other,
          leader,
          gotMs + 1.6,
          "appendReply",
          { success: true, index },
          kept.id,
          (reply, replyMs) => {
            if (++acks !== this.#quorum) return;
            life.state = { ...life.state, commit: index, applied: index };
            this.#record(leader, replyMs + 0.1, "committed", { index }, { cause: reply.id });
          },
        );
      });
    }
  }

  #crash(index: number, atMs: number): void {
    const agent = this.agents[index]!;
    const life = this.#lives.get(agent)!;
    const injected = this.#coordinator(atMs, "faultInjected", { fault: `${agent} crashed` });
    this.#record(agent, atMs + 1, "processEnded", { signal: "SIGKILL" }, { cause: injected.id });
    this.terms.push({ agent, ...life.bar, toMs: atMs + 1 });
    life.alive = false;
    for (const other of this.#others(agent)) {
      const knownMs = atMs + 30 + 60 * this.#draw();
      this.#at(knownMs, () => this.#record(other, knownMs, "memberFailed", { member: agent }));
    }
    const next = (index + 1 + Math.floor(this.#draw() * (this.agents.length - 1))) % this.agents.length;
    this.#at(atMs + 190, () => this.#elect(next, atMs + 190));
    this.#at(atMs + 900, () => this.#restart(agent, atMs + 900));
  }

  #restart(agent: string, atMs: number): void {
    const life = this.#lives.get(agent)!;
    const healed = this.#coordinator(atMs - 60, "faultHealed", { fault: `${agent} crashed` });
    life.alive = true;
    life.bar = { fromMs: Math.floor(atMs), term: life.state.term, role: "follower" };
    life.state = { ...life.state, role: "follower", leader: "" };
    this.#record(agent, atMs, "processStarted", {}, { cause: healed.id });
  }

  get firstMs(): number {
    return this.events[0]?.hlc.wallMs ?? 0;
  }

  get lastMs(): number {
    return this.events.at(-1)?.hlc.wallMs ?? 0;
  }

  /** `until`: answers as if no later event had been recorded yet. */
  query(query: TimelineQuery, until = Number.POSITIVE_INFINITY): TimelineWindow {
    const hidden = new Set<string>(query.hiddenKinds ?? []);
    const lanes = query.lanes === undefined ? null : new Set(query.lanes);
    const lastMs = Math.min(this.lastMs, until);
    const end = Math.min(query.toMs, until + 1);
    const shown: TimelineEvent[] = [];
    const landmarks: TimelineEvent[] = [];
    for (let i = this.#firstAt(query.fromMs); i < this.events.length; i++) {
      const event = this.events[i]!;
      if (event.hlc.wallMs >= end) break;
      if (LANDMARKS.includes(event.kind)) landmarks.push(event);
      if (hidden.has(event.kind) || (event.message !== undefined && hidden.has(event.message.type))) continue;
      if (lanes === null || lanes.has(event.agent) || event.agent === "coordinator") shown.push(event);
    }
    const complete = shown.length <= query.maxEvents;
    return {
      swarm: query.swarm,
      fromMs: query.fromMs,
      toMs: query.toMs,
      total: shown.length,
      events: complete ? shown : [],
      buckets: complete ? [] : bucketsOf(shown, query),
      terms: this.terms
        .filter((bar) => bar.fromMs < end && (bar.toMs ?? lastMs + 1) > query.fromMs && bar.fromMs <= lastMs)
        .map((bar) => (bar.toMs !== null && bar.toMs > lastMs ? { ...bar, toMs: null } : bar)),
      landmarks: landmarks.slice(-2000),
      firstMs: this.firstMs,
      lastMs,
      stored: until === Number.POSITIVE_INFINITY ? this.events.length : this.#firstAt(until + 1),
    };
  }

  #firstAt(ms: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle]!.hlc.wallMs < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  story(id: EventId): { event: TimelineEvent; causes: TimelineEvent[]; effects: TimelineEvent[] } | null {
    const event = this.#byId.get(id);
    if (event === undefined) return null;
    const causes: TimelineEvent[] = [];
    for (let at = event.cause; at !== undefined && causes.length < 50; ) {
      const cause = this.#byId.get(at);
      if (cause === undefined) break;
      causes.unshift(cause);
      at = cause.cause;
    }
    const from = this.#firstAt(event.hlc.wallMs);
    const near = this.events.slice(from, from + 3000);
    return { event, causes, effects: near.filter((other) => other.cause === id) };
  }

  search(search: TimelineSearch): TimelineSearchResult {
    const words = search.text.toLowerCase().split(/\s+/);
    const start =
      search.before === undefined ? this.events.length : this.events.indexOf(this.#byId.get(search.before)!);
    const found: TimelineEvent[] = [];
    let i = start - 1;
    for (; i >= 0 && found.length < search.limit; i--) {
      const event = this.events[i]!;
      const text =
        `${event.kind} ${event.message?.type ?? ""} ${event.agent} ${event.id} ${JSON.stringify(event.fields)}`.toLowerCase();
      if (words.every((word) => text.includes(word))) found.push(event);
    }
    return { events: found, looked: start - 1 - i, complete: i < 0 };
  }
}

function bucketsOf(events: readonly TimelineEvent[], query: TimelineQuery): readonly TimelineBucket[] {
  const columnMs = (query.toMs - query.fromMs) / query.buckets;
  const buckets = new Map<string, { agent: string; column: number; count: number; kinds: Record<string, number> }>();
  for (const event of events) {
    const column = Math.floor((event.hlc.wallMs - query.fromMs) / columnMs);
    const key = `${event.agent} ${column}`;
    const bucket = buckets.get(key) ?? { agent: event.agent, column, count: 0, kinds: {} };
    buckets.set(key, bucket);
    const kind = event.message?.type ?? event.kind;
    bucket.count++;
    bucket.kinds[kind] = (bucket.kinds[kind] ?? 0) + 1;
  }
  return [...buckets.values()];
}
