/** A swarm as faces see it, made of what is known at this moment. */
import { CONSENSUS, kindOfRole } from "../contract/consensus.ts";
import type { ActivePreset } from "../contract/faults.ts";
import type { ProposalInfo, ProposalView } from "../contract/proposals.ts";
import type {
  AgentReputation,
  AgentView,
  LinkView,
  MemberStanding,
  MemberStateName,
  MembersView,
  SwarmView,
  TaskInfo,
} from "../contract/swarm.ts";
import { presentZones, type RosterAgent } from "../live/swarm-file.ts";
import type { AgentWatch } from "./agent-watch.ts";
import type { EvidenceKeeper } from "./evidence-keeper.ts";
import type { JournaledFault } from "./fault-journal.ts";
import { hitsWay, isCut } from "./fault-rules.ts";
import { healthOf, membersOf } from "./health.ts";
import { reputationsOf } from "./reputations.ts";
import { spreadOf } from "./spread.ts";
import { mean } from "./statistics.ts";

export interface ViewSources
  extends Pick<
    SwarmView,
    | "id"
    | "name"
    | "file"
    | "folder"
    | "phase"
    | "problem"
    | "topology"
    | "consensus"
    | "memory"
    | "detached"
    | "startedAtMs"
    | "revision"
    | "tasks"
    | "expectations"
    | "simulated"
  > {
  readonly agents: readonly AgentWatch[];
  readonly linkEnds: readonly { readonly a: string; readonly b: string }[];
  readonly active: readonly JournaledFault[];
  readonly presets: readonly ActivePreset[];
  readonly proposals: readonly ProposalInfo[];
  readonly slots: number;
  /** The agents' lines in the swarm's file. */
  readonly roster: readonly Pick<RosterAgent, "id" | "zone" | "joining" | "leaving" | "left">[];
  /** What agents hold of each other, where it was counted elsewhere; absent: as their reports say. */
  readonly opinions?: ReadonlyMap<string, Opinions>;
  readonly evidence: Pick<EvidenceKeeper, "liars" | "statementsOf">;
}

/** Of a task's output a view shows the end; the `tasks` request has all that is kept. */
const SHOWN_OUTPUT_CHARACTERS = 2000;

export function swarmView({
  agents: watches,
  linkEnds,
  active,
  presets,
  proposals,
  slots,
  roster,
  evidence,
  opinions = opinionsOf(watches),
  ...rest
}: ViewSources): SwarmView {
  const members = membersOf(watches);
  const standings = standingsOf(roster, members);
  const zones = presentZones({ agents: roster });
  const present = new Set(watches.map(({ id }) => id));
  const departed = roster.flatMap(({ id, left }) => (left === true && !present.has(id) ? [id] : []));
  const byId = new Map(watches.map((watch) => [watch.id, watch]));
  const links = linkEnds.flatMap(({ a, b }) => {
    const ends = [byId.get(a), byId.get(b)] as const;
    return ends[0] === undefined || ends[1] === undefined ? [] : [linkView(ends[0], ends[1], active)];
  });
  const reputations = reputationsOf(watches.filter(({ alive }) => alive));
  const { liars } = evidence;
  const linksOf = new Map<string, { up: number; total: number }>(watches.map(({ id }) => [id, { up: 0, total: 0 }]));
  for (const { a, b, state } of links) {
    for (const end of [a, b]) {
      const counted = linksOf.get(end)!;
      counted.total++;
      if (state === "up") counted.up++;
    }
  }
  return {
    ...rest,
    tasks: rest.tasks.map(shownTask),
    health: healthOf(
      watches,
      rest.consensus,
      { up: links.filter(({ state }) => state === "up").length, total: links.length },
      [...liars.keys()],
    ),
    members: members && { voters: members.voters, outgoing: members.outgoing, learners: members.learners },
    agents: watches.map((watch) => ({
      ...agentView(watch, linksOf.get(watch.id)!, opinions.get(watch.id) ?? UNHEARD, active, slots),
      ...(rest.simulated && NO_PROCESS),
      ...reputed(reputations.get(watch.id)),
      ...lying(liars.get(watch.id), () => evidence.statementsOf(watch.id)),
      member: standings.get(watch.id) ?? "none",
      ...zoned(zones.get(watch.id)),
    })),
    ...(departed.length > 0 && { departed }),
    links,
    faults: active.map(({ effects: _, ...fault }) => fault),
    ...(presets.length > 0 && { presets }),
    ...(proposals.length > 0 && {
      proposals: proposals.map((proposal) => shownProposal(withSpread(proposal, watches))),
    }),
  };
}

const UNHEARD: Opinions = { majority: null, suspectedBy: [] };
/** What a simulated agent has not. */
const NO_PROCESS = { pid: null, port: 0, cpu: null, rssBytes: null } as const;

function agentView(
  watch: AgentWatch,
  links: { readonly up: number; readonly total: number },
  opinions: Opinions,
  active: readonly JournaledFault[],
  slots: number,
): Omit<AgentView, "member"> {
  const { state, report } = watch;
  return {
    id: watch.id,
    process: watch.process,
    ...(watch.foreign && { foreign: true }),
    pid: watch.identity?.pid ?? null,
    port: watch.port,
    ...(watch.host !== undefined && { host: watch.host }),
    observed: watch.observed,
    role: state?.role ?? null,
    term: state === null || CONSENSUS[kindOfRole(state.role)].term === "" ? null : state.term,
    leader: state === null || state.leader === "" ? null : state.leader,
    votes: watch.votes,
    commit: state?.commit ?? null,
    applied: state?.applied ?? null,
    lastIndex: state?.lastIndex ?? null,
    health: opinions.majority,
    suspectedBy: opinions.suspectedBy,
    cpu: watch.cpu,
    rssBytes: report?.rssBytes ?? null,
    linksUp: links.up,
    linksTotal: links.total,
    tasksRunning: report?.tasksRunning ?? 0,
    slots: report?.slots ?? slots,
    faults: active.filter(({ agents }) => agents.includes(watch.id)).map(({ id }) => id),
    ...(report?.detector && { detector: report.detector }),
    ...(report?.gossip && { gossip: report.gossip }),
    ...(report?.memory && { memory: report.memory }),
    ...(report?.partition && { partition: report.partition }),
  };
}

