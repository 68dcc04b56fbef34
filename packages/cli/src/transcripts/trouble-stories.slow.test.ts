import { startProxy } from '../test/proxy.js';
import { story, threeServers } from '../test/story.js';

/** What an owner sees when something is lost, moved or over. */
const open = threeServers();
const THREE = '--quorum 2of3 --servers alpha,bravo,charlie --yes';

story(
  'server-lost',
  open,
  async ({ ckm, aside, proxies }) => {
    await aside(`key create treasury --for bitcoin ${THREE}`);
    proxies['bravo']!.target = () => open().servers['charlie']!.url;
    await ckm('status');
    await ckm('doctor');
    await ckm('server remove bravo');
  },
  { hasProxies: true },
);

story(
  'server-moved',
  open,
  async ({ ckm, aside, proxies, hide }) => {
    await aside(`key create notes --for message ${THREE}`);
    await proxies['bravo']!.close();
    await ckm('status --timeout 2');
    await ckm('sign notes --message hello --yes');
    const moved = await startProxy(open().servers['bravo']!.url);
    hide(moved.url, 'https://bravo.example.org');
    await ckm(`server add bravo ${moved.url} --yes`);
    await ckm('status');
    await moved.close();
  },
  { hasProxies: true },
);

story('key-expired', open, async ({ ckm, aside }) => {
  const { policy } = await aside<{ policy: { expiresAt: number } }>(
    `key create brief --for message --expires 3s ${THREE}`,
  );
  await new Promise((resolve) => setTimeout(resolve, policy.expiresAt * 1_000 - Date.now()));
  await ckm('status');
  await ckm('key list');
  await ckm('sign brief --message late --yes');
});
