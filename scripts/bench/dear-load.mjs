// How long another owner waits while one owner asks for the dearest payment there is, 16 times at once (ADR 0018).
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { bitcoinAddress, buildBitcoinRequest, buildMessageRequest } from '@ckm/requests';
import { callOverHttp, createCeremony, createQuorumSigner, spawnServer } from '@ckm/testkit';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { Transaction } from '@scure/btc-signer';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { figure } from './report.mjs';

const INPUTS = 256;
const OUTPUTS = 400;
const IN_FLIGHT = 16;
const CALLS = 400;
const GOAL_MS = 100;
const expiresAt = Math.floor(Date.now() / 1_000) + 3_600;

export async function dearLoadFigures() {
  const servers = [];
  try {
    for (const name of ['alpha', 'bravo']) servers.push(await spawnServer({ name }));
    const hers = await keyOf(servers, randomBytes(32), 'message');
    const seed = randomBytes(32);
    const his = await keyOf(servers, seed, 'bitcoin');
    const payload = buildBitcoinRequest(dearestPayment(his.key));
    await p99Of(hers.signer);
    const alone = await p99Of(hers.signer);
    const load = new Worker(new URL(import.meta.url), {
      workerData: { url: servers[0].url(), seed, keyId: his.keyId, payload },
    });
    await new Promise((resolve, reject) => load.once('message', resolve).once('error', reject));
    const beside = await p99Of(hers.signer);
    await load.terminate();
    return [
      figure({
        name: 'another owner’s call beside the dearest load, 99th percentile',
        ours: beside,
        unit: 'ms',
        peer: 'the same call with nobody else',
        peerValue: alone,
        ratio: alone / beside,
        goal: `≤ ${GOAL_MS} ms`,
        met: beside <= GOAL_MS,
      }),
    ];
  } finally {
    for (const server of servers) await server.remove();
  }
}

async function keyOf(servers, seed, purpose) {
  const owner = createIdentity(secret(new Uint8Array(seed)));
  const callees = await Promise.all(servers.map((server) => server.as(owner)));
  const suite = purpose === 'bitcoin' ? 'secp256k1-tr' : 'ed25519';
  const ceremony = createCeremony({ servers: callees, needed: 2, purpose, suite, expiresAt });
  await ceremony.finish();
  const { keyId } = ceremony;
  const { certificate } = await callees[0].call('key.show', { keyId });
  const key = verifyCertificate(parseCertificate(certificate)).public;
  return { keyId, key, signer: createQuorumSigner({ servers: callees, keyId, key, purpose, expiresAt }) };
}

/** Every coin and every output belongs to the key, so that a server derives each of them to see whether it does. */
function dearestPayment(key) {
  const own = ({ internalKey, fingerprint, path }) => ({
    tapInternalKey: internalKey,
    tapBip32Derivation: [[internalKey, { hashes: [], der: { fingerprint, path: [...path] } }]],
  });
  const payment = new Transaction();
  for (let index = 0; index < INPUTS; index++) {
    const coin = bitcoinAddress(key, 'receive', index);
    const witnessUtxo = { amount: 100_000n, script: coin.script };
    payment.addInput({ txid: randomBytes(32), index, witnessUtxo, ...own(coin) });
  }
  for (let i = 0; i < OUTPUTS; i++) {
    const back = bitcoinAddress(key, 'change', i);
    payment.addOutput({ script: back.script, amount: 20_000n, ...own(back) });
  }
  return payment.toPSBT();
}

/** Milliseconds within which 99 of 100 requests are answered, one after the other. */
async function p99Of(signer) {
  const times = [];
  for (let i = 0; i < CALLS; i++) {
    const payload = buildMessageRequest({ domain: 'bench', bytes: randomBytes(48) });
    const begun = performance.now();
    await signer.request(1, { kind: 'message', payload }, {});
    times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[Math.ceil(0.99 * CALLS) - 1];
}

/** The owner who asks for the payment under ever new names, until the thread is ended. */
async function askForEver({ url, seed, keyId, payload }) {
  const { parentPort } = await import('node:worker_threads');
  const owner = createIdentity(secret(new Uint8Array(seed)));
  const server = await callOverHttp('alpha', () => url, owner);
  const ask = { keyId, epoch: 0, kind: 'bitcoin', payload, expiresAt, attempt: null, wanted: null };
  const one = async () => {
    for (;;) {
      const requestId = new Uint8Array(randomBytes(32));
      // Who is refused comes again soon: sealing a message costs him as much as refusing it costs the server.
      await server.call('request.ask', { ...ask, requestId }).catch(() => sleep(20));
    }
  };
  for (let i = 0; i < IN_FLIGHT; i++) void one();
  await sleep(500);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort.postMessage('under way');
}

if (!isMainThread && workerData?.payload !== undefined) await askForEver(workerData);
