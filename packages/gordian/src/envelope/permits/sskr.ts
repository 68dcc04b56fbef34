import { AccessError, CkmError, reveal, secret, wipe } from '@ckm/foundation';
import { cbor, MAJOR, taggedValue, type Cbor } from '../../cbor/dcbor.js';
import { combineSecret, splitSecret, type SplitPlan } from '../../cbor/sskr.js';
import type { RandomBytes } from '../../primitives/random.js';
import { decryptSubject } from '../encrypt.js';
import { withAssertion, knownValue, leaf, type Envelope } from '../envelope.js';
import { KNOWN } from '../known-values.js';
import { bytesFrom, subjectOf } from '../queries.js';
import { TAG } from '../../cbor/tags.js';
import { permitsOf } from './permits.js';

/**
 * Copies of an encrypted envelope, each with one 'sskrShare' of its content key: groups of copies.
 * Source: bc-envelope-rust, src/extension/sskr.rs.
 * @throws UsageError `SSKR_PLAN_INVALID`.
 */
export function splitEnvelope(
  envelope: Envelope,
  contentKey: Uint8Array,
  plan: SplitPlan,
  random: RandomBytes,
): readonly (readonly Envelope[])[] {
  const master = secret(contentKey.slice());
  const groups = splitSecret(master, plan, random);
  wipe(master);
  return groups.map((group) =>
    group.map((share) =>
      withAssertion(envelope, knownValue(KNOWN.sskrShare), leaf(taggedValue(TAG.sskrShare, cbor(share)))),
    ),
  );
}

/**
 * The subject, from enough copies made by {@link splitEnvelope}; shares of other splittings, and what is no share, do no harm
 * among them.
 * @throws AccessError `ENVELOPE_SHARES_INSUFFICIENT`.
 */
export function joinEnvelopes(envelopes: readonly Envelope[]): Envelope {
  const [first] = envelopes;
  for (const shares of first === undefined ? [] : sharesBySplitting(envelopes)) {
    const subject = tryShares(first!, shares);
    if (subject !== null) return subject;
  }
  throw new AccessError('these shares do not open the envelope', {
    code: 'ENVELOPE_SHARES_INSUFFICIENT',
    hint: 'add copies of the envelope that other people keep',
  });
}

function sharesBySplitting(envelopes: readonly Envelope[]): readonly Uint8Array[][] {
  const groups = new Map<number, Uint8Array[]>();
  for (const share of envelopes.flatMap((copy) => permitsOf(copy, KNOWN.sskrShare, shareFrom).usable)) {
    const identifier = (share[0] ?? 0) * 256 + (share[1] ?? 0);
    const group = groups.get(identifier) ?? [];
    group.push(share);
    groups.set(identifier, group);
  }
  return [...groups.values()];
}

function shareFrom(item: Cbor): Uint8Array | null {
  const isShare = item.type === MAJOR.tag && (item.tag === TAG.sskrShare || item.tag === TAG.sskrShareV1);
  return isShare ? bytesFrom(item.value) : null;
}

function tryShares(envelope: Envelope, shares: readonly Uint8Array[]): Envelope | null {
  try {
    const contentKey = combineSecret(shares);
    const opened = subjectOf(decryptSubject(envelope, reveal(contentKey, 'open an envelope with shares')));
    wipe(contentKey);
    return opened;
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
