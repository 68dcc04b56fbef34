import { encodeHex, equalBytes, type EncodingError } from '@ckm/foundation';
import { RawTx, Transaction } from '@scure/btc-signer';
import { RawOldTx, RawOutput } from '@scure/btc-signer/script.js';
import { refusal } from '../errors.js';
import { type PsbtMap, readPsbtMaps, recordValue } from './psbt-maps.js';

const GLOBAL_UNSIGNED_TX = 0x00;
const IN_PREVIOUS_TRANSACTION = 0x00;
const IN_SPENT_OUTPUT = 0x01;
const IN_PREVIOUS_TXID = 0x0e;
const IN_OUTPUT_INDEX = 0x0f;

/** Which output an input spends; `txid` as explorers show it. */
interface Outpoint {
  readonly txid: string;
  readonly index: number;
}

/**
 * Of a PSBT that could not be read: what its inputs say about their coins that cannot all be true, or `null` when that is
 * not what is wrong with it.
 */
export function coinContradiction(psbt: Uint8Array): EncodingError | null {
  try {
    const [global, ...maps] = readPsbtMaps(psbt);
    const outpoints = outpointsOf(global!, maps);
    for (const [at, outpoint] of outpoints.entries()) {
      const what = contradictionIn(maps[at]!, outpoint);
      if (what !== null) return refusal('PSBT_INPUT_CONTRADICTS', `input ${at} ${what}`);
    }
    return null;
  } catch {
    return null;
  }
}

function outpointsOf(global: PsbtMap, maps: readonly PsbtMap[]): readonly Outpoint[] {
  const unsigned = recordValue(global, GLOBAL_UNSIGNED_TX);
  if (unsigned !== undefined) {
    return RawOldTx.decode(unsigned).inputs.map(({ txid, index }) => ({ txid: encodeHex(txid), index }));
  }
  return maps.flatMap((map) => {
    const txid = recordValue(map, IN_PREVIOUS_TXID);
    const index = recordValue(map, IN_OUTPUT_INDEX);
    if (txid?.length !== 32 || index?.length !== 4) return [];
    const view = new DataView(index.buffer, index.byteOffset);
    return [{ txid: encodeHex(txid.toReversed()), index: view.getUint32(0, true) }];
  });
}

/** What is wrong, in words that follow `input 3`. */
function contradictionIn(map: PsbtMap, { txid, index }: Outpoint): string | null {
  const previous = recordValue(map, IN_PREVIOUS_TRANSACTION);
  if (previous === undefined) return null;
  const transaction = readPrevious(previous);
  if (transaction === null) return 'brings a previous transaction that cannot be read';
  if (transaction.id !== txid) return 'brings another transaction than the one it spends from';
  const { outputs } = RawTx.decode(previous);
  const output = outputs[index];
  if (output === undefined)
    return `spends output ${index} of a transaction that has ${outputs.length}, counted from 0`;
  const stated = recordValue(map, IN_SPENT_OUTPUT);
  if (stated === undefined) return null;
  const { amount, script } = RawOutput.decode(stated);
  if (amount !== output.amount)
    return 'states another amount for its coin than the transaction it comes from';
  if (!equalBytes(script, output.script))
    return 'states another address for its coin than the transaction it comes from';
  return null;
}

function readPrevious(bytes: Uint8Array): Transaction | null {
  try {
    return Transaction.fromRaw(bytes, {
      allowUnknownInputs: true,
      allowUnknownOutputs: true,
      allowUnknownVersion: true,
      disableScriptCheck: true,
    });
  } catch {
    return null;
  }
}
