/** Limits that every agent of a swarm must share: what one makes, the others must be able to read. */

/** Bytes of one command, and so of one entry. A larger one is dropped when proposed. */
export const MAX_COMMAND_BYTES = 16 * 1024 * 1024;
/** Entries or commands of one message. */
export const MAX_ITEMS = 65_536;
/** Read requests of one message, and those of one follower that a leader holds at a time. */
export const MAX_READ_REQUESTS = 1024;
/** Bytes of an agent's id in UTF-8. */
export const MAX_ID_BYTES = 255;
