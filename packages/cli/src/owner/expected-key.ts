import { encodeHex, UsageError } from '@ckm/foundation';
import { bitcoinAddress, bitcoinXpub, type BitcoinNetwork, isSingleKey, publicForm } from '@ckm/requests';
import type { PublicKeyPackage } from '@ckm/threshold';

/** A public key as it will be shown, and whose addresses it has. */
export interface ShownKey {
  readonly name: string;
  readonly purpose: string;
  readonly network: BitcoinNetwork | null;
  readonly public: PublicKeyPackage;
}

/** How far wallets look ahead, on either chain. Source: BIP-44, address gap limit */
const ADDRESSES = 20;

/**
 * Refuses a key that is not the one its owner expects: he names its public key, an SSH line or its fingerprint, one of its first addresses,
 * its xpub or its descriptor.
 * @throws UsageError `KEY_NOT_EXPECTED`
 */
export function assertExpected(expected: string, key: ShownKey): void {
  const wanted = spelled(expected);
  for (const name of namesOf(key)) if (spelled(name) === wanted) return;
  const [first] = shownForm(key).rows;
  throw new UsageError(`this is not the key that you expect: its ${first!.label} is ${first!.value}`, {
    code: 'KEY_NOT_EXPECTED',
    hint: 'look whether it is the right file, path and network; nothing was sent',
  });
}

/** Hex digits and addresses are one in either case, and what follows an SSH key is a comment. */
function spelled(text: string): string {
  const [first = '', second] = text.trim().split(/\s+/);
  if (second !== undefined && first.startsWith('ssh-')) return second;
  return /^[0-9A-F]+$/i.test(first) || /^(BC|TB|BCRT)1[0-9A-Z]+$/.test(first) ? first.toLowerCase() : first;
}

/** Its public half in the form of its purpose. */
export function shownForm({ name, purpose, network, public: shown }: ShownKey) {
  const { suite } = shown;
  return publicForm({ name, suite, purpose, public: shown, ...(network === null ? {} : { network }) });
}

function* namesOf(key: ShownKey): Generator<string> {
  const { public: shown, purpose, network } = key;
  const { groupKey } = shown;
  yield encodeHex(groupKey);
  // Nostr, Taproot and BIP-340 write a key without the sign of y.
  if (groupKey.length === 33) yield encodeHex(groupKey.subarray(1));
  const { rows, parts = {} } = shownForm(key);
  for (const { value } of rows) yield value;
  for (const value of Object.values(parts)) yield value;
  if (purpose !== 'bitcoin' || isSingleKey(shown)) return;
  yield bitcoinXpub(shown, network ?? 'bitcoin');
  for (let index = 0; index < ADDRESSES; index++)
    for (const chain of ['receive', 'change'] as const)
      yield bitcoinAddress(shown, chain, index, network ?? 'bitcoin').address;
}
