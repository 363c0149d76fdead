/**
 * Changes who the members of a running swarm are. What is under way stands in the swarm's file before anything is done, and every step can be done twice:
 * a coordinator that finds a change half done goes on with it.
 *
 *   add     file: joining | all agents are told of it | its process is started | it is added | and promoted | file: joining no more
 *   remove  file: leaving | it is removed | file: left, without links | its process ends | all agents are told
 *
 * How somebody is added, promoted and removed depends on the consensus: by the leader (led-members.ts), or by anybody (gossip-members.ts).
 */

import { addressText, whyNotReachable } from "../contract/address.ts";
import { CONSENSUS, type ConsensusKind } from "../contract/consensus.ts";
import type { CoordinatorRequests, MembersRequest } from "../contract/coordinator.ts";
import type { MembersView } from "../contract/swarm.ts";
import { makeKeys } from "../live/identity.ts";
import { addAgent, addPeer, rewriteSwarm } from "../live/layout.ts";
import { freePorts } from "../live/ports.ts";
import { AgentNotStarted } from "../live/spawn.ts";
import { isId, MAX_AGENTS, presentAgents, presentZones, type RosterAgent, type SwarmFile } from "../live/swarm-file.ts";
import { isGroupTarget } from "../meshfile/faults/targets.ts";
import { GossipMembers } from "./gossip-members.ts";
import { leadershipOf, membersOf } from "./health.ts";
import { LedMembers } from "./led-members.ts";
import { linksWith, linksWithout, newcomersZone } from "./member-links.ts";
import { CHANGE_MS, type MemberProtocol, seenWithin } from "./member-protocol.ts";
import { givenUp } from "./member-requests.ts";
import { messageOf, Refusal } from "./refusal.ts";
import type { Swarm } from "./swarm.ts";

/** Why members cannot change, by the kinds of consensus where they cannot. */
const FIXED_MEMBERS: Partial<Readonly<Record<ConsensusKind, string>>> = {
  pbft: "The members of a pbft swarm are fixed: its agents know from the start who may vote.",
};

const FIXED_BY_MEMORY =
  "The members of a swarm with memory: eventual are fixed: each keeps for the others what they have not heard of.";

/** All agents that can hear have heard by then; others are told when they can. */
const TELL_MS = 700;
/** For what was answered to be shown. */
const SHOWN_MS = 2_000;
/** For an agent that joined by itself to be there, once it was told that it may. */
const COME_MS = 15_000;
/** Those below are for programs that the machine itself runs. */
const LOWEST_PORT = 1_024;

type Changed = CoordinatorRequests["changeMembers"]["result"];
type Transferred = CoordinatorRequests["transferLeader"]["result"];

/** An agent that wants to join, known to have the join secret and its key. */
export interface Newcomer {
  readonly agent: string;
  readonly port: number;
  /** Where other hosts reach it; "": nowhere. */
  readonly host: string;
  readonly publicKey: string;
  readonly learner: boolean;
  readonly token: string;
}

interface UnderWay {
  readonly agent: string;
  readonly what: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class Members {
  readonly #swarm: Swarm;
  readonly #led: LedMembers;
  readonly #protocol: MemberProtocol;
  #underWay: UnderWay | undefined;
  #closed = false;
  /** As the last change left them. */
  #latest: MembersView = { voters: [], outgoing: [], learners: [] };

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
    this.#led = new LedMembers(swarm);
    this.#protocol = swarm.file.consensus === "gossip" ? new GossipMembers(swarm) : this.#led;
  }

  /** @throws Refusal */
  async change(request: MembersRequest): Promise<Changed> {
    const { agent, warning } = await this.#changed(request);
    const members = this.#latest;
    // Agents tell a moment later what the leader has answered already: whoever asks next is to find it so.
    await this.#until(() => sameMembers(membersOf(this.#swarm.agents), members), SHOWN_MS);
    return { agent, members, ...(warning !== undefined && { warning }) };
  }

