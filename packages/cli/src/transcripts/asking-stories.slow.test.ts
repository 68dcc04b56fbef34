import { connectOperator } from '@ckm/server';
import { CTRL_C } from '../test/sit-and-run.js';
import { story, threeServers } from '../test/story.js';

/** What an owner sees who asks for a signature, and waits. */
const open = threeServers();
const KEY = 'key create payroll --for message --quorum 2of3 --servers alpha,bravo,charlie --yes';

/** What the operator of a server says to the request with that id. */
async function decide(server: string, id: string, reason?: string): Promise<void> {
  const operator = connectOperator(open().folderOf(server));
  const { requests } = await operator.requests();
  const { requestId } = requests.find((one) => one.requestId.startsWith(id))!;
  await (reason === undefined ? operator.approve({ requestId }) : operator.reject({ requestId, reason }));
}

const idIn = (screen: string) => /ckm\s+requests\s+resume\s+([0-9a-f]{8})/.exec(screen)![1]!;

story('signature-waits', open, async ({ ckm, aside }) => {
  await aside(`${KEY} --approval operator`);
  const { raw } = await ckm(
    'sign payroll --message "Pay the baker"',
    [/Ask for this signature\?/, 'y\r'],
    [/ckm\s+requests\s+resume\s+[0-9a-f]{8}/, CTRL_C],
  );
  await ckm('requests');
  const id = idIn(raw);
  await ckm(`requests show ${id}`);
  for (const server of ['alpha', 'charlie']) await decide(server, id);
  await ckm(`requests resume ${id}`, [/Go on with this signature\?/, 'y\r']);
  await ckm(`requests resume ${id}`);
});

story('signature-refused', open, async ({ ckm, aside }) => {
  await aside(`${KEY} --approval operator`);
  let id = '';
  await ckm(
    'sign payroll --message "Pay Mallory" --yes',
    [
      /ckm\s+requests\s+resume\s+[0-9a-f]{8}/,
      (seen) => {
        id = idIn(seen);
        return decide('alpha', id, 'too much');
      },
    ],
    [/alpha ✗/, () => decide('bravo', id, 'call me first')],
  );
  await ckm('requests');
  await ckm(`requests cancel ${id} --preview`);
});

story(
  'signature-left',
  open,
  async ({ ckm, aside, proxies }) => {
    await aside(KEY);
    let hasHeard: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (hasHeard = resolve));
    for (const proxy of Object.values(proxies)) {
      proxy.before = () => {
        hasHeard();
        return 'hang';
      };
    }
    const { raw } = await ckm(
      'sign payroll --message "Pay the baker"',
      [/Ask for this signature\?/, 'y\r'],
      [/./s, () => heard.then(() => CTRL_C)],
    );
    for (const proxy of Object.values(proxies)) proxy.before = () => 'pass';
    await ckm(`requests cancel ${idIn(raw)}`, [/Cancel signing/, 'y\r']);
  },
  { hasProxies: true },
);

story(
  'passphrase-mistyped',
  open,
  async ({ ckm }) => {
    const wrong = 'river lamp seven apples\r';
    const again = /try again[\s\S]*Passphrase/;
    await ckm('status', [/Passphrase of the owner seed/, wrong], [again, wrong], [again, wrong]);
    await ckm('doctor', [/Passphrase of the owner seed/, CTRL_C]);
    await ckm(
      'seed backup --out words.txt',
      [/Passphrase of the owner seed/, wrong],
      [again, 'river lamp seven onions\r'],
    );
  },
  { isTyping: true },
);