function lying(
  finders: readonly string[] | undefined,
  lies: () => readonly string[],
): Pick<AgentView, "provenLiarBy" | "lies"> {
  return finders === undefined ? {} : { provenLiarBy: finders, lies: lies() };
}

function zoned(zone: string | undefined): Pick<AgentView, "zone"> {
  return zone === undefined ? {} : { zone };
}

function reputed(reputation: AgentReputation | undefined): Pick<AgentView, "reputation"> {
  return reputation === undefined ? {} : { reputation };
}

/** What is under way comes before what holds at this moment. */
function standingsOf(roster: ViewSources["roster"], members: MembersView | null): Map<string, MemberStanding> {
  return new Map(
    roster.map(({ id, joining, leaving, left }): [string, MemberStanding] => {
      if (leaving === true || left === true) return [id, "leaving"];
      if (joining !== undefined) return [id, "joining"];
      if (members === null) return [id, "none"];
      if (members.voters.includes(id)) return [id, "voter"];
      if (members.learners.includes(id)) return [id, "learner"];
      return [id, members.outgoing.includes(id) ? "leaving" : "none"];
    }),
  );
}

export interface Opinions {
  readonly majority: MemberStateName | null;
  readonly suspectedBy: readonly string[];
}

/** What the observed others hold of each agent. */
function opinionsOf(watches: readonly AgentWatch[]): Map<string, Opinions> {
  const counts = new Map(watches.map(({ id }) => [id, new Map<MemberStateName, string[]>()]));
  for (const { id: by, report } of watches) {
    for (const { id, state } of report?.members ?? []) {
      if (id === by) continue;
      const holders = counts.get(id)?.get(state);
      if (holders === undefined) counts.get(id)?.set(state, [by]);
      else holders.push(by);
    }
  }
  return new Map(
    [...counts].map(([id, states]) => {
      // Where as many hear an agent as do not, it is heard.
      const most = [...states].sort(
        ([s, a], [t, b]) => b.length - a.length || Number(t === "alive") - Number(s === "alive"),
      )[0];
      return [
        id,
        {
          majority: most === undefined ? null : most[0],
          suspectedBy: [...(states.get("suspected") ?? []), ...(states.get("failed") ?? [])],
        },
      ];
    }),
  );
}

function linkView(a: AgentWatch, b: AgentWatch, active: readonly JournaledFault[]): LinkView {
  const hitting = (from: AgentWatch, to: AgentWatch): readonly string[] =>
    active.filter((fault) => hitsWay(from.id, to.id, fault)).map(({ id }) => id);
  const [faultsOut, faultsIn] = [hitting(a, b), hitting(b, a)];
  const ends = [a.link(b.id), b.link(a.id)].filter((end) => end !== null);
  const rates = [a.linkRates(b.id), b.linkRates(a.id)].filter((rate) => rate !== null);
  const sum = (pick: (rate: (typeof rates)[number]) => number): number =>
    rates.reduce((total, rate) => total + pick(rate), 0);
  const framesPerSecond = sum((rate) => rate.framesPerSecond);
  const share = (pick: (rate: (typeof rates)[number]) => number): number =>
    framesPerSecond === 0 ? 0 : Math.min(1, sum(pick) / framesPerSecond);
  const bothRun = a.alive && b.alive;
  const tree = ends.flatMap((end) => end.tree ?? []);
  const up = bothRun && ends.length > 0 && ends.every((end) => end.up);
  return {
    a: a.id,
    b: b.id,
    state: isCut(a.id, b.id, active) ? "cut" : up ? "up" : "down",
    framesPerSecond,
    bytesPerSecond: sum((rate) => rate.bytesPerSecond),
    latencyP50Ms: mean(ends.flatMap(({ latencyP50Ms }) => (latencyP50Ms === null ? [] : [latencyP50Ms]))),
    loss: share((rate) => rate.droppedPerSecond),
    delayed: share((rate) => rate.delayedPerSecond),
    corrupted: share((rate) => rate.corruptedPerSecond),
    faults: active.map(({ id }) => id).filter((id) => faultsOut.includes(id) || faultsIn.includes(id)),
    faultsOut,
    faultsIn,
    ...(up && tree.length > 0 && { tree: tree.includes(true) }),
  };
}

function shownTask(task: TaskInfo): TaskInfo {
  return task.outputTail.length <= SHOWN_OUTPUT_CHARACTERS
    ? task
    : { ...task, outputTail: task.outputTail.slice(-SHOWN_OUTPUT_CHARACTERS) };
}

/** How far it has spread, where there is no order that all have. */
export function withSpread(proposal: ProposalInfo, agents: Parameters<typeof spreadOf>[1]): ProposalInfo {
  const spread = spreadOf(proposal, agents);
  return spread === undefined ? proposal : { ...proposal, spread };
}

/** Without what only its certificate needs: the `proposal` request has it. */
export function shownProposal({ body: _body, votes, ...proposal }: ProposalInfo): ProposalView {
  return { ...proposal, votes: votes.map(({ signature: _signature, ...vote }) => vote) };
}
