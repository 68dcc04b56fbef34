import type { RequestField } from '../form.js';

export const BITCOIN_FIELDS: readonly RequestField[] = [
  {
    name: 'psbt',
    takes: 'file',
    placeholder: 'file',
    what: 'a Bitcoin transaction (PSBT: bytes, base64 or hex)',
    role: 'content',
  },
  {
    name: 'expect',
    takes: 'text',
    placeholder: 'txid',
    what: 'refuse any transaction but the one with this id',
    role: 'detail',
  },
  {
    name: 'extract',
    takes: 'nothing',
    what: 'the final transaction in hex, in the place of the signed PSBT',
    role: 'result',
  },
];
