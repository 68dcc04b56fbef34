import { encodeHex } from '@ckm/foundation';
import { deriveChildren, type DerivationPath, type PublicKeyPackage } from '@ckm/threshold';
import { taprootScript } from '../script/destination.js';
import { bitcoinAddress, CHAINS, isSingleKey } from './wallet.js';

/** Where a key's wallet has a script. */
export interface AddressPlace {
  readonly path: DerivationPath;
  /** x coordinate, 32 bytes. */
  readonly internalKey: Uint8Array;
}

/** So many addresses of each branch are looked through. */
const LOOKED_THROUGH = 1_000;
const LOOKED_AT_ONCE = 20;
const KEY_ONLY = { merkleRoot: null };
/** Keys whose addresses are remembered, half a megabyte each. */
const MOST_KEYS = 4;

/** The nearest addresses of a key, as far as they were ever needed here. */
interface Derived {
  /** By script in hex. */
  readonly places: Map<string, AddressPlace>;
  /** How many of each branch are there. */
  count: number;
}

const remembered = new Map<string, Derived>();

/**
 * Which of some scripts are addresses of the key, among the first thousand of each branch. The nearest come first: what is
 * looked for is nearly always there. What was derived once is remembered as long as the process lives.
 * @param scripts in hex
 */
export function findAddresses(
  key: PublicKeyPackage,
  scripts: ReadonlySet<string>,
): ReadonlyMap<string, AddressPlace> {
  const derived = recall(key);
  const find = () =>
    [...scripts].flatMap((script) => {
      const place = derived.places.get(script);
      return place === undefined ? [] : [[script, place] as const];
    });
  let found = find();
  while (found.length < scripts.size && derived.count < LOOKED_THROUGH) {
    deriveMore(key, derived);
    found = find();
  }
  return new Map(found);
}

function deriveMore(key: PublicKeyPackage, derived: Derived): void {
  if (isSingleKey(key)) {
    const { script, internalKey, path } = bitcoinAddress(key, 'receive', 0);
    derived.places.set(encodeHex(script), { path, internalKey });
    derived.count = LOOKED_THROUGH;
    return;
  }
  const first = derived.count;
  const indices = Array.from({ length: LOOKED_AT_ONCE }, (_, at) => first + at);
  for (const chain of [CHAINS.change, CHAINS.receive]) {
    let index = first;
    for (const { groupKey, taproot } of deriveChildren(key, { path: [chain], taproot: KEY_ONLY }, indices)) {
      const script = encodeHex(taprootScript(groupKey.slice(1)));
      derived.places.set(script, { path: [chain, index], internalKey: taproot!.internalKey });
      index += 1;
    }
  }
  derived.count += LOOKED_AT_ONCE;
}

/** A key is read anew each time it is used, so that it is known by its bytes. */
function recall({ groupKey, chainCode }: PublicKeyPackage): Derived {
  const name = `${encodeHex(groupKey)}${encodeHex(chainCode)}`;
  const derived = remembered.get(name) ?? { places: new Map<string, AddressPlace>(), count: 0 };
  remembered.delete(name);
  remembered.set(name, derived);
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MOST_KEYS) break;
    remembered.delete(oldest);
  }
  return derived;
}
