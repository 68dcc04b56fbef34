import { encodeHex, equalBytes } from '@ckm/foundation';
import { type DerivationPath, type PublicKeyPackage, type Tweak, verifySignature } from '@ckm/threshold';
import { demand, refusal } from '../../errors.js';
import { provenClaim } from './claims.js';
import { taprootScript } from '../script/destination.js';
import { merkleRootOf } from '../script/tap-tree.js';
import type { BitcoinInput, BitcoinOutput, BitcoinRequest, KeyClaim } from '../psbt/parse.js';
import { createSighash, SIGHASH_ALL, SIGHASH_DEFAULT, type Sighash } from '../transaction/sighash.js';
import { taprootKeys } from '../wallet/wallet.js';

/** An input of the key, proven by deriving its output key. */
export interface OwnInput {
  readonly at: number;
  readonly tweak: Tweak;
  /** x coordinate, 32 bytes: the key that the signature has to verify under. */
  readonly outputKey: Uint8Array;
  readonly sighashType: Sighash;
  readonly digest: Uint8Array;
  /** Holds a valid signature already. */
  readonly signed: boolean;
}

/** What of a transaction belongs to the key, after everything it claims was derived again. */
export interface Ownership {
  readonly inputs: readonly OwnInput[];
  /** By position: outputs that only the key can spend, with their paths. */
  readonly outputs: ReadonlyMap<number, DerivationPath>;
  /** By position: outputs that the key can spend, but others too, or that are only said to be. */
  readonly shared: ReadonlyMap<number, Sharing>;
}

/** `proven`: whatever scripts others have, the key spends it by itself. `claimed`: the request names the key beside it. */
export type Sharing = 'proven' | 'claimed';

/** As many signatures as a server makes for one request. */
export const MAX_SIGNATURES = 256;
/** Trees of more scripts are not hashed: what they prove is said to be only claimed. */
const MOST_LEAVES = 16;

function isForKeyPath(claim: KeyClaim, internalKey: Uint8Array | undefined): boolean {
  return claim.keyPath && (internalKey === undefined || equalBytes(internalKey, claim.publicKey));
}

/** What the PSBT asks for, or else what a signature that is already there says in its last byte. */
function sighashOf({ sighashType, keySignature }: BitcoinInput): Sighash {
  const type = sighashType ?? (keySignature?.length === 65 ? keySignature[64]! : SIGHASH_DEFAULT);
  if (type === SIGHASH_DEFAULT || type === SIGHASH_ALL) return type;
  throw refusal('PSBT_SIGHASH_REFUSED', 'an input asks for a signature over only a part of the transaction');
}

function isSigned(input: BitcoinInput, outputKey: Uint8Array, type: Sighash, digest: Uint8Array): boolean {
  const { keySignature, final } = input;
  demand(!final, 'PSBT_INPUT_SIGNED_WRONGLY', 'an input of the key is finalised already');
  if (keySignature === undefined) return false;
  const form = type === SIGHASH_DEFAULT ? keySignature.length === 64 : keySignature.length === 65;
  demand(
    form &&
      (type === SIGHASH_DEFAULT || keySignature[64] === type) &&
      verifySignature('secp256k1-tr', outputKey, digest, keySignature.subarray(0, 64)),
    'PSBT_INPUT_SIGNED_WRONGLY',
    'an input of the key carries a signature that is not valid',
  );
  return true;
}

/** How the key path of a coin that is the key's leads to it. */
interface Lock {
  readonly tweak: Tweak;
  /** x coordinate, 32 bytes. */
  readonly outputKey: Uint8Array;
}

function locks({ outputKey }: Pick<Lock, 'outputKey'>, script: Uint8Array): boolean {
  return equalBytes(taprootScript(outputKey), script);
}

/**
 * By what the key alone spends an input, as far as the input says so itself. Whatever else it says beside a path that does
 * lead to its key, such as scripts it belongs to or another internal key, makes it nobody else's.
 * @throws EncodingError `PSBT_INPUT_PATH_FALSE`, `PSBT_INPUT_OWNER_HIDDEN`
 */
function lockOf(input: BitcoinInput, key: PublicKeyPackage): Lock | null {
  const proven = provenClaim(input.claims, key, 'PSBT_INPUT_PATH_FALSE');
  if (proven === null) return null;
  const { claim, path } = proven;
  const lock = taprootKeys(key, path, input.merkleRoot ?? null);
  const isForKey = isForKeyPath(claim, input.internalKey);
  if (isForKey && locks(lock, input.script)) return lock;
  const isHidden = locks(lock, input.script) || locks(taprootKeys(key, path), input.script);
  demand(!isHidden, 'PSBT_INPUT_OWNER_HIDDEN', 'an input of the key is passed off as somebody else’s');
  // A script of several keys, or a coin of an older kind under the same key: nothing that the key alone can sign for.
  if (!isForKey || claim.isEcdsa) return null;
  throw refusal('PSBT_INPUT_PATH_FALSE', 'an input is not locked by the key it claims');
}

/** Whether an input is proven to be the key's by what it says itself. @throws EncodingError when that is false */
export function isProvenInput(input: BitcoinInput, key: PublicKeyPackage): boolean {
  return lockOf(input, key) !== null;
}

type Sign = (at: number, type: Sighash) => Uint8Array;

