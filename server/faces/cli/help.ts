const HELP = `agent-mesh: meshes of real agents, in a terminal

  agent-mesh up FILE [--for 30s] [--history FILE]
                                        bring a swarm up and stay in front of it; Ctrl-C stops it, twice kills it;
                                        --history runs a small workload and writes what its clients saw
  agent-mesh up FILE --simulated [--seed 1] [--speed 1|0.1|max] [--for 30s]
                                        the same in virtual time, in one thread and with no process: as many as 1,000
                                        agents, at a speed times real time; status, fault, heal, metrics, tasks, pace and
                                        stop work on it
  agent-mesh up FILE --simulated --judged [--seed 17] [--chaos] [--speed 1|0.1|max]
                                        the very run that simulate judges by that seed, with its clients, bad luck and
                                        judges: to watch how it breaks; nobody may ask anything of it, and it ends
  agent-mesh check FILE                 validate a mesh file
  agent-mesh optimise FILE [--links 3..5]
                                        what a plan would make of a mesh file's topology; nothing is measured
  agent-mesh simulate FILE [--seeds 100|1..100000] [--jobs 2] [--each] [--chaos] [--record DIR] [--no-shrink]
                                        the same file in virtual time, one trace hash a seed, in as many threads as
                                        there are processors or as --jobs says; over 20 seeds only those that broke
                                        are told, --each tells all; --record keeps what every agent was told.
                                        A seed that broke is shrunk to a small file beside FILE that fails for the
                                        same reason, unless --no-shrink
  agent-mesh replay RECORDING [--agent A] [--at 12.4s]
                                        what agents were at a moment, recomputed from their recorded inputs; a folder
                                        (.agent-mesh/ID, .agent-mesh/recordings/ID, or one of --record) or a file
  agent-mesh export RECORDING --format shiviz|chrome [--out FILE]
                                        what they did, for ShiViz or for Chrome's trace viewer and Perfetto
  agent-mesh verify FILE|TEXT [--swarm FILE | --key KEY]
                                        whether a certificate, or proof of a lie, holds, without the swarm: evidence as
                                        digits or JSON, a certificate, or a file of these; held against the keys of a
                                        swarm.json, or one key (not for certificates), else its own
  agent-mesh history --simulate FILE [--seed 1] [--out FILE]
                                        what clients asked of the memory and were told, as JSON lines
  agent-mesh check-history FILE         whether such a history is linearizable, and which operation is not
  agent-mesh join HOST:PORT [--secret FILE|-|SECRET] [--listen ADDRESS] [--id ID] [--learner] [--dir DIR]
                                        an agent of its own in front of this terminal, which joins a swarm through any
                                        agent of it; Ctrl-C leaves it. A swarm of this machine at 127.0.0.1; one whose
                                        mesh file has listen, at that address, from any host, encrypted: ADDRESS is then
                                        where its agents reach this one. The secret is that of \`agent-mesh
                                        secret\`: in AGENT_MESH_SECRET, a file, or - for standard input; as an argument
                                        others on this machine can see it. Tasks of the swarm run in DIR

Against a running swarm (of this folder, or --dir FOLDER; --swarm ID where there are several):

  agent-mesh status                     agents with PID, port, role, term, commit index; of gossip, how far it has spread
  agent-mesh submit [--wait] [--agent A] [--id ID] [--cwd FOLDER] [--timeout 1m] [--attempts 3] -- PROGRAM ARGS...
                                        --wait shows its output; exit code 0 when it succeeds
  agent-mesh tasks
  agent-mesh propose SUBJECT [JSON|@FILE|-] [--voters a1,a2] [--threshold 0.75] [--timeout 10s] [--id ID]
                       [--wait] [--certificate FILE]
                                        puts it to the vote of these agents, or of all; --wait: until it is decided;
                                        exit code 0 when it is approved; --certificate waits, too, and keeps the proof
  agent-mesh proposals [ID]             all of them, or one whole: who voted how, and why; by gossip, who is known to have it
  agent-mesh certificate ID [--out FILE]
                                        proof of what was decided, to verify anywhere
  agent-mesh fault                      the active faults
  agent-mesh fault crash|pause|isolate AGENT|leader|zone:NAME [--for 5s]
  agent-mesh fault partition a1,a2 a3,a4,a5 [--for 5s]
  agent-mesh fault slow A [B] --delay 200ms [--jitter 50ms] [--for 5s]
  agent-mesh fault lossy A [B] --loss 0.3 [--for 5s]
  agent-mesh fault "FAULT" [--for 5s]   any fault or preset as a mesh file says it: toxics on links, rules on messages,
                                        disks, clocks, processors, liars; \`agent-mesh fault --help\` has examples
  agent-mesh heal FAULT|all             undoes faults, stops presets
  agent-mesh members                    who votes, who learns, and who leads
  agent-mesh members add [ID] [--learner]
                                        another agent, which catches up and votes, or with --learner has no vote (not by gossip)
  agent-mesh members promote|remove ID  gives a learner a vote; takes an agent out, for good, and ends its process
  agent-mesh members transfer-leader [ID]
                                        hands the leadership over, to the most up to date voter or to this one
  agent-mesh secret                     what an agent must know to join: keep it from those whom you do not trust
  agent-mesh optimise [--links 3..5] [--apply]
                                        which links to add and to drop, by measured latency, so that nobody hangs on a
                                        single agent; --apply does it while the swarm decides
  agent-mesh metrics [--last 5m]
  agent-mesh aggregate METRIC           what all agents together have of it, by gossip: count, mean with its error, min,
                                        max; without METRIC, which there are
  agent-mesh memory get NAMESPACE KEY [--local]
  agent-mesh memory put NAMESPACE KEY TEXT [--ttl 1m]
  agent-mesh memory cas NAMESPACE KEY TEXT --expect VERSION [--ttl 1m]     0: the key must be absent
  agent-mesh memory delete NAMESPACE KEY
  agent-mesh memory increment|decrement NAMESPACE KEY [BY]                 a counter; absent: by 1
  agent-mesh memory add|remove NAMESPACE KEY ELEMENT                       a set
  agent-mesh memory list NAMESPACE [PREFIX] [--limit 100] [--local]
                                        --agent A asks that agent and no other; --local reads what the agent asked has,
                                        also on a read-only side of a partition
                                        by gossip and with memory: eventual one agent answers, as it is there, without cas; elsewhere
                                        there are no counters and sets
  agent-mesh history [SWARM] [--out FILE]
                                        of the background workload, where one runs
  agent-mesh evidence                   proof of lies that the coordinator has verified, to verify anywhere
  agent-mesh pace [SPEED|max|pause|resume]
                                        of a simulated swarm: how fast it goes, times real time
  agent-mesh stop

Each takes --json: one JSON document, and of up and simulate a JSON line for each thing that happens.
Exit code 0: done; 1: refused, failed or a promise broken; 2: what was asked for makes no sense, nothing was done;
130: interrupted before it was done.
`;

