import { concatBytes, EncodingError } from '@ckm/foundation';
import { groupNamed, type SecretScalar } from '@ckm/threshold';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { materialInvalid } from './key-material.js';

/** A private key on the way down a path. Whoever has it wipes both. */
export interface PrivateNode {
  readonly scalar: SecretScalar;
  /** 32 bytes */
  readonly chainCode: Uint8Array;
}

const HARDENED = 0x8000_0000;
const DEEPEST = 10;
const PATH = /^m((?:\/[0-9]{1,10}['hH]?)*)$/;

/**
 * Reads a path with hardened steps, as wallets write it: `m/86'/0'/0'`.
 * @throws EncodingError `KEY_MATERIAL_INVALID`
 */
export function parsePrivatePath(text: string): readonly number[] {
  const steps = PATH.exec(text)?.[1]?.split('/').slice(1);
  if (steps === undefined || steps.length > DEEPEST) throw materialInvalid(`${text} is no path of a key`);
  return steps.map((step) => {
    const index = Number.parseInt(step, 10);
    if (index >= HARDENED) throw materialInvalid(`${text} is no path of a key`);
    return /['hH]$/.test(step) ? index + HARDENED : index;
  });
}

/** Source: BIP-32, "Master key generation" */
export function masterNode(seed: Uint8Array): PrivateNode {
  const key = new TextEncoder().encode('Bitcoin seed');
  return nodeOf(hmac(sha512, key, seed));
}

/**
 * The key at a path below a node, which is wiped with all between them.
 * Source: BIP-32, "Private parent key → private child key"
 * @throws EncodingError `KEY_MATERIAL_INVALID` for a step (one in 2¹²⁷) that has no key
 */
export function deriveNode(node: PrivateNode, path: readonly number[]): PrivateNode {
  let at = node;
  for (const index of path) {
    const child = deriveChild(at, index);
    wipeNode(at);
    at = child;
  }
  return at;
}

function wipeNode({ scalar, chainCode }: PrivateNode): void {
  scalar.fill(0);
  chainCode.fill(0);
}

function deriveChild({ scalar, chainCode }: PrivateNode, index: number): PrivateNode {
  const group = groupNamed('secp256k1');
  const { scalars } = group;
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, index);
  const parent =
    index >= HARDENED ? concatBytes(Uint8Array.of(0), scalar) : group.encode(group.mulBase(scalar));
  const input = concatBytes(parent, number);
  const { scalar: offset, chainCode: next } = nodeOf(hmac(sha512, chainCode, input));
  const child = scalars.add(scalar, offset);
  for (const spent of [parent, input, offset]) spent.fill(0);
  if (scalars.isZero(child)) throw unusable();
  return { scalar: child, chainCode: next };
}

/** The halves of a digest, which is wiped. */
function nodeOf(digest: Uint8Array): PrivateNode {
  const left = digest.slice(0, 32);
  try {
    return { scalar: groupNamed('secp256k1').scalars.parseSecret(left), chainCode: digest.slice(32) };
  } catch (error) {
    if (error instanceof EncodingError) throw unusable();
    throw error;
  } finally {
    left.fill(0);
    digest.fill(0);
  }
}

function unusable(): EncodingError {
  return materialInvalid('no key lies at this path: take the next account');
}