function ownInput(input: BitcoinInput, at: number, key: PublicKeyPackage, sign: Sign): OwnInput | null {
  const lock = lockOf(input, key);
  if (lock === null) return null;
  const { tweak, outputKey } = lock;
  const sighashType = sighashOf(input);
  const digest = sign(at, sighashType);
  return {
    at,
    tweak,
    outputKey,
    sighashType,
    digest,
    signed: isSigned(input, outputKey, sighashType, digest),
  };
}

type OwnOutput = { readonly path: DerivationPath } | Sharing | null;

function ownOutput(output: BitcoinOutput, key: PublicKeyPackage): OwnOutput {
  const proven = provenClaim(output.claims, key, 'PSBT_OUTPUT_PATH_FALSE');
  if (proven === null) return null;
  const { claim, path } = proven;
  const isOurs = locks(taprootKeys(key, path), output.script);
  if (!isOurs && (output.scriptTree !== undefined || !isForKeyPath(claim, output.internalKey))) {
    return isSharedProven(output, path, key) ? 'proven' : 'claimed';
  }
  demand(
    isOurs || !claim.isEcdsa,
    'PSBT_OUTPUT_NOT_SPENDABLE',
    'an output is passed off as the key’s, but is of a kind it cannot spend',
  );
  demand(isOurs, 'PSBT_OUTPUT_PATH_FALSE', 'an output is passed off as the key’s, but pays somebody else');
  return { path };
}

/** What a script would let the key do is not judged: only whether the key alone spends the output in spite of its scripts. */
function isSharedProven(
  { script, scriptTree = [] }: BitcoinOutput,
  path: DerivationPath,
  key: PublicKeyPackage,
): boolean {
  if (scriptTree.length === 0 || scriptTree.length > MOST_LEAVES) return false;
  return locks(taprootKeys(key, path, merkleRootOf(scriptTree)), script);
}

/** A coin beside a proven one, locked by the same script, is the key's too, whatever the PSBT leaves out. */
function assertNoneHidden({ inputs, outputs }: BitcoinRequest, own: Ownership): void {
  const ours = new Set([
    ...own.inputs.map(({ at }) => encodeHex(inputs[at]!.script)),
    ...[...own.outputs.keys()].map((at) => encodeHex(outputs[at]!.script)),
  ]);
  const proven = new Set(own.inputs.map(({ at }) => at));
  const hidden = inputs.some(({ script }, at) => !proven.has(at) && ours.has(encodeHex(script)));
  demand(!hidden, 'PSBT_INPUT_OWNER_HIDDEN', 'an input of the key is passed off as somebody else’s');
}

const remembered = new WeakMap<BitcoinRequest, WeakMap<PublicKeyPackage, Ownership>>();

/**
 * Derives again what the PSBT claims, and refuses what does not hold. The answer for a parsed request is remembered:
 * sentence, tasks and artefact come from the same one.
 * @throws EncodingError
 */
export function assessOwnership(request: BitcoinRequest, key: PublicKeyPackage): Ownership {
  let known = remembered.get(request);
  if (known === undefined) remembered.set(request, (known = new WeakMap()));
  let ownership = known.get(key);
  if (ownership === undefined) known.set(key, (ownership = computeOwnership(request, key)));
  return ownership;
}

/**
 * Whether a transaction holds a valid signature for each coin of the key: those that it says are the key's, and those that
 * the request for it said were.
 * @param request of the same transaction
 * @throws EncodingError
 */
export function isSignedBy(signed: BitcoinRequest, request: BitcoinRequest, key: PublicKeyPackage): boolean {
  const claimed = new Map(ownInputs(signed, key).map((own) => [own.at, own.signed]));
  const asked = ownInputs(request, key).filter(({ at }) => !claimed.has(at));
  const sign = createSighash(signed);
  const isAskedSigned = ({ at, outputKey }: OwnInput) => {
    const input = signed.inputs[at]!;
    const type = sighashOf(input);
    return isSigned(input, outputKey, type, sign(at, type));
  };
  const isAny = claimed.size + asked.length > 0;
  return isAny && [...claimed.values()].every(Boolean) && asked.every(isAskedSigned);
}

function ownInputs(request: BitcoinRequest, key: PublicKeyPackage): readonly OwnInput[] {
  const sign = createSighash(request);
  return request.inputs.map((input, at) => ownInput(input, at, key, sign)).filter((input) => input !== null);
}

function computeOwnership(request: BitcoinRequest, key: PublicKeyPackage): Ownership {
  const inputs = ownInputs(request, key);
  demand(inputs.length > 0, 'PSBT_NO_INPUT_OF_KEY', 'the transaction spends no coin of this key');
  const unsigned = inputs.filter(({ signed }) => !signed).length;
  demand(unsigned > 0, 'PSBT_ALREADY_SIGNED', 'every input of this key is signed already');
  demand(
    unsigned <= MAX_SIGNATURES,
    'PSBT_TOO_MANY_SIGNATURES',
    'the transaction needs too many signatures at once',
  );
  const outputs = new Map<number, DerivationPath>();
  const shared = new Map<number, Sharing>();
  for (const [at, output] of request.outputs.entries()) {
    const own = ownOutput(output, key);
    if (own === 'proven' || own === 'claimed') shared.set(at, own);
    else if (own !== null) outputs.set(at, own.path);
  }
  const ownership = { inputs, outputs, shared };
  assertNoneHidden(request, ownership);
  return ownership;
}
