import {
  hashPayload,
  type KeyTerms,
  type RequestAsk,
  type Requester,
  type ShownMatter,
  signRequester,
  signVote,
  type UseRule,
  type VoteStatement,
} from '@ckm/api';
import { compareBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { BareServer } from '../../sessions/test/bare-server.js';
import { testPerson } from '../../sessions/test/bare-server.js';
import { SOON } from '../../sessions/test/bare-servers.js';
import { termsWith } from '../../sessions/test/terms.js';

/** Who asks, to the servers and approvers of the key: its owner, as its terms name him. */
export const asker = testPerson(0x71);
export const [ann, bob, cy] = [0x72, 0x73, 0x74].map(testPerson) as [Identity, Identity, Identity];

const NAMED: readonly (readonly [string, Identity])[] = [
  ['ann', ann],
  ['bob', bob],
  ['cy', cy],
];

/** Terms by which `ann`, `bob` and `cy` are asked. */
export function askingTerms(approvals: readonly UseRule[], more: Partial<KeyTerms> = {}): Partial<KeyTerms> {
  return termsWith(approvals, {
    ownerKey: asker.publicKeys.signing.bytes,
    approvers: NAMED.map(([name, { xid, publicKeys }]) => ({
      name,
      xid,
      keys: [{ kind: 'ed25519', key: publicKeys.signing.bytes }],
    })),
    ...more,
  });
}

type Asked = Pick<RequestAsk, 'requestId' | 'keyId' | 'kind' | 'payload'> &
  Partial<Pick<RequestAsk, 'expiresAt'>>;

/** Says that the owner of a key asks, or whoever else is named. */
export function requesterOf(
  { requestId, keyId, kind, payload, expiresAt = SOON }: Asked,
  who: Identity = asker,
): Requester {
  return signRequester(who, { keyId, requestId, payloadHash: hashPayload(kind, payload), expiresAt });
}

/** A vote on what a server shows, for these servers, with whatever else is given. */
export function voteOn(
  who: Identity,
  shown: ShownMatter,
  servers: readonly BareServer[],
  more: Partial<VoteStatement> = {},
): Uint8Array {
  const xids = servers.map(({ context }) => context.identity.xid);
  return voteFor(who, shown, xids, { issuedAt: servers[0]!.context.clock(), ...more });
}

/** The same for servers by their names. */
export function voteFor(
  who: Identity,
  shown: ShownMatter,
  xids: readonly Uint8Array[],
  { issuedAt, ...more }: Partial<VoteStatement> & Pick<VoteStatement, 'issuedAt'>,
): Uint8Array {
  const { matter, matterId, keyId, epoch, transcriptHash, requester, kind, payloadHash, tasksHash } = shown;
  return signVote(who, {
    v: 1,
    matter,
    matterId,
    verdict: 'yes',
    serial: 1,
    approver: who.xid,
    audience: xids.toSorted(compareBytes),
    keyId,
    epoch,
    transcriptHash,
    termsHash: shown.termsHash,
    requester,
    kind,
    payloadHash,
    tasksHash,
    descriptionHash: new Uint8Array(32),
    reason: null,
    issuedAt,
    expiresAt: Math.min(shown.expiresAt, issuedAt + 3_600),
    ...more,
  });
}
