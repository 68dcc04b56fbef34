import { encodeHex } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { ApproverKey } from './approver-key.js';
import { enoughOf } from './contents.js';
import { firstEpoch } from './matter.js';

/** What servers show as the certificate of the first epoch of a key, where none is known. */
export interface FirstShown {
  readonly certificate: Uint8Array;
  readonly epoch: CertifiedEpoch;
  /** Whether so many servers show it that it may go on record: what is there leads to all else for good. */
  readonly isWordOfEnough: boolean;
}

/**
 * The certificate that most servers show. Anybody may have servers make another key of the same id, and one server that is sold may show its certificate: it is
 * genuine, and nothing in it tells whose key it is. So the word of each server that was invited is one voice.
 * @param shown by one server each; null: it shows none
 * @returns null: none is shown of just the invited servers, or two by as many
 */
export function firstOfMost(key: ApproverKey, shown: readonly (Uint8Array | null)[]): FirstShown | null {
  const voices = new Map<string, { readonly first: Omit<FirstShown, 'isWordOfEnough'>; count: number }>();
  for (const certificate of shown) {
    const epoch = certificate === null ? null : firstEpoch(certificate, key, 'server');
    if (certificate === null || epoch === null) continue;
    const name = encodeHex(epoch.transcriptHash);
    const count = (voices.get(name)?.count ?? 0) + 1;
    voices.set(name, { first: { certificate, epoch }, count });
  }
  const [most, next] = [...voices.values()].toSorted((a, b) => b.count - a.count);
  if (most === undefined || most.count === next?.count) return null;
  return { ...most.first, isWordOfEnough: most.count >= enoughOf(key, most.first.epoch) };
}
