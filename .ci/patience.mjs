// How patient tests are: whoever runs many of them at a time tells each process by an environment variable.

/** The variable's name. */
export const patienceVariable = "AGENT_MESH_PATIENCE";

/** So many times as long as it says may a test, and what it waits for, take. */
export const PATIENCE = Number(process.env[patienceVariable] ?? 1);
