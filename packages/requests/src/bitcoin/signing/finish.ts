import { concatBytes } from '@ckm/foundation';
import { demand } from '../../errors.js';
import type { KeyContext } from '../../kind.js';
import type { TaskResult } from '../../task.js';
import { schnorr } from '@noble/curves/secp256k1.js';
import type { BitcoinRequest } from '../psbt/parse.js';
import { withoutNetwork } from '../psbt/network-record.js';
import { readPsbtMaps, recordValue, withRecord, writePsbtMaps, type PsbtMap } from '../psbt/psbt-maps.js';
import { SIGHASH_DEFAULT } from '../transaction/sighash.js';
import { inputsToSign } from './tasks.js';

const IN_TAP_KEY_SIG = 0x13;
const GLOBAL_TX_MODIFIABLE = 0x06;
const GLOBAL_VERSION = 0xfb;
const INPUTS_AND_OUTPUTS_MODIFIABLE = 0b011;

/** BIP-370: who signs everything must clear the flags that allow to change it. */
function withoutPermissions(global: PsbtMap): PsbtMap {
  const flags = recordValue(global, GLOBAL_TX_MODIFIABLE);
  if (recordValue(global, GLOBAL_VERSION)?.[0] !== 2 || flags?.length !== 1) return global;
  return withRecord(global, GLOBAL_TX_MODIFIABLE, Uint8Array.of(flags[0]! & ~INPUTS_AND_OUTPUTS_MODIFIABLE));
}

/**
 * The PSBT with `PSBT_IN_TAP_KEY_SIG` in every input of the key, without the name of the network that was for whoever
 * described it; nothing else of it changes.
 * @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID`
 */
export function finishBitcoin(
  typed: BitcoinRequest,
  key: KeyContext,
  results: readonly TaskResult[],
): Uint8Array {
  const toSign = inputsToSign(typed, key);
  demand(
    results.length === toSign.length,
    'SIGNATURE_COUNT_WRONG',
    'the transaction needs another number of signatures than came',
  );
  const maps = [...readPsbtMaps(typed.psbt)];
  for (const [task, { at, outputKey, digest, sighashType }] of toSign.entries()) {
    const result = results[task]!;
    const signature = result.craft === 'frost' ? result.signature : null;
    demand(
      signature?.length === 64 && isRightByNoble(signature, digest, outputKey),
      'SIGNATURE_INVALID',
      `the signature of input ${at} does not verify under its key`,
    );
    const suffix = sighashType === SIGHASH_DEFAULT ? [] : [Uint8Array.of(sighashType)];
    maps[1 + at] = withRecord(maps[1 + at]!, IN_TAP_KEY_SIG, concatBytes(signature, ...suffix));
  }
  maps[0] = withoutNetwork(withoutPermissions(maps[0]!));
  return writePsbtMaps(maps);
}

/** Judged by a library that had no part in making the signature: the last look before money moves. */
function isRightByNoble(signature: Uint8Array, digest: Uint8Array, outputKey: Uint8Array): boolean {
  try {
    return schnorr.verify(signature, digest, outputKey);
  } catch {
    return false;
  }
}
