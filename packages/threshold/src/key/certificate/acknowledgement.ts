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
export function recoveryAckStatement({ keyId, epoch, slot, transcriptHash }: Acknowledged): Uint8Array {
  parsePartyIndex(slot);
  if (!isBytes(keyId, 32) || !isEpoch(epoch) || !isBytes(transcriptHash, 32)) {
    throw layoutInvalid('the acknowledgement of a certificate');
  }
  return concatBytes(
    encodeUtf8('CKM recovery acknowledgement v1'),
    taggedHash('CKM/key/recovery-ack/v1', keyId, uint32be(epoch), uint16be(slot), transcriptHash),
  );
}
