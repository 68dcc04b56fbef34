import { concatBytes, encodeUtf8, UsageError } from '@ckm/foundation';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import type { Element, Group, Scalar } from '../group/index.js';
import { hash, taggedHash } from '../hash/index.js';
import type { SuiteName } from '../key/cocktail/suite-name.js';

/** A public key on the way down a path, with the chain code that the next step needs. */
export interface PublicNode {
  readonly element: Element;
  /** 32 bytes. */
  readonly chainCode: Uint8Array;
}

/** What one step adds to the secret: child = parent + offset·G. */
export interface ChildStep {
  readonly offset: Scalar;
  readonly child: PublicNode;
}

/**
 * One unhardened step by the rule of the suite.
 * @throws UsageError `PATH_UNSUPPORTED` when the suite derives no children, `PATH_INDEX_UNUSABLE` for the index (one in
 *   2¹²⁷) that has no child
 */
export function deriveChild(suite: SuiteName, group: Group, parent: PublicNode, index: number): ChildStep {
  return CHILD_RULES[suite](group, parent, index);
}

type ChildRule = (group: Group, parent: PublicNode, index: number) => ChildStep;

const CHILD_RULES: Record<SuiteName, ChildRule> = {
  secp256k1: deriveBip32Child,
  'secp256k1-tr': deriveBip32Child,
  'P-256': deriveP256Child,
  ed25519: deriveEd25519Child,
  ristretto255: refuseChild,
};

function refuseChild(): never {
  throw new UsageError('ristretto255 keys have no derived keys', {
    code: 'PATH_UNSUPPORTED',
    hint: 'use the empty path m, or generate another key',
  });
}

/** CKDpub. Source: BIP-32, "Public parent key → public child key" */
function deriveBip32Child(group: Group, parent: PublicNode, index: number): ChildStep {
  const digest = hmac(
    sha512,
    parent.chainCode,
    concatBytes(group.encode(parent.element), encodeUint32(index)),
  );
  const step = addOffset(group, parent, digest);
  if (step === null) throw indexUnusable();
  return step;
}

/** Like BIP-32 over P-256, but no index is without a child. Source: SLIP-0010, "Public parent key → public child key" */
function deriveP256Child(group: Group, parent: PublicNode, index: number): ChildStep {
  const at = encodeUint32(index);
  let digest = hmac(sha512, parent.chainCode, concatBytes(group.encode(parent.element), at));
  // Each try fails once in 2³² (the order of P-256 is that far below 2²⁵⁶); sixteen in a row are no accident.
  for (let tries = 0; tries < 16; tries++) {
    const step = addOffset(group, parent, digest);
    if (step !== null) return step;
    digest = hmac(sha512, parent.chainCode, concatBytes(Uint8Array.of(1), digest.subarray(32), at));
  }
  throw indexUnusable();
}

const ED25519_TAG = encodeUtf8('CKM-ed25519-hd/v1');

/** No wallet standard derives ed25519 keys without the secret. Source: CKM, docs/frost.md, "Derived keys" */
function deriveEd25519Child(group: Group, parent: PublicNode, index: number): ChildStep {
  const items = [parent.chainCode, group.encode(parent.element), encodeUint32(index)];
  const prefixed = [ED25519_TAG, ...items].flatMap((item) => [encodeUint32(item.length), item]);
  // 64 bytes, so that the offset is uniform modulo the order; hence not taggedHash, which gives 32.
  const offset = group.scalars.reduce(hash('sha512', ...prefixed));
  const element = group.add(parent.element, group.mulBasePublic(offset));
  if (group.isIdentity(element)) throw indexUnusable();
  return { offset, child: { element, chainCode: taggedHash('CKM/hd/ed25519-chain/v1', ...items) } };
}

/** null when the left half is no scalar or the child would be the identity. */
function addOffset(group: Group, parent: PublicNode, digest: Uint8Array): ChildStep | null {
  const offset = parseOffset(group, digest.subarray(0, 32));
  if (offset === null) return null;
  const element = group.add(parent.element, group.mulBasePublic(offset));
  if (group.isIdentity(element)) return null;
  return { offset, child: { element, chainCode: digest.slice(32) } };
}

/** null unless the big-endian bytes are smaller than the group order. Public data only. */
export function parseOffset(group: Group, bytes: Uint8Array): Scalar | null {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value < group.scalars.order ? group.scalars.fromInteger(value) : null;
}

function encodeUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function indexUnusable(): UsageError {
  return new UsageError('this index of the path has no key', {
    code: 'PATH_INDEX_UNUSABLE',
    hint: 'use the next index',
  });
}
