import { CTRL_C } from '../test/sit-and-run.js';
import { story, threeServers } from '../test/story.js';

/** What an owner sees who makes keys, and what becomes of those that are not finished, compared or wanted. */
const open = threeServers();
const THREE = '--quorum 2of3 --servers alpha,bravo,charlie';

story('key-with-options', open, async ({ ckm }) => {
  await ckm(`key create laptop --for ssh ${THREE} --rate 10/1h --preview`);
  await ckm(`key create laptop --for ssh ${THREE} --rate 10/1h`, [/Make this key\?/, 'n\r']);
  await ckm(`key create laptop --for ssh ${THREE} --rate 10/1h --yes`);
  await ckm(`key create laptop --for ssh ${THREE} --yes`);
  await ckm('key create solo --for message --quorum 1of3 --servers alpha,bravo,charlie');
  await ckm('key create notes --for message --no-input');
  await ckm('key list');
  await ckm('key show laptop --public');
});

story(
  'key-interrupted',
  open,
  async ({ ckm, pick, proxies }) => {
    proxies['bravo']!.before = () => 'hang';
    const { raw } = await ckm(`key create notes --for message ${THREE} --yes`, [
      /making (?:[0-9a-f]{8} )?· \d of 5/,
      CTRL_C,
    ]);
    proxies['bravo']!.before = () => 'pass';
    const [, id] = /sessions\s+resume\s+([0-9a-f]{8})/.exec(raw)!;
    await ckm('key list');
    await ckm('sessions');
    await ckm(`sessions resume ${id!} --preview`);
    await ckm(`sessions resume ${id!}`, [/Does every operator see the same/, pick(1)]);
    await ckm(`sessions cancel ${id!} --preview`);
  },
  { hasProxies: true },
);

story('key-compared', open, async ({ ckm, pick }) => {
  await ckm(
    `key create mail --for message ${THREE}`,
    [/Make this key\?/, 'y\r'],
    [/Does every operator see the same/, pick(3)],
  );
  await ckm('key verify mail');
  await ckm('key compare mail', [/Does every operator see the same/, pick(2)]);
  await ckm('key show mail');
  await ckm('key forget mail', [/Type mail to forget it/, 'male\r']);
  await ckm('key forget mail', [/Type mail to forget it/, 'mail\r']);
});
