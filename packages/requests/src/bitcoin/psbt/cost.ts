import { DEEPEST_PATH } from '@ckm/threshold';
import { costByLength } from '../../cost.js';
import { type PsbtMap, type PsbtRecord, readPsbtMaps } from './psbt-maps.js';

/**
 * Measured: an input of the key has three records and takes 1.2 ms to read and to derive again, an output of it has two
 * and takes 0.8 ms (docs/adr, on the cost of requests).
 */
const MS_PER_RECORD = 0.4;
/** Of an input or output of which nothing is said but its script: whether that is a key is looked up on the curve. */
const MS_PER_PART = 0.1;
/** Of a path in a claim, beyond the two steps that wallets write. */
const MS_PER_STEP = 0.1;
const USUAL_STEPS = 2;
const MOST_STEPS = DEEPEST_PATH - USUAL_STEPS;
/** Four bytes each: the fingerprint before the path. */
const STEP = 4;
/** A tree of scripts is decoded leaf by leaf. */
const OUT_TAP_TREE = 0x06;
const TREE_BYTES_PER_MS = 1_000;

/** Counts what the PSBT says about its inputs and outputs; one that cannot be split into its maps is refused at once. */
export function bitcoinCost(psbt: Uint8Array): number {
  return costByLength(psbt) + costOfMaps(psbt);
}

function costOfMaps(psbt: Uint8Array): number {
  try {
    const maps = readPsbtMaps(psbt);
    return maps.reduce((sum, map) => sum + costOfMap(map), MS_PER_PART * (maps.length - 1));
  } catch {
    return 0;
  }
}

function costOfMap(map: PsbtMap): number {
  return map.reduce((sum, record) => sum + MS_PER_RECORD + costOfContent(record), 0);
}

/** What a record costs beyond being there; what is about a key is taken for the path to it. */
function costOfContent({ key, value }: PsbtRecord): number {
  if (key.length === 1) return key[0] === OUT_TAP_TREE ? value.length / TREE_BYTES_PER_MS : 0;
  const steps = Math.floor(value.length / STEP) - 1 - USUAL_STEPS;
  return MS_PER_STEP * Math.min(Math.max(steps, 0), MOST_STEPS);
}
