import { encodeHex } from '@ckm/foundation';
import { hash } from '../../hash/index.js';
import { block, uint32be } from '../../protocol/layout.js';
import { type CertifiedEpoch, encodeChange } from '../../protocols/reshare/change.js';
import type { CheckedParams } from '../../protocols/reshare/checked-params.js';
import { frameReshareMessage } from '../../protocols/reshare/messages.js';
import type { SignedChange } from '../../protocols/reshare/output.js';
import type { ChangeResult } from '../../protocols/reshare/run.js';
import { encodeKeyParams } from '../params.js';

/**
 * Which changes this process has checked. One refresh shows the same signed one four times to each server and six times to its
 * owner's client, and its parameters besides when it begins. What is kept is found by a hash of all that was checked, the epoch before
 * included: another byte is another change. What did not hold is not kept, and nothing secret is.
 */
export interface ChangeMemory extends CheckedParams {
  /**
   * What came of checking that change, now or before.
   * @param change one that has an encoding
   * @param check as it is checked anew; what it throws is thrown
   */
  recall(before: CertifiedEpoch, change: SignedChange, check: () => ChangeResult): ChangeResult;
}

const MOST_CHANGES = 64;
const MOST_BYTES = 1 << 20;

/**
 * Forgets the one that was asked for longest ago.
 * @param most how many changes, and the parameters of how many
 * @param mostBytes of all of them, encoded; of each kind
 */
export function createChangeMemory(most = MOST_CHANGES, mostBytes = MOST_BYTES): ChangeMemory {
  const changes = createRecall<ChangeResult>(most, mostBytes);
  const params = createRecall<true>(most, mostBytes);
  return {
    recall: (before, change, check) => changes(partsOf(before, change), check),
    recallParams: (before, change, check) => {
      params([...partsOfEpoch(before), encodeChange(change)], () => {
        check();
        return true;
      });
    },
  };
}

/** Finds what came of something by the bytes that it is made of. */
type Recall<T> = (parts: readonly Uint8Array[], check: () => T) => T;

function createRecall<T>(most: number, mostBytes: number): Recall<T> {
  const known = new Map<string, { readonly result: T; readonly length: number }>();
  let bytes = 0;
  const forget = (name: string): void => {
    bytes -= known.get(name)?.length ?? 0;
    known.delete(name);
  };
  return (parts, check) => {
    const framed = parts.map(block);
    const name = encodeHex(hash('sha256', ...framed));
    const length = framed.reduce((sum, part) => sum + part.length, 0);
    const result = known.get(name)?.result ?? check();
    forget(name);
    known.set(name, { result, length });
    bytes += length;
    for (const oldest of known.keys()) {
      if (known.size <= most && bytes <= mostBytes) break;
      forget(oldest);
    }
    return result;
  };
}

/** @throws EncodingError as `encodeChange` */
function partsOf(before: CertifiedEpoch, { change, deals, signatures }: SignedChange): Uint8Array[] {
  return [
    ...partsOfEpoch(before),
    encodeChange(change),
    Uint8Array.of(deals.length),
    ...deals.map(frameReshareMessage),
    ...signatures,
  ];
}

function partsOfEpoch({ params, termsVersion, transcriptHash, public: known }: CertifiedEpoch): Uint8Array[] {
  const { groupKey, chainCode, commitment, verifyingShares } = known;
  return [
    encodeKeyParams(params),
    uint32be(termsVersion),
    transcriptHash,
    groupKey,
    chainCode,
    Uint8Array.of(commitment.length),
    ...commitment,
    ...verifyingShares,
  ];
}
