/**
 * How an operation spreads, as an epidemic: what is to be expected of the rounds that have passed, where nobody has said anything yet.
 *
 * Rumour (Demers et al. 1987, §1.4, with "blind" and "coin" of k = 1: whoever hears of it tells `fanout` others, once). Of n members, s have not heard of it, and m have heard
 * of it in the last round. Each of those m tells f of the n - 1 others, drawn without repetition, so that one of the s is missed by all of them with (1 - f / (n - 1))^m:
 *
 *     m' = s (1 - (1 - f / (n - 1))^m),  s' = s - m'        from  m = 1, s = n - 1
 *
 * Anti-entropy (§1.3, push and pull): a share p does not have it. Somebody without it still does not after a round if the peer it asks does not have it either (p), and
 * none of the n (1 - p) that have it asks it:
 *
 *     p' = p · p · (1 - 1 / (n - 1))^(n (1 - p))
 *
 * These are means of what is random, as theirs are. They take it that everybody is up, and can be reached.
 */
import { power } from "../real-functions.ts";

/** How far an operation has come. Each is counted, not supposed. */
export interface Rounds {
  /** Rounds of rumour that it is known to have gone through: the most messages one after the other. */
  readonly rumour: number;
  /** Comparisons with a peer that were completed since. */
  readonly antiEntropy: number;
}

/** Nothing is left to be gained by more rounds than these, of any number of members. */
const MAX_ROUNDS = 200;

/** The share that is expected not to have heard of it after so many rounds of rumour. */
export function unheardShare(members: number, fanout: number, rounds: number): number {
  if (members <= 1) return 0;
  const missed = 1 - Math.min(fanout, members - 1) / (members - 1);
  let [unheard, told] = [members - 1, 1];
  for (let round = 0; round < Math.min(rounds, MAX_ROUNDS); round++) {
    const next = unheard * (1 - (missed === 0 ? 0 : power(missed, told)));
    unheard -= next;
    told = next;
    if (told <= 0) break;
  }
  return Math.max(0, unheard) / members;
}

/** The share that is expected not to have it after so many rounds of anti-entropy, from a share before. */
export function lackingShare(members: number, share: number, rounds: number): number {
  if (members <= 1) return 0;
  let lacking = share;
  const missed = 1 - 1 / (members - 1);
  for (let round = 0; round < Math.min(rounds, MAX_ROUNDS) && lacking > 0; round++) {
    const unasked = missed === 0 ? 0 : power(missed, members * (1 - lacking));
    lacking = lacking * lacking * unasked;
  }
  return lacking;
}

/**
 * How probable it is that everybody has all that an agent has. Of `unknown` members it is not known; each lacks the newest with the share that the rounds leave, by
 * itself. someLack: of some of them it is known that they lack something, or cannot be reached.
 */
export function agreementOf(
  members: number,
  fanout: number,
  { rumour, antiEntropy }: Rounds,
  { unknown, someLack }: { readonly unknown: number; readonly someLack: boolean },
): number {
  if (unknown === 0) return 1;
  if (someLack) return 0;
  const share = lackingShare(members, unheardShare(members, fanout, rumour), antiEntropy);
  const agreement = share <= 0 ? 1 : share >= 1 ? 0 : power(1 - share, unknown);
  // What is not known is not certain, however small the number that is left.
  return Math.min(agreement, LESS_THAN_CERTAIN);
}

const LESS_THAN_CERTAIN = 1 - Number.EPSILON;
