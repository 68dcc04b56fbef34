import { concatBytes, encodeUtf8, EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo, epoch, identifier, slot, unixSeconds } from './fields/fields.js';

/** For as long as a policy can count requests. Seconds. */
const windowSeconds = z.int().min(1).max(31_536_000);
/** More than one policy has: of the owner, of the server, of the key there; and sums that its terms look at. */
const MOST_WINDOWS = 12;
/** More often no policy counts, and more satoshis there will never be. */
const [MOST_COUNT, MOST_SUM] = [1_000_000, 2_100_000_000_000_001];
/** Whose members are asked, each roster once: of the epoch in use, and of those before it. */
const MOST_ROSTERS = 16;

const window = {
  within: windowSeconds,
  /** Where counting stops: whoever asks needs to know no more than whether it was used so often. */
  most: z.int().min(1).max(MOST_SUM),
  /** The fact whose amounts are summed, as terms name it; absent: requests are counted. */
  of: z
    .string()
    .regex(/^[a-z][A-Za-z]{0,31}$/)
    .exactOptional(),
};
const isOfItsKind = ({ most, of }: { readonly most: number; readonly of?: string }) =>
  of !== undefined || most <= MOST_COUNT;
const windowAsked = z.strictObject(window).refine(isOfItsKind);
/** A window within which a key may be used so often, or for so much. */
export type WindowAsked = z.infer<typeof windowAsked>;

const windowCount = z
  .strictObject({
    ...window,
    /** Requests for the key that this server gave a share for within so many seconds, or the sum of what they said, `most` for more; null: it does not know, and says nothing by it. */
    count: z.int().min(0).max(MOST_SUM).nullable(),
    /** From which epoch on this server has counted that for itself: what was before is over for longer than the window, or others have told it. */
    from: epoch,
  })
  .refine(isOfItsKind);
export type WindowCount = z.infer<typeof windowCount>;

/** What a server says of how far a key is: its newest epoch that is certified there, in answer to the question of another one. */
export const keyHead = z.strictObject({
  keyId: identifier,
  epoch,
  /** Of that epoch. */
  transcriptHash: bytesOf(32),
  /** What was asked with: 32 bytes that a server drew when it came back from an older state. */
  nonce: bytesOf(32),
  /** False: this server came back from an older state itself, and others have not told it yet. */
  isSure: z.boolean(),
  /** How often the key was used there, for each window that was asked about; absent: it was not asked, or knows of no such question. */
  counts: z.array(windowCount).max(MOST_WINDOWS).optional(),
  /** The freeze of the key by its owner that stands there; absent: none does. */
  frozen: z.strictObject({ id: identifier, until: unixSeconds }).optional(),
  /** The terms of the key that are in force there, or that those follow, by number and `policyHash`; absent: those that it was made with. */
  terms: z.strictObject({ version: z.int().min(1).max(0xffff_ffff), hash: bytesOf(32) }).optional(),
});
export type KeyHeadStatement = z.infer<typeof keyHead>;

const signedHead = z.strictObject({ head: bytesUpTo(2_048), signature: bytesOf(64) });

export const keyHeadAsked = {
  parameters: z.strictObject({
    keyId: identifier,
    nonce: bytesOf(32),
    /** Which windows it is asked about; absent: none. Asked about any, it voids the nonces that it published for the key before it was asked with this nonce first. */
    windows: z.array(windowAsked).max(MOST_WINDOWS).optional(),
    /**
     * Which terms it is asked about, by number, where those in force follow them: for a server that takes changes over in pages. With a nonce of zeros alone, which no
     * server draws; absent, or where it has none of that number: those in force.
     */
    terms: z.int().min(1).max(0xffff_ffff).exactOptional(),
  }),
  result: z.strictObject({
    /** See `parseHead`. */
    ...signedHead.shape,
    /** What others are to be asked with, if this server asks itself; null: it knows. */
    asks: bytesOf(32).nullable(),
    /** About which windows; empty or absent: about none. */
    windows: z.array(windowAsked).max(MOST_WINDOWS).optional(),
    /** Members of which epochs say so; absent: of the one that it is in. */
    rosters: z.array(epoch).max(MOST_ROSTERS).optional(),
  }),
};
export const keyHeadsShown = {
  parameters: z.strictObject({
    keyId: identifier,
    /** Of other servers, by their slots in an epoch; absent: in the one that the server asked has. */
    heads: z.array(z.strictObject({ slot, epoch: epoch.optional(), ...signedHead.shape })).max(64),
  }),
  result: z.strictObject({ epoch, transcriptHash: bytesOf(32) }),
};

export function encodeHead({ counts, frozen, terms, ...head }: KeyHeadStatement): Uint8Array {
  return encodeData({
    ...head,
    ...(counts === undefined ? {} : { counts: counts.map((one) => ({ ...one })) }),
    ...(frozen === undefined ? {} : { frozen: { ...frozen } }),
    ...(terms === undefined ? {} : { terms: { ...terms } }),
  });
}

/** @throws EncodingError `HEAD_INVALID`, `CBOR_…` */
export function parseHead(bytes: Uint8Array): KeyHeadStatement {
  const parsed = keyHead.safeParse(decodeData(bytes));
  if (parsed.success) return parsed.data;
  throw new EncodingError('what a server says of how far a key is has not its form', {
    code: 'HEAD_INVALID',
    hint: 'compare the versions of client and servers',
  });
}

/** What the identity of the server signs of it: `signIdentityStatement`. */
export function headStatement(head: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8('CKM key head v1'), taggedHash('CKM/key/head/v1', head));
}

/** Whether two windows are about the same, wherever counting stops. */
export function isSameWindow(a: Omit<WindowAsked, 'most'>, b: Omit<WindowAsked, 'most'>): boolean {
  return a.within === b.within && a.of === b.of;
}
