/** @throws RangeError without values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sample's standard deviation. @throws RangeError for fewer than two values. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) throw new RangeError("a deviation takes two values");
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/** Half of the width of the mean's 95 % confidence interval, by the normal approximation. @throws RangeError for fewer than two values. */
export function confidence95(values: readonly number[]): number {
  return (1.96 * deviation(values)) / Math.sqrt(values.length);
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** Share of the variance that the line explains. */
  readonly r2: number;
}

/** Least squares. @throws RangeError for fewer than two points. */
export function fittedLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const [middleX, middleY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  let [sumXx, sumXy, sumYy] = [0, 0, 0];
  for (const [x, y] of points) {
    sumXx += (x - middleX) ** 2;
    sumXy += (x - middleX) * (y - middleY);
    sumYy += (y - middleY) ** 2;
  }
  if (sumXx === 0) throw new RangeError("a line takes two points");
  const slope = sumXy / sumXx;
  return { slope, intercept: middleY - slope * middleX, r2: sumYy === 0 ? 1 : (sumXy * slope) / sumYy };
}
