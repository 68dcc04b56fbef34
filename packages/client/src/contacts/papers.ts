import {
  encodeVouchRequest,
  parseVouchRequest,
  recoveryRequestInvalid,
  type SignedVoucher,
  voucherInvalid,
  type VouchRequest,
} from '@ckm/api';
import { encodeData, formatEnvelopeUr, leaf } from '@ckm/gordian';
import { bytesInside, readEnvelope, readMembers } from '../devices/envelope-text.js';

/** Of a request or a voucher, in characters; one of our own has less than half of it. */
export const MOST_VOUCH_CHARACTERS = 4_096;

/** What a contact is asked to vouch for, as `ur:envelope/…`: the bytes of the request in a leaf. */
export function writeVouchRequest(request: VouchRequest): string {
  return formatEnvelopeUr(leaf(encodeVouchRequest(request)));
}

/** @throws EncodingError `RECOVERY_REQUEST_INVALID` */
export function readVouchRequest(text: string): VouchRequest {
  const envelope = text.length > MOST_VOUCH_CHARACTERS ? null : readEnvelope(text);
  const bytes = envelope === null ? null : bytesInside(envelope);
  if (bytes === null) throw recoveryRequestInvalid('it cannot be read, or is cut');
  return parseVouchRequest(bytes);
}

/** A voucher as `ur:envelope/…`: dCBOR {version, kind, voucher, signature} in a leaf. */
export function writeVoucher({ voucher, signature }: SignedVoucher): string {
  return formatEnvelopeUr(leaf(encodeData({ version: 1, kind: 'voucher', voucher, signature })));
}

/** What is signed in it, the server judges. @throws EncodingError `VOUCHER_INVALID` */
export function readVoucher(text: string): SignedVoucher {
  const envelope = text.length > MOST_VOUCH_CHARACTERS ? null : readEnvelope(text);
  const bytes = envelope === null ? null : bytesInside(envelope);
  const read =
    bytes === null
      ? null
      : readMembers(bytes, (members) => ({
          kind: members.text('kind'),
          voucher: members.bytes('voucher'),
          signature: members.bytes('signature', 64),
        }));
  if (read?.kind !== 'voucher') throw voucherInvalid('it cannot be read, or is something else');
  return { voucher: read.voucher, signature: read.signature };
}
