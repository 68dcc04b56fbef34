/** The version of this package, as every reply and log line states it. */
export const VERSION = '0.1.0';
