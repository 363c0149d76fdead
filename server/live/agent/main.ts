/**
 * dist/agent.cjs: one agent as an operating-system process. Reads its swarm's files, takes its port, recovers its log, and runs an `Agent` in a
 * `LiveWorld` until it is told to stop, is abandoned by its coordinators, or cannot go on.
 */
import { Agent } from "../../agent/agent.ts";
import { type RecordableAgent, RecordingAgent } from "../../agent/recording/recording-agent.ts";
import { SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../../agent/settings.ts";
import type { AgentConfig } from "../../agent/types.ts";
import { CONSENSUS } from "../../contract/consensus.ts";
import { PROPOSALS_BY_DEFAULT } from "../../contract/proposals.ts";
import { seededRandom } from "../../core/random.ts";
import { policyOf } from "../../meshfile/policies.ts";
import { readPrivateKey, readSwarm, readToken } from "../layout.ts";
import { programPath } from "../programs.ts";
import { faultsToleratedIn, firstVoters } from "../swarm-file.ts";
import { ClientHub } from "./client-hub.ts";
import { LiveClock } from "./clock.ts";
import { LiveCrypto } from "./crypto.ts";
import { Effects } from "./effects.ts";
import { Ending, EXIT_FAILED } from "./ending.ts";
import { EventFeed } from "./event-feed.ts";
import { TaskExecutor } from "./executor.ts";
import { PolicyJudge } from "./judge.ts";
import { LinkFaults, liveTime } from "./link-faults.ts";
import { Links } from "./links.ts";
import { Listener } from "./listener.ts";
import { LiveWorld } from "./live-world.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { OutputLog } from "./output-log.ts";
import { OwnerWatch } from "./owner-watch.ts";
import { ProgramRunner } from "./program-runner.ts";
import { settledRequest } from "./proposal-requests.ts";
import { loadSchemas } from "./proposal-schemas.ts";
import { startRecorder } from "./recorder.ts";
import { ReportDesk } from "./report-desk.ts";
import { RosterKeeper } from "./roster-keeper.ts";
import { tellStarter } from "./starter.ts";
import { beginLife, keyFromText, neighboursOf, openAgentLog, ownAgent, placeFromArguments } from "./startup.ts";
import { stateHashes } from "./state-hashes.ts";
import { Troubles } from "./troubles.ts";

const EXIT_NOT_STARTED = 2;

const { note } = new OutputLog((line) => process.stderr.write(line));

async function start(): Promise<void> {
  const place = placeFromArguments(process.argv.slice(2));
  const swarm = readSwarm(place.folder, place.swarm);
  const own = ownAgent(swarm, place.agent);
  const { id, port } = own;
  const roster = new RosterKeeper(swarm);
  const privateKey = keyFromText(readPrivateKey(place.folder, swarm.id, id));
  const neighbours = neighboursOf(swarm, id);
  const { proposals = PROPOSALS_BY_DEFAULT } = swarm;
  const schemas = await loadSchemas(proposals, id);
  const clock = new LiveClock();
  const troubles = new Troubles(clock);
  const now = (): number => clock.now();

  // The port comes first: who has it is the only process of this agent, and may touch its files.
  const listener = new Listener(readToken(place.folder, swarm.id));
  await listener.listen(port);
  const { log, recovered, notes } = openAgentLog(place, {
    onDurable: () => world.requestTurn(),
    onFailure: (error) => ending.fail(error.message),
    onNote: note,
    disk: troubles.disk,
  });
  for (const line of notes) note(line);
  const hasLog = recovered.snapshot !== undefined || recovered.entries.length > 0;
  const incarnation = beginLife(place, port, hasLog, now());
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
    up: (peer) => agent.linkUp(peer, now()),
    down: (peer) => agent.linkDown(peer, now()),
    frame: (peer, frame) => agent.receive(peer, frame, now()),
    note,
  });
  const programs = new ProgramRunner({ wardenProgram: programPath("guardian"), note });
  const programPlace = { swarm: swarm.id, agent: id, incarnation, folder: place.folder };
  const executor = new TaskExecutor({
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
  const reports = new ReportDesk({
    core: () => agent.report(now()),
    process: () => ({
      pid: process.pid,
      port,
      ...processUse(),
      logBytes: log.bytes,
      fsyncs: log.syncs,
      fsyncP99Ms: log.syncP99Ms,
      ...(recorder && { recording: recorder.metrics }),
    }),
    signatures: () => crypto.counts,
    state: () => stateHashes(agent, CONSENSUS[swarm.consensus].ordered),
    faulted: (peer) => faults.faulted(peer),
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
    stop: (reason) => ending.stop(`asked to: ${reason}`),
    ownersChanged: (owners) => {
      if (watch !== undefined) watch.owners = owners;
    },
    note,
  });
  const world = new LiveWorld({
    network: links,
    log,
    executor,
    judge,
    crypto,
    now,
    msUntil: (atMs) => clock.msUntil(atMs),
    observe: (event) => feed.add(event),
    taskOutput: (taskId, token, stream, text) => {
      if (clients.observed) output.add(taskId, token, stream, text);
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
    voters: firstVoters(swarm, own),
    links: swarm.links,
    timing: swarm.timing,
    slots: swarm.slots,
    taskLeaseMs: swarm.taskLeaseMs,
    reads: swarm.reads,
    snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
    snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
    seed,
  };
  const recorder = startRecorder(place, swarm.recording, incarnation, note);
  const agent: RecordableAgent =
    recorder === undefined
      ? new Agent(config, world, recovered, now())
      : recorder.record(new RecordingAgent(config, world, recovered, now(), recorder, { digest: "sha256" }));

  const ending = new Ending({ agent, world, listener, links, clients, executor, programs, log, now, note });
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => ending.fail(error.stack ?? error.message));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.on(signal, () => ending.stop(`it got ${signal}`));

  const watch = swarm.detached
    ? undefined
    : new OwnerWatch({
        graceMs: swarm.graceMs,
        monotonicMs: () => performance.now(),
        abandoned: () => ending.stop(`no coordinator for ${swarm.graceMs} ms`),
      });
  world.run(agent);
  listener.serve({
    link: (socket, proven) => links.accept(socket, proven),
    client: (socket) => clients.accept(socket),
    note,
  });
  links.start();
  note(`Agent ${id}.${incarnation} of swarm ${swarm.id} listens on port ${port} as process ${process.pid}.`);
  tellStarter({ type: "listening", pid: process.pid, port, incarnation });
}

function processUse(): { readonly cpuSeconds: number; readonly rssBytes: number } {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() };
}

// A note that cannot be written (the disk is full) must not be what ends an agent.
process.stderr.on("error", () => {});
process.on("uncaughtException", (error) => {
  note(`The agent ends: ${error.stack ?? error.message}`);
  process.exit(EXIT_FAILED);
});
start().catch((error: Error) => {
  note(`The agent cannot start: ${error.message}`);
  tellStarter({ type: "failed", message: error.message }, () => process.exit(EXIT_NOT_STARTED));
});
