import type { AgentId } from "../consensus.ts";
import { MAX_HOPS } from "./limits.ts";
import { bytesOf } from "./retained.ts";
import type { GossipState } from "./state.ts";
import type { Rumour } from "./types.ts";

/**
 * Rumour mongering (Demers et al., §1.4): whoever hears of an operation tells `fanout` peers, at once and once, all that is new in one message. It dies out by itself, after O(log n)
 * rounds; who was missed gets it by anti-entropy. Where operations are broadcast, only those that came as rumours go on so.
 */
export function spreadRumours(state: GossipState): void {
  if (state.hot.length === 0) return;
  if (state.others === 0) {
    state.hot = [];
    return;
  }
  const rumours = takeSome(state);
  const { roster, config } = state;
  const isOwn = ({ operation }: Rumour): boolean => operation.origin === state.self;
  const [own, told] = config.broadcasts
    ? [rumours.filter(isOwn), rumours.filter((rumour) => !isOwn(rumour))]
    : [[], rumours];
  if (own.length > 0) state.broadcast({ type: "rumour", roster, rumours: own });
  if (told.length === 0) return;
  // One object for all that are told the same: it is encoded once.
  const whole = { type: "rumour" as const, roster, rumours: told };
  for (const peer of drawn(state)) {
    // Whoever is known to have it would only drop it.
    const news = told.filter(({ operation: { origin, seq } }) => state.knowledge.seqOf(peer, origin) < seq);
    if (news.length > 0) state.send(peer, news.length === told.length ? whole : { ...whole, rumours: news });
  }
  const newest = told.at(-1);
  if (newest !== undefined && newest.operation === state.since.at(-1))
    state.rounds = { ...state.rounds, rumour: Math.max(state.rounds.rumour, newest.hops) };
}

/** @param passedOnBy the neighbour that a broadcast of `from` came by; only what that one issued itself is taken of it */
export function handleRumours(
  state: GossipState,
  from: number,
  rumours: readonly Rumour[],
  passedOnBy: AgentId | undefined,
): void {
  const broadcast = passedOnBy !== undefined;
  const heard = new Map<number, { operations: number; seq: number; hops: number }>();
  for (const { operation, hops } of rumours) {
    const { origin, seq } = operation;
    if (broadcast && origin !== from) continue;
    const isNew = seq > state.have.get(origin) && !state.waiting.has(operation);
    state.arrive({ operation, hops: Math.min(hops, MAX_HOPS - 1), from, broadcast });
    if (isNew) heard.set(origin, { operations: (heard.get(origin)?.operations ?? 0) + 1, seq, hops });
  }
  for (const [origin, { operations, seq, hops }] of heard)
    state.observations.push({
      type: "rumourHeard",
      from: passedOnBy ?? state.nameOf(from),
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

/** Peers, each as likely as any other, nobody twice. */
function drawn(state: GossipState): Iterable<number> {
  const { others, config, random } = state;
  if (config.fanout >= others) return Array.from({ length: others }, (_, at) => state.peerAt(at));
  const chosen = new Set<number>();
  while (chosen.size < config.fanout) chosen.add(state.peerAt(random.int(0, others - 1)));
  return chosen;
}
