import { EncodingError, equalBytes } from '@ckm/foundation';
import { decodeData } from '@ckm/gordian';
import type { z } from 'zod';
import { hashPayload } from '../crafts/request-hashes.js';
import type { Ballot } from './ballot.js';

/** Something that people are asked about and that names itself: its id is the hash of what it says. */
export interface NamedMatter extends Pick<Ballot, 'matter' | 'keyId' | 'kind'> {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** As they are shown it, canonical. */
  readonly bytes: Uint8Array;
}

/** Under which terms it is voted on, and until when. */
export type VotedUnder = Pick<Ballot, 'termsHash' | 'expiresAt'>;

/** What such a matter has to be named by, as it is shown. */
export type NamedAs = Pick<
  Ballot,
  'matterId' | 'keyId' | 'kind' | 'payloadHash' | 'tasksHash' | 'termsHash' | 'expiresAt'
>;

/** What is voted on. Nobody stands as who asks: it is by the owner, who has no say by himself. */
function ballotOfNamed(
  { matter, keyId, kind, hash, bytes }: NamedMatter,
  { termsHash, expiresAt }: VotedUnder,
): Omit<Ballot, 'serverId'> {
  const payloadHash = hashPayload(kind, bytes);
  return {
    matter,
    matterId: hash,
    keyId,
    termsHash,
    requester: null,
    kind,
    payloadHash,
    tasksHash: hash,
    expiresAt,
  };
}

/** What people are asked about one kind of thing that names itself. */
export interface NamedQuestion<T> {
  /** What is voted on, under the terms in force. */
  ballotOf(asked: T, under: VotedUnder): Omit<Ballot, 'serverId'>;
  /**
   * What somebody is shown who is asked about it, where it is what the vote would name.
   * @throws EncodingError with the code of the question, `CBOR_…`
   */
  read(payload: Uint8Array, shown: NamedAs): T;
}

/**
 * @param form as it is parsed, within these limits
 * @param what as in "the export"
 * @param code of the refusal
 */
export function namedQuestion<T>({
  form,
  limits,
  named,
  what,
  code,
}: {
  readonly form: z.ZodType<T>;
  readonly limits: Parameters<typeof decodeData>[1];
  readonly named: (asked: T) => NamedMatter;
  readonly what: string;
  readonly code: string;
}): NamedQuestion<T> {
  return {
    ballotOf: (asked, under) => ballotOfNamed(named(asked), under),
    read(payload, shown) {
      const parsed = form.safeParse(decodeData(payload, limits));
      if (parsed.success && isNamedAs(named(parsed.data), payload, shown)) return parsed.data;
      throw new EncodingError(`what is shown is not ${what} that is named`, {
        code,
        hint: 'say yes to nothing; compare what each of the servers shows with what the owner says himself',
      });
    },
  };
}

/** @param payload as it came */
function isNamedAs(matter: NamedMatter, payload: Uint8Array, named: NamedAs): boolean {
  const ballot = ballotOfNamed(matter, named);
  return (
    named.kind === ballot.kind &&
    equalBytes(matter.bytes, payload) &&
    (['matterId', 'keyId', 'payloadHash', 'tasksHash'] as const).every((name) =>
      equalBytes(ballot[name], named[name]),
    )
  );
}
