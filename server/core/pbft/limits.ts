/**
 * Limits that every replica of a swarm must share: what one makes, the others must be able to read. They hold together so that whatever was once accepted
 * can be passed on: a payload between agents has a little less than 4 MiB, a record of the journal 4 MiB less 4 KiB, and a batch must fit into either with
 * its proof beside it.
 */

/** More would be slower than useful: messages grow with n², certificates with n. As many as a mesh file may name. */
export const MAX_REPLICAS = 100;
/** Bytes of an agent's id in UTF-8. Mesh files allow no longer ones, and an id stands beside each signature. */
export const MAX_ID_BYTES = 64;
/** Prepared certificates of a view change, and so proposals of a new view: the window L of the paper. 256 of 100 signatures each fit a message. */
export const MAX_WINDOW = 256;
/** Bytes of a batch in its binary form. What is left of 4 MiB takes a certificate of 100 signatures, 13 KiB, in a message as in the journal. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024 - 32 * 1024;
/** Requests of one batch. With what each of them has besides its commands they take a sixth of a batch, at most. */
export const MAX_REQUESTS = 4096;
/** Commands of one batch in all, and so of one request: each becomes an entry, even where it is empty and takes a byte. */
export const MAX_COMMANDS = 65_536;
/** What a command takes besides its own bytes, at most: its length. */
export const COMMAND_OVERHEAD_BYTES = 4;
/** What a request takes besides its commands, at most: its origin, three numbers, a count, and a signature. */
export const REQUEST_OVERHEAD_BYTES = 192;
/** Bytes of a request in its binary form: a batch of it alone is always possible. */
export const MAX_REQUEST_BYTES = MAX_BATCH_BYTES - 64;
/** Bytes of one command, and so of one entry: a request of it alone is always possible. A larger one is dropped when proposed. */
export const MAX_COMMAND_BYTES = MAX_REQUEST_BYTES - REQUEST_OVERHEAD_BYTES - COMMAND_OVERHEAD_BYTES;
/** Bytes of one part of a state: other messages are to pass in between. */
export const MAX_CHUNK_BYTES = 1024 * 1024;
/** Bytes of a whole state: what an array of bytes can hold everywhere. */
export const MAX_STATE_BYTES = 2 ** 31;
