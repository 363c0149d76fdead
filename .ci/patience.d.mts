// What TypeScript sees of patience.mjs.

export const patienceVariable: string;
export const PATIENCE: number;
