import { encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { identifier } from './fields/fields.js';
import { type NamedMatter, namedQuestion } from './votes/named-ballot.js';

const LIMITS = { maxBytes: 256, maxDepth: 1, maxItems: 8 } as const;

const thawAsked = z.strictObject({
  keyId: identifier,
  /** Of the freeze: the same at every server of the key. When it ends is none of it, since each server has its own end. */
  freezeId: identifier,
});
/** The end of one freeze of one key before its time. */
export type ThawAsked = z.infer<typeof thawAsked>;

/** What people are shown who are asked about it. */
export function encodeThawAsked({ keyId, freezeId }: ThawAsked): Uint8Array {
  return encodeData({ keyId, freezeId });
}

const question = namedQuestion({
  form: thawAsked,
  limits: LIMITS,
  named,
  what: 'the end of the freeze',
  code: 'THAW_ASKED_INVALID',
});

/** What is voted on, under the terms in force. */
export const ballotOfThaw = question.ballotOf;

/** The end of the freeze that somebody is shown who is asked about it. @throws EncodingError `THAW_ASKED_INVALID`, `CBOR_…` */
export const readThawAsked = question.read;

function named(asked: ThawAsked): NamedMatter {
  const { keyId, freezeId } = asked;
  const hash = taggedHash('CKM/thaw/asked/v1', keyId, freezeId);
  return { matter: 'thaw', kind: 'thaw', keyId, hash, bytes: encodeThawAsked(asked) };
}
