import { CkmError, concatBytes, encodeHex } from '@ckm/foundation';
import { Transaction } from '@scure/btc-signer';
import { demand, refusal } from '../errors.js';
import { verifySignature } from '@ckm/threshold';
import type { KeyContext } from '../kind.js';
import { assessOwnership } from './ownership.js';
import { parseBitcoin, type BitcoinInput, type BitcoinRequest } from './parse.js';
import { createSighash, SIGHASH_ALL, SIGHASH_DEFAULT } from './sighash.js';

/** A transaction ready to be sent. */
export interface FinalTransaction {
  readonly hex: string;
  readonly txid: string;
  readonly virtualBytes: number;
}

/**
 * Positions of the inputs that somebody else has to sign before there is a final transaction, whatever the key signs.
 * @throws EncodingError what `parseBitcoin` and the key refuse
 */
export function inputsLeftToOthers(psbt: Uint8Array, key: KeyContext): readonly number[] {
  const request = parseBitcoin(psbt);
  const own = inputsToCome(request, key);
  const transaction = Transaction.fromPSBT(request.psbt, { allowUnknownOutputs: true });
  return request.inputs.flatMap((_, at) => (own.has(at) || isWhole(transaction, at) ? [] : [at]));
}

/** Inputs that this key will sign. */
function inputsToCome(request: BitcoinRequest, key: KeyContext): ReadonlySet<number> {
  try {
    return new Set(assessOwnership(request, key.public).inputs.map(({ at }) => at));
  } catch (error) {
    if (error instanceof CkmError && error.code === 'PSBT_ALREADY_SIGNED') return new Set();
    throw error;
  }
}

function isWhole(transaction: Transaction, at: number): boolean {
  const { finalScriptSig, finalScriptWitness } = transaction.getInput(at);
  if (finalScriptSig !== undefined || finalScriptWitness !== undefined) return true;
  try {
    transaction.finalizeIdx(at);
    return true;
  } catch {
    return false;
  }
}

function extract(psbt: Uint8Array): Transaction {
  try {
    const transaction = Transaction.fromPSBT(psbt, { allowUnknownOutputs: true });
    for (let at = 0; at < transaction.inputsLength; at++) {
      const { finalScriptSig, finalScriptWitness } = transaction.getInput(at);
      if (finalScriptSig === undefined && finalScriptWitness === undefined) transaction.finalizeIdx(at);
    }
    transaction.extract();
    return transaction;
  } catch {
    throw refusal('PSBT_NOT_SIGNED', 'the transaction cannot be extracted: an input lacks what it needs');
  }
}

/** Key-path signatures of anybody are checked; scripts of others are theirs to check. */
function assertKeySignatures(request: BitcoinRequest): void {
  const digest = createSighash(request);
  for (const [at, input] of request.inputs.entries()) {
    const { keySignature, script } = input;
    if (keySignature === undefined || !isTaproot(script)) continue;
    const type = keySignature.length === 65 ? keySignature[64] : SIGHASH_DEFAULT;
    if (type !== SIGHASH_DEFAULT && type !== SIGHASH_ALL) continue;
    demand(
      verifySignature('secp256k1-tr', script.subarray(2), digest(at, type), keySignature.subarray(0, 64)),
      'SIGNATURE_INVALID',
      `the signature of input ${at} does not verify`,
    );
  }
}

function isTaproot(script: BitcoinInput['script']): boolean {
  return script.length === 34 && script[0] === 0x51 && script[1] === 0x20;
}

/**
 * The final transaction of a PSBT whose inputs are all signed.
 * @throws EncodingError `PSBT_NOT_SIGNED`, `SIGNATURE_INVALID`, or what `parseBitcoin` refuses
 */
export function finalizeTransaction(psbt: Uint8Array): FinalTransaction {
  const request = parseBitcoin(psbt);
  assertKeySignatures(request);
  const transaction = extract(request.psbt);
  const bytes = concatBytes(transaction.extract());
  return { hex: encodeHex(bytes), txid: transaction.id, virtualBytes: transaction.vsize };
}
