import { encodeUtf8 } from '@ckm/foundation';
import { type Identity, signBytes, verifyBytes } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import type { Requester } from './functions.js';

/** What whoever asks signs: a request under its id, the same for all servers of the key. */
export interface RequestNamed {
  readonly keyId: Uint8Array;
  readonly requestId: Uint8Array;
  /** `hashPayload` */
  readonly payloadHash: Uint8Array;
  /** UnixSeconds */
  readonly expiresAt: number;
}

const PURPOSE = 'ckm/requester/v1';

/** Says who asks. @param identity of this key alone: its owner, or a device that he has listed */
export function signRequester(identity: Identity, request: RequestNamed): Requester {
  const signature = signBytes(identity, PURPOSE, digestOf(request));
  return { key: identity.publicKeys.signing.bytes, signature };
}

/** Whether whoever asks holds the key that is named. Whether that key may ask, the terms say. */
export function isRequester({ key, signature }: Requester, request: RequestNamed): boolean {
  return verifyBytes({ signing: { scheme: 'ed25519', bytes: key } }, PURPOSE, digestOf(request), signature);
}

function digestOf({ keyId, requestId, payloadHash, expiresAt }: RequestNamed): Uint8Array {
  return taggedHash('CKM/request/asked/v1', keyId, requestId, payloadHash, encodeUtf8(String(expiresAt)));
}
