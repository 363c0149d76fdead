import { MAX_HOPS } from "./limits.ts";
import { bytesOf } from "./retained.ts";
import type { GossipState } from "./state.ts";
import type { Rumour } from "./types.ts";

/**
 * Rumour mongering (Demers et al., §1.4): whoever hears of an operation tells `fanout` peers, at once and once, all that is new in one message. It dies out by itself, after O(log n)
 * rounds; who was missed gets it by anti-entropy.
 */
export function spreadRumours(state: GossipState): void {
  if (state.hot.length === 0) return;
  if (state.peers.length === 0) {
    state.hot = [];
    return;
  }
  const rumours = takeSome(state);
  const { roster } = state;
  // One object for all that are told the same: it is encoded once.
  const whole = { type: "rumour" as const, roster, rumours };
  for (const peer of drawn(state, rumours)) {
    // Whoever is known to have it would only drop it.
    const news = rumours.filter(({ operation: { origin, seq } }) => state.knowledge.seqOf(peer, origin) < seq);
    if (news.length > 0) state.send(peer, news.length === rumours.length ? whole : { ...whole, rumours: news });
  }
  const newest = rumours.at(-1);
  if (newest !== undefined && newest.operation === state.since.at(-1))
    state.rounds = { ...state.rounds, rumour: Math.max(state.rounds.rumour, newest.hops) };
}

export function handleRumours(state: GossipState, from: number, rumours: readonly Rumour[]): void {
  const heard = new Map<number, { operations: number; seq: number; hops: number }>();
  for (const { operation, hops } of rumours) {
    const { origin, seq } = operation;
    const isNew = seq > (state.have[origin] as number) && !state.waiting.has(operation);
    state.arrive({ operation, hops: Math.min(hops, MAX_HOPS - 1), from });
    if (isNew) heard.set(origin, { operations: (heard.get(origin)?.operations ?? 0) + 1, seq, hops });
  }
  for (const [origin, { operations, seq, hops }] of heard)
    state.observations.push({
      type: "rumourHeard",
      from: state.nameOf(from),
      origin: state.nameOf(origin),
      seq,
      operations,
      hops,
    });
}

/** As many as fit a message, the oldest first; the rest waits for the next turn. */
function takeSome(state: GossipState): readonly Rumour[] {
  const { maxMessageBytes, maxMessageOperations } = state.config;
  let count = 0;
  for (let bytes = 0; count < state.hot.length && count < maxMessageOperations; count++) {
    bytes += bytesOf((state.hot[count] as Rumour).operation);
    if (count > 0 && bytes > maxMessageBytes) break;
  }
  return state.hot.splice(0, count);
}

/**
 * Peers, each as likely as any other, nobody twice. Where some are nearer than others those of them first that are not known to have all of it: each link of a way costs as much as the one, and what every agent
 * tells its neighbours floods the topology, where what is told to anybody leaves some over.
 */
function drawn(state: GossipState, rumours: readonly Rumour[]): Iterable<number> {
  const { peers, config, random, knowledge } = state;
  if (config.fanout >= peers.length) return peers;
  const lacking = (peer: number): boolean =>
    rumours.some(({ operation: { origin, seq } }) => knowledge.seqOf(peer, origin) < seq);
  const near = state.nearPeers().filter(lacking);
  const chosen = new Set(near.length > 0 ? random.shuffled(near).slice(0, config.fanout) : near);
  while (chosen.size < config.fanout) chosen.add(random.pick(peers));
  return chosen;
}
