import { afterAll, beforeAll } from 'vitest';
import { openSetup, type Setup } from '../test/run-server.js';
import type { Answer } from '../test/sit-and-run.js';
import { story } from '../test/story.js';

/** What somebody sees who begins: from nothing to a signature that others can check. */
let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
}, 60_000);
afterAll(() => setup.close());

const passphrase = 'river lamp seven onions\r';
const yes: Answer = [/Is this what its operator told you/, 'y\r'];

/** The two words that are asked for, out of those that were shown. */
function wordsAskedFor(seen: string): Promise<string> {
  const [words, question] = seen.split(/(?=Words \d)/) as [string, string];
  const shown = new Map([...words.matchAll(/(\d+) ([a-z]+)/g)].map(([, at, word]) => [at, word]));
  const [, first, second] = /(\d+) and (\d+)/.exec(question)!;
  return Promise.resolve(`${shown.get(first)!} ${shown.get(second)!}\r`);
}

story(
  'first-signature',
  () => setup,
  async ({ ckm, pick }) => {
    await ckm(
      'init --unlock 10m',
      [/Passphrase for the owner seed/, passphrase],
      [/The same again/, passphrase],
      [/Words \d+ and \d+ of what you wrote down/, wordsAskedFor],
    );
    for (const name of ['alpha', 'bravo', 'charlie'])
      await ckm(`server add ${name} https://${name}.example`, yes);
    await ckm(
      'key create notes',
      [/What is notes for\?/, '\r'],
      [/Which servers make it with you\?/, '\r'],
      [/How many must agree\?/, '\r'],
      [/When a server loses its share\?/, '\r'],
      [/Make this key\?/, 'y\r'],
      [/Does every operator see the same/, pick(2)],
    );
    await ckm('sign notes --message hello --out hello.sig', [/Ask for this signature\?/, 'y\r']);
    await ckm('verify hello.sig --message hello --key notes');
    await ckm('status');
    await ckm('lock');
  },
  { isNew: true, isTyping: true },
);
