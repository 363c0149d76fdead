/** What bounds a message's size, and an agent's memory of what others announce. */

/** What is around it must fit into a message of 4 MiB less 1 KiB, and whatever an agent may write must fit into it (gossip/limits.ts). */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024 - 2048;
/** Bytes of an agent's id in UTF-8. */
export const MAX_ID_BYTES = 255;
/** In one message; the rest follows in the next. */
export const MAX_ANNOUNCED = 256;
/** A broadcast goes no further: what is forgotten while it is on its way would go round for ever. A tree among thousands of agents is some 20 deep. */
export const MAX_HOPS = 255;
/** Numbers and incarnations stay below this. */
export const MAX_COUNTER = 2 ** 48;
/** Neighbours that are noted to have a missing broadcast. */
export const MAX_HOLDERS = 32;
