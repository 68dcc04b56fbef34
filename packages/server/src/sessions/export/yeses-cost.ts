/** Checking as many signatures as a key may have servers, in milliseconds of one core. */
export const YESES_MS = 8;
