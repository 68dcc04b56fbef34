import { equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import { assertNoneOf, nameLatest, rivalsOf } from '../keys/spent-coins.js';
import { listRequests } from '../requests/requests.js';
import { shortId } from '../store/track.js';
import type { UnderstoodRequest } from './request.js';

/**
 * A request beside others to the same key that are still open, each of which may get its signatures: coins that one of
 * them spends too are warned of.
 * @param requestId its own, once it is on record
 * @throws EncodingError `PSBT_INPUT_OWNER_HIDDEN` when it passes off a coin that they spend as somebody else's
 */
export async function besideOpenRequests(
  { store, clock }: Pick<ClientContext, 'store' | 'clock'>,
  { keyId }: CertifiedKey,
  request: UnderstoodRequest,
  requestId: Uint8Array | null,
): Promise<UnderstoodRequest> {
  const { spending, description } = request;
  if (spending === null) return request;
  const now = clock();
  const open = (await listRequests(store)).flatMap(({ state, expiresAt, spends, ...one }) => {
    const isItself = requestId !== null && equalBytes(one.requestId, requestId);
    const isOpen = state === 'open' && expiresAt > now && equalBytes(one.keyId, keyId) && !isItself;
    return isOpen && spends !== null ? [{ ...spends, id: shortId(one.requestId) }] : [];
  });
  assertNoneOf(spending, open, 'a coin that another open request spends');
  const rivals = rivalsOf(spending, open);
  if (rivals.length === 0) return request;
  const ids = nameLatest(rivals.map(({ id }) => id));
  const text = `another request that is still open spends the same coin: ${ids}; only one of them can be mined`;
  const warnings = [...description.warnings, { code: 'COIN_REQUESTED_TWICE', text }];
  return { ...request, description: { ...description, warnings } };
}
