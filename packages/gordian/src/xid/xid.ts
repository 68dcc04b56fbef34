import { encodeHex, EncodingError } from '@ckm/foundation';
import { cbor, taggedValue, MAJOR, type Cbor } from '../cbor/dcbor.js';
import { TAG } from '../cbor/tags.js';
import { asXid, xidOfKey, type PublicKeys, type Xid } from '../identity/public-keys.js';

export { asXid, type Xid } from '../identity/public-keys.js';

/** The XID of somebody whose keys these are from the beginning. */
export function xidOf(inceptionKeys: Pick<PublicKeys, 'signing'>): Xid {
  return xidOfKey(inceptionKeys.signing);
}

/**
 * Brands bytes from outside as an XID.
 * @throws EncodingError `XID_INVALID` unless they are 32.
 */
export function parseXid(bytes: Uint8Array): Xid {
  if (bytes.length !== 32) throw invalid(`${bytes.length} bytes instead of 32`);
  return asXid(bytes);
}

/** 64 hex digits: for map keys and logs. */
export function xidHex(xid: Xid): string {
  return encodeHex(xid);
}

/** Tagged CBOR: 40024(bytes). */
export function xidCbor(xid: Xid): Cbor {
  return taggedValue(TAG.xid, cbor(xid));
}

/** @throws EncodingError `XID_INVALID`. */
export function xidFrom(item: Cbor): Xid {
  if (item.type !== MAJOR.tag || item.tag !== TAG.xid) throw invalid('tag 40024 expected');
  if (item.value.type !== MAJOR.bytes) throw invalid('bytes expected');
  return parseXid(item.value.value.slice());
}

function invalid(why: string): EncodingError {
  return new EncodingError(`not an XID: ${why}`, { code: 'XID_INVALID', hint: 'copy the whole XID' });
}
