/**
 * One agent in this process: an `Agent` in a `LiveWorld`, until it is told to stop, is abandoned by its coordinators, or cannot go on. The process may be
 * the agent's own (main.ts), or a program that joined a swarm (server/peer).
 */
import type { KeyObject } from "node:crypto";
import { Agent } from "../../agent/agent.ts";
import { type RecordableAgent, RecordingAgent } from "../../agent/recording/recording-agent.ts";
import { SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../../agent/settings.ts";
import type { AgentConfig } from "../../agent/types.ts";
import { CONSENSUS } from "../../contract/consensus.ts";
import { PROPOSALS_BY_DEFAULT } from "../../contract/proposals.ts";
import type { AgentReport } from "../../contract/swarm.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { overlayOf } from "../../core/overlay/types.ts";
import { seededRandom } from "../../core/random.ts";
import { policyOf } from "../../meshfile/policies.ts";
import type { AgentPaths } from "../layout.ts";
import { programPath } from "../programs.ts";
import { faultsToleratedIn, firstVoters, foundersOf, type RosterAgent, type SwarmFile } from "../swarm-file.ts";
import { openAgentLogs } from "./agent-logs.ts";
import { ClientHub } from "./client-hub.ts";
import { LiveClock } from "./clock.ts";
import { LiveCrypto } from "./crypto.ts";
import { Effects } from "./effects.ts";
import { type AgentEnd, Ending } from "./ending.ts";
import { EventFeed } from "./event-feed.ts";
import { type LiveExecutor, TaskExecutor, type TaskExecutorOptions } from "./executor.ts";
import { JoinDesk } from "./join-desk.ts";
import { PolicyJudge } from "./judge.ts";
import { LinkFaults, liveTime } from "./link-faults.ts";
import { Links } from "./links.ts";
import type { Listener } from "./listener.ts";
import { LiveWorld } from "./live-world.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { OwnerWatch } from "./owner-watch.ts";
import { ProgramRunner } from "./program-runner.ts";
import { settledRequest } from "./proposal-requests.ts";
import { loadSchemas } from "./proposal-schemas.ts";
import { startRecorder } from "./recorder.ts";
import { ReportDesk } from "./report-desk.ts";
import { RosterKeeper } from "./roster-keeper.ts";
import { beginLife, neighboursOf } from "./startup.ts";
import { stateHashes } from "./state-hashes.ts";
import { Troubles } from "./troubles.ts";

export interface AgentSetup {
  readonly swarm: SwarmFile;
  /** Its own line in it. */
  readonly own: RosterAgent;
  readonly privateKey: KeyObject;
  /** What clients and coordinators of this agent must bear. */
  readonly token: string;
  /** What newcomers must know; undefined: nobody joins. */
  readonly joinSecret: string | undefined;
  readonly paths: AgentPaths;
  /** Where tasks run: they cannot leave it by their `cwd`. */
  readonly folder: string;
  /** It has the agent's port already. Who has the port is the only process of this agent, and may touch its files. */
  readonly listener: Listener;
  /** Runs tasks in the place of programs. */
  readonly executor?: (options: TaskExecutorOptions) => LiveExecutor;
  readonly observed?: (event: TimelineEvent) => void;
  readonly note: (line: string) => void;
  /** Once, when all of it is over. */
  readonly ended: (end: AgentEnd) => void;
}

/** An agent that runs. */
export interface RunningAgent {
  readonly incarnation: number;
  readonly report: () => AgentReport;
  /** In good order, without being removed. */
  stop(why: string): void;
  /** It cannot go on. */
  fail(why: string): void;
  /** Asks its coordinator to have it removed, upon which it is stopped. @returns a sentence when nobody can be asked */
  leave(refused: (why: string) => void): string | undefined;
}

/** @throws Error with a sentence for people: its disk cannot be used, its log is damaged, a schema is none */
export async function runAgent(setup: AgentSetup): Promise<RunningAgent> {
  const { swarm, own, privateKey, token, paths, folder, listener, note } = setup;
  const { id, port } = own;
  const roster = new RosterKeeper(swarm);
  const neighbours = neighboursOf(swarm, id);
  const overlay = overlayOf(swarm.topology, swarm.degree);
  const { proposals = PROPOSALS_BY_DEFAULT } = swarm;
  const schemas = await loadSchemas(proposals, id);
  const clock = new LiveClock();
  const troubles = new Troubles(clock);
  const now = (): number => clock.now();

  const logs = openAgentLogs(paths, swarm.memory, {
    onDurable: () => world.requestTurn(),
    onFailure: (error) => ending.fail(error.message),
    onNote: note,
    disk: troubles.disk,
  });
  for (const line of logs.notes) note(line);
  const { recovered } = logs;
  const incarnation = beginLife(paths, port, !logs.empty, now());
  const seed = `${swarm.id}/${id}.${incarnation}`;

  const feed = new EventFeed();
  const output = new OutputBuffer();
  const faults = new LinkFaults({
    self: id,
    roster: roster.ids,
    patienceMs: swarm.timing.electionTimeoutMinMs,
    random: seededRandom(`${seed}/faults`),
    // Lies are not among the signatures that it reports.
    crypto: new LiveCrypto(id, privateKey, roster),
    time: liveTime,
    close: (peer) => links.reset(peer),
  });
  const effects = new Effects((active) => {
    faults.setEffects(active);
    troubles.setEffects(active);
    world.clockChanged();
  });
  const links = new Links({
    swarm: swarm.id,
    id,
    incarnation,
    privateKey,
    neighbours,
    faults,
    random: seededRandom(`${seed}/redial`),
    onDemand: overlay !== undefined,
    up: (peer) => agent.linkUp(peer, now()),
    down: (peer) => agent.linkDown(peer, now()),
    frame: (peer, frame) => agent.receive(peer, frame, now()),
    note,
  });
  const programs = new ProgramRunner({ wardenProgram: programPath("guardian"), note });
  const programPlace = { swarm: swarm.id, agent: id, incarnation, folder };
  const makeExecutor = setup.executor ?? ((options: TaskExecutorOptions) => new TaskExecutor(options));
  const executor = makeExecutor({
    ...programPlace,
    programs,
    now,
    output: (taskId, token, stream, text) => world.taskOutput(taskId, token, stream, text),
    ended: (end) => agent.taskEnded(end, now()),
  });
  const judge = new PolicyJudge({
    policy: policyOf(proposals, id),
    fitsPolicy: schemas.ofPolicy,
    programs,
    place: programPlace,
    judged: (judgement) => agent.judged(judgement, now()),
  });
  const crypto = new LiveCrypto(id, privateKey, roster);
  const logUse = () => ({ logBytes: logs.bytes, fsyncs: logs.syncs, fsyncP99Ms: logs.syncP99Ms });
  const reports = new ReportDesk({
    core: () => agent.report(now()),
    process: () => ({
      pid: process.pid,
      port,
      ...processUse(),
      ...logUse(),
      ...(recorder && { recording: recorder.metrics }),
    }),
    signatures: () => crypto.counts,
    state: () => stateHashes(agent, CONSENSUS[swarm.consensus].ordered),
    faulted: (peer) => faults.faulted(peer),
  });
  const desk = new JoinDesk({
    swarm: swarm.id,
    id,
    publicKey: Buffer.from(own.publicKey, "base64"),
    secret: setup.joinSecret,
    tellOwner: (push) => clients.tellOwner(push),
    monotonicMs: () => performance.now(),
    note,
  });
  const clients = new ClientHub({
    hello: {
      push: "hello",
      swarm: swarm.id,
      agent: id,
      incarnation,
      pid: process.pid,
      consensus: swarm.consensus,
      faultsTolerated: faultsToleratedIn(swarm),
    },
    feed,
    output,
    reports,
    now,
    settle: (request) => settledRequest(request, proposals, schemas.ofSwarm),
    requests: (connection, requests) => agent.clientRequests(connection, requests, now()),
    gone: (connection) => agent.clientGone(connection),
    setEffects: (all) => effects.set(all),
    setRoster: (agents, all) => {
      if (!roster.take(agents, all)) return;
      links.setNeighbours(neighboursOf(roster, id));
      faults.rosterChanged(roster.ids);
      agent.rosterChanged(roster.ids, roster.links, now());
      note(`The roster has ${roster.ids.length} agents now, with ${roster.links.length} links.`);
    },
    answered: (answer) => desk.answered(answer),
    stop: (reason) => ending.stop(`asked to: ${reason}`, "coordinator"),
    ownersChanged: (owners) => {
      if (watch !== undefined) watch.owners = owners;
    },
    note,
  });
  const world = new LiveWorld({
    network: links,
    dialler: { open: (peer) => links.open(peer), close: (peer) => links.shut(peer) },
    logs,
    executor,
    judge,
    crypto,
    now,
    msUntil: (atMs) => clock.msUntil(atMs),
    observe: (event) => {
      feed.add(event);
      setup.observed?.(event);
    },
    taskOutput: (taskId, token, stream, text) => {
      if (clients.observed) output.add(taskId, token, stream, text);
    },
    measurement: () => {
      const { fsyncP99Ms, ...used } = { ...processUse(), ...logUse() };
      return fsyncP99Ms === null ? used : { ...used, fsyncP99Ms };
    },
    reply: (replies) => clients.reply(replies),
    turned: (sinceMs) => troubles.lag(sinceMs),
  });
  const config: AgentConfig = {
    swarm: swarm.id,
    id,
    consensus: swarm.consensus,
    incarnation,
    roster: swarm.agents.map((one) => one.id),
    founders: foundersOf(swarm),
    voters: firstVoters(swarm, own),
    links: swarm.links,
    ...(overlay && { overlay }),
    timing: swarm.timing,
    slots: swarm.slots,
    taskLeaseMs: swarm.taskLeaseMs,
    reads: swarm.reads,
    ...(swarm.memory && { memory: swarm.memory }),
    detector: swarm.detector,
    snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
    snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
    seed,
  };
  const recorder = startRecorder(paths, swarm.recording, incarnation, note);
  const agent: RecordableAgent =
    recorder === undefined
      ? new Agent(config, world, recovered, now())
      : recorder.record(new RecordingAgent(config, world, recovered, now(), recorder, { digest: "sha256" }));
  const watch = swarm.detached
    ? undefined
    : new OwnerWatch({
        graceMs: swarm.graceMs,
        monotonicMs: () => performance.now(),
        abandoned: () => ending.stop(`no coordinator for ${swarm.graceMs} ms`),
      });
  const ending = new Ending({
    agent,
    world,
    listener,
    links,
    clients,
    executor,
    programs,
    log: logs,
    now,
    note,
    ended: (end) => {
      watch?.stop();
      desk.close();
      setup.ended(end);
    },
  });
  world.run(agent);
  listener.serve({
    token,
    link: (socket, proven) => links.accept(socket, proven),
    client: (socket) => clients.accept(socket),
    join: (socket, proven, secured) => desk.accept(socket, proven, secured),
    admit: (source) => desk.admit(source),
    note,
  });
  links.start();
  note(
    `Agent ${id}.${incarnation} of swarm ${swarm.id} listens on port ${port}${own.host === undefined ? "" : `, for other hosts at ${own.host}`}, as process ${process.pid}.`,
  );
  return {
    incarnation,
    report: () => reports.report(0),
    stop: (why) => ending.stop(why),
    fail: (why) => ending.fail(why),
    leave: (refused) => desk.leave(refused),
  };
}

function processUse(): { readonly cpuSeconds: number; readonly rssBytes: number } {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() };
}
