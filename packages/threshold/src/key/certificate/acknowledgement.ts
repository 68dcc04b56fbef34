import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { taggedHash } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { layoutInvalid, uint16be, uint32be } from '../../protocol/layout.js';
import { parsePartyIndex } from '../../sharing/index.js';
import { isBytes, isEpoch } from '../params.js';

/** Which epoch of which key a server acknowledges to have stored. */
export interface Acknowledged {
  /** 32 bytes */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** The server's own, in this epoch. */
  readonly slot: PartyIndex;
  /** 32 bytes */
  readonly transcriptHash: Uint8Array;
}

/**
 * What the identity key of a server signs once a certificate is stored durably. A key receives value only after every
 * server has acknowledged the same transcript.
 * @throws EncodingError `PARTY_INDEX_INVALID`, `LAYOUT_INVALID`
 */
export function recoveryAckStatement(said: Acknowledged): Uint8Array {
  assertAcknowledged(said, 'the acknowledgement of a certificate');
  const { keyId, epoch, slot, transcriptHash } = said;
  return concatBytes(
    encodeUtf8('CKM recovery acknowledgement v1'),
    taggedHash('CKM/key/recovery-ack/v1', keyId, uint32be(epoch), uint16be(slot), transcriptHash),
  );
}

/**
 * What it signs where servers settle which of several certificates of one epoch counts: that it has its share by this one, or can take it. It
 * has stored nothing by that, and may be in use by another of them: nobody goes over or destroys a share on it.
 * @throws as {@link recoveryAckStatement}
 * Source: docs/adr/0049
 */
export function readinessStatement(said: Acknowledged): Uint8Array {
  assertAcknowledged(said, 'the readiness for a certificate');
  const { keyId, epoch, slot, transcriptHash } = said;
  return concatBytes(
    encodeUtf8('CKM settlement readiness v1'),
    taggedHash('CKM/change/readiness/v1', keyId, uint32be(epoch), uint16be(slot), transcriptHash),
  );
}

function assertAcknowledged({ keyId, epoch, slot, transcriptHash }: Acknowledged, what: string): void {
  parsePartyIndex(slot);
  if (!isBytes(keyId, 32) || !isEpoch(epoch) || !isBytes(transcriptHash, 32)) throw layoutInvalid(what);
}
