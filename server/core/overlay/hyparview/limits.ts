/** What bounds a message's size, and an agent's memory of what others ask for. */

/** Ids in one shuffle or its answer. */
export const MAX_SHUFFLED = 64;
/** Hops that any walk may announce to go. */
export const MAX_WALK = 16;
/** Links an agent may be set to have at most. */
export const MAX_ACTIVE = 32;
export const MAX_PASSIVE = 1024;
/** Numbers of requests and shuffles stay below this. */
export const MAX_NUMBER = 2 ** 48;
/** Requests under way at a time, for each place in the active view. */
export const REQUESTS_A_PLACE = 2;