const FAULT_HELP = `agent-mesh fault: break a running swarm on purpose

  agent-mesh fault                      the active faults
  agent-mesh fault crash|pause|isolate AGENT|leader [--for 5s]
  agent-mesh fault partition a1,a2 a3,a4,a5 [--for 5s]
  agent-mesh fault slow A [B] --delay 200ms [--jitter 50ms] [--for 5s]
  agent-mesh fault lossy A [B] --loss 0.3 [--for 5s]
  agent-mesh fault "FAULT" [--for 5s]   as an item of faults: in a mesh file, without when; docs/mesh-file.md has all
  agent-mesh heal FAULT|all             undoes faults, stops presets

Whom: an agent's id, zone:NAME, or leader (not by gossip), one, minority, minorityThird, majority, everyone. Without --for or for: until healed.

Rules on messages
  drop the first two appends to a3      "message: { types: [append], to: a3, drop: true, count: 2 }"
  delay every vote by 200 ms            "message: { types: [vote], delay: 200ms }"
  corrupt one in a hundred              "message: { corrupt: true, probability: 0.01 }"
  double half of what a1 sends to a2    "message: { from: a1, to: a2, duplicate: 1, probability: 0.5 }"

Links, both ways, or direction: out (what a sends) or in
  lose a tenth from a1 to a2            "link: { a: a1, b: a2, direction: out, toxics: [{ loss: 0.1 }] }"
  slow and narrow around the leader     "link: { a: leader, toxics: [{ latency: 50ms }, { bandwidth: 10000 }] }"
  a partition by its shape              "partition: bridge, for: 10s"

Agents
  a slow disk                           "disk: { agent: a2, trouble: slow, delay: 50ms }"
  a clock that is ahead                 "clock: { agent: a2, skew: 300ms }"
  a slow processor                      "cpu: { agent: minority, slowdown: 5 }"
  a liar; Raft promises nothing then    "byzantine: { agent: a2, behaviour: doubleVote }"

Presets, which go on step by step
  restart one after the other           "preset: rollingRestart, every: 5s"
  hit five leaders in turn              "preset: leaderHunt, hit: isolate, times: 5"
`;

/** What `--help` prints, for a command by its name. */
export function helpOf(command: string): string {
  return command === "fault" ? FAULT_HELP : HELP;
}
