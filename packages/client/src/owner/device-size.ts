/**
 * Of a device as bytes, with the accounts of as many servers as one can have. A file of its own: whoever reads a device file needs the
 * number while the program starts, before what opens one is there.
 */
export const MOST_DEVICE_BYTES = 8_192;
