/** A place takes a bit of each set that a message carries. */
export const MAX_PARTICIPANTS = 1024;
export const MAX_METRIC_BYTES = 64;
/** Further from 0 a value counts as none: sums of all must stay exact enough. */
export const MAX_VALUE = Number.MAX_SAFE_INTEGER;
/** Nearer to 0 a value counts as 0: halved once a round it has to stay a number of full precision. */
export const LEAST_VALUE = 1e-200;
/** Aggregates that an agent takes part in at a time, one an initiator; it is silent about further ones, and is left out of them. */
export const MAX_ACTIVE = 16;
/** Participants that owe an answer at a time, each of them asked again every round. */
export const MAX_AWAITED = 8;
/** Who has not answered in so many rounds, asked in each of them, is left out. With a tenth of all messages lost that befalls one of 10^14 that live. */
export const PATIENCE_ROUNDS = 20;
/** The bound is narrow enough at this share of the mean, on either side. */
export const PRECISION = 0.001;
/** A bound is widened by this share of the greatest value: masses are rounded, some hundred times by 2^-53 each. */
export const ROUNDING = 1e-12;
/** Whoever knows the result tells those who ask for so many rounds more. */
export const LINGER_ROUNDS = 60;

/** After so many rounds an agent ends with what it has. Room for several restarts, each after somebody's patience. */
export function maxRounds(participants: number): number {
  // Of n participants, the whole number that is log2 n or the next one above.
  const doublings = 32 - Math.clz32(participants - 1);
  return 100 + 20 * doublings;
}
