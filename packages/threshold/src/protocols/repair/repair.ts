import { concatBytes, EncodingError } from '@ckm/foundation';
import { type PublicEpoch, certifiedEntry } from '../../key/certified-epoch.js';
import { encodeKeyParams, MAX_PARAMS_BYTES, parseKeyParams, suiteLengths } from '../../key/params.js';
import { taggedHash } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { block, type LayoutReader, readLayout, uint16be, uint8 } from '../../protocol/layout.js';
import { MOST_PARTIES, parsePartySet } from '../../sharing/index.js';
import {
  encodeLoss,
  type LossStatement,
  lossStatement,
  MAX_LOSS_BYTES,
  parseLoss,
  verifyLoss,
} from './loss.js';

/** What everybody knows before a share is repaired. */
export interface Repair {
  /** Of a certificate that this party verified itself. */
  readonly key: PublicEpoch;
  /** Of the server that gets its share back: the target. */
  readonly loss: LossStatement;
  /** H: at least as many servers of the same epoch as the quorum needs, without the target. Any order. */
  readonly helpers: readonly PartyIndex[];
}

/**
 * Everything that a party checks before it does anything: who asks, for which slot, and who helps. Whether the operator
 * agreed or the waiting time is over, and that the target does not answer key checks, its server knows.
 * @returns the same with its helpers in ascending order
 * @throws EncodingError `PARTY_INDEX_INVALID`, `PARTY_UNKNOWN`, `PARTY_COUNT_INVALID`, `PARTY_DUPLICATE`,
 * `REPAIR_HELPERS_INVALID` · as `verifyLoss`
 */
export function verifyRepair({ key, loss, helpers }: Repair): Repair {
  verifyLoss(key, loss);
  const sorted = parsePartySet(helpers, key.params.quorum);
  for (const helper of sorted) certifiedEntry(key, helper);
  if (sorted.includes(loss.slot)) {
    throw new EncodingError('a server that has lost its share cannot help to repair it', {
      code: 'REPAIR_HELPERS_INVALID',
      hint: 'name helpers among the other servers of the key',
    });
  }
  return { key, loss, helpers: sorted };
}

/**
 * 32 bytes that stand for a repair in everything that its run hashes. The signature under the loss is not in it: it names
 * nothing, because its signer can make others.
 * @param repair from {@link verifyRepair}
 */
export function hashRepair({ key, loss, helpers }: Repair): Uint8Array {
  return taggedHash(
    'CKM/repair/params/v1',
    key.transcriptHash,
    lossStatement(loss),
    concatBytes(...helpers.map(uint16be)),
  );
}

/** Longest encoding of a {@link Repair}. */
export const MAX_REPAIR_BYTES =
  4 + MAX_PARAMS_BYTES + 32 + 2 * MOST_PARTIES * 33 + 32 + MAX_LOSS_BYTES + 1 + 2 * MOST_PARTIES;

/** The canonical bytes of a repair, which every party stores, and is shown by whoever carries. @param repair from {@link verifyRepair} */
export function encodeRepair({ key, loss, helpers }: Repair): Uint8Array {
  return concatBytes(
    block(encodeKeyParams(key.params)),
    key.transcriptHash,
    ...key.public.commitment,
    ...key.public.verifyingShares,
    key.public.chainCode,
    block(encodeLoss(key.params.suite, loss)),
    uint8(helpers.length),
    ...helpers.map(uint16be),
  );
}

/**
 * Reads what {@link encodeRepair} wrote, and nothing else. Believes nothing: whoever is shown a repair compares it with what
 * follows from a certificate of its own.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, or as `parseKeyParams`
 */
export function parseRepair(bytes: Uint8Array): Repair {
  const reader = readLayout(bytes, 'a repair', MAX_REPAIR_BYTES);
  const repair = readRepair(reader);
  reader.end();
  return repair;
}

/** The same as a part of something longer. @throws as {@link parseRepair} */
export function readRepair(reader: LayoutReader): Repair {
  const params = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const { suite, quorum } = params;
  const { element } = suiteLengths(suite);
  const many = (length: number) => Array.from({ length }, () => reader.bytes(element));
  const transcriptHash = reader.bytes(32);
  const commitment = many(quorum.needed);
  const verifyingShares = many(quorum.of);
  const chainCode = reader.bytes(32);
  const loss = parseLoss(suite, reader.block(MAX_LOSS_BYTES));
  const helpers = Array.from({ length: reader.uint8() }, () => reader.uint16be() as PartyIndex);
  const publicHalf = { suite, quorum, groupKey: commitment[0]!, commitment, verifyingShares, chainCode };
  return { key: { params, transcriptHash, public: publicHalf }, loss, helpers };
}
