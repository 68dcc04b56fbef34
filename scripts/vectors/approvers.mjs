// Somebody is invited to approve for a key, answers, and says yes to a request for it.
import { parseAnswer, parseInvitation, signVote, writeAnswer, writeInvitation, writeVotes } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, leafValue, parseEnvelopeUr } from '@ckm/gordian';
import { bytesOf, identities } from './servers.mjs';

const bob = createIdentity(secret(bytesOf('identity of bob for one key')));
const NOW = 1_790_000_000;

export function approverVectors() {
  const keyId = bytesOf('key id');
  const servers = identities.map(({ xid, publicKeys }, at) => {
    const name = ['alpha', 'bravo', 'charlie'][at];
    return { name, url: `https://${name}.example`, xid, publicKeys, authority: null };
  });
  const invitation = writeInvitation({ name: 'bob', keyName: 'treasury', keyId, servers, certificate: null });
  const answer = writeAnswer(bob, parseInvitation(invitation.text));
  const { xid } = parseAnswer(answer.text);
  const vote = signVote(bob, {
    v: 1,
    matter: 'request',
    matterId: bytesOf('request id'),
    verdict: 'yes',
    serial: 1,
    approver: xid,
    audience: servers.map((one) => one.xid).toSorted((a, b) => Buffer.compare(a, b)),
    keyId,
    epoch: 0,
    transcriptHash: bytesOf('transcript hash'),
    termsHash: bytesOf('terms hash'),
    requester: bytesOf('requester'),
    kind: 'message',
    payloadHash: bytesOf('payload hash'),
    tasksHash: bytesOf('tasks hash'),
    descriptionHash: bytesOf('description hash'),
    reason: null,
    issuedAt: NOW,
    expiresAt: NOW + 3_600,
  });
  const papers = { invitation, answer, votes: writeVotes([vote]) };
  return Object.entries(papers).map(([kind, { text, digest }]) => ({
    kind,
    content: leafValue(parseEnvelopeUr(text)).value,
    digest,
    text,
  }));
}
