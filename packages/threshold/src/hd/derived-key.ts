import { EncodingError, UsageError } from '@ckm/foundation';
import { type Element, type Group, groupNamed, type Scalar, type SecretScalar } from '../group/index.js';
import type { PartyIndex } from '../protocol/contract.js';
import { groupOfSuite, type SuiteName } from '../key/cocktail/suite-name.js';
import type { PublicKeyPackage } from '../key/public-package.js';
import { parsePartyIndex, type Quorum } from '../sharing/index.js';

/**
 * A key after derivation and tweak, as every party computes it from what the key's certificate says. Only `deriveKey`
 * makes one: whatever takes a DerivedKey refuses a look-alike, because whoever chooses the offset freely chooses the
 * key that is signed with.
 */
export interface DerivedKey {
  readonly suite: SuiteName;
  readonly quorum: Quorum;
  readonly parent: PublicKeyPackage;
  /** Q', encoded; for `secp256k1-tr` always with an even y, so that bytes 1..32 are the BIP-340 key. */
  readonly groupKey: Uint8Array;
  /** share' = ±share + offset for every party; `negate` says whether the sign is a minus. Public. */
  readonly offset: Scalar;
  readonly negate: boolean;
  /** 32 bytes, of the last step of the path. */
  readonly chainCode: Uint8Array;
  /** For a taproot output what its script paths need; null without a taproot tweak. */
  readonly taproot: {
    /** x of the internal key, 32 bytes. */
    readonly internalKey: Uint8Array;
    /** Whether y of the output key was odd before it was made even: the parity bit of a control block. */
    readonly outputKeyParity: 0 | 1;
  } | null;
}

/** The decoded side of a {@link DerivedKey}, kept so that a server decodes each key once. */
export interface KeyView {
  readonly group: Group;
  /** Q' */
  readonly element: Element;
  /** Q', encoded; a copy that no caller can reach. */
  readonly groupKey: Uint8Array;
  /** Y' = share'·G of a party. @throws EncodingError `PARTY_UNKNOWN` */
  verifyingShare(party: PartyIndex): Element;
  /** share' from share: secret, the caller wipes it. */
  deriveShare(share: SecretScalar): SecretScalar;
}

const views = new WeakMap<DerivedKey, KeyView>();

/** Makes a derived key genuine; only for `deriveKey`. */
export function registerDerivedKey(key: DerivedKey, element: Element): DerivedKey {
  const frozen = Object.freeze(key);
  views.set(frozen, createKeyView(frozen, element));
  return frozen;
}

/** @throws UsageError `KEY_NOT_DERIVED` for an object that `deriveKey` did not make. */
export function viewOfKey(key: DerivedKey): KeyView {
  const view = views.get(key);
  if (view !== undefined) return view;
  throw new UsageError('this key was not derived from its certificate here', {
    code: 'KEY_NOT_DERIVED',
    hint: 'pass what deriveKey returned, never a copy of it',
  });
}

function createKeyView(key: DerivedKey, element: Element): KeyView {
  const group = groupNamed(groupOfSuite(key.suite));
  const { scalars } = group;
  const offset = scalars.parse(key.offset);
  const { negate, parent } = key;
  // Only those who sign need it: whoever looks for an address derives thousands of keys and asks none of them.
  let shift: Element | undefined;
  const shares: (Element | undefined)[] = [];
  return {
    group,
    element,
    groupKey: Uint8Array.from(key.groupKey),
    verifyingShare(index) {
      const party = parsePartyIndex(index);
      let share = shares[party];
      if (share === undefined) {
        const certified = certifiedShare(group, parent, party);
        const signed = negate ? group.negate(certified) : certified;
        share = scalars.isZero(offset) ? signed : group.add(signed, (shift ??= group.mulBasePublic(offset)));
        shares[party] = share;
      }
      return share;
    },
    deriveShare(share) {
      const signed = negate ? scalars.negate(share) : share;
      const derived = scalars.add(signed, offset);
      if (signed !== share) signed.fill(0);
      return derived;
    },
  };
}

const certified = new WeakMap<PublicKeyPackage, (Element | undefined)[]>();

function certifiedShare(group: Group, parent: PublicKeyPackage, party: PartyIndex): Element {
  const encoded = parent.verifyingShares[party - 1];
  if (encoded === undefined) {
    throw new EncodingError(`party ${party} has no share of this key`, {
      code: 'PARTY_UNKNOWN',
      hint: 'name only parties that took part in making the key',
    });
  }
  let shares = certified.get(parent);
  if (shares === undefined) certified.set(parent, (shares = []));
  return (shares[party] ??= group.decode(encoded));
}
