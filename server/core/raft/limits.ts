/** Limits that every agent of a swarm must share: what one makes, the others must be able to read. */

/** Bytes of one command, and so of one entry. A larger one is dropped when proposed. One entry in an append must fit a frame of 4 MiB between agents. */
export const MAX_COMMAND_BYTES = 4 * 1024 * 1024 - 4096;
/** Entries or commands of one message. */
export const MAX_ITEMS = 65_536;
/** Read requests of one message, and those of one follower that a leader holds at a time. */
export const MAX_READ_REQUESTS = 1024;
/** Bytes of an agent's id in UTF-8. */
export const MAX_ID_BYTES = 255;
/** In each list of a configuration. */
export const MAX_MEMBERS = 1024;
/** Bytes of one part of a snapshot. */
export const MAX_CHUNK_BYTES = 1024 * 1024;
/** Bytes of a whole snapshot. */
export const MAX_SNAPSHOT_BYTES = 2 ** 31;
/** A learner that lacks no more entries than this may become a voter (thesis, §4.2.1: it must not hold up the next commits). */
export const CAUGHT_UP_ENTRIES = 1024;
