// @module-tag long
import { initServer } from '@ckm/server';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import {
  CKM,
  errorOf,
  type Outcome,
  runProgram,
  type Scratch,
  scratchFolder,
  treeHash,
} from '../test/run-ckm.js';

let scratch: Scratch;
let passphrase: string;
beforeAll(() => {
  scratch = scratchFolder();
  passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
});
afterAll(() => scratch.remove());

const at = (...names: string[]) => join(scratch.path, ...names);
const server = (...words: string[]) => callCkm(['server', ...words, '--no-input']);
const init = (folder: string) => server('init', folder, '--name', 'alpha');
const codeOf = (outcome: Outcome) => (outcome.status === 0 ? 'done' : errorOf(outcome).code);

/** Every command of an operator, on one folder. */
const COMMANDS: Readonly<Record<string, (folder: string) => string[]>> = {
  start: (folder) => ['start', folder],
  status: (folder) => ['status', folder],
  stop: (folder) => ['stop', folder],
  unseal: (folder) => ['unseal', folder, '--passphrase-file', passphrase],
  passphrase: (folder) => ['passphrase', folder, '--passphrase-file', passphrase],
  keys: (folder) => ['keys', folder],
  requests: (folder) => ['requests', folder],
  'rotate-key': (folder) => ['rotate-key', folder, '--yes'],
  'invite create': (folder) => ['invite', 'create', folder],
  'accounts list': (folder) => ['accounts', 'list', folder],
  'audit show': (folder) => ['audit', 'show', folder],
  'audit verify': (folder) => ['audit', 'verify', folder],
  'config check': (folder) => ['config', 'check', folder],
  'config show': (folder) => ['config', 'show', folder],
  backup: (folder) => ['backup', folder, at('alpha.backup'), '--passphrase-file', passphrase],
};

/** Those that need files of a stopped server. */
const OF_STOPPED = ['start', 'status', 'passphrase', 'audit verify', 'config check'];

async function codesOf(folder: string, commands: readonly string[]): Promise<Record<string, string>> {
  const codes: Record<string, string> = {};
  for (const name of commands) codes[name] = codeOf(await server(...COMMANDS[name]!(folder)));
  return codes;
}

describe('a folder that is no place for a server', () => {
  beforeAll(() => {
    scratch.file('file', 'text');
    symlinkSync(at('nowhere'), at('dangling'));
    symlinkSync(at('circle'), at('circle'));
  });

  test.each([
    ['behind a file', 'file/alpha', 'FILE_IN_THE_WAY'],
    ['that is a file', 'file', 'DATA_DIR_USED'],
    ['behind a link that leads nowhere', 'dangling/alpha', 'FILE_PLACE_MISSING'],
    ['that is a link that leads nowhere', 'dangling', 'FILE_PLACE_MISSING'],
    ['behind a link to itself', 'circle/alpha', 'FILE_IN_THE_WAY'],
    ['whose path is too long for its socket', 'a'.repeat(100), 'CONFIG_INVALID'],
  ])(
    '%s: init says so and leaves nothing, and no other command speaks of a defect',
    async (_, name, code) => {
      const before = treeHash(scratch.path);
      expect(codeOf(await init(at(name)))).toBe(code);
      const preview = await server('init', at(name), '--name', 'alpha', '--preview');
      expect(codeOf(preview)).toMatch(code === 'FILE_PLACE_MISSING' ? /^done$/ : new RegExp(`^${code}$`));
      const commands = name === 'file/alpha' ? Object.keys(COMMANDS) : OF_STOPPED.slice(1);
      for (const [command, found] of Object.entries(await codesOf(at(name), commands)))
        expect(found, command).toMatch(/^(CONFIG_MISSING|FILE_\w+)$/);
      expect(treeHash(scratch.path)).toBe(before);
    },
  );

  test('/proc: init ends, and says that nothing can be made there', async () => {
    const outcome = await init('/proc/ckm/alpha');
    expect(errorOf(outcome)).toMatchObject({ code: 'FILE_PLACE_MISSING' });
    expect(codeOf(await init('/proc/alpha'))).toBe('FILE_PLACE_MISSING');
  });

  test('a restore there ends the same way, before anybody types a passphrase', async () => {
    const backup = scratch.file('some.backup', '');
    for (const name of ['file/alpha', 'circle/alpha', 'a'.repeat(100)])
      expect(codeOf(await server('restore', backup, at(name)))).toMatch(/^(FILE_IN_THE_WAY|CONFIG_INVALID)$/);
  });
});

