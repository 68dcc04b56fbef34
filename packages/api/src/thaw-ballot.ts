import { EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { identifier } from './fields/fields.js';
import type { Ballot } from './votes/ballot.js';
import {
  ballotOfNamed,
  isNamedAs,
  type NamedAs,
  type NamedMatter,
  type VotedUnder,
} from './votes/named-ballot.js';

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

/** What is voted on, under the terms in force. */
export function ballotOfThaw(asked: ThawAsked, under: VotedUnder): Omit<Ballot, 'serverId'> {
  return ballotOfNamed(named(asked), under);
}

/**
 * The end of a freeze that somebody is shown who is asked about it, where it is the one that the vote would name.
 * @throws EncodingError `THAW_ASKED_INVALID`, `CBOR_…`
 */
export function readThawAsked(payload: Uint8Array, shown: NamedAs): ThawAsked {
  const parsed = thawAsked.safeParse(decodeData(payload, LIMITS));
  if (parsed.success && isNamedAs(named(parsed.data), payload, shown)) return parsed.data;
  throw new EncodingError('what is shown is not the end of the freeze that is named', {
    code: 'THAW_ASKED_INVALID',
    hint: 'say yes to nothing; compare what each of the servers shows with what the owner says himself',
  });
}

function named(asked: ThawAsked): NamedMatter {
  const { keyId, freezeId } = asked;
  const hash = taggedHash('CKM/thaw/asked/v1', keyId, freezeId);
  return { matter: 'thaw', kind: 'thaw', keyId, hash, bytes: encodeThawAsked(asked) };
}
