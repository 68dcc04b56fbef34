import { concatBytes, encodeUtf8, equalBytes, readUtf8 } from '@ckm/foundation';
import type { BitcoinNetwork } from '../../kind.js';
import { type PsbtMap, withKeyedRecord } from './psbt-maps.js';

/** A proprietary record of the global map: identifier `ckm`, subtype 0, no key data. Source: BIP-174, docs/formats.md */
const NETWORK_KEY = concatBytes(Uint8Array.of(0xfc, 3), encodeUtf8('ckm'), Uint8Array.of(0));
const NAMED: readonly BitcoinNetwork[] = ['testnet', 'signet', 'regtest'];

/** The global map with the network the owner uses the key on; of the main network nothing is said. */
export function withNetwork(global: PsbtMap, network: BitcoinNetwork | undefined): PsbtMap {
  if (network === undefined || network === 'bitcoin') return withoutNetwork(global);
  return withKeyedRecord(global, NETWORK_KEY, encodeUtf8(network));
}

/** The network that a request names; undefined where it names none that is known. */
export function readNetwork(global: PsbtMap): BitcoinNetwork | undefined {
  const value = global.find(({ key }) => equalBytes(key, NETWORK_KEY))?.value;
  const name = value === undefined ? null : readUtf8(value);
  return NAMED.find((known) => known === name);
}

export function withoutNetwork(global: PsbtMap): PsbtMap {
  return global.filter(({ key }) => !equalBytes(key, NETWORK_KEY));
}
