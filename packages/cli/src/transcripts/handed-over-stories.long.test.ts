// @module-tag long
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { removeEpochKeys, restartChanged } from '../test/lose-epoch-keys.js';
import { openSetup, type Setup, type SetupServer } from '../test/run-server.js';
import { story } from '../test/story.js';

/** What owners and operators see where a key goes to another server, comes from elsewhere or leaves, and where a share is made again. */
let setup: Setup;
/** Loses the keys of its epochs each time that a share is to be made again. */
let bravo: SetupServer;
beforeAll(async () => {
  setup = await openSetup({ names: ['alpha', 'bravo', 'charlie', 'delta'] });
  bravo = setup.servers['bravo']!;
}, 60_000);
afterAll(async () => {
  await bravo.stop('SIGKILL');
  await setup.close();
});
const open = () => setup;
const THREE = '--quorum 2of3 --servers alpha,bravo,charlie';

story('operator-asked-of-a-change', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE} --change-delay 0 --yes`);
  const { words } = await aside<{ words: string }>('key add-server notes delta --preview');
  await ckm('key add-server notes delta --key-name notes');
  const [{ id }] = await aside<[{ id: string }]>('sessions list --open');
  const alpha = setup.folderOf('alpha');
  await ckm(`server requests ${alpha}`);
  await ckm(`server approve ${alpha} ${id} --words "acid acid acid acid acid acid"`);
  for (const name of ['alpha', 'bravo', 'charlie', 'delta'])
    await aside(`server approve ${setup.folderOf(name)} ${id} --words ${words}`);
  await ckm(`sessions resume ${id}`);
});

story('key-exported', open, async ({ ckm, aside }) => {
  await aside(
    `key create notes --for message ${THREE} --exportable --changes automatic --change-delay 0 --yes`,
  );
  await ckm('key export notes --to notes.key', [/Type notes to export/, 'notes\r']);
  await aside(`key create letters --for message ${THREE} --exportable --yes`);
  await ckm('key export letters --to letters.key --key-name letters');
  await ckm('key export letters --stop');
});

story('key-imported', open, async ({ ckm, folder, pick }) => {
  writeFileSync(join(folder, 'words.txt'), `${'abandon '.repeat(11)}about\n`);
  const savings = `key import savings --from words.txt --for bitcoin ${THREE}`;
  await ckm(savings, [/Is this public key/, 'n\r']);
  await ckm(savings, [/Is this public key/, 'y\r'], [/Does every operator see the same/, pick(1)]);
});

story('share-made-again', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE} --yes`);
  const folder = setup.folderOf('bravo');
  bravo = await restartChanged(folder, bravo, removeEpochKeys);
  await ckm('key check notes');
  await ckm('key repair notes --server bravo', [/Begin\?/, 'y\r']);
  const waitsAt = async (name: string) => {
    const [{ sessionId }] = await aside<[{ sessionId: string }]>(`server requests ${setup.folderOf(name)}`);
    return sessionId;
  };
  await ckm(`server approve ${folder} ${(await waitsAt('bravo')).slice(0, 8)}`, [/take part\?/, 'y\r']);
  await ckm('key repair notes --server bravo --yes');
  await ckm(`server requests ${setup.folderOf('alpha')}`);
  for (const name of ['alpha', 'charlie'])
    await aside(`server approve ${setup.folderOf(name)} ${await waitsAt(name)} --yes`);
  await ckm('key repair notes --server bravo', [/Go on with it\?/, 'y\r']);
  await ckm('key check notes');
});
