/**
 * Limits that every agent of a swarm must share: what one makes, the others must be able to read. A payload between agents has a little less than 4 MiB, a
 * record of the log 4 MiB less 4 KiB, and an operation must fit into either with what it depends on.
 */

/** A vector that is told has a number for each. */
export const MAX_MEMBERS = 16_384;
/** Bytes of an agent's id in UTF-8. */
export const MAX_ID_BYTES = 255;
/** What an operation takes besides its command, at most: four numbers, and two for each member that it depends on, of which one has a single byte where they are so many. */
export const OPERATION_OVERHEAD_BYTES = 160 * 1024;
/** Bytes of one command. A larger one is dropped when proposed. */
export const MAX_COMMAND_BYTES = 4 * 1024 * 1024 - 4096 - OPERATION_OVERHEAD_BYTES;
/** Operations of one message. */
export const MAX_OPERATIONS = 65_536;
/** How often an operation was passed on, as messages count it: more is not told apart. */
export const MAX_HOPS = 255;
/** Bytes of one part of a state: other messages are to pass in between. */
export const MAX_CHUNK_BYTES = 1024 * 1024;
/** Bytes of a whole state: what an array of bytes can hold everywhere. */
export const MAX_STATE_BYTES = 2 ** 31;
/** Members that a checksum tells more of. */
export const MAX_RECENT = 8;