  /**
   * Takes in an agent that runs elsewhere; one that is a member already, and has the same key, comes back.
   * @param welcome is called as soon as all are told of it: it may begin to run
   * @throws Refusal
   */
  async admit(newcomer: Newcomer, welcome: () => void): Promise<void> {
    this.#refuseFixed();
    this.#refuseLearner(newcomer.learner);
    const { agent: id } = newcomer;
    const known = this.#swarm.file.agents.find((one) => one.id === id);
    this.#refuseNewcomer(newcomer, known);
    if (known === undefined) this.#refuseId(id);
    await this.#run(id, "added", async (signal) => {
      if (known === undefined) this.#layOutPeer(newcomer);
      else addPeer(this.#swarm.file, id, newcomer.token);
      this.#swarm.observe(this.#swarm.agent(id));
      await this.tellAll();
      welcome();
      await this.#carryOn(id, signal);
    });
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay.done;
  }

  /** @throws Refusal */
  async transfer(to: string | undefined): Promise<Transferred> {
    const { consensus, name } = this.#swarm.file;
    if (CONSENSUS[consensus].leader === "")
      throw new Refusal(
        "refused",
        `${name} is a ${consensus} swarm: nobody leads in it, so there is no leadership to hand over.`,
      );
    if (to !== undefined) {
      this.#present(to);
      const members = membersOf(this.#swarm.agents);
      if (members !== null && !members.voters.includes(to))
        throw new Refusal("refused", `${to} has no vote, so it cannot lead. Promote it first.`);
      if (leadershipOf(this.#swarm.agents)?.leader === to) throw new Refusal("refused", `${to} leads already.`);
    }
    const { leader, term } = await this.#led.handOver(to, CHANGE_MS, new AbortController().signal);
    await this.#until(() => leadershipOf(this.#swarm.agents)?.leader === leader, SHOWN_MS);
    return { leader, term };
  }

  /** Goes on with what an earlier coordinator had begun. */
  resume(): void {
    void (async () => {
      for (const entry of this.#swarm.file.agents) {
        const { id, joining, leaving } = entry;
        if (joining === undefined && leaving !== true) continue;
        const what = leaving === true ? "removed" : "added";
        try {
          let warning: string | undefined;
          await this.#run(id, what, async (signal) => {
            warning = await this.#carryOn(id, signal);
          });
          this.#swarm.notice("info", `${id} is ${what} now: the coordinator had ended in between.`);
          if (warning !== undefined) this.#swarm.notice("warning", warning);
        } catch (error) {
          if (this.#swarm.over) return;
          this.#swarm.notice("error", `${id} was being ${what} when the coordinator ended. ${messageOf(error)}`);
        }
      }
    })();
  }

  /** Gives up what is under way; the swarm's file says how far it came. Resolves when nothing is done any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#underWay?.abort.abort("the swarm is let go of or stopped");
    await this.#underWay?.done;
  }

  async #changed(request: MembersRequest): Promise<Pick<Changed, "agent" | "warning">> {
    this.#refuseFixed();
    switch (request.kind) {
      case "add":
        return { agent: await this.#add(request.agent, request.learner) };
      case "promote":
        return { agent: await this.#promote(request.agent) };
      case "remove":
        return this.#remove(request.agent);
    }
  }

  async #add(wanted: string | undefined, learner: boolean): Promise<string> {
    const { file } = this.#swarm;
    const known = file.agents.find(({ id }) => id === wanted);
    const id = wanted ?? nextId(file);
    this.#refuseLearner(learner);
    if (known?.left === true)
      throw new Refusal("refused", `${id} was removed from this swarm; ids are not used twice. Choose another one.`);
    if (known !== undefined && known.joining === undefined)
      throw new Refusal("refused", `${file.name} has an agent ${id} already.`);
    this.#refuseId(id);
    await this.#run(id, "added", async (signal) => {
      // One that is half added is gone on with.
      if (known === undefined) await this.#layOut(id, learner);
      await this.#carryOn(id, signal);
    });
    return id;
  }

  #refuseFixed(): void {
    const { consensus, memory, name } = this.#swarm.file;
    const why = memory === "eventual" ? FIXED_BY_MEMORY : FIXED_MEMBERS[consensus];
    if (why !== undefined) throw new Refusal("refused", `${why} Stop ${name} and bring up one with other agents.`);
  }

  #refuseLearner(learner: boolean): void {
    const { noLearners } = this.#protocol;
    if (learner && noLearners !== undefined) throw new Refusal("refused", `${noLearners} Ask again without that.`);
  }

  /** @throws Refusal for an id that no new agent can have */
  #refuseId(id: string): void {
    const { file } = this.#swarm;
    if (!isId(id))
      throw new Refusal("refused", `An agent's id is letters, digits, - and _, at most 64, not ${JSON.stringify(id)}.`);
    if (isGroupTarget(id))
      throw new Refusal(
        "refused",
        `An agent cannot be called ${id}: faults use that word for a group of agents. Choose another id.`,
      );
    if (file.agents.length >= MAX_AGENTS)
      throw new Refusal("refused", `A swarm has at most ${MAX_AGENTS} agents in its life; this one had them all.`);
  }

  /** @throws Refusal for one that says of itself what cannot be */
  #refuseNewcomer({ agent: id, port, host, publicKey }: Newcomer, known: RosterAgent | undefined): void {
    const { file } = this.#swarm;
    if (known?.left === true)
      throw new Refusal("refused", `${id} was removed from this swarm; ids are not used twice. Choose another one.`);
    if (known !== undefined && (known.foreign !== true || known.publicKey !== publicKey))
      throw new Refusal("refused", `${file.name} has an agent ${id} already, with another key. Choose another id.`);
    if (known !== undefined && (known.port !== port || (known.host ?? "") !== host))
      throw new Refusal(
        "refused",
        `${id} listens on ${addressText(known)} as long as it is in this swarm, not on ${addressText({ port, host })}.`,
      );
    this.#refuseHost(host);
    if (port < LOWEST_PORT || port > 65_535)
      throw new Refusal("refused", `${port} is no port that an agent listens on: those are ${LOWEST_PORT} to 65535.`);
    const others = file.agents.filter((agent) => agent.id !== id);
    const there = others.find((agent) => agent.port === port && (agent.host ?? "") === host && agent.left !== true);
    if (there !== undefined) throw new Refusal("refused", `Port ${port} is that of ${there.id}.`);
    const same = others.find((agent) => agent.publicKey === publicKey);
    if (same !== undefined) throw new Refusal("refused", `The key is that of ${same.id}; every agent has its own.`);
  }

  /** Everybody must reach everybody. @throws Refusal */
  #refuseHost(host: string): void {
    const { listen, name } = this.#swarm.file;
    if (listen === undefined && host !== "")
      throw new Refusal(
        "refused",
        `${name} is for this machine alone: its mesh file has no \`listen\`. Join it on this machine, without --listen.`,
      );
    if (listen !== undefined && host === "")
      throw new Refusal(
        "refused",
        `Agents of other hosts take part in ${name}: join with --listen ADDRESS, which is where they reach this one.`,
      );
    const why = host === "" ? undefined : whyNotReachable(host);
    if (why !== undefined) throw new Refusal("refused", `${JSON.stringify(host)} ${why}.`);
  }

  async #promote(id: string): Promise<string> {
    this.#present(id);
    const { noLearners } = this.#protocol;
    if (noLearners !== undefined) throw new Refusal("refused", `${noLearners} There is nobody to promote.`);
    const members = membersOf(this.#swarm.agents);
    if (members?.voters.includes(id) === true) throw new Refusal("refused", `${id} votes already.`);
    await this.#run(id, "promoted", async (signal) => {
      this.#latest = await this.#protocol.promote(id, signal);
    });
    return id;
  }

  async #remove(id: string): Promise<Pick<Changed, "agent" | "warning">> {
    this.#present(id);
    if (this.#underWay?.agent === id) {
      // Being added, or removed by somebody who waits in vain.
      this.#underWay.abort.abort("it is removed");
      await this.#underWay.done;
    }
    // Who does not count goes at any time.
    if (membersOf(this.#swarm.agents)?.voters.includes(id) === true) this.#protocol.refuseRemoval(id);
    let warning: string | undefined;
    await this.#run(id, "removed", async (signal) => {
      this.#rewrite(id, ({ joining: _, ...entry }) => ({ ...entry, leaving: true }));
      warning = await this.#carryOn(id, signal);
    });
    return { agent: id, ...(warning !== undefined && { warning }) };
  }

  /** Key, port, folder and its line in the swarm's file. */
  async #layOut(id: string, learner: boolean): Promise<void> {
    const [port] = await freePorts(1, 0);
    const { publicKey, privateKey } = makeKeys();
    const { listen } = this.#swarm.file;
    const entry = {
      id,
      port: port as number,
      ...(listen !== undefined && { host: listen }),
      publicKey,
      joined: true,
      joining: learner ? "learner" : "voter",
    } as const;
    const grown = this.#grown(entry);
    addAgent(grown, id, privateKey);
    this.#swarm.rewritten(grown);
  }

  #layOutPeer({ agent: id, port, host, publicKey, learner, token }: Newcomer): void {
    const joining = learner ? "learner" : "voter";
    const reached = host === "" ? {} : { host };
    const grown = this.#grown({ id, port, ...reached, publicKey, joined: true, foreign: true, joining });
    addPeer(grown, id, token);
    this.#swarm.rewritten(grown);
  }

  /** The swarm's file with one more, in a zone where there are zones, and with its links. */
  #grown(newcomer: RosterAgent): SwarmFile {
    const { file } = this.#swarm;
    const present = presentAgents(file).map((agent) => agent.id);
    const zone = newcomersZone(presentZones(file));
    const entry = { ...newcomer, ...(zone !== undefined && { zone }) };
    const agents = [...file.agents, entry];
    const zones = presentZones({ agents });
    return { ...file, agents, links: linksWith(file.topology, present, file.links, entry.id, file.degree, zones) };
  }

  /** @returns what is to be said of it besides */
  async #carryOn(id: string, signal: AbortSignal): Promise<string | undefined> {
    const entry = this.#entry(id);
    if (entry.leaving === true) return this.#leave(id, signal);
    if (entry.joining !== undefined) await this.#join(id, entry.joining === "voter", signal);
    return undefined;
  }

  async #join(id: string, votes: boolean, signal: AbortSignal): Promise<void> {
    const swarm = this.#swarm;
    const agent = swarm.agent(id);
    await this.tellAll();
    if (signal.aborted) throw givenUp(signal);
    if (agent.foreign) {
      await this.#until(() => agent.connected || signal.aborted, COME_MS);
      if (signal.aborted) throw givenUp(signal);
      if (!agent.connected) {
        await this.#forget(id);
        throw new Refusal("refused", `${id} did not come within ${COME_MS / 1000} s of being taken in.`);
      }
    } else if (agent.identity === null) {
      try {
        await swarm.processes.start(agent);
      } catch (error) {
        if (error instanceof AgentNotStarted) await this.#forget(id);
        throw error;
      }
    }
    this.#latest = await this.#protocol.add(id, signal);
    if (votes) {
      try {
        this.#latest = await this.#protocol.promote(id, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        this.#rewrite(id, ({ joining: _, ...joined }) => joined);
        throw new Refusal("unavailable", this.#protocol.notPromoted(id, messageOf(error)));
      }
    }
    this.#rewrite(id, ({ joining: _, ...joined }) => joined);
  }

  async #leave(id: string, signal: AbortSignal): Promise<string | undefined> {
    const { members, warning } = await this.#protocol.remove(id, signal);
    this.#latest = members;
    await this.#forget(id);
    return warning;
  }

  /** It is no member (any more): marks it so, ends its process, and tells the others that they have no links with it. */
  async #forget(id: string): Promise<void> {
    const swarm = this.#swarm;
    const { file } = swarm;
    const present = presentAgents(file).flatMap((agent) => (agent.id === id ? [] : [agent.id]));
    const agents = file.agents.map((entry): RosterAgent => {
      if (entry.id !== id) return entry;
      const { joining: _, leaving: __, ...left } = entry;
      return { ...left, left: true };
    });
    const zones = presentZones({ agents });
    const links = linksWithout(file.topology, present, file.links, id, file.degree, zones);
    const shrunk = { ...file, agents, links };
    rewriteSwarm(shrunk);
    const agent = swarm.agent(id);
    swarm.rewritten(shrunk);
    await swarm.processes.end([agent], async () => (await swarm.observer(agent)?.stopAgent("it was removed")) ?? false);
    await swarm.faults.agentGone(id);
    swarm.dismiss(agent);
    await this.tellAll();
  }

  async #until(holds: () => boolean, withinMs: number): Promise<void> {
    await seenWithin(this.#swarm, withinMs, holds);
  }

  /** What the swarm's file says of agents and links; who cannot hear now is told when it can. */
  async tellAll(): Promise<void> {
    const told = this.#swarm.agents.map((agent) => this.#swarm.observer(agent)?.sendRoster());
    await Promise.race([Promise.all(told), new Promise((resolve) => setTimeout(resolve, TELL_MS).unref())]);
  }

  #rewrite(id: string, change: (entry: RosterAgent) => RosterAgent): void {
    const { file } = this.#swarm;
    const changed = { ...file, agents: file.agents.map((entry) => (entry.id === id ? change(entry) : entry)) };
    rewriteSwarm(changed);
    this.#swarm.rewritten(changed);
  }

  /** Does something to agents or links while no member changes. @throws Refusal while one does */
  async alone<T>(subject: string, what: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    let done: { readonly value: T } | undefined;
    await this.#run(subject, what, async (signal) => {
      done = { value: await act(signal) };
    });
    return (done as unknown as { readonly value: T }).value;
  }

  /** One change at a time. @throws Refusal while another one is under way */
  async #run(agent: string, what: string, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#closed) throw new Refusal("unavailable", "The swarm is stopping.");
    const other = this.#underWay;
    if (other !== undefined)
      throw new Refusal(
        "refused",
        `${other.agent} is just being ${other.what}; members change one at a time. Try again when that is over.`,
      );
    const abort = new AbortController();
    const running = act(abort.signal);
    const underWay = { agent, what, abort, done: running.catch(() => {}) };
    this.#underWay = underWay;
    try {
      await running;
    } finally {
      if (this.#underWay === underWay) this.#underWay = undefined;
      this.#swarm.changed();
    }
  }

  #entry(id: string): RosterAgent {
    const entry = this.#swarm.file.agents.find((agent) => agent.id === id);
    if (entry === undefined) throw new Refusal("refused", `There is no agent ${id}.`);
    return entry;
  }

  /** @throws Refusal */
  #present(id: string): void {
    const { file } = this.#swarm;
    if (this.#swarm.agents.some((agent) => agent.id === id)) return;
    const left = file.agents.some((entry) => entry.id === id && entry.left === true);
    throw new Refusal(
      "refused",
      left
        ? `${id} was removed from ${file.name}.`
        : `${file.name} has no agent ${id}. It has ${this.#swarm.agents.map((agent) => agent.id).join(", ")}.`,
    );
  }
}

function sameMembers(shown: MembersView | null, { voters, learners }: MembersView): boolean {
  return shown?.voters.join() === voters.join() && shown.learners.join() === learners.join();
}

/** The id after the highest number of those that end in one, with the text before it that the last such agent has: a6 after a5. */
export function nextId({ agents }: Pick<SwarmFile, "agents">): string {
  const numbered = agents.flatMap(({ id }) => {
    const match = /^(.*?)(\d+)$/.exec(id);
    return match === null ? [] : [{ stem: match[1] as string, number: Number(match[2]) }];
  });
  const { stem } = numbered.at(-1) ?? { stem: "a" };
  const highest = Math.max(0, ...numbered.filter((one) => one.stem === stem).map(({ number }) => number));
  return `${stem}${highest + 1}`;
}
