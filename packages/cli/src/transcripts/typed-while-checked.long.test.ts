// @module-tag long
import { sealSeed } from '@ckm/client/node';
import { secret } from '@ckm/foundation';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { runOnTerminal } from '../test/run-on-terminal.js';

const isHere = hasProgram('script', '--version');
const PASSPHRASE = 'river lamp seven onions';
const QUESTION = /◆ +Passphrase of the owner seed/;
/** The question as it stands when it is answered, and the answer is being checked. */
const CHECKED = /◇ +Passphrase of the owner seed/;
/** Costs a second or two. */
const LOG_N = 19;

let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'ckm-typed-'));
  const seed = secret(new Uint8Array(32).fill(7));
  writeFileSync(join(home, 'seed'), await sealSeed(seed, secret(PASSPHRASE), LOG_N), { mode: 0o600 });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

let count = 0;
const backup = (...answers: Parameters<typeof runOnTerminal>[1]) =>
  runOnTerminal(['seed', 'backup', '--out', join(home, `words-${++count}`)], answers, { CKM_HOME: home });

test.skipIf(!isHere)(
  'a passphrase that is typed while the one before it is checked is not shown, and is taken as the next answer (needs script)',
  async () => {
    const { screen, status } = await backup([QUESTION, 'a wrong passphrase\r'], [CHECKED, `${PASSPHRASE}\r`]);
    expect(screen).not.toContain('river lamp');
    expect(screen).not.toContain('wrong passphrase');
    expect(screen).toContain('checking …');
    expect(screen).toContain('try again (2 more)');
    expect([status, screen]).toEqual([0, expect.stringContaining('backup written to')]);
  },
);

test.skipIf(!isHere)('Ctrl-C while a passphrase is checked ends the command (needs script)', async () => {
  const { screen, status } = await backup([QUESTION, 'a wrong passphrase\r'], [CHECKED, '\u0003']);
  expect([status, screen]).toEqual([130, expect.not.stringContaining('try again')]);
});
