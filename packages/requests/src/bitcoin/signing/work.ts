/** What is left of the time that may go into the signatures of others in one transaction. */
export interface Work {
  /** Takes so many milliseconds of one core, as they were measured; false when there are not as many left. */
  take(ms: number): boolean;
}

/** What its owner waits for at most: some three hundred coins of others with one signature each. */
const MOST_MS = 3_000;

/** Signatures of one PSBT may be thousands, and each may sign a megabyte. */
export function createWork(mostMs: number = MOST_MS): Work {
  let leftMs = mostMs;
  return {
    take: (ms) => {
      if (ms > leftMs) return false;
      leftMs -= ms;
      return true;
    },
  };
}

/** To verify one, measured as all here on a machine that other programs kept busy. */
export const SIGNATURE_MS = { ecdsa: 2, schnorr: 0.25 } as const;
const PARTS_PER_MS = 60;
const BYTES_PER_MS = 80_000;

/** What it takes to compute what a signature signs. @param parts inputs and outputs @param bytes of all of them */
export function digestMs(parts: number, bytes: number): number {
  return parts / PARTS_PER_MS + bytes / BYTES_PER_MS;
}

const FINALIZED_BYTES_PER_MS = 50_000;

/** What it takes to put an input together: each signature is looked up in each script. */
export function finalizeMs(bytes: number, signatures: number): number {
  return (bytes * (1 + signatures)) / FINALIZED_BYTES_PER_MS;
}
