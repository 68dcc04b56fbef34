import {
  COMMON_TOTP,
  type ContactProof,
  contactXid,
  isVoucherFor,
  parseVoucher,
  stepOfTotp,
  type Voucher,
  type Vouched,
} from '@ckm/api';
import { encodeHex, encodeUtf8, equalBytes, secret, wipe } from '@ckm/foundation';
import { CODE_SECONDS, codeFor, codeStep, handleOf } from './handles.js';
import type { WaysBackMeans } from './means.js';
import type { StoredContact } from './stored-contacts.js';

/** So far a step that was taken may be ahead of the clock: a code's of the next half minute, a voucher's of another machine. Seconds. */
const AHEAD_SECONDS = 3_600;

/** What somebody shows, read. */
export type ReadProof =
  { readonly kind: 'code'; readonly code: string } | { readonly kind: 'voucher'; readonly voucher: Voucher };

/** @throws EncodingError `VOUCHER_INVALID`: whoever made it, it says nothing */
export function readProof(proof: ContactProof): ReadProof {
  if ('code' in proof) return { kind: 'code', code: proof.code };
  return { kind: 'voucher', voucher: parseVoucher(proof.voucher) };
}

/** A proof that holds. */
export interface Judged {
  /** Never taken again, nor one before it. */
  readonly step: number;
  /** What the contact is called from now on; undefined: as before. */
  readonly name?: string;
  readonly handle?: Uint8Array;
}

type Means = Pick<WaysBackMeans['context'], 'handleKey' | 'clock' | 'identity'>;

/**
 * Whether a proof shows that somebody is this contact.
 * @param about what a voucher must be about, and a code sent for
 * @returns null: it does not
 */
export function judgeProof(
  context: Means,
  { row, contact }: StoredContact,
  proof: ReadProof,
  meant: { readonly vouched: Vouched; readonly about: Uint8Array },
): Judged | null {
  const now = context.clock();
  const last = lastStepOf(contact, now);
  const isNewer = (step: number) => step > (last ?? -1);
  if (proof.kind === 'voucher') {
    if (contact.kind !== 'xid') return null;
    const { voucher } = proof;
    const isFor = isVoucherFor(voucher, { ...meant, server: context.identity.xid }, now);
    if (!isFor || !isNewer(voucher.issuedAt)) return null;
    const xid = contactXid(voucher);
    const handle = handleOf(context.handleKey, 'xid', xid);
    // Verified once, it is that one and no other.
    if (row.handle !== null && !equalBytes(row.handle, handle)) return null;
    return { step: voucher.issuedAt, name: encodeHex(xid), handle };
  }
  if (contact.kind === 'totp' && contact.secret !== null) {
    const shared = secret(contact.secret.slice());
    const step = stepOfTotp(shared, proof.code, now, last);
    wipe(shared);
    return step === null ? null : { step };
  }
  if (contact.kind !== 'mail') return null;
  const handle = row.handle ?? handleOf(context.handleKey, 'mail', contact.name);
  const step = stepOfCode(context, { handle, about: meant.about }, proof.code);
  return step === null || !isNewer(step) ? null : { step };
}

/** Of a clock that was ahead nothing is remembered: until that time comes again nothing newer could be shown. */
function lastStepOf({ kind, lastStep }: StoredContact['contact'], now: number): number | null {
  const seconds = kind === 'totp' ? COMMON_TOTP.period : kind === 'mail' ? CODE_SECONDS : 1;
  return lastStep !== null && lastStep * seconds > now + AHEAD_SECONDS ? null : lastStep;
}

/** The quarter of an hour whose code this is, the present or the one before; null: neither. How long it takes does not depend on the digits. */
function stepOfCode(
  { handleKey, clock }: Means,
  sent: { readonly handle: Uint8Array; readonly about: Uint8Array },
  code: string,
): number | null {
  const typed = encodeUtf8(code);
  const current = codeStep(clock());
  let found: number | null = null;
  for (const step of [current - 1, current]) {
    if (equalBytes(encodeUtf8(codeFor(handleKey, sent, step)), typed)) found = step;
  }
  return found;
}
