import { concatBytes, reveal, secret, type Secret } from '@ckm/foundation';
import { suiteLengths } from '../../key/params.js';
import type { PublicKeyPackage } from '../../key/public-package.js';
import type { Codec, PartyIndex } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint16be, uint8 } from '../../protocol/layout.js';
import { MOST_PARTIES } from '../../sharing/index.js';
import { encodeImportDeal, type ImportDeal, MAX_IMPORT_DEAL_BYTES, parseImportDeal } from './deal.js';
import { type ImportMessage, importMessageCodec } from './messages.js';

/**
 * Signed; waiting for the others' signatures. The share may be in use by others who hold the certificate: never discard this
 * state because the rest does not arrive.
 */
export interface ImportState {
  readonly round: 0;
  readonly deal: ImportDeal;
  readonly me: PartyIndex;
  readonly share: Secret<Uint8Array>;
  readonly public: PublicKeyPackage;
  /** T: what this server checked and signed. */
  readonly transcript: Uint8Array;
  /** What it posted. */
  readonly posted: ImportMessage;
}

const MAX_TRANSCRIPT_BYTES = 8_192;
const MAX_STATE_BYTES =
  256 + MAX_IMPORT_DEAL_BYTES + 2 * MOST_PARTIES * 33 + MAX_TRANSCRIPT_BYTES + importMessageCodec.maxBytes;
const WHAT = 'the state of an import';
const LAYOUT_VERSION = 1;

export const importStateCodec: Codec<ImportState> = {
  maxBytes: MAX_STATE_BYTES,
  encode({ deal, me, share, public: { commitment, verifyingShares }, transcript, posted }) {
    return concatBytes(
      uint8(LAYOUT_VERSION),
      block(encodeImportDeal(deal)),
      uint16be(me),
      reveal(share, 'encode the state of an import'),
      ...commitment,
      ...verifyingShares,
      block(transcript),
      block(importMessageCodec.encode(posted)),
    );
  },
  decode(bytes) {
    const reader = readLayout(bytes, WHAT, MAX_STATE_BYTES);
    if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
    const deal = parseImportDeal(reader.block(MAX_IMPORT_DEAL_BYTES));
    const { suite, quorum } = deal.params;
    const me = reader.uint16be() as PartyIndex;
    if (me < 1 || me > quorum.of) throw layoutInvalid(WHAT);
    const { element, scalar } = suiteLengths(suite);
    const share = secret(reader.bytes(scalar));
    const commitment = Array.from({ length: quorum.needed }, () => reader.bytes(element));
    const verifyingShares = Array.from({ length: quorum.of }, () => reader.bytes(element));
    const transcript = reader.block(MAX_TRANSCRIPT_BYTES);
    const posted = importMessageCodec.decode(reader.block(importMessageCodec.maxBytes));
    reader.end();
    const { chainCode } = deal;
    const publicHalf = { suite, quorum, groupKey: commitment[0]!, commitment, verifyingShares, chainCode };
    return { round: 0, deal, me, share, public: publicHalf, transcript, posted };
  },
};
