// @module-tag long
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { story, threeServers } from '../test/story.js';

/** What an owner sees whose words leave the machine, who lets a phone in, and who takes it out again. */
const open = threeServers();

story('words-leave', open, async ({ ckm, aside, folder }) => {
  await aside('seed backup --out words');
  const words = readFileSync(join(folder, 'words'), 'utf8').trim();
  const typed = [/The 24 words, ur:seed/, `${words}\r`] as const;
  await ckm('seed forget --name laptop --preview', typed);
  await ckm('seed forget --name laptop', typed, [/Take the words away/, 'y\r']);
  await ckm('seed forget --name laptop');
  await ckm('seed backup');
  await ckm('device list');
});

story('device-joins', open, async ({ ckm, aside }) => {
  await aside('key create notes --for message --quorum 2of3 --servers alpha,bravo,charlie --yes');
  await ckm('device list');
  await ckm('device join --home phone --name phone --offer-out phone.offer');
  await ckm('key list --home phone');
  await ckm('device add phone.offer --welcome-out phone.welcome', [/Does phone show/, 'n\r']);
  await ckm('device add phone.offer --welcome-out phone.welcome', [/Does phone show/, 'y\r']);
  await ckm('device join --home phone --welcome phone.welcome', [/Does it show the same/, 'y\r']);
  await ckm('device remove phone --home phone');
});

story('device-lost', open, async ({ ckm, aside }) => {
  await aside('device join --home phone --name phone --offer-out phone.offer');
  await aside('device add phone.offer --welcome-out phone.welcome --yes');
  await aside('device join --home phone --welcome phone.welcome --yes');
  await ckm('device rename phone tablet');
  await ckm('device remove phone');
  await ckm('device remove tablet', [/Remove tablet/, 'y\r']);
  await ckm('device list');
  await ckm('device list --home phone');
});
