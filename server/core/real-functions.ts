/**
 * Functions of real numbers from additions, multiplications and divisions alone, which IEEE 754 defines to the last bit. Those of `Math` (but for sqrt) are only
 * approximations that each engine, version and platform may choose (ECMA-262, §21.3.2), and what is drawn from a seed must be the same everywhere.
 * Relative errors stay below 1e-13.
 */

const LN2 = Math.LN2;
/** ln 2 in two parts: any exponent times the first is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const SQRT_HALF = Math.SQRT1_2;
/** Terms after which nothing changes: of the series of the exponential within ln 2 / 2, and of sine and cosine within an eighth of a turn. */
const EXP_TERMS = 16;
const CIRCLE_TERMS = 10;
const LOG_TERMS = 12;
const LARGEST_EXPONENT = 709.78;
const SMALLEST_EXPONENT = -708;

/** e to the x; 0 where that would be below the normal numbers. */
export function exponential(x: number): number {
  if (x > LARGEST_EXPONENT) return Number.POSITIVE_INFINITY;
  if (x < SMALLEST_EXPONENT) return 0;
  const doublings = Math.round(x / LN2);
  const rest = x - doublings * LN2_HIGH - doublings * LN2_LOW;
  let sum = 1;
  for (let term = EXP_TERMS; term >= 1; term--) sum = 1 + (sum * rest) / term;
  return timesPowerOfTwo(sum, doublings);
}

/** The natural logarithm of a normal, finite number above 0. @throws RangeError for any other. */
export function logarithm(x: number): number {
  if (!(x >= 2 ** -1022 && x < Number.POSITIVE_INFINITY)) throw new RangeError(`no logarithm of ${x}`);
  let doublings = 0;
  let mantissa = x;
  for (let step = 512; step >= 1; step /= 2) {
    const power = timesPowerOfTwo(1, step);
    if (mantissa >= power) {
      mantissa /= power;
      doublings += step;
    } else if (mantissa * power < 2) {
      mantissa *= power;
      doublings -= step;
    }
  }
  // In [sqrt(1/2), sqrt(2)): close to 1, where the series is short.
  while (mantissa >= 2 * SQRT_HALF) {
    mantissa /= 2;
    doublings++;
  }
  while (mantissa < SQRT_HALF) {
    mantissa *= 2;
    doublings--;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)).
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  for (let term = LOG_TERMS; term >= 0; term--) sum = sum * square + 1 / (2 * term + 1);
  return doublings * LN2_HIGH + (2 * ratio * sum + doublings * LN2_LOW);
}

/** A normal base above 0, to any exponent. */
export function power(base: number, exponent: number): number {
  return exponential(exponent * logarithm(base));
}

/** The cosine of an angle in turns (1 = 2π). */
export function cosineOfTurns(turns: number): number {
  const quarters = Math.round(turns * 4);
  const rest = 2 * Math.PI * (turns - quarters / 4);
  switch (((quarters % 4) + 4) % 4) {
    case 0:
      return cosine(rest);
    case 1:
      return -sine(rest);
    case 2:
      return -cosine(rest);
    default:
      return sine(rest);
  }
}

function cosine(x: number): number {
  const square = x * x;
  let sum = 1;
  for (let term = CIRCLE_TERMS; term >= 1; term--) sum = 1 - (sum * square) / ((2 * term - 1) * (2 * term));
  return sum;
}

function sine(x: number): number {
  const square = x * x;
  let sum = 1;
  for (let term = CIRCLE_TERMS; term >= 1; term--) sum = 1 - (sum * square) / (2 * term * (2 * term + 1));
  return x * sum;
}

/** Exact, as long as the result is a normal number. */
function timesPowerOfTwo(x: number, exponent: number): number {
  let result = x;
  let left = Math.abs(exponent);
  for (let factor = exponent < 0 ? 0.5 : 2; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= factor;
    if (left > 1) factor *= factor;
  }
  return result;
}
