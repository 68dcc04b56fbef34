import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import {
  certificatesOf,
  changesOf,
  checkChain,
  extendChain,
  type KeyChain,
  notedChain,
} from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';

/** Another way on from an epoch of the chain on record here. */
export interface Branch {
  /** The last epoch that both have. */
  readonly after: number;
  /** Transcript hash of the first epoch that they do not, in hex. */
  readonly name: string;
  readonly chain: KeyChain;
}

/** A key, and its chain on record as far as any of its epochs. */
export interface Known {
  readonly key: CertifiedKey;
  readonly newest: number;
  upTo(epoch: number): KeyChain;
}

/** So many epochs back servers are asked where they left the chain on record here. */
const MOST_BACK = 16;

export function knownOf(key: CertifiedKey): Known {
  const { certificate } = key.record;
  const changes = changesOf(key.record);
  const checked = new Map<number, KeyChain>([[changes.length, key.record]]);
  const upTo = (epoch: number): KeyChain => {
    const chain = checked.get(epoch) ?? notedChain({ certificate, changes: changes.slice(0, epoch) });
    checked.set(epoch, chain);
    return chain;
  };
  return { key, newest: changes.length, upTo };
}

/** Where a server left the chain on record here; null: nowhere, as far as it shows. */
export async function whereItLeft(link: ServerLink, known: Known): Promise<Branch | null> {
  const { key, newest } = known;
  for (let after = newest; after >= Math.max(0, newest - MOST_BACK); after--) {
    const [first] = (await link.call('key.chain', { keyId: key.keyId, after })).certificates;
    const branch = first === undefined ? null : branchBy(known, after, first);
    if (branch === 'own') return null;
    if (branch !== null) return branch;
  }
  return null;
}

/** Null: it does not hold. `own`: it is of the epoch on record. */
export function branchBy(known: Known, after: number, certificate: Uint8Array): Branch | 'own' | null {
  const own = certificatesOf(known.key.record)[after + 1];
  if (own !== undefined && equalBytes(own, certificate)) return 'own';
  try {
    const chain = extendChain(known.upTo(after), [certificate]);
    const name = nameOf(chain);
    // Signatures can be made again: one epoch has many certificates.
    return own !== undefined && name === nameOf(known.upTo(after + 1)) ? 'own' : { after, name, chain };
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}

function nameOf(chain: KeyChain): string {
  return encodeHex(checkChain(chain).newest.transcriptHash);
}
