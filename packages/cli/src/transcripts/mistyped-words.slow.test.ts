import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { hasProgram } from '../test/programs.js';
import { type Scratch, scratchFolder } from '../test/run-ckm.js';
import { runOnTerminal } from '../test/run-on-terminal.js';

let scratch: Scratch;
beforeAll(() => {
  scratch = scratchFolder();
});
afterAll(() => scratch.remove());

test.skipIf(!hasProgram('script', '--version'))(
  'of 24 words only those that are not on the list are asked for again, and none is shown (needs script)',
  async () => {
    const passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
    const environment = { CKM_HOME: join(scratch.path, 'home'), CKM_PASSPHRASE_FILE: passphrase };
    await makeOwner(environment);
    const out = join(scratch.path, 'words');
    await callCkm(['seed', 'backup', '--out', out], { environment });
    const words = readFileSync(out, 'utf8').trim().split(/\s+/);
    const typed = words.with(3, 'teh').with(20, 'zzz');
    const seen = await runOnTerminal(
      ['seed', 'restore'],
      [
        [/◆ +The 24 words/, typed.slice(0, 14).join(' ')],
        [/14 of 24/, ` ${typed.slice(14).join(' ')}\r`],
        [/◆ +Word 4 is not on the list/, `${words[3]!}\r`],
        [/◆ +Word 21 is not on the list/, `${words[20]!}\r`],
      ],
      { ...environment, CKM_HOME: join(scratch.path, 'new-home') },
    );
    expect([seen.status, seen.screen]).toEqual([0, expect.stringContaining('owner seed restored')]);
    expect(seen.screen).not.toContain('teh');
  },
);

/** The two words that `init` asks for, read off the screen as from the paper. */
function wordsAskedFor(screen: string): string[] {
  const numbers = /Words (\d+) and (\d+) of what you wrote down/.exec(screen)!.slice(1);
  const table = screen.slice(0, screen.indexOf('Words '));
  const shown = new Map(
    Array.from(table.matchAll(/(\d+) ([a-z]{3,8})\b/g), ([, number, word]) => [number, word!]),
  );
  return numbers.map((number) => shown.get(number)!);
}

test.skipIf(!hasProgram('script', '--version'))(
  'init takes the two words cut to four letters (needs script)',
  async () => {
    const environment = { CKM_HOME: join(scratch.path, 'cut-words') };
    const cut = (screen: string) =>
      `${wordsAskedFor(screen)
        .map((word) => word.slice(0, 4))
        .join(' ')}\r`;
    const seen = await runOnTerminal(
      ['init'],
      [
        [/Passphrase for the owner seed/, 'river lamp seven onions\r'],
        [/The same again/, 'river lamp seven onions\r'],
        [/Words \d+ and \d+ of what you wrote down/, 'xx yy\r'],
        [/not what was shown: try again \(2 more\)[\s\S]*Words/, cut],
      ],
      environment,
    );
    expect([seen.status, seen.screen]).toEqual([0, expect.stringContaining('owner seed made in')]);
    expect(seen.screen).not.toContain('(1 more)');
  },
);
