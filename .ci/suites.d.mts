// What TypeScript sees of suites.mjs.

export const suites: readonly {
  readonly name: string;
  readonly files: readonly string[];
  readonly bundles: readonly string[];
}[];
export function bundlesFor(mochaArguments: readonly string[]): string[];
