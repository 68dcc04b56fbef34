import { contactXid, type Parameters, parseCall, parseVoucher } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { AskerKnown } from '../context.js';
import { handleOf } from './handles.js';
import type { WaysBackMeans } from './means.js';

/**
 * Whom strangers do not keep out who knock in his place: whoever has a case, whoever brings the voucher of a contact for his own key, and whoever names an
 * app that is one, whose name nobody guesses. Of an address nothing is said: whether it is a contact shall not be learnt so (P9).
 */
export function createAskerKnown({
  storage,
  handleKey,
}: Pick<WaysBackMeans['context'], 'storage' | 'handleKey'>): AskerKnown {
  return async (sender, name, body) => {
    const isOfCase = await storage.read(async (reader) => (await reader.recoveries.find(sender)) !== null);
    if (isOfCase) return `case/${encodeHex(sender)}`;
    const proof = name === 'recovery.prove' ? read(body) : null;
    if (proof === null) return null;
    const handle = handleIn(handleKey, sender, proof);
    if (handle === null) return null;
    const rows = await storage.read(({ contacts }) => contacts.withHandle(handle, 1));
    if (rows.length === 0) return null;
    // A voucher is of use to one key alone: whoever has one uses up no other's place.
    return `${proof.contact.kind}/${encodeHex(proof.contact.kind === 'xid' ? sender : handle)}`;
  };
}

function read(body: Uint8Array): Parameters<'recovery.prove'> | null {
  try {
    return parseCall('recovery.prove', body);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

function handleIn(
  handleKey: WaysBackMeans['context']['handleKey'],
  sender: Uint8Array,
  { contact, proof }: Parameters<'recovery.prove'>,
): Uint8Array | null {
  if (contact.kind === 'totp') return handleOf(handleKey, 'totp', contact.name);
  if (contact.kind !== 'xid' || !('voucher' in proof)) return null;
  try {
    const voucher = parseVoucher(proof.voucher);
    return equalBytes(voucher.about, sender) ? handleOf(handleKey, 'xid', contactXid(voucher)) : null;
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
