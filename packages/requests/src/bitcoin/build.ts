import { decodeHex } from '@ckm/foundation';
import { base64 } from '@scure/base';
import { refusal } from '../errors.js';
import { BITCOIN_MAX_BYTES, parseBitcoin } from './parse.js';

/**
 * The payload for a PSBT as wallets hand it over: bytes, base64 or hex.
 * @throws EncodingError what `parseBitcoin` refuses
 */
export function buildBitcoinRequest(psbt: Uint8Array | string): Uint8Array {
  return parseBitcoin(typeof psbt === 'string' ? decodeText(psbt) : psbt).psbt;
}

function decodeText(text: string): Uint8Array {
  const compact = text.length > 3 * BITCOIN_MAX_BYTES ? '' : text.replace(/\s+/g, '');
  try {
    return /^[0-9a-fA-F]+$/.test(compact) ? decodeHex(compact) : base64.decode(compact);
  } catch {
    throw refusal('PSBT_MALFORMED', 'this is neither base64 nor hex');
  }
}
