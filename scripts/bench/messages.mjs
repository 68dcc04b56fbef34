// What the messages of a signature cost by themselves: each is sealed and opened as a client and a server do, in one process.
import { secret } from '@ckm/foundation';
import {
  authenticateMessage,
  createIdentity,
  createMessageId,
  sealMessage,
  unsealMessage,
} from '@ckm/gordian';
import { randomBytes } from 'node:crypto';
import { median } from './report.mjs';

const random = (length) => new Uint8Array(randomBytes(length));
const [alice, alpha] = [1, 2].map(() => createIdentity(secret(random(32))));
const NOW = 1_000;
/** All that stands in a message besides its body. */
const ENVELOPE_BYTES = 420;
const BATCH = 40;
const BATCHES = 25;

/** CPU milliseconds of one message of so many bytes, sealed and opened. */
export function messageMs(length) {
  const body = byteString(length - ENVELOPE_BYTES);
  const times = Array.from({ length: BATCHES }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < BATCH; i++) carry(body);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / BATCH;
  });
  return median(times);
}

function carry(body) {
  const bytes = sealMessage({
    sender: alice,
    recipient: alpha,
    id: createMessageId(random),
    date: NOW,
    expiresAt: NOW + 100,
    function: 'request.ask',
    body,
    random,
  });
  authenticateMessage(unsealMessage({ recipient: alpha, bytes, now: NOW + 1 }), alice.publicKeys);
}

/** CBOR of a byte string. */
function byteString(length) {
  const bytes = random(length + 3);
  bytes.set([0x59, length >> 8, length & 0xff]);
  return bytes;
}
