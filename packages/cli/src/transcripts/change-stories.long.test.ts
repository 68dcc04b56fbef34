// @module-tag long
import { afterAll, beforeAll } from 'vitest';
import { openSetup, type Setup } from '../test/run-server.js';
import { story } from '../test/story.js';

/** What an owner sees whose keys get new shares, other servers, checks, freezes and drills. */
let setup: Setup;
beforeAll(async () => {
  setup = await openSetup({ names: ['alpha', 'bravo', 'charlie', 'delta'] });
}, 60_000);
afterAll(() => setup.close());
const open = () => setup;
const THREE = '--quorum 2of3 --servers alpha,bravo,charlie --yes';

story('key-refreshed', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE}`);
  await ckm('key refresh notes --preview');
  await ckm('key refresh notes', [/Make new shares\?/, 'y\r']);
  await ckm('key refresh notes --yes --quiet');
});

story('key-gets-a-server', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE} --changes automatic --change-delay 0`);
  await ckm('key add-server notes delta', [/Type notes to change/, 'note\r']);
  await ckm('key add-server notes delta', [/Type notes to change/, 'notes\r']);
  await aside(`key create letters --for message ${THREE}`);
  await ckm('key remove-server letters charlie --preview');
});

story('share-given-back', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE}`);
  await ckm('key repair notes --server bravo --preview');
  await ckm('key repair notes --server bravo', [/Begin\?/, 'y\r']);
  await ckm('key repair notes --server delta --yes');
});

story('key-checked', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE}`);
  await ckm('key check notes');
  await ckm('key check notes --every 30d');
  await ckm('freeze notes --for 2h');
});

story('server-drilled', open, async ({ ckm, aside }) => {
  await aside(`key create notes --for message ${THREE}`);
  await ckm('drill restore notes --lost bravo --preview');
  await ckm('drill restore notes --lost bravo --quiet');
});
