/**
 * ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002, figure 2): a part of `items` that still fails, of which no single
 * item can be left out. Takes away ever smaller chunks, and begins again with larger ones after each success.
 * @param fails of a part, in order; it is known of the whole
 */
export function minimalPart<T>(items: readonly T[], fails: (part: readonly T[]) => boolean): readonly T[] {
  let part = items;
  let chunks = 2;
  if (part.length > 0 && fails([])) return [];
  while (part.length >= 2) {
    const size = Math.ceil(part.length / chunks);
    const without = Array.from({ length: Math.ceil(part.length / size) }, (_, at) => [
      ...part.slice(0, at * size),
      ...part.slice((at + 1) * size),
    ]);
    const smaller = without.find((rest) => fails(rest));
    if (smaller !== undefined) {
      part = smaller;
      chunks = Math.max(chunks - 1, 2);
    } else if (chunks >= part.length) break;
    else chunks = Math.min(chunks * 2, part.length);
  }
  return part;
}
