import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
import { createKey, type Setup, openSetup, startServerProcess } from '../test/run-server.js';

const isHere = hasProgram('script', '--version');

let setup: Setup;

beforeAll(async () => {
  if (!isHere) return;
  setup = await openSetup();
  await createKey(setup, 'notary', '--for', 'message', '--allow-blind');
}, 120_000);
afterAll(async () => {
  if (isHere) await setup.close();
});

const onTerminal = (args: readonly string[], ...answers: Parameters<typeof runOnTerminal>[1]) =>
  runOnTerminal(args, answers, setup.environment);

test.skipIf(!isHere)(
  'a long message is cut to a few lines of the terminal, and the sentence stands right above the question (needs script)',
  async () => {
    const file = setup.scratch.file(
      'long.txt',
      `Pay Mallory. ${'Dear all, nothing to see here. '.repeat(60)}`,
    );
    const { screen } = await onTerminal(['sign', 'notary', file], [/Ask for this signature/, 'n\r']);
    const lines = screen.slice(0, screen.indexOf('Ask for this signature')).split('\n');
    expect(lines.length).toBeLessThan(30);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.slice(-6).join('\n')).toContain('Sign the message “Pay Mallory. Dear all');
    expect(lines.join(' ')).toContain('see all with --preview --json');
  },
);

test.skipIf(!isHere)(
  'the sentence stands once where the question is asked on the same screen (needs script)',
  async () => {
    const { screen } = await onTerminal(
      ['sign', 'notary', '--message', '"Pay the baker"'],
      [/Ask for this signature/, 'n\r'],
    );
    expect(screen.match(/Sign the message “Pay the baker”/g)).toHaveLength(1);
  },
);

describe.skipIf(!isHere)('a recovery sheet on a screen of 60 columns (needs script)', () => {
  let screen: string;
  let words: string;
  beforeAll(async () => {
    ({ screen } = await runOnTerminal(['sheet'], [], setup.environment, 60));
    words = join(setup.scratch.path, 'words');
    await setup.json(['seed', 'backup', '--out', words]);
  });

  test('is broken between words, but where programs read it', () => {
    const [readable, lines] = screen.split('For programs\n') as [string, string];
    const broken = readable.split('\n').filter((line) => / /.test(line.trim()));
    expect(Math.max(...broken.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines).toMatch(/^server: alpha [0-9a-f]{64} https?:\S+$/m);
    expect(lines).toMatch(/^check: [0-9a-f]{16} [0-9a-f]{64}$/m);
  });

  test.each([
    ['whole', (text: string) => text],
    ['row by row, as some programs copy it', (text: string) => text.replace(/(.{60})(?=.)/g, '$1\n')],
  ])('brings all servers back when it was copied %s', async (how, copy) => {
    const sheet = setup.scratch.file(`copied ${how}`, copy(screen));
    const restored = await setup.ckm(
      ['seed', 'restore', '--from', words, '--sheet', sheet, '--no-input', '--json'],
      { environment: { CKM_HOME: join(setup.scratch.path, `restored ${how}`) } },
    );
    expect(restored.stderr).toContain('the sheet is one of yours');
    expect(JSON.parse(restored.stdout)).toMatchObject({ added: ['alpha', 'bravo', 'charlie'], failed: [] });
  });
});

const AGAIN = /type y or n[^]*Ask for this signature/;

test.skipIf(!isHere)(
  'a passphrase typed one question too early is no answer to it, whichever of y and n it begins with (needs script)',
  async () => {
    const file = setup.scratch.file('early.txt', 'hello');
    const seen = await onTerminal(
      ['sign', 'notary', file],
      [/Ask for this signature/, 'typing a passphrase\r'],
      [AGAIN, 'owner passphrase 1\r'],
      [AGAIN, '\r'],
      [AGAIN, 'YES\r'],
    );
    expect([seen.status, seen.screen.match(/type y or n/g)?.length]).toEqual([0, 3]);
  },
);

describe.skipIf(!isHere)('V52: what nobody can describe, on a terminal (needs script)', () => {
  const noise = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);
  const BLIND = /Type notary to sign it blindly/;

  test('is signed when its key’s name is typed, and not for another yes', async () => {
    const file = setup.scratch.file('noise', noise);
    const signed = await onTerminal(
      ['sign', 'notary', file, '--raw'],
      [/Ask for this signature/, 'y\r'],
      [BLIND, 'notary\r'],
    );
    expect(signed.status).toBe(0);
    expect(signed.screen).toMatch(/[0-9a-f]{128}/);
    const refused = await onTerminal(['sign', 'notary', file, '--raw', '--yes'], [BLIND, 'yes\r']);
    expect(refused.screen).toContain('CANCELLED_BY_PERSON');
    expect(refused.status).toBe(75);
  });

  test('is signed without a question where --blind says so', async () => {
    const out = join(setup.scratch.path, 'noise.sig');
    const file = setup.scratch.file('noise-2', noise);
    expect(
      (await onTerminal(['sign', 'notary', file, '--raw', '--yes', '--blind', '--out', out])).status,
    ).toBe(0);
  });
});

test.skipIf(!isHere)(
  'an invite is asked for, and never echoed, when the server wants one (needs script)',
  async () => {
    const folder = join(setup.scratch.path, 'delta');
    await setup.ckm(['server', 'init', folder, '--name', 'delta', '--listen', '127.0.0.1:0']);
    const server = await startServerProcess(folder);
    try {
      const code = (await setup.ckm(['server', 'invite', 'create', folder])).stdout.trim();
      const added = await onTerminal(
        ['server', 'add', 'delta', server.url],
        [/by phone or in person/, 'y\r'],
        [/takes nobody without an invite/, `${code}\r`],
      );
      expect([added.status, added.screen]).toEqual([0, expect.stringContaining('added delta at')]);
      expect(added.screen).not.toContain(code);
    } finally {
      await server.stop('SIGKILL');
    }
  },
);
