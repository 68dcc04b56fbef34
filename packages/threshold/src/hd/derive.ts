import { encodeHex, EncodingError, UsageError } from '@ckm/foundation';
import { type Element, type Group, groupNamed, type Scalar } from '../group/index.js';
import { groupOfSuite, type SuiteName } from '../key/cocktail/suite-name.js';
import { hasChildren } from '../key/chain-code.js';
import type { PublicKeyPackage } from '../key/public-package.js';
import { deriveChild, type PublicNode } from './child-steps.js';
import { type DerivedKey, registerDerivedKey } from './derived-key.js';
import { assertPath, type DerivationPath } from './path.js';
import { assertTaprootCommitment, hasOddY, type TaprootCommitment, taprootOffset } from './taproot.js';

/** Which key below a certified one is meant. Holds no scalar: parties compute offsets, nobody sends them. */
export interface Tweak {
  readonly path: DerivationPath;
  /** Makes the key a taproot output key (`secp256k1-tr` only); null leaves it as derived. */
  readonly taproot: TaprootCommitment | null;
}

/** The certified key itself. */
export const NO_TWEAK: Tweak = Object.freeze({ path: Object.freeze([]), taproot: null });

const MOST_REMEMBERED = 64;
const remembered = new WeakMap<PublicKeyPackage, Map<string, DerivedKey>>();
/** Paths share their beginnings, and a key is asked for with and without its taproot tweak. */
const rememberedPositions = new WeakMap<PublicKeyPackage, Map<string, Position>>();

/**
 * The key that path and taproot commitment lead to, computed from certified key and certified chain code alone.
 * The most recent answers are remembered for each package, so ask again rather than keep them. `parent` must be
 * certified already (docs/dkg.md) and must not be changed afterwards.
 * @throws EncodingError `PATH_INVALID`, `PATH_HARDENED`, `MERKLE_ROOT_INVALID`, `KEY_INVALID` · UsageError
 *   `PATH_UNSUPPORTED`, `PATH_INDEX_UNUSABLE`, `TAPROOT_UNSUPPORTED`
 * Source: BIP-32 (unhardened steps), BIP-341 (taproot tweak), SLIP-0010 (P-256); ed25519: docs/frost.md, "Derived keys"
 */
export function deriveKey(parent: PublicKeyPackage, tweak: Tweak): DerivedKey {
  const path = assertPath(tweak.path);
  const taproot = tweak.taproot === null ? null : assertTaprootCommitment(tweak.taproot);
  const name = nameTweak(path, taproot);
  return recall(remembered, parent, name, () => computeKey(parent, path, taproot));
}

/** The latest answers about a parent; the one that was made first goes first. */
function recall<T>(
  memory: WeakMap<PublicKeyPackage, Map<string, T>>,
  parent: PublicKeyPackage,
  name: string,
  compute: () => T,
): T {
  let known = memory.get(parent);
  if (known === undefined) memory.set(parent, (known = new Map()));
  let value = known.get(name);
  if (value === undefined) {
    value = compute();
    for (const oldest of known.keys()) {
      if (known.size < MOST_REMEMBERED) break;
      known.delete(oldest);
    }
    known.set(name, value);
  }
  return value;
}

function nameTweak(path: DerivationPath, taproot: TaprootCommitment | null): string {
  if (taproot === null) return `${path.join('/')}:plain`;
  return `${path.join('/')}:taproot:${taproot.merkleRoot === null ? '' : encodeHex(taproot.merkleRoot)}`;
}

/** The secret behind `element` is ±secret + offset, with `secret` the one behind the certified key. */
interface Position extends PublicNode {
  readonly offset: Scalar;
  readonly negate: boolean;
}

function computeKey(
  parent: PublicKeyPackage,
  path: DerivationPath,
  taproot: TaprootCommitment | null,
): DerivedKey {
  assertTaprootAllowed(parent.suite, taproot);
  if (path.length > 0) assertHasChildren(parent);
  const group = groupNamed(groupOfSuite(parent.suite));
  return keyAt(group, parent, walk(group, parent, path), taproot);
}

/**
 * Children of the key at a path, one after the other: each as {@link deriveKey} gives it, for less where there are many,
 * and not remembered. `tweak.taproot` is that of the children.
 * @throws as {@link deriveKey}
 */
