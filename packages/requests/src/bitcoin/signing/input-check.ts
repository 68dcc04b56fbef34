import { concatBytes, decodeHex, equalBytes } from '@ckm/foundation';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { OutScript, RawTx, type Transaction } from '@scure/btc-signer';
import { destinationOf, witnessProgramOf } from '../script/destination.js';
import { hash160 } from '../script/hash160.js';
import type { BitcoinRequest } from '../psbt/parse.js';
import { readPushes } from '../script/pushes.js';
import { createSighash, SIGHASH_ALL, SIGHASH_DEFAULT } from '../transaction/sighash.js';
import { type Digest, type InputVerdict, judgeSchnorr, judgeScriptPath } from './taproot-check.js';
import { digestMs, SIGNATURE_MS, type Work } from './work.js';
import { nestedScriptSig } from '../transaction/txid.js';

/**
 * Judges what unlocks an input: taproot by its key or by signatures of others, and one key or several (CHECKMULTISIG) in
 * every older form. Digests are
 * computed and signatures checked by libraries that had no part in making them.
 * @param work what is left of it: what would take more is `unchecked`
 * @returns a judge of the input at a position of `transaction`, whose final scripts are set
 */
export function createInputCheck(
  request: BitcoinRequest,
  transaction: Transaction,
  work: Work,
): (at: number) => InputVerdict {
  const digests = createDigests(request, transaction, work);
  const judge = (at: number): InputVerdict => {
    const { finalScriptSig = new Uint8Array(), finalScriptWitness: witness = [] } = transaction.getInput(at);
    const { script } = request.inputs[at]!;
    const pushes = readPushes(finalScriptSig);
    if (pushes === null) return 'wrong';
    if (destinationForm(script) !== 'p2sh') return judgeScript(script, pushes, witness, digests(at), work);
    const redeem = pushes.at(-1);
    if (redeem === undefined || !equalBytes(hash160(redeem), script.subarray(2, 22))) return 'wrong';
    if (witnessProgramOf(redeem) !== null && !equalBytes(finalScriptSig, nestedScriptSig(redeem)))
      return 'wrong';
    return judgeScript(redeem, pushes.slice(0, -1), witness, digests(at), work);
  };
  return (at) => {
    try {
      return judge(at);
    } catch {
      return 'unknown';
    }
  };
}

interface Digests {
  readonly legacy: (script: Uint8Array) => Digest;
  readonly segwit: (script: Uint8Array) => Digest;
  readonly taproot: Digest;
  readonly tapscript: (script: Uint8Array) => Digest;
}

/** Each is computed once for an input, however many signatures sign it; what all inputs share is hashed each time. */
function createDigests(
  request: BitcoinRequest,
  transaction: Transaction,
  work: Work,
): (at: number) => Digests {
  const scripts = request.inputs.map(({ script }) => script);
  const amounts = request.inputs.map(({ amountSats }) => amountSats);
  const keyPath = createSighash(request);
  const ms = digestMs(...sizeOf(request));
  const once = (compute: (type: number) => Uint8Array | 'unknown'): Digest => {
    const known = new Map<number, Uint8Array | 'unknown'>();
    return (type) => {
      const before = known.get(type);
      if (before !== undefined) return before;
      if (!work.take(ms)) return 'unchecked';
      const digest = compute(type);
      known.set(type, digest);
      return digest;
    };
  };
  const ofPart = (at: number) => once((type) => transaction.preimageWitnessV1(at, scripts, type, amounts));
  return (at) => ({
    legacy: (script) =>
      once((type) => (type === SIGHASH_ALL ? legacyDigest(request, at, script) : 'unknown')),
    segwit: (script) => once((type) => transaction.preimageWitnessV0(at, script, type, amounts[at]!)),
    taproot: (type) =>
      type === SIGHASH_DEFAULT || type === SIGHASH_ALL ? keyPath(at, type) : ofPart(at)(type),
    tapscript: (script) =>
      once((type) => transaction.preimageWitnessV1(at, scripts, type, amounts, undefined, script)),
  });
}

/** How many inputs and outputs there are, and how long all their scripts. */
function sizeOf({ inputs, outputs }: BitcoinRequest): [parts: number, bytes: number] {
  const parts = [...inputs, ...outputs];
  return [parts.length, parts.reduce((sum, { script }) => sum + script.length, 0)];
}

