/** Adverts in one message; the rest goes in another. */
export const MAX_ADVERTS = 256;
/** Peers that an advert may name: more than an active view has places (hyparview/limits.ts). */
export const MAX_PEERS = 64;
/** Lives and numbers stay below this. */
export const MAX_COUNT = 2 ** 48;
