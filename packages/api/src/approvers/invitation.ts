import { encodeHex } from '@ckm/foundation';
import { type Data, type PublicKeys, type Xid, xidOf } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier, label } from '../fields/fields.js';
import { approverName } from '../terms/schema.js';
import { invitationInvalid } from './errors.js';
import { type Paper, readPaper, writePaper } from './paper.js';

/** A server of the key, as the owner has pinned it. */
export interface InvitingServer {
  /** What the owner calls it. */
  readonly name: string;
  readonly url: string;
  /** Of its inception key: its XID is the name of these. */
  readonly publicKeys: PublicKeys;
  readonly xid: Xid;
  /** Certificates (PEM) that vouch for its TLS certificate besides those that every machine knows; null: none. */
  readonly authority: string | null;
}

/** What an owner asks somebody with to say yes or no to what a key does. Nothing in it is secret. */
export interface ApproverInvitation {
  /** What the approver is called in the terms of the key. */
  readonly name: string;
  /** What the owner calls the key. */
  readonly keyName: string;
  /** 32 bytes. The key may be yet to be made. */
  readonly keyId: Uint8Array;
  /** In order of slots. */
  readonly servers: readonly InvitingServer[];
  /** Of the first epoch of the key; null: it is yet to be made. */
  readonly certificate: Uint8Array | null;
}

/** An invitation as it came, with what it is known by. */
export interface GivenInvitation extends ApproverInvitation {
  /** 32 bytes */
  readonly digest: Uint8Array;
}

/** Of the file, in characters: 32 servers whose authorities are as long as they may be have less. */
export const MOST_INVITATION_CHARACTERS = 1_048_576;
/** A certificate of 32 servers has less. */
const MOST_CERTIFICATE_BYTES = 262_144;
const LIMITS = { maxBytes: 524_288, maxDepth: 4, maxItems: 512 } as const;

const server = z.strictObject({
  name: label(64).min(1),
  url: label(2_048).min(1),
  signing: bytesOf(32),
  agreement: bytesOf(32),
  authority: z.string().max(65_536).nullable(),
});

const invitation = z.strictObject({
  v: z.literal(1),
  kind: z.literal('approver-invitation'),
  name: approverName,
  keyName: label(64).min(1),
  keyId: identifier,
  servers: z.array(server).min(1).max(32),
  certificate: bytesUpTo(MOST_CERTIFICATE_BYTES).nullable(),
});

/** As `ur:envelope/…`. @throws EncodingError `APPROVER_INVITATION_INVALID` for what {@link parseInvitation} would refuse */
export function writeInvitation({ name, keyName, keyId, servers, certificate }: ApproverInvitation): Paper {
  const content = {
    v: 1,
    kind: 'approver-invitation',
    name,
    keyName,
    keyId,
    servers: servers.map(({ name: called, url, publicKeys: { signing, agreement }, authority }) => ({
      name: called,
      url,
      signing: signing.bytes,
      agreement,
      authority,
    })),
    certificate,
  };
  readMembers(content);
  return writePaper(content);
}

/** Reads an invitation. Whose it is, people say. @throws EncodingError `APPROVER_INVITATION_INVALID` */
export function parseInvitation(text: string): GivenInvitation {
  if (text.length > MOST_INVITATION_CHARACTERS) throw invitationInvalid('it is too long');
  const paper = readPaper(text, LIMITS);
  if (paper === null) throw invitationInvalid('it cannot be read, or is cut');
  return { ...readMembers(paper.content), digest: paper.digest };
}

function readMembers(content: Data): ApproverInvitation {
  const parsed = invitation.safeParse(content);
  if (!parsed.success) throw invitationInvalid('it is something else');
  const { name, keyName, keyId, certificate } = parsed.data;
  const servers = parsed.data.servers.map(({ signing, agreement, ...rest }): InvitingServer => {
    const publicKeys: PublicKeys = { signing: { scheme: 'ed25519', bytes: signing }, agreement };
    return { ...rest, publicKeys, xid: xidOf(publicKeys) };
  });
  assertDistinct(servers.map((one) => one.name));
  assertDistinct(servers.map(({ xid }) => encodeHex(xid)));
  return { name, keyName, keyId, servers, certificate };
}

function assertDistinct(names: readonly string[]): void {
  if (new Set(names).size < names.length) throw invitationInvalid('a server is in it twice');
}