describe('a server', () => {
  const alpha = () => at('whole');
  beforeAll(async () => {
    await initServer({
      dataDir: alpha(),
      settings: { name: 'alpha', listen: { host: '127.0.0.1', port: 0 } },
    });
  });

  test.each(['storage.key', 'identity', 'config.json', 'epoch-keys', 'ckm.sqlite', 'control.sock'])(
    'in whose folder something else lies in the place of %s: no command speaks of a defect',
    async (name) => {
      const path = join(alpha(), name);
      const aside = at('aside');
      const isThere = existsSync(path);
      if (isThere) renameSync(path, aside);
      if (name === 'epoch-keys') symlinkSync(at('nowhere'), path);
      else mkdirSync(path);
      const codes = await codesOf(alpha(), OF_STOPPED);
      rmSync(path, { recursive: true });
      if (isThere) renameSync(aside, path);
      for (const [command, code] of Object.entries(codes)) expect(code, command).not.toBe('INTERNAL');
      expect(codes['start'], 'start').toMatch(/^(FILE_IN_THE_WAY|FILE_PLACE_MISSING|STORAGE_CANNOT_OPEN)$/);
    },
  );
});

/** A mount namespace of its own, which ends with its last process; without being root inside a user namespace. */
const [UNSHARE, ...NAMESPACE] = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-Urm'];
/** Mounts a disk, prepares it, runs a command, and notes what lies on the disk afterwards. */
const ON_DISK =
  'disk="$1"; left="$2"; mount -t tmpfs -o "$3" tmpfs "$disk" && eval "$4" && shift 4 && "$@"; status=$?; ls -A "$disk" > "$left"; exit $status';
const isPossible = spawnSync(UNSHARE!, [...NAMESPACE, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

describe.skipIf(!isPossible)('a disk that takes nothing (skipped without unshare and mount)', () => {
  /** `ckm server` with these words, and what is left in the folder `disk`, where a disk is mounted with these options. */
  async function onDisk(options: string, prepare: string, ...words: string[]) {
    mkdirSync(at('disk'), { recursive: true, mode: 0o700 });
    const command = [process.execPath, CKM, 'server', ...words, '--no-input'];
    const set = [at('disk'), at('left'), `${options},mode=0700`, prepare];
    const outcome = await runProgram(UNSHARE!, [...NAMESPACE, 'sh', '-c', ON_DISK, '-', ...set, ...command]);
    return { code: codeOf(outcome), left: readFileSync(at('left'), 'utf8').trim() };
  }

  test('for reading only: init says so, and a server that was there before is not started and says so too', async () => {
    const inits = await onDisk('ro', ':', 'init', at('disk', 'alpha'), '--name', 'alpha');
    expect(inits).toEqual({ code: 'FILE_READ_ONLY', left: '' });
    const prepare = `cp -a '${at('whole')}' "$disk/alpha" && mount -o remount,ro "$disk"`;
    const starts = await onDisk('rw', prepare, 'start', at('disk', 'alpha'));
    expect(starts.code).toBe('FILE_READ_ONLY');
  });

  test('with no room for a backup, or for what one holds: both say so, and leave nothing', async () => {
    const [backup, given] = [at('whole.backup'), ['--passphrase-file', passphrase]];
    expect(codeOf(await server('backup', at('whole'), backup, ...given))).toBe('done');
    const full = 'dd if=/dev/zero of="$disk/ballast" bs=4096 count=3 2>/dev/null';
    for (const words of [
      ['backup', at('whole'), at('disk', 'alpha.backup')],
      ['restore', backup, at('disk', 'alpha')],
    ])
      expect(await onDisk('size=12k', full, ...words, ...given)).toEqual({
        code: 'FILE_NO_ROOM',
        left: 'ballast',
      });
  });

  test.each([0, 1, 2])('with room for %i of three files: init says so, and leaves nothing', async (room) => {
    const prepare = `dd if=/dev/zero of="$disk/ballast" bs=4096 count=${3 - room} 2>/dev/null`;
    const outcome = await onDisk('size=12k', prepare, 'init', at('disk', 'alpha'), '--name', 'alpha');
    expect(outcome).toEqual({ code: 'FILE_NO_ROOM', left: 'ballast' });
  });
});
