import { equalBytes } from '@ckm/foundation';
import {
  encodeData,
  type Identity,
  isLikenessOf,
  type PublicKeys,
  signBytes,
  verifyBytes,
  type Xid,
  xidOf,
} from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, identifier } from '../fields/fields.js';
import { type Approver, approverName } from '../terms/schema.js';
import { answerInvalid, answerLikenessDiffers, answerOfAnother } from './errors.js';
import type { ApproverInvitation, GivenInvitation } from './invitation.js';
import { type Paper, readPaper, writePaper } from './paper.js';

/** With what an approver answers an invitation. Nothing in it is secret. */
export interface ApproverAnswer {
  readonly name: string;
  readonly keyId: Uint8Array;
  /** 32 bytes: digest of the invitation, so that who compares the words of the answer has compared both. */
  readonly invitation: Uint8Array;
  /** Of this key alone. */
  readonly publicKeys: PublicKeys;
  readonly xid: Xid;
  /** 32 bytes: the likeness of this is what people compare. */
  readonly digest: Uint8Array;
}

/** Of the file, in characters; one of ours has less than a tenth. */
export const MOST_ANSWER_CHARACTERS = 8_192;
const LIMITS = { maxBytes: 4_096, maxDepth: 2, maxItems: 32 } as const;
const PURPOSE = 'ckm/approver-answer/v1';

const said = {
  v: z.literal(1),
  kind: z.literal('approver-answer'),
  name: approverName,
  keyId: identifier,
  invitation: bytesOf(32),
  signing: bytesOf(32),
  agreement: bytesOf(32),
};
const answer = z.strictObject({ ...said, proof: bytesOf(64) });

/**
 * The answer to an invitation, as `ur:envelope/…`: the same one every time.
 * @param me who the approver is for this key alone; it signs, so that nobody answers with the key of somebody else
 */
export function writeAnswer(me: Identity, { name, keyId, digest }: GivenInvitation): Paper {
  const { signing, agreement } = me.publicKeys;
  const statement = {
    v: 1,
    kind: 'approver-answer',
    name,
    keyId,
    invitation: digest,
    signing: signing.bytes,
    agreement,
  };
  return writePaper({ ...statement, proof: signBytes(me, PURPOSE, encodeData(statement)) });
}

/** Reads an answer. Whose it is, people compare. @throws EncodingError `APPROVER_ANSWER_INVALID` */
export function parseAnswer(text: string): ApproverAnswer {
  if (text.length > MOST_ANSWER_CHARACTERS) throw answerInvalid('it is too long');
  const paper = readPaper(text, LIMITS);
  if (paper === null) throw answerInvalid('it cannot be read, or is cut');
  const parsed = answer.safeParse(paper.content);
  if (!parsed.success) throw answerInvalid('it is something else');
  const { proof, ...statement } = parsed.data;
  const { name, keyId, invitation, signing, agreement } = statement;
  const publicKeys: PublicKeys = { signing: { scheme: 'ed25519', bytes: signing }, agreement };
  if (!verifyBytes(publicKeys, PURPOSE, encodeData(statement), proof))
    throw answerInvalid('it is not signed with the key that it names');
  return { name, keyId, invitation, publicKeys, xid: xidOf(publicKeys), digest: paper.digest };
}

/**
 * That an answer is one to this invitation, and that its six words are those which were heard.
 * @param heard the six words as the approver reads them aloud; undefined: people compare
 * @throws AccessError `APPROVER_ANSWER_OTHER`, `APPROVER_LIKENESS_MISMATCH`
 */
export function assertAnswers(
  given: ApproverAnswer,
  {
    name,
    keyId,
    keyName,
    digest,
  }: Pick<ApproverInvitation, 'name' | 'keyId' | 'keyName'> & { readonly digest: Uint8Array },
  heard?: string,
): void {
  if (!equalBytes(given.keyId, keyId)) throw answerOfAnother(`about another key than ${keyName}`);
  if (given.name !== name || !equalBytes(given.invitation, digest))
    throw answerOfAnother(`to another invitation than the one for ${name}`);
  if (heard !== undefined && !isLikenessOf(heard, given.digest)) throw answerLikenessDiffers();
}

/** Who answered, as the terms of the key name him. */
export function approverOf({ name, xid, publicKeys }: ApproverAnswer): Approver {
  return { name, xid, keys: [{ kind: 'ed25519', key: publicKeys.signing.bytes }] };
}
