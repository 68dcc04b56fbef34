// A request for a signature as it travels inside a sealed message, and the replies of two servers.
import { encodeCall, encodeReply, packCommitments, policyHash } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import {
  buildGitRequest,
  buildMessageRequest,
  buildSshSigRequest,
  messageToSign,
  requestKind,
} from '@ckm/requests';
import { POLICY } from './keys.mjs';
import { bytesOf } from './servers.mjs';
import { signWith } from './signing.mjs';

const EXPIRES_AT = 1_800_000_000;

export function requestVectors(key) {
  const message = { domain: 'ckm', bytes: encodeUtf8('hello') };
  const signed = messageToSign(message);
  const { signers, commitments, shares, signature } = signWith(key, signed);
  const requestId = bytesOf('request');
  const ask = {
    requestId,
    keyId: key.params.keyId,
    epoch: key.params.epoch,
    kind: 'message',
    payload: buildMessageRequest(message),
    expiresAt: EXPIRES_AT,
    attempt: { craft: 'frost', number: 1, signers, commitments: [packCommitments(commitments)] },
    wanted: { craft: 'frost', commitments: 2 },
  };
  const answered = (share) => ({
    ok: true,
    result: {
      requestId,
      state: 'answered',
      sentence: 'Sign the message “hello” in the domain ckm with this key',
      reason: null,
      answer: { craft: 'frost', shares: [share] },
      prepared: { craft: 'frost', commitments: [] },
    },
  });
  return {
    policy: { fields: POLICY, bytes: encodeData(POLICY), termsHash: policyHash(POLICY) },
    ask: { fields: ask, body: encodeCall('request.ask', ask) },
    replies: shares.map(({ party, share }) => ({ slot: party, body: encodeReply(answered(share)), share })),
    payloads: payloadVectors(key),
    groupKey: key.public.groupKey,
    verifyingShares: key.public.verifyingShares,
    signed,
    signature,
  };
}

const COMMIT = `tree ${'0'.repeat(39)}1
author alice <alice@example.org> 1800000000 +0000
committer alice <alice@example.org> 1800000000 +0000

it works
`;

/** Payloads whose signature another program reads, with the bytes that are signed for each. */
function payloadVectors({ suite, public: publicKey }) {
  const message = encodeUtf8('a file');
  const payloads = [
    { kind: 'ssh', payload: buildSshSigRequest({ namespace: 'file', message }) },
    { kind: 'git', payload: buildGitRequest(encodeUtf8(COMMIT)) },
  ];
  return payloads.map(({ kind, payload }) => {
    const [task] = requestKind(kind).parse(payload).tasks({ suite, purpose: 'ssh', public: publicKey });
    return { kind, payload, signed: task.message };
  });
}
