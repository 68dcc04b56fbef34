import { CkmError, equalBytes } from '@ckm/foundation';
import { demand, refusal } from '../../errors.js';
import { MAX_INPUTS, MAX_OUTPUTS, type PsbtMap, recordValue, withRecord } from './psbt-maps.js';
import { takeSize } from '../script/bytes.js';
import {
  type Outpoint,
  type PreviousTransaction,
  readPrevious,
  readTxid,
  readUnsigned,
  readWord,
} from './raw-transaction.js';

const GLOBAL_UNSIGNED_TX = 0x00;
const GLOBAL_INPUT_COUNT = 0x04;
const IN_PREVIOUS_TRANSACTION = 0x00;
const IN_SPENT_OUTPUT = 0x01;
const IN_PREVIOUS_TXID = 0x0e;
const IN_OUTPUT_INDEX = 0x0f;
const AMOUNT = 8;

/**
 * The maps of a PSBT with the coin that each input spends in the place of the whole transaction it comes from: a library
 * that decodes such a transaction takes seconds for one of a megabyte. Nothing else is changed.
 * @throws EncodingError `PSBT_INPUT_CONTRADICTS` where what an input says about its coin cannot all be true;
 *   `PSBT_MALFORMED`, `PSBT_TOO_MANY_PARTS`
 */
export function withStatedCoins(maps: readonly PsbtMap[]): readonly PsbtMap[] {
  const [global, ...parts] = maps;
  const outpoints = outpointsOf(global!, parts);
  return maps.map((map, at) => {
    const previous = at === 0 ? undefined : recordValue(map, IN_PREVIOUS_TRANSACTION);
    if (previous === undefined || at > outpoints.length) return map;
    return withStatedCoin(map, at - 1, outpoints[at - 1]!, previous);
  });
}

function outpointsOf(global: PsbtMap, parts: readonly PsbtMap[]): readonly Outpoint[] {
  const unsigned = recordValue(global, GLOBAL_UNSIGNED_TX);
  if (unsigned !== undefined) {
    const { outpoints, outputCount } = readUnsigned(unsigned);
    const isSmall = outpoints.length <= MAX_INPUTS && outputCount <= MAX_OUTPUTS;
    demand(isSmall, 'PSBT_TOO_MANY_PARTS', 'the PSBT has too many inputs or outputs');
    return outpoints;
  }
  const count = recordValue(global, GLOBAL_INPUT_COUNT);
  if (count === undefined) throw refusal('PSBT_MALFORMED', 'the PSBT does not say how many inputs it has');
  return parts.slice(0, takeSize({ bytes: count, at: 0 })).map((map) => {
    const txid = recordValue(map, IN_PREVIOUS_TXID);
    const index = recordValue(map, IN_OUTPUT_INDEX);
    if (txid?.length !== 32 || index?.length !== 4)
      throw refusal('PSBT_MALFORMED', 'an input of the PSBT spends nothing');
    return { txid: readTxid(txid), index: readWord(index) };
  });
}

function withStatedCoin(
  map: PsbtMap,
  at: number,
  { txid, index }: Outpoint,
  transaction: Uint8Array,
): PsbtMap {
  const contradicts = (what: string) => refusal('PSBT_INPUT_CONTRADICTS', `input ${at} ${what}`);
  const previous = previousOrNull(transaction, index);
  if (previous === null) throw contradicts('brings a previous transaction that cannot be read');
  if (previous.txid !== txid) throw contradicts('brings another transaction than the one it spends from');
  const { output, outputCount } = previous;
  if (output === undefined)
    throw contradicts(`spends output ${index} of a transaction that has ${outputCount}, counted from 0`);
  const stated = recordValue(map, IN_SPENT_OUTPUT) ?? output;
  if (!equalBytes(stated.subarray(0, AMOUNT), output.subarray(0, AMOUNT)))
    throw contradicts('states another amount for its coin than the transaction it comes from');
  if (!equalBytes(stated, output))
    throw contradicts('states another address for its coin than the transaction it comes from');
  const without = map.filter(({ key }) => key.length > 1 || key[0] !== IN_PREVIOUS_TRANSACTION);
  return withRecord(without, IN_SPENT_OUTPUT, output);
}

function previousOrNull(transaction: Uint8Array, index: number): PreviousTransaction | null {
  try {
    return readPrevious(transaction, index);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
