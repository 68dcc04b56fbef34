// @module-tag long
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Scratch, scratchFolder } from '../test/run-ckm.js';
import { type Answer, runOnTerminal } from '../test/run-on-terminal.js';
import { type ServerProcess, startServerProcess } from '../test/run-server.js';

let scratch: Scratch;
let folder: string;
const running: ServerProcess[] = [];

beforeEach(() => {
  scratch = scratchFolder();
  folder = `${scratch.path}/alpha`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('SIGKILL')));
  scratch.remove();
});

const init = (...flags: string[]) =>
  callCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0', ...flags]);

async function start(...flags: string[]): Promise<ServerProcess> {
  const server = await startServerProcess(folder, flags);
  running.push(server);
  return server;
}

const operator = (...words: string[]) =>
  callCkm(['server', ...words[0]!.split(' '), folder, ...words.slice(1)]);

async function phase(): Promise<string> {
  const { stdout } = await operator('status', '--json');
  return (JSON.parse(stdout) as { phase: string }).phase;
}

describe('a server under a passphrase', () => {
  const good = 'harbour seven candles\n';
  const passphraseFile = (content = good) => ['--passphrase-file', scratch.file('passphrase', content)];

  test('V65: answers nobody before its passphrase is given, and not after a wrong one', async () => {
    await init(...passphraseFile());
    expect(existsSync(`${folder}/storage.key`)).toBe(false);
    const server = await start();
    expect(server.stdout()).toMatch(/, sealed\n$/);
    expect((await fetch(`${server.url}/v1/identity`)).status).toBe(503);
    const wrong = await operator('unseal', ...passphraseFile('harbour six candles\n'));
    expect([wrong.status, errorOf(wrong).code]).toEqual([77, 'PASSPHRASE_WRONG']);
    expect(await phase()).toBe('sealed');
    const right = await operator('unseal', ...passphraseFile());
    expect(right.stdout).toMatch(/^alpha is open, likeness /);
    expect((await fetch(`${server.url}/v1/identity`)).status).toBe(200);
    expect((await operator('unseal')).stdout).toBe('alpha is open already\n');
    const lines = server.stderr().split('\n');
    expect(lines.filter((line) => /^20[-\d]+ [\d:]+ UTC {2}(warning|opened) /.test(line))).toEqual([
      expect.stringMatching(/UTC {2}warning {6}wrong passphrase$/),
      expect.stringMatching(/UTC {2}opened {7}The server was opened with its passphrase$/),
    ]);
    expect(`${server.stdout()}${server.stderr()}${right.stdout}${right.stderr}`).not.toContain('candles');
  });

  test('takes it from stdin, and at its start', async () => {
    await callCkm(
      ['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0', '--passphrase-file', '-'],
      {
        stdin: good,
      },
    );
    const server = await start(...passphraseFile());
    expect(server.stdout()).toMatch(/, likeness /);
    expect(await server.stop()).toBe(0);
    const wrong = await operator('start', ...passphraseFile('something else entirely\n'));
    expect([wrong.status, errorOf(wrong).code]).toEqual([77, 'PASSPHRASE_WRONG']);
  });

  test('takes it from a credential that the init system hands over', async () => {
    await init(...passphraseFile());
    scratch.file('ckm-passphrase', good);
    const server = await startServerProcess(folder, [], { CREDENTIALS_DIRECTORY: scratch.path });
    running.push(server);
    expect(server.stdout()).toMatch(/, likeness /);
    expect(server.stderr()).toMatch(/UTC {2}opened {7}The server was opened with its passphrase$/m);
  });

  test('is kept under another one, open, sealed or stopped, and the one before opens it no more', async () => {
    const words = ['harbour seven candles\n', 'walnut eleven bridges\n', 'copper nine lanterns\n', good];
    const change = (from: number) =>
      operator(
        'passphrase',
        '--passphrase-file',
        scratch.file('present', words[from]!),
        '--new-passphrase-file',
        scratch.file('next', words[from + 1]!),
      );
    await init(...passphraseFile());
    const server = await start(...passphraseFile());
    const changed = await change(0);
    expect(changed.stdout).toContain('the old one opens this server no more');
    for (const left of [
      'copies of storage.key.sealed and backups from before',
      'files that units read it from',
    ])
      expect(changed.stderr).toContain(left);
    expect((await operator('audit show')).stdout).toContain('Change the passphrase of the storage key');
    expect(await server.stop()).toBe(0);
    await start();
    expect(errorOf(await operator('unseal', ...passphraseFile(words[0]))).code).toBe('PASSPHRASE_WRONG');
    expect((await change(1)).status).toBe(0);
    expect(errorOf(await operator('unseal', ...passphraseFile(words[1]))).code).toBe('PASSPHRASE_WRONG');
    expect((await operator('unseal', ...passphraseFile(words[2]))).status).toBe(0);
    await running.at(-1)!.stop();
    expect((await change(2)).status).toBe(0);
    expect(errorOf(await change(2)).code).toBe('PASSPHRASE_WRONG');
    expect((await start(...passphraseFile())).stdout()).toMatch(/, likeness /);
    // Each passphrase costs half a second of a processor, by design.
  }, 120_000);

  test('is not asked for another one while the present one is wrong', async () => {
    await init(...passphraseFile());
    const wrong = passphraseFile('harbour six candles\n');
    const asked = await operator('passphrase', '--no-input', ...wrong);
    expect([asked.status, errorOf(asked).code]).toEqual([77, 'PASSPHRASE_WRONG']);
    const right = await operator('passphrase', '--no-input', ...passphraseFile());
    expect(errorOf(right).message).toContain('Passphrase for the server from now on');
  });

  test.skipIf(!hasProgram('script', '--version'))(
    'changes its storage key, and shows that its log holds, for whoever mistypes it once (needs script)',
    async () => {
      await init(...passphraseFile());
      const server = await start(...passphraseFile());
      const typed: Answer[] = [
        [/assphrase of the server/, 'harbour six candles\r'],
        [/try again[\s\S]*assphrase of the server/, good.replace('\n', '\r')],
      ];
      const rotated = await runOnTerminal(['server', 'rotate-key', folder], typed, {});
      expect([rotated.status, rotated.screen]).toEqual([0, expect.stringContaining('uses storage key 2')]);
      await server.stop();
      const verified = await runOnTerminal(['server', 'audit', 'verify', folder], typed, {});
      expect([verified.status, verified.screen]).toEqual([0, expect.stringContaining('the audit log holds')]);
    },
    120_000,
  );

  test('never comes under the owner’s passphrase by accident', async () => {
    const environment = { CKM_PASSPHRASE_FILE: scratch.file('owner', 'the owner’s own words\n') };
    const args = ['server', 'init', folder, '--name', 'alpha', '--json'];
    const made = await callCkm(args, { environment });
    expect(JSON.parse(made.stdout)).toMatchObject({ sealed: false });
  });

  test('is not made with a weak one, or when nobody can be asked for one', async () => {
    const weak = await init(...passphraseFile('abc\n'));
    expect(errorOf(weak).code).toBe('PASSPHRASE_TOO_WEAK');
    const silent = await init('--sealed', '--no-input');
    expect([silent.status, errorOf(silent).code]).toEqual([64, 'INPUT_NEEDED']);
    expect(existsSync(folder)).toBe(false);
  });
});
