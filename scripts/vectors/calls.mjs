// Sealed messages around a call: of somebody who is known, of a stranger, the answer, and of a device.
import { encodeCall, encodeReply } from '@ckm/api';
import { reveal, secret } from '@ckm/foundation';
import { createIdentity, sealMessage } from '@ckm/gordian';
import { bytesOf, identities } from './servers.mjs';

const DATE = 1_800_000_000;
const [alpha] = identities;
const alice = createIdentity(secret(bytesOf('identity of alice')));

const call = {
  sender: alice,
  recipient: alpha,
  id: bytesOf('id of a request'),
  function: 'key.list',
  body: encodeCall('key.list', { after: null }),
};
const reply = {
  sender: alpha,
  recipient: alice,
  id: bytesOf('id of a reply'),
  inReplyTo: call.id,
  function: call.function,
  body: encodeReply({ ok: true, result: { keys: [], next: null } }),
};

export function callVectors() {
  const laptop = createIdentity(secret(bytesOf('identity of a laptop')), alice.xid);
  const ofDevice = { ...call, sender: laptop, namesKey: true };
  return [call, { ...call, introduce: true }, reply, ofDevice].map(vectorOf);
}

function vectorOf(message) {
  const { sender, recipient, introduce = false, namesKey = false, inReplyTo = null, ...rest } = message;
  const dates = { date: DATE, expiresAt: DATE + 120 };
  const random = (length) => bytesOf('random').subarray(0, length);
  return {
    ...rest,
    ...dates,
    inReplyTo,
    introduces: introduce,
    ...(namesKey ? { namesKey } : {}),
    sender: sender.xid,
    senderKey: sender.publicKeys.signing.bytes,
    senderAgreementKey: sender.publicKeys.agreement,
    recipient: recipient.xid,
    recipientSecret: reveal(recipient.agreementKey, 'a vector'),
    message: sealMessage({ ...message, ...dates, random }),
  };
}
