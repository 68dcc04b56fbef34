import { encodeHex } from '@ckm/foundation';
import { hash } from '../../hash/index.js';
import { block } from '../../protocol/layout.js';
import { type CertifiedEpoch, encodeChange } from '../../protocols/reshare/change.js';
import { frameReshareMessage } from '../../protocols/reshare/messages.js';
import type { SignedChange } from '../../protocols/reshare/output.js';
import type { ChangeResult } from '../../protocols/reshare/run.js';
import { encodeKeyParams } from '../params.js';

/**
 * Which signed changes this process has checked. One refresh shows the same one four times to each server and six times to its
 * owner's client. What is kept is found by a hash of all that was checked, the epoch before included: another byte is another
 * change. What did not hold is not kept, and nothing secret is.
 */
export interface ChangeMemory {
  /**
   * What came of checking that change, now or before.
   * @param change one that has an encoding
   * @param check as it is checked anew; what it throws is thrown
   */
  recall(before: CertifiedEpoch, change: SignedChange, check: () => ChangeResult): ChangeResult;
}

const MOST_CHANGES = 64;
const MOST_BYTES = 1 << 20;

/** Forgets the one that was asked for longest ago. @param most how many changes @param mostBytes of all of them, encoded */
export function createChangeMemory(most = MOST_CHANGES, mostBytes = MOST_BYTES): ChangeMemory {
  const known = new Map<string, { readonly result: ChangeResult; readonly length: number }>();
  let bytes = 0;
  const forget = (name: string): void => {
    bytes -= known.get(name)?.length ?? 0;
    known.delete(name);
  };
  return {
    recall(before, change, check) {
      const { name, length } = nameOf(before, change);
      const result = known.get(name)?.result ?? check();
      forget(name);
      known.set(name, { result, length });
      bytes += length;
      for (const oldest of known.keys()) {
        if (known.size <= most && bytes <= mostBytes) break;
        forget(oldest);
      }
      return result;
    },
  };
}

/** @throws EncodingError as `encodeChange` */
function nameOf(before: CertifiedEpoch, { change, deals, signatures }: SignedChange) {
  const { groupKey, chainCode, commitment, verifyingShares } = before.public;
  const parts = [
    encodeKeyParams(before.params),
    before.transcriptHash,
    groupKey,
    chainCode,
    Uint8Array.of(commitment.length),
    ...commitment,
    ...verifyingShares,
    encodeChange(change),
    Uint8Array.of(deals.length),
    ...deals.map(frameReshareMessage),
    ...signatures,
  ].map(block);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return { name: encodeHex(hash('sha256', ...parts)), length };
}
