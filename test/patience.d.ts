/** So many times as long as it says may a test, and what it waits for, take: whoever runs many at a time says (.ci/suites.mjs). */
export declare const PATIENCE: number;
