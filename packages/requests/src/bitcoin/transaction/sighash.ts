import { concatBytes, decodeHex, encodeUtf8 } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import type { BitcoinInput, BitcoinOutput, BitcoinRequest } from '../psbt/parse.js';
import { encodeSize } from '../script/bytes.js';

/** Sign everything. The two differ only in whether the signature says so in a 65th byte. */
export const SIGHASH_DEFAULT = 0x00;
export const SIGHASH_ALL = 0x01;
export type Sighash = typeof SIGHASH_DEFAULT | typeof SIGHASH_ALL;

/** Four bytes, the lowest first. */
export function u32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64le(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** A coin as an input names it. */
export function outpoint({ txid, index }: Pick<BitcoinInput, 'txid' | 'index'>): Uint8Array {
  return concatBytes(decodeHex(txid).reverse(), u32le(index));
}

function script(bytes: Uint8Array): Uint8Array {
  return concatBytes(encodeSize(bytes.length), bytes);
}

/** An output as the transaction holds it. */
export function output({
  amountSats,
  script: bytes,
}: Pick<BitcoinOutput, 'amountSats' | 'script'>): Uint8Array {
  return concatBytes(u64le(amountSats), script(bytes));
}

function hashAll(parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concatBytes(...parts));
}

/** The hashes that all inputs share. Source: BIP-341, "Common signature message" */
export function sharedHashes({ inputs, outputs }: Pick<BitcoinRequest, 'inputs' | 'outputs'>) {
  return {
    prevouts: hashAll(inputs.map(outpoint)),
    amounts: hashAll(inputs.map(({ amountSats }) => u64le(amountSats))),
    scriptPubkeys: hashAll(inputs.map((input) => script(input.script))),
    sequences: hashAll(inputs.map(({ sequence }) => u32le(sequence))),
    outputs: hashAll(outputs.map(output)),
  };
}

const TAG = sha256(encodeUtf8('TapSighash'));
const EPOCH = 0;
const KEY_PATH_NO_ANNEX = 0;

/**
 * What a key-path signature of an input signs; make it once for all inputs of a transaction.
 * Source: BIP-341, "Common signature message", with hash types 0 and 1 only.
 */
export function createSighash(request: BitcoinRequest): (index: number, type: Sighash) => Uint8Array {
  const hashes = sharedHashes(request);
  return (index, type) =>
    sha256(
      concatBytes(
        TAG,
        TAG,
        Uint8Array.of(EPOCH, type),
        u32le(request.version),
        u32le(request.lockTime),
        hashes.prevouts,
        hashes.amounts,
        hashes.scriptPubkeys,
        hashes.sequences,
        hashes.outputs,
        Uint8Array.of(KEY_PATH_NO_ANNEX),
        u32le(index),
      ),
    );
}
