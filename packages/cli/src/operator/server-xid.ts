import { AccessError } from '@ckm/foundation';
import { parseEnvelopeUr, verifyXidDocument, type Xid } from '@ckm/gordian';

/**
 * Who a server is: the XID inside the document it introduces itself with.
 * @throws AccessError `SERVER_IDENTITY_INVALID` when it is not signed by the key the XID is made from
 */
export function serverXid(document: string): Xid {
  const verified = verifyXidDocument(parseEnvelopeUr(document));
  if (verified !== null) return verified.xid;
  throw new AccessError('the server’s own document does not prove who it is', {
    code: 'SERVER_IDENTITY_INVALID',
    hint: 'compare the versions of ckm and the server',
  });
}
