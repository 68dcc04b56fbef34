import { equalBytes } from '@ckm/foundation';
import { verifySignature } from '@ckm/threshold';
import { OutScript } from '@scure/btc-signer';
import { taprootTweakPubkey } from '@scure/btc-signer/utils.js';
import { tapBranchHash, tapLeafHash } from '../script/tap-tree.js';
import { SIGHASH_DEFAULT } from '../transaction/sighash.js';
import { SIGNATURE_MS, type Work } from './work.js';

/**
 * What is true of the final scripts of an input. `unknown`: they are of a kind that is not judged here; `unchecked`: it would
 * take too long.
 */
export type InputVerdict = 'right' | 'wrong' | 'unknown' | 'unchecked';

/** What a signature of one input signs, by its type, or why that is not known. */
export type Digest = (type: number) => Uint8Array | 'unknown' | 'unchecked';

const ANNEX = 0x50;
const TAPSCRIPT_VERSION = 0xc0;
const NODE = 32;

/** A signature of 64 bytes, or of 65 with its type. Source: BIP-341, "Taproot key path spending signature validation" */
export function judgeSchnorr(
  key: Uint8Array,
  signature: Uint8Array,
  digest: Digest,
  work: Work,
): InputVerdict {
  if (signature.length !== 64 && signature.length !== 65) return 'wrong';
  const type = signature.length === 65 ? signature[64]! : SIGHASH_DEFAULT;
  if (signature.length === 65 && type === SIGHASH_DEFAULT) return 'wrong';
  const message = digest(type);
  if (typeof message === 'string') return message;
  if (!work.take(SIGNATURE_MS.schnorr)) return 'unchecked';
  return verifySignature('secp256k1-tr', key, message, signature.subarray(0, 64)) ? 'right' : 'wrong';
}

/** A spend by a script of keys that all sign, or of which so many sign as the script says. Source: BIP-341, BIP-342 */
export function judgeScriptPath(
  outputKey: Uint8Array,
  witness: readonly Uint8Array[],
  digestOf: (script: Uint8Array) => Digest,
  work: Work,
): InputVerdict {
  const [control, script] = [witness.at(-1)!, witness.at(-2)!];
  if (control[0] === ANNEX) return 'unknown';
  if (control.length < 33 || (control.length - 33) % NODE !== 0) return 'wrong';
  if ((control[0]! & 0xfe) !== TAPSCRIPT_VERSION) return 'unknown';
  if (!commitsTo(outputKey, control, script)) return 'wrong';
  const known = OutScript.decode(script);
  if (known.type !== 'tr_ns' && known.type !== 'tr_ms') return 'unknown';
  const signatures = witness.slice(0, -2).toReversed();
  if (signatures.length !== known.pubkeys.length) return 'wrong';
  const given = signatures.filter(({ length }) => length > 0).length;
  if (given !== (known.type === 'tr_ms' ? known.m : known.pubkeys.length)) return 'wrong';
  const digest = digestOf(script);
  for (const [at, signature] of signatures.entries()) {
    const verdict =
      signature.length === 0 ? 'right' : judgeSchnorr(known.pubkeys[at]!, signature, digest, work);
    if (verdict !== 'right') return verdict;
  }
  return 'right';
}

/** Whether the output key was made of the internal key and a tree with that script in it. */
function commitsTo(outputKey: Uint8Array, control: Uint8Array, script: Uint8Array): boolean {
  let root = tapLeafHash(script, TAPSCRIPT_VERSION);
  for (let at = 33; at < control.length; at += NODE) {
    root = tapBranchHash(root, control.subarray(at, at + NODE));
  }
  const [key, parity] = taprootTweakPubkey(control.subarray(1, 33), root);
  return equalBytes(key, outputKey) && parity === (control[0]! & 1);
}
