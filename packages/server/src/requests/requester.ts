import { isAllowed, isRequester, type RequestAsk, xidOfKey } from '@ckm/api';
import { AccessError, equalBytes, PolicyError } from '@ckm/foundation';
import type { HeirCalling, ServerContext } from '../context.js';
import type { ActiveKey } from '../sessions/keys/active-keys.js';
import { isOwnerThere, readStanding } from '../sessions/keys/proven-devices.js';
import type { Reader } from '../storage/storage.js';

/** Every code about who asks for something that people are asked about. */
const REQUESTER_CODES = ['REQUESTER_MISSING', 'REQUESTER_NOT_PROVEN', 'REQUESTER_OTHER'] as const;
type RequesterCode = (typeof REQUESTER_CODES)[number];

/**
 * Who asks, by the name that the servers of this key and its approvers know him by: the owner whom the terms name, and who is no device that is out of the account, or a device that he has on his list for this
 * key and that may use it; where an heir calls in the owner's place that heir. Null: nobody says so.
 * @throws AccessError `REQUESTER_NOT_PROVEN`
 */
export async function requesterOf(
  context: Pick<ServerContext, 'vault' | 'accounts'>,
  reader: Reader,
  key: Pick<ActiveKey, 'owner' | 'keyId' | 'policy'>,
  { requester, requestId, keyId, expiresAt }: RequestAsk,
  payloadHash: Uint8Array,
  heir?: HeirCalling,
): Promise<Uint8Array | null> {
  if (requester === undefined) return null;
  const isHis = isRequester(requester, { keyId, requestId, payloadHash, expiresAt });
  const asks = xidOfKey(requester.key);
  const mayAsk =
    heir === undefined ? await isOfOwnerOf(context, reader, key, requester.key) : equalBytes(asks, heir.xid);
  if (!isHis || !mayAsk) throw requesterNotProven();
  return asks;
}

async function isOfOwnerOf(
  context: Pick<ServerContext, 'vault' | 'accounts'>,
  reader: Reader,
  { owner, keyId, policy: { ownerKey } }: Pick<ActiveKey, 'owner' | 'keyId' | 'policy'>,
  asks: Uint8Array,
): Promise<boolean> {
  if (ownerKey === undefined) return false;
  if (equalBytes(asks, ownerKey)) return isOwnerThere(context, reader, { owner, keyId }, ownerKey);
  const found = await readStanding(context, reader, { owner, keyId }, ownerKey);
  if (found === null) return false;
  // Of the account, which it is said by: whose entry it is may not have been shown yet.
  return found.list.keys.some(
    ({ id, publicKeys, may }) =>
      equalBytes(publicKeys.signing.bytes, asks) && isAllowed(may, 'use') && found.standingOf(id) !== 'gone',
  );
}

/** People are asked, and nobody says who asks: votes bind him, and he has no say himself. */
export function requesterMissing(): PolicyError {
  return new PolicyError('by the terms of this key people are asked, and the request does not say who asks', {
    code: 'REQUESTER_MISSING' satisfies RequesterCode,
    hint: 'bring the client up to date, and ask again',
    retryable: false,
  });
}

export function requesterOther(): AccessError {
  return new AccessError('somebody else has asked for this, and people are asked in his name', {
    code: 'REQUESTER_OTHER' satisfies RequesterCode,
    hint: 'go on from the device that asked, or ask anew from this one',
  });
}

function requesterNotProven(): AccessError {
  return new AccessError(
    'whoever asks is not shown to be the owner of this key, or a device that he has for it',
    {
      code: 'REQUESTER_NOT_PROVEN' satisfies RequesterCode,
      hint: 'have it put on the list of the key: look at the list of devices with the words, or from one that may manage; then ask again',
    },
  );
}
