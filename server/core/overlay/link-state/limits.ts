/** Adverts in one message; the rest goes in another. */
export const MAX_ADVERTS = 256;
/** Agents of which a message can say which advert is known. */
export const MAX_KNOWN = 16_384;
/** Peers that an advert may name: more than an active view has places (hyparview/limits.ts). */
export const MAX_PEERS = 64;
/** Lives, numbers and places in the roster stay below this. */
export const MAX_COUNT = 2 ** 48;
/** Forged adverts that are told of in one turn; the others are as little believed. */
export const MAX_FORGED_TOLD = 8;
