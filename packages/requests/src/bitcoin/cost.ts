import { costByLength } from '../cost.js';
import { readPsbtMaps } from './psbt-maps.js';

/**
 * Measured: an input of the key has three records and takes 1.2 ms to read and to derive again, an output of it has two
 * and takes 0.8 ms (docs/adr, on the cost of requests).
 */
const MS_PER_RECORD = 0.4;

/** Counts what the PSBT says about its inputs and outputs; one that cannot be split into its maps is refused at once. */
export function bitcoinCost(psbt: Uint8Array): number {
  return costByLength(psbt) + MS_PER_RECORD * countRecords(psbt);
}

function countRecords(psbt: Uint8Array): number {
  try {
    return readPsbtMaps(psbt).reduce((count, map) => count + map.length, 0);
  } catch {
    return 0;
  }
}
