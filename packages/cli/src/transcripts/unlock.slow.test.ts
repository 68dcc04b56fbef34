import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeOwner } from '../test/make-owner.js';
import { CKM, errorOf, runCkm, runProgram, type Scratch, scratchFolder, treeHash } from '../test/run-ckm.js';

let scratch: Scratch;
let home: string;
let passphrase: string;
let socket: string;

beforeAll(async () => {
  scratch = scratchFolder();
  home = join(scratch.path, 'home');
  passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
  socket = join(home, 'unlocked.sock');
  await makeOwner({ CKM_HOME: home, CKM_PASSPHRASE_FILE: passphrase });
});
afterEach(() => ckm('lock'));
afterAll(() => scratch.remove());

/** Without a passphrase, and with nobody to ask. */
const ckm = (...args: string[]) => runCkm(args, { environment: { CKM_HOME: home } });
const unlock = (time: string) => ckm('unlock', '--for', time, '--passphrase-file', passphrase);

describe('ckm unlock', () => {
  test('spares the passphrase until ckm lock, and leaves nothing behind', async () => {
    const before = treeHash(home);
    expect(errorOf(await ckm('ssh-agent', '--preview')).code).toBe('INPUT_NEEDED');
    const opened = await unlock('10m');
    expect([opened.status, opened.stdout]).toEqual([
      0,
      expect.stringMatching(/^unlocked until .* UTC \(in 10 min\)\n$/),
    ]);
    expect(errorOf(await ckm('ssh-agent', '--preview')).code).toBe('AGENT_WITHOUT_KEYS');
    expect(await ckm('lock')).toMatchObject({ status: 0, stdout: 'locked\n' });
    await vi.waitUntil(() => !existsSync(socket));
    expect(treeHash(home)).toBe(before);
    expect((await ckm('lock')).stdout).toBe('nothing was unlocked\n');
  });

  test('says until when before it speaks of that moment, where both streams are one screen', async () => {
    const together = [
      '-c',
      'exec "$0" "$@" 2>&1',
      process.execPath,
      CKM,
      'unlock',
      '--passphrase-file',
      passphrase,
    ];
    const { stdout } = await runProgram('sh', together, { environment: { CKM_HOME: home } });
    expect(stdout).toMatch(/^unlocked until .* UTC \(in 10 min\)\n {2}whoever uses .* until then /);
  });

  test('ends by itself after its time', async () => {
    await unlock('1s');
    await vi.waitUntil(() => !existsSync(socket), { timeout: 10_000 });
  });

  test('neither shows the words nor lets itself be lengthened without the passphrase', async () => {
    await unlock('10m');
    const out = join(scratch.path, 'words');
    expect(errorOf(await ckm('seed', 'backup', '--out', out)).code).toBe('INPUT_NEEDED');
    expect(existsSync(out)).toBe(false);
    expect(errorOf(await ckm('unlock', '--for', '2h')).code).toBe('INPUT_NEEDED');
  });

  test('has the seed in no flag and in no variable of the process that keeps it', async () => {
    await unlock('10m');
    const keepers = readdirSync('/proc').filter(
      (pid) => /^\d+$/.test(pid) && commandOf(pid).includes(` --home ${home} `),
    );
    expect(keepers).toHaveLength(1);
    expect(commandOf(keepers[0]!)).toMatch(/unlock --keep --for 600s --home [^ ]+ $/);
    expect(readFileSync(`/proc/${keepers[0]!}/environ`, 'latin1')).toMatch(/^PATH=[^\x00]*\x00$/);
  });

  test.each(['0s', '13h', 'soon'])('of a time of %s is refused', async (time) => {
    expect(errorOf(await unlock(time)).code).toBe('OPTION_INVALID');
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\x00', ' ');
  } catch {
    return '';
  }
}