function judgeScript(
  script: Uint8Array,
  pushes: readonly Uint8Array[],
  witness: readonly Uint8Array[],
  digests: Digests,
  work: Work,
): InputVerdict {
  const form = destinationForm(script);
  const isWitness = form === 'p2wpkh' || form === 'p2wsh' || form === 'p2tr';
  if (isWitness && pushes.length > 0) return 'wrong';
  if (form === 'p2tr') return judgeTaproot(script.subarray(2), witness, digests, work);
  if (form === 'p2wpkh') {
    const inner = concatBytes(Uint8Array.of(0x76, 0xa9), script.subarray(1), Uint8Array.of(0x88, 0xac));
    return judgeStack(inner, witness, digests.segwit(inner), work);
  }
  if (form === 'p2wsh') {
    const inner = witness.at(-1);
    if (inner === undefined || !equalBytes(sha256(inner), script.subarray(2))) return 'wrong';
    return judgeStack(inner, witness.slice(0, -1), digests.segwit(inner), work);
  }
  return witness.length > 0 ? 'wrong' : judgeStack(script, pushes, digests.legacy(script), work);
}

/** A spend by key has one element, one by script at least two. */
function judgeTaproot(
  key: Uint8Array,
  witness: readonly Uint8Array[],
  digests: Digests,
  work: Work,
): InputVerdict {
  const [signature] = witness;
  if (signature === undefined) return 'wrong';
  if (witness.length > 1) return judgeScriptPath(key, witness, digests.tapscript, work);
  return judgeSchnorr(key, signature, digests.taproot, work);
}

/** One key, or several, in a script of the usual form. */
function judgeStack(
  script: Uint8Array,
  stack: readonly Uint8Array[],
  digest: Digest,
  work: Work,
): InputVerdict {
  const known = OutScript.decode(script);
  if (known.type === 'pk') return judgeSignatures([known.pubkey], stack, digest, work);
  if (known.type === 'pkh') {
    const [signature, key] = stack;
    if (signature === undefined || key === undefined || stack.length !== 2) return 'wrong';
    return equalBytes(hash160(key), known.hash) ? judgeSignatures([key], [signature], digest, work) : 'wrong';
  }
  if (known.type !== 'ms') return 'unknown';
  const [dummy, ...signatures] = stack;
  if (dummy?.length !== 0 || signatures.length !== known.m) return 'wrong';
  return judgeSignatures(known.pubkeys, signatures, digest, work);
}

/** Signatures stand in the order of their keys, of which some may have none. */
function judgeSignatures(
  keys: readonly Uint8Array[],
  signatures: readonly Uint8Array[],
  digest: Digest,
  work: Work,
): InputVerdict {
  if (signatures.length === 0 || signatures.length > keys.length) return 'wrong';
  let next = 0;
  for (const signature of signatures) {
    if (signature.length === 0) return 'wrong';
    const message = digest(signature.at(-1)!);
    if (typeof message === 'string') return message;
    let isFound = false;
    while (!isFound) {
      const key = keys[next++];
      if (key === undefined) return 'wrong';
      if (!work.take(SIGNATURE_MS.ecdsa)) return 'unchecked';
      isFound = isRight(signature, message, key);
    }
  }
  return 'right';
}

function isRight(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  try {
    const options = { prehash: false, lowS: false, format: 'der' } as const;
    return secp256k1.verify(signature.subarray(0, -1), message, key, options);
  } catch {
    return false;
  }
}

/** The digest before segregated witness, of a signature over everything. */
function legacyDigest(
  { version, lockTime, inputs, outputs }: BitcoinRequest,
  at: number,
  script: Uint8Array,
): Uint8Array {
  const bytes = RawTx.encode({
    version,
    lockTime,
    segwitFlag: false,
    inputs: inputs.map(({ txid, index, sequence }, position) => ({
      txid: decodeHex(txid),
      index,
      sequence,
      finalScriptSig: position === at ? script : new Uint8Array(),
    })),
    outputs: outputs.map(({ amountSats, script: locking }) => ({ amount: amountSats, script: locking })),
  });
  return sha256(sha256(concatBytes(bytes, Uint8Array.of(SIGHASH_ALL, 0, 0, 0))));
}

function destinationForm(script: Uint8Array): string | null {
  const destination = destinationOf(script);
  return destination.type === 'address' ? destination.form : null;
}
