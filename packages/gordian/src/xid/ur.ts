import { cbor, decodeCanonical, encodeCanonical, MAJOR } from '../cbor/dcbor.js';
import { formatUr, parseUr } from '../cbor/ur.js';
import { decodeEnvelope } from '../envelope/decode.js';
import { encodeEnvelope } from '../envelope/encode.js';
import { parseXidDocument, xidDocumentEnvelope, type XidDocument } from './document.js';
import { parseXid, type Xid } from './xid.js';

/** `ur:xid/…` of an XID alone. */
export function formatXid(xid: Xid): string {
  return formatUr({ type: 'xid', cbor: encodeCanonical(cbor(xid)) });
}

/** `ur:xid/…` of a whole document. */
export function formatXidDocument(document: XidDocument): string {
  const isBare = document.keys.length + document.dereferenceVia.length + document.others.length === 0;
  if (isBare) return formatXid(document.xid);
  return formatUr({ type: 'xid', cbor: encodeEnvelope(xidDocumentEnvelope(document)) });
}

/**
 * A document from `ur:xid/…`; one that is only an XID has no keys. No signature is checked.
 * @throws EncodingError `UR_…`, `CBOR_…`, `XID_…`, `ENVELOPE_…`, `PUBLIC_KEYS_INVALID`.
 */
export function parseXidUr(text: string): XidDocument {
  const { cbor: bytes } = parseUr(text, 'xid');
  const item = decodeCanonical(bytes);
  if (item.type === MAJOR.bytes) {
    return { xid: parseXid(item.value.slice()), keys: [], dereferenceVia: [], others: [] };
  }
  return parseXidDocument(decodeEnvelope(bytes));
}