export function* deriveChildren(
  parent: PublicKeyPackage,
  tweak: Tweak,
  indices: Iterable<number>,
): Generator<DerivedKey> {
  const path = assertPath(tweak.path);
  const taproot = tweak.taproot === null ? null : assertTaprootCommitment(tweak.taproot);
  assertTaprootAllowed(parent.suite, taproot);
  assertHasChildren(parent);
  const group = groupNamed(groupOfSuite(parent.suite));
  const position = walk(group, parent, path);
  for (const index of indices) {
    assertPath([...path, index]);
    yield keyAt(group, parent, step(group, parent.suite, position, index), taproot);
  }
}

function walk(group: Group, parent: PublicKeyPackage, path: DerivationPath): Position {
  return recall(rememberedPositions, parent, path.join('/'), () => {
    const index = path.at(-1);
    if (index === undefined) return startAt(group, parent);
    return step(group, parent.suite, walk(group, parent, path.slice(0, -1)), index);
  });
}

function step(group: Group, suite: SuiteName, position: Position, index: number): Position {
  const { offset, child } = deriveChild(suite, group, position, index);
  return { ...position, ...child, offset: group.scalars.add(position.offset, offset) };
}

function keyAt(
  group: Group,
  parent: PublicKeyPackage,
  position: Position,
  taproot: TaprootCommitment | null,
): DerivedKey {
  const { suite, quorum } = parent;
  const output = finish(group, suite, position, taproot);
  const { negate, element } = output.position;
  const groupKey = group.encode(element);
  // Copies: the position is remembered, and whoever has the key has its bytes.
  const offset = group.scalars.parse(output.position.offset);
  const chainCode = output.position.chainCode.slice();
  const key = { suite, quorum, parent, groupKey, offset, negate, chainCode, taproot: output.taproot };
  return registerDerivedKey(key, element);
}

function startAt(group: Group, parent: PublicKeyPackage): Position {
  const { chainCode, verifyingShares, quorum } = parent;
  if (verifyingShares.length !== quorum.of || chainCode.length !== 32) {
    throw new EncodingError('the public half of a key is not complete', {
      code: 'KEY_INVALID',
      hint: 'use the package that the certificate of the key gives',
    });
  }
  return {
    element: group.decode(parent.groupKey),
    chainCode: Uint8Array.from(chainCode),
    offset: group.scalars.zero,
    negate: false,
  };
}

function finish(
  group: Group,
  suite: SuiteName,
  position: Position,
  taproot: TaprootCommitment | null,
): { position: Position; taproot: DerivedKey['taproot'] } {
  if (suite !== 'secp256k1-tr') return { position, taproot: null };
  const internal = withEvenY(group, position);
  if (taproot === null) return { position: internal, taproot: null };
  const offset = taprootOffset(group, internal.element, taproot);
  const element = addElement(group, internal.element, offset);
  const output = { ...internal, element, offset: group.scalars.add(internal.offset, offset) };
  return {
    position: withEvenY(group, output),
    taproot: Object.freeze({
      internalKey: group.encode(internal.element).slice(1),
      outputKeyParity: hasOddY(group, element) ? 1 : 0,
    }),
  };
}

function addElement(group: Group, element: Element, offset: Scalar): Element {
  const sum = group.add(element, group.mulBasePublic(offset));
  if (!group.isIdentity(sum)) return sum;
  throw new UsageError('this key has no taproot output', {
    code: 'PATH_INDEX_UNUSABLE',
    hint: 'use the next index',
  });
}

/** BIP-340 keys are x coordinates: the secret is the one whose key has an even y. */
function withEvenY(group: Group, position: Position): Position {
  if (!hasOddY(group, position.element)) return position;
  return {
    chainCode: position.chainCode,
    element: group.negate(position.element),
    offset: group.scalars.negate(position.offset),
    negate: !position.negate,
  };
}

function assertTaprootAllowed(suite: SuiteName, taproot: TaprootCommitment | null): void {
  if (taproot === null || suite === 'secp256k1-tr') return;
  throw new UsageError(`a ${suite} key cannot be a taproot output`, {
    code: 'TAPROOT_UNSUPPORTED',
    hint: 'generate a secp256k1-tr key for taproot',
  });
}

/** A key that was certified without children has none, whatever is asked: an exportable one would give them away. */
function assertHasChildren({ chainCode }: PublicKeyPackage): void {
  if (hasChildren(chainCode)) return;
  throw new UsageError('this key has no derived keys: it was made, or imported, as a single key', {
    code: 'PATH_UNSUPPORTED',
    hint: 'use the empty path m, or another key',
  });
}
