import { equalBytes } from '@ckm/foundation';
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
export function ballotOfNamed(
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

/** Whether what is shown is what a vote would name. @param payload as it came */
export function isNamedAs(matter: NamedMatter, payload: Uint8Array, named: NamedAs): boolean {
  const ballot = ballotOfNamed(matter, named);
  return (
    named.kind === ballot.kind &&
    equalBytes(matter.bytes, payload) &&
    (['matterId', 'keyId', 'payloadHash', 'tasksHash'] as const).every((name) =>
      equalBytes(ballot[name], named[name]),
    )
  );
}
