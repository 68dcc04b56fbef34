import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bitcoinAddress, buildBitcoinRequest, buildMessageRequest, type WalletAddress } from '@ckm/requests';
import { createCeremony } from '@ckm/testkit';
import { parseCertificate, type PublicKeyPackage, verifyCertificate } from '@ckm/threshold';
import { Transaction } from '@scure/btc-signer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initServer } from '../server/init-server.js';
import { type ChildServer, isCompiled, spawnServer } from '../test/child-server.js';
import { person, random } from '../test/rooms.js';
import { clientOf, type TestClient } from '../test/test-server.js';

const INPUTS = 256;
const OUTPUTS = 400;
const IN_FLIGHT = 16;
const CALLS = 100;
const WARM_UP = 50;
/** A busy machine needs it. */
const LONG_MS = 300_000;
/** What another owner may feel of the dearest load on two cores. */
const MOST_MS = 100;
/** Where the same owner alone waits longer than this, the machine has other work, and only the ratio says something. */
const CALM_MS = 25;
const MOST_TIMES = 5;

const servers: ChildServer[] = [];
let folder: string;
let alice: TestClient[];
let mallory: TestClient[];

beforeAll(async () => {
  if (!isCompiled) return;
  folder = mkdtempSync(join(tmpdir(), 'ckm-dear-'));
  for (const name of ['alpha', 'bravo']) {
    const dataDir = join(folder, name);
    const listen = { host: '127.0.0.1', port: 0 };
    await initServer({ dataDir, settings: { name, accounts: 'open', listen } });
    servers.push(await spawnServer(dataDir, { env: { CKM_LOG_LEVEL: 'warn' } }));
  }
  [alice, mallory] = await Promise.all([everywhere(1), everywhere(2)]);
});
afterAll(async () => {
  for (const server of servers) await server.end('SIGKILL');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const everywhere = (number: number) =>
  Promise.all(servers.map(async ({ first }) => (await clientOf(first.url!, person(number))).join()));
const soon = () => Math.floor(Date.now() / 1_000) + 600;

async function makeKey(of: readonly TestClient[], purpose: string) {
  const callees = of.map((client, i) => ({
    name: ['alpha', 'bravo'][i]!,
    call: client.ask.bind(client),
  }));
  const suite = 'secp256k1-tr';
  const ceremony = createCeremony({ servers: callees, needed: 2, purpose, suite, expiresAt: soon() });
  await ceremony.finish();
  const { keyId } = ceremony;
  const { certificate } = await of[0]!.ask('key.show', { keyId });
  return { keyId, key: verifyCertificate(parseCertificate(certificate!)).public };
}

/** Says that an address is the key's own, which the server derives to see whether it is. */
const own = ({ internalKey, fingerprint, path }: WalletAddress) => ({
  tapInternalKey: internalKey,
  tapBip32Derivation: [
    [internalKey, { hashes: [], der: { fingerprint, path: [...path] } }] as const,
  ] as never,
});

/** As many inputs as a payment may have, and so many outputs, each of the key's own. */
function dearPayment(key: PublicKeyPackage): Uint8Array {
  const payment = new Transaction();
  for (let index = 0; index < INPUTS; index++) {
    const coin = bitcoinAddress(key, 'receive', index);
    const witnessUtxo = { amount: 100_000n, script: coin.script };
    payment.addInput({ txid: random(32), index, witnessUtxo, ...own(coin) });
  }
  for (let i = 0; i < OUTPUTS; i++) {
    const back = bitcoinAddress(key, 'change', i);
    payment.addOutput({ script: back.script, amount: 20_000n, ...own(back) });
  }
  return buildBitcoinRequest(payment.toPSBT());
}

const asking = (keyId: Uint8Array, kind: string, payload: Uint8Array) => ({
  requestId: random(32),
  keyId,
  epoch: 0,
  kind,
  payload,
  expiresAt: soon(),
  attempt: null,
  wanted: null,
});

/** Milliseconds within which 99 of 100 of the owner's requests are answered, one after the other. */
async function p99Of(client: TestClient, keyId: Uint8Array, calls = CALLS): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < calls; i++) {
    const payload = buildMessageRequest({ domain: 'test', bytes: random(16) });
    const begun = performance.now();
    await client.ask('request.ask', asking(keyId, 'message', payload));
    times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[Math.ceil(0.99 * calls) - 1]!;
}

test.skipIf(!isCompiled)(
  'V70: payments of 256 inputs and 400 outputs, only asked about, 16 in flight, leave another owner’s p99 under 100 ms',
  async () => {
    const hers = await makeKey(alice, 'message');
    const theirs = await makeKey(mallory, 'bitcoin');
    const payload = dearPayment(theirs.key);
    // On a busy machine that took so long that servers have closed what was idle: here it has to be noticed before it is used.
    await sleep(50);
    expect(payload.length).toBeGreaterThan(90_000);
    await p99Of(alice[0]!, hers.keyId, WARM_UP);
    const alone = await p99Of(alice[0]!, hers.keyId);

    const answers = new Map<string, number>();
    const over = new AbortController();
    const attack = async () => {
      while (!over.signal.aborted) {
        const code = await mallory[0]!.ask('request.ask', asking(theirs.keyId, 'bitcoin', payload)).then(
          ({ state }) => state,
          (error: Error & { code?: string }) => error.code ?? error.message,
        );
        answers.set(code, (answers.get(code) ?? 0) + 1);
        // Who is refused comes again at once, but this process has other work too.
        if (code !== 'ready') await sleep(20);
      }
    };
    const attacking = Array.from({ length: IN_FLIGHT }, attack);
    await sleep(500);
    const beside = await p99Of(alice[0]!, hers.keyId);
    over.abort();
    // The others are not waited for: reading so many takes as long as all of the above.
    await Promise.race(attacking);

    const isCalm = alone <= CALM_MS;
    const most = isCalm ? MOST_MS : Math.max(MOST_MS, MOST_TIMES * alone);
    process.stdout.write(
      `another owner's p99: ${alone.toFixed(1)} ms alone, ${beside.toFixed(1)} ms beside ${JSON.stringify(Object.fromEntries(answers))}` +
        `${isCalm ? '' : `; the machine is busy, so that ${MOST_TIMES} times the first is compared`}\n`,
    );
    expect(beside).toBeLessThan(most);
    // The load was there: payments were read, or waited for their turn until their time was over.
    expect(answers.size).toBeGreaterThan(0);
  },
  LONG_MS,
);
