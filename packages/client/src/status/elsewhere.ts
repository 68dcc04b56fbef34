import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { parseChangeCertificate } from '@ckm/threshold';
import { certificatesOf } from '../keys/chain/key-chain.js';
import type { HeldKey, HeldKeys } from '../keys/fetch/held-keys.js';
import type { KeyRecord } from '../keys/key-record.js';

/** A server that says that it is in an epoch of a key by another certificate than this client. */
export interface ElsewhereAt {
  readonly server: string;
  readonly epoch: number;
  /** Whether its owner has frozen it there. */
  readonly isFrozen: boolean;
}

/** What one server says that it holds. */
interface Said {
  readonly record: { readonly name: string };
  readonly list: HeldKeys | CkmError | null;
}

/** Servers that say so of a key, of its roster here or not. */
export function elsewhereOf(record: KeyRecord, found: readonly Said[], id: string): ElsewhereAt[] {
  return found.flatMap(({ record: { name: server }, list }) => {
    if (list === null || list instanceof CkmError) return [];
    const key = list.keys.find(({ keyId }) => encodeHex(keyId) === id);
    if (key === undefined || !isHeldElsewhere(record, key)) return [];
    return [{ server, epoch: key.epoch, isFrozen: key.frozen !== undefined }];
  });
}

/** Its word, which is shown and believed in nothing. Whoever has left the key holds it by no certificate. */
export function isHeldElsewhere(record: KeyRecord, { epoch, left, transcriptHash }: HeldKey): boolean {
  if (left !== undefined || transcriptHash === undefined) return false;
  const name = nameHere(record, epoch);
  return name !== null && !equalBytes(name, transcriptHash);
}

/** Checks no signature. Null: it is not on record what that epoch is called. */
function nameHere(record: KeyRecord, epoch: number): Uint8Array | null {
  const certificates = certificatesOf(record);
  const following = certificates[epoch + 1];
  if (following !== undefined) return parseChangeCertificate(following).change.next.previous;
  return epoch === certificates.length - 1 ? (record.proved?.epoch.transcriptHash ?? null) : null;
}
