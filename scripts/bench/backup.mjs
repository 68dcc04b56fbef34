// How long `ckm server backup` takes of a server with 10,000 keys, from its start to its end: passphrase, writing, reading back.
// With nobody signing, and while three servers sign as often as they can; and how many signatures those are meanwhile. Then how long
// `ckm server restore` takes of it: passphrase, checking, writing.
import { findKeySource, loadConfig, openServer, readEnv } from '@ckm/server/testing';
import { prepareBackends, suiteBackends } from '@ckm/threshold';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServers, sustain } from './network.mjs';
import { CKM, startBenchServer } from './processes.mjs';
import { figure } from './report.mjs';

const KEYS = 10_000;
const MOST_SECONDS = 20;
const WARM_UP_MS = 10_000;
const ALONE_MS = 10_000;
/** Keys that one transaction stores. */
const BATCH = 100;

export async function backupFigures(say) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-backup-'));
  let network;
  try {
    network = await openServers(folder);
    say(`${KEYS} keys are stored`);
    await storeKeys(network);
    const { client, servers } = network;
    const passphrase = join(folder, 'passphrase');
    writeFileSync(passphrase, 'olive canyon ferret\n', { mode: 0o600 });
    say('one backup while nobody signs');
    const file = join(folder, 'quiet.backup');
    const quiet = await backUp(servers[0], file, passphrase);
    say('it is restored');
    const restored = await runServer(['restore', file, join(folder, 'restored')], passphrase);
    say('as many signatures as possible');
    await sustain(client, servers, WARM_UP_MS);
    const before = await sustain(client, servers, ALONE_MS);
    say(`one backup meanwhile; load of the machine ${loadavg()[0].toFixed(1)}`);
    const busy = await whileSigning(client, () =>
      backUp(servers[0], join(folder, 'busy.backup'), passphrase),
    );
    return [
      figure({
        name: `restore of ${KEYS} keys while nobody signs`,
        ours: restored,
        unit: 's',
        peer: 'the backup that it came from',
        peerValue: quiet,
        ratio: quiet / restored,
        goal: `≤ ${MOST_SECONDS} s`,
        met: restored <= MOST_SECONDS,
      }),
      figure({
        name: `backup of ${KEYS} keys, read back, while signatures go on`,
        ours: busy.seconds,
        unit: 's',
        peer: 'the same while nobody signs',
        peerValue: quiet,
        ratio: quiet / busy.seconds,
        goal: `≤ ${MOST_SECONDS} s`,
        met: busy.seconds <= MOST_SECONDS,
      }),
      figure({
        name: `signatures end to end while ${KEYS} keys are backed up`,
        ours: busy.perSecond,
        unit: '1/s',
        peer: 'the same before the backup',
        peerValue: before.perSecond,
        ratio: busy.perSecond / before.perSecond,
      }),
    ];
  } finally {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Signs until the work is done. */
async function whileSigning(client, work) {
  const begun = performance.now();
  const state = { isDone: false, signatures: 0 };
  const working = work().finally(() => (state.isDone = true));
  while (!state.isDone) state.signatures += (await sustain(client, [], 250)).signatures;
  const perSecond = state.signatures / ((performance.now() - begun) / 1000);
  return { seconds: await working, perSecond };
}

function backUp({ dataDir }, file, passphrase) {
  return runServer(['backup', dataDir, file], passphrase);
}

/** Seconds of a command about a server. */
function runServer(words, passphrase) {
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [CKM, 'server', ...words, '--passphrase-file', passphrase, '--quiet'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return new Promise((resolve, reject) => {
    child.once('exit', (status) =>
      status === 0
        ? resolve((performance.now() - begun) / 1000)
        : reject(new Error(`the ${words[0]} ended with ${status}`)),
    );
  });
}

/** Stops the first server, stores copies of its key as it stores keys, and starts it again. */
async function storeKeys({ servers, folder }) {
  const { name, stop } = servers[0];
  await stop();
  const dataDir = join(folder, name);
  await prepareBackends();
  const nowMs = Date.now;
  const source = findKeySource(dataDir, null, () => Math.floor(nowMs() / 1000));
  const server = await openServer({
    config: loadConfig(dataDir, readEnv({})),
    storageKeys: await source.open(null),
    source,
    random: (length) => new Uint8Array(randomBytes(length)),
    nowMs,
    backends: suiteBackends(),
    events: new Proxy({}, { get: () => () => undefined }),
    acceptClock: false,
  });
  await copyKey(server.context);
  await server.close();
  servers[0] = await startBenchServer(dataDir, name);
}

/** Stores copies of the one key there is, each complete: sealed for its place, with an epoch key of its own. */
async function copyKey({ storage, vault, epochKeys }) {
  const page = (table) => storage.read(async ({ sealed }) => (await sealed.page(table, null, 1))[0]);
  const [key, epoch, share] = [await page('keys'), await page('key_epochs'), await page('shares')];
  const opened = [vault.openRow('keys', key), vault.openRow('key_epochs', epoch)];
  const openedShare = epochKeys.find(share).openRow('shares', share);
  const copies = () => {
    const keyId = new Uint8Array(randomBytes(32));
    const own = epochKeys.create({ ...share, keyId });
    const copy = [
      vault.sealRow('keys', { ...key, keyId }, opened[0]),
      vault.sealRow('key_epochs', { ...epoch, keyId }, opened[1]),
      own.sealRow('shares', { ...share, keyId }, openedShare),
    ];
    own.wipe();
    return copy;
  };
  for (let left = KEYS; left > 0; left -= BATCH) {
    const rows = Array.from({ length: BATCH }, copies);
    await storage.transact(async ({ sealed }) => {
      for (const [at, table] of ['keys', 'key_epochs', 'shares'].entries()) {
        await sealed.insertAll(
          table,
          rows.map((row) => row[at]),
        );
      }
    });
  }
}
