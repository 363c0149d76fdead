/** What bounds a message's size, and an agent's memory of what others announce. */

export const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** In one message; the rest follows in the next. */
export const MAX_ANNOUNCED = 256;
/** A broadcast goes no further: what is forgotten while it is on its way would go round for ever. A tree among thousands of agents is some 20 deep. */
export const MAX_HOPS = 255;
/** Numbers and incarnations stay below this. */
export const MAX_COUNTER = 2 ** 48;
/** Neighbours that are noted to have a missing broadcast. */
export const MAX_HOLDERS = 32;
