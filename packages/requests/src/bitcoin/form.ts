import type { RequestForm } from '../form.js';
import { buildBitcoinRequest } from './psbt/build.js';
import { BITCOIN_FIELDS } from './fields.js';
import { parseBitcoin } from './psbt/parse.js';
import { assertTxid } from './transaction/txid.js';

export const bitcoinForm: RequestForm = {
  fields: BITCOIN_FIELDS,
  takesAnyContent: false,
  // A PSBT in hex is twice as long as its bytes, UTF-16 doubles that, and lines may be broken.
  mostContentBytes: 6_291_456,
  build: (content, values) => {
    const psbt = buildBitcoinRequest(content);
    const expected = values.get('expect');
    if (expected !== undefined) assertTxid(parseBitcoin(psbt), expected);
    return psbt;
  },
};
