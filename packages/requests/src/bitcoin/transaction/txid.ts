import { concatBytes, encodeHex, equalBytes } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { demand } from '../../errors.js';
import { witnessProgramOf } from '../script/destination.js';
import { hash160 } from '../script/hash160.js';
import type { BitcoinInput, BitcoinRequest } from '../psbt/parse.js';
import { encodeSize } from '../script/bytes.js';
import { readPsbtMaps, recordValue, type PsbtMap } from '../psbt/psbt-maps.js';
import { outpoint, output, u32le } from './sighash.js';

/** What a transaction is called before it is signed. */
export interface TransactionName {
  /** As explorers will show it. */
  readonly txid: string;
  /** False while an input waits for a signature that its name covers: then it will be called otherwise. */
  readonly isFinal: boolean;
}

const IN_REDEEM_SCRIPT = 0x04;
const IN_FINAL_SCRIPTSIG = 0x07;
const EMPTY = new Uint8Array();

/** Source: BIP-16 */
function isHashedIn(script: Uint8Array, redeemScript: Uint8Array): boolean {
  return equalBytes(
    script,
    concatBytes(Uint8Array.of(0xa9, 0x14), hash160(redeemScript), Uint8Array.of(0x87)),
  );
}

/** All that may stand in an input beside its witness when the program is in its redeem script. Source: BIP-141 */
export function nestedScriptSig(redeemScript: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(redeemScript.length), redeemScript);
}

/** What may stand in an input beside its witness; null where that is for its signer to say. Source: BIP-141 */
function fixedScriptSig({ script }: BitcoinInput, map: PsbtMap): Uint8Array | null {
  if (witnessProgramOf(script) !== null) return EMPTY;
  const redeemScript = recordValue(map, IN_REDEEM_SCRIPT);
  if (redeemScript === undefined || witnessProgramOf(redeemScript) === null) return null;
  return isHashedIn(script, redeemScript) ? nestedScriptSig(redeemScript) : null;
}

/** What will stand in the input beside its witness; null as long as its signer decides that. */
function scriptSig(input: BitcoinInput, map: PsbtMap): Uint8Array | null {
  const final = recordValue(map, IN_FINAL_SCRIPTSIG);
  const fixed = fixedScriptSig(input, map);
  if (fixed === null) return final ?? null;
  demand(
    final === undefined || equalBytes(final, fixed),
    'PSBT_MALFORMED',
    'an input carries a final script that its coin cannot have',
  );
  return fixed;
}

/** The name of the transaction as far as it is known. @throws EncodingError `PSBT_MALFORMED`. Source: BIP-141, "Transaction ID" */
export function nameTransaction(request: BitcoinRequest): TransactionName {
  const { version, inputs, outputs, lockTime, psbt } = request;
  const maps = readPsbtMaps(psbt);
  const scripts = inputs.map((input, at) => scriptSig(input, maps[1 + at]!));
  const parts = inputs.flatMap((input, at) => {
    const script = scripts[at] ?? EMPTY;
    return [outpoint(input), encodeSize(script.length), script, u32le(input.sequence)];
  });
  const bytes = concatBytes(
    u32le(version),
    encodeSize(inputs.length),
    ...parts,
    encodeSize(outputs.length),
    ...outputs.map(output),
    u32le(lockTime),
  );
  return {
    txid: encodeHex(sha256(sha256(bytes)).reverse()),
    isFinal: scripts.every((script) => script !== null),
  };
}

/**
 * Refuses any transaction but the one of that name, which may be in groups, as a table shows it.
 * @throws EncodingError `TXID_INVALID`, `PSBT_TXID_UNDECIDED`, `PSBT_TXID_DIFFERS`
 */
export function assertTxid(request: BitcoinRequest, expected: string): void {
  const digits = expected.replace(/\s+/g, '').toLowerCase();
  demand(/^[0-9a-f]{64}$/.test(digits), 'TXID_INVALID', 'this is no id of a transaction');
  const { txid, isFinal } = nameTransaction(request);
  demand(
    isFinal,
    'PSBT_TXID_UNDECIDED',
    'the id of the transaction depends on signatures of others that are not there yet',
  );
  demand(txid === digits, 'PSBT_TXID_DIFFERS', `this is transaction ${txid}, not the one that was expected`);
}

/** `txid:index`, as explorers show a coin. */
export function nameCoin({ txid, index }: Pick<BitcoinInput, 'txid' | 'index'>): string {
  return `${txid}:${index}`;
}
