import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome, type Scratch, scratchFolder, treeHash } from '../test/run-ckm.js';

let scratch: Scratch;
let home: string;
let passphrase: string;
let wrong: string;

beforeAll(async () => {
  scratch = scratchFolder();
  home = join(scratch.path, 'home');
  passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
  wrong = scratch.file('wrong', 'not it\n');
  await makeOwner({ CKM_HOME: home, CKM_PASSPHRASE_FILE: passphrase });
  mkdirSync(join(scratch.path, 'folder'));
  scratch.file('empty', '');
  scratch.file(
    'binary',
    Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256),
  );
  scratch.file('words', 'legal winner thank year wave sausage worth useful hunter2 '.repeat(3).trim());
});
afterAll(() => scratch.remove());

/** Three lines on stderr and nothing on stdout: what, hint, code. */
function expectError(outcome: Outcome, code: string, status: number): void {
  const error = errorOf(outcome);
  expect({ code: error.code, status: outcome.status, stdout: outcome.stdout }).toEqual({
    code,
    status,
    stdout: '',
  });
  expect(error.message).toMatch(/\S/);
  expect(error.hint).toMatch(/\S/);
  expect(outcome.stderr.split('\n').filter((line) => line.startsWith('ckm: error:'))).toHaveLength(1);
  // Nothing of our own workings: no stack, no path of a source file.
  expect(outcome.stderr).not.toMatch(/\bat .*\.js:\d+|node:internal|undefined|\[object/);
}

describe('a command line that cannot be understood', () => {
  test.each<[readonly string[], string]>([
    [[], 'COMMAND_UNKNOWN'],
    [['frobnicate'], 'COMMAND_UNKNOWN'],
    [['key'], 'COMMAND_UNKNOWN'],
    [['key', 'steal'], 'COMMAND_UNKNOWN'],
    [['server', 'audit', 'forget'], 'COMMAND_UNKNOWN'],
    [['--frob'], 'OPTION_UNKNOWN'],
    [['status', '--frob'], 'OPTION_UNKNOWN'],
    [['explain', 'NO_SUCH_CODE'], 'CODE_UNKNOWN'],
    [['explain', 'INTERNAL', 'twice'], 'ARGUMENT_UNEXPECTED'],
    [['key', 'show'], 'ARGUMENT_MISSING'],
    [['sign', 'k', '--message'], 'OPTION_INVALID'],
    [['status', '--timeout', 'soon'], 'OPTION_INVALID'],
    [['status', '--timeout', '-1'], 'OPTION_INVALID'],
    [['unlock', '--for', '5'], 'OPTION_INVALID'],
    [['key', 'create', 'k', '--for', 'poetry', '--quorum', '2of3', '--servers', 'a,b,c'], 'OPTION_INVALID'],
    [['key', 'create', 'k', '--for', 'ssh', '--servers', 'a,b,c'], 'ARGUMENT_MISSING'],
  ])('%j says what and how, status 64', async (args, code) => {
    expectError(await callCkm(args), code, 64);
  });

  test('a word that is nearly right is recognised', async () => {
    expect(errorOf(await callCkm(['sing'])).hint).toContain('did you mean sign?');
  });

  test('with --json the error is on stdout too, for machines', async () => {
    const { stdout, stderr, status } = await callCkm(['explain', 'NO_SUCH_CODE', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'CODE_UNKNOWN', exitCode: 64, errorClass: 'UsageError' },
    });
    expect(stderr).toContain('ckm: error:');
    expect(status).toBe(64);
  });
});

describe('a home that cannot be used', () => {
  test.each<[string, () => readonly string[], string, number]>([
    ['no home yet', () => ['key', 'list', '--home', join(scratch.path, 'none')], 'HOME_NOT_INITIALISED', 75],
    [
      'a home that is a device',
      () => ['init', '--home', '/dev/null/home', '--passphrase-file', passphrase],
      'HOME_UNUSABLE',
      74,
    ],
    [
      'a home that cannot be made',
      () => ['init', '--home', '/proc/ckm', '--passphrase-file', passphrase],
      'HOME_UNUSABLE',
      74,
    ],
    [
      'a home that is a file',
      () => ['init', '--home', passphrase, '--passphrase-file', passphrase],
      'HOME_UNUSABLE',
      74,
    ],
    [
      'a home too long for its sockets',
      () => ['init', '--home', join(scratch.path, 'x'.repeat(93)), '--passphrase-file', passphrase],
      'HOME_TOO_LONG',
      64,
    ],
    ['a second init', () => ['init', '--home', home, '--passphrase-file', passphrase], 'SEED_EXISTS', 75],
    [
      'a passphrase and nobody to ask',
      () => ['init', '--home', join(scratch.path, 'none')],
      'INPUT_NEEDED',
      64,
    ],
    [
      'a passphrase file that is missing',
      () => ['init', '--home', join(scratch.path, 'none'), '--passphrase-file', '/nowhere'],
      'PASSPHRASE_FILE_UNREADABLE',
      74,
    ],
    [
      'a passphrase file that is empty',
      () => ['init', '--home', join(scratch.path, 'none'), '--passphrase-file', join(scratch.path, 'empty')],
      'PASSPHRASE_EMPTY',
      64,
    ],
    [
      'a passphrase file that never ends',
      () => ['init', '--home', join(scratch.path, 'none'), '--passphrase-file', '/dev/zero'],
      'PASSPHRASE_FILE_UNREADABLE',
      65,
    ],
    [
      'a backup that never ends',
      () => ['seed', 'restore', '--home', join(scratch.path, 'none'), '--from', '/dev/zero'],
      'FILE_TOO_LARGE',
      64,
    ],
    [
      'a passphrase file that is no text',
      () => ['init', '--home', join(scratch.path, 'none'), '--passphrase-file', join(scratch.path, 'binary')],
      'PASSPHRASE_FILE_UNREADABLE',
      65,
    ],
    [
      'a wrong passphrase',
      () => ['seed', 'backup', '--out', join(scratch.path, 'b'), '--home', home, '--passphrase-file', wrong],
      'PASSPHRASE_WRONG',
      77,
    ],
    [
      'a backup with a wrong word',
      () => ['seed', 'restore', '--home', join(scratch.path, 'none'), '--from', join(scratch.path, 'words')],
      'SEED_WORDS_INVALID',
      65,
    ],
    [
      'a restore over a seed that is there',
      () => ['seed', 'restore', '--home', home, '--from', join(scratch.path, 'words')],
      'SEED_EXISTS',
      75,
    ],
    [
      'a backup and no terminal to show it on',
      () => ['seed', 'backup', '--home', home, '--passphrase-file', passphrase],
      'INPUT_NEEDED',
      64,
    ],
  ])('%s: refused, and nothing is changed', async (_what, args, code, status) => {
    const before = treeHash(scratch.path);
    const outcome = await callCkm(args());
    expectError(outcome, code, status);
    expect(treeHash(scratch.path)).toBe(before);
    expect(outcome.stderr).not.toContain('hunter2');
  });
});

describe('an owner without servers', () => {
  const asOwner = (args: readonly string[]) =>
    callCkm([...args, '--home', home, '--passphrase-file', passphrase]);
  const create = (quorum: string, servers: string) => [
    'key',
    'create',
    'k',
    '--for',
    'message',
    '--quorum',
    quorum,
    '--servers',
    servers,
    '--yes',
  ];

  test.each<[string, readonly string[], string, number]>([
    ['an invalid address', ['server', 'add', 'a', 'not a url'], 'SERVER_URL_INVALID', 64],
    [
      'an address with a password in it',
      ['server', 'add', 'a', 'http://u:p@127.0.0.1'],
      'SERVER_URL_INVALID',
      64,
    ],
    [
      'a server that is not there',
      ['server', 'add', 'a', 'http://127.0.0.1:9', '--yes'],
      'SERVER_UNREACHABLE',
      69,
    ],
    [
      'an invalid name',
      ['server', 'add', '../a', 'http://127.0.0.1:9', '--likeness', 'x'],
      'NAME_INVALID',
      64,
    ],
    [
      'an invalid name, to look',
      ['server', 'add', '../a', 'http://127.0.0.1:9', '--preview'],
      'NAME_INVALID',
      64,
    ],
    ['a server nobody added', ['server', 'show', 'zulu'], 'SERVER_UNKNOWN', 64],
    ['forgetting a server nobody added', ['server', 'remove', 'zulu', '--yes'], 'SERVER_UNKNOWN', 64],
    ['a quorum of 4 of 3', create('4of3', 'a,b,c'), 'QUORUM_INVALID', 64],
    ['a quorum of 1 of 3', create('1of3', 'a,b,c'), 'QUORUM_INVALID', 64],
    ['a quorum of words', create('most', 'a,b,c'), 'QUORUM_INVALID', 64],
    ['fewer servers than the quorum says', create('2of3', 'a,b'), 'QUORUM_SERVERS_MISMATCH', 64],
    ['an empty server name', create('2of3', 'a,,c'), 'OPTION_INVALID', 64],
    ['servers nobody added', create('2of3', 'a,b,c'), 'SERVER_UNKNOWN', 64],
    ['a rate of nothing', [...create('2of3', 'a,b,c'), '--rate', '0/1h'], 'OPTION_INVALID', 64],
    ['a rate in no time', [...create('2of3', 'a,b,c'), '--rate', '1/0s'], 'OPTION_INVALID', 64],
    [
      'a day that does not exist',
      [...create('2of3', 'a,b,c'), '--expires', '2027-02-30'],
      'OPTION_INVALID',
      64,
    ],
    ['a date in words', [...create('2of3', 'a,b,c'), '--expires', 'next May'], 'OPTION_INVALID', 64],
    [
      'a time without its zone',
      [...create('2of3', 'a,b,c'), '--expires', '2087-02-28T10:00'],
      'OPTION_INVALID',
      64,
    ],
    ['no servers', create('2of3', ''), 'OPTION_INVALID', 64],
    ['a key without a name', ['key', 'show', ''], 'ARGUMENT_MISSING', 64],
    [
      'no domain where one is asked for',
      ['sign', 'k', '--message', 'x', '--domain', '', '--yes'],
      'OPTION_INVALID',
      64,
    ],
    [
      'no domain, written in one word',
      ['sign', 'k', '--message', 'x', '--domain=', '--yes'],
      'OPTION_INVALID',
      64,
    ],
    [
      'a message that an unset variable left empty',
      ['sign', 'k', '--message', '', '--yes'],
      'OPTION_INVALID',
      64,
    ],
    ['nobody to leave out', ['sign', 'k', '--message', 'x', '--without', '', '--yes'], 'OPTION_INVALID', 64],
    [
      'two messages, of which the last would count',
      ['sign', 'k', '--message', 'pay bob', '--message', 'pay mallory', '--yes'],
      'OPTION_INVALID',
      64,
    ],
    ['two PSBTs', ['sign', 'k', '--psbt', 'a', '--psbt=b', '--yes'], 'OPTION_INVALID', 64],
    ['two homes', ['status', '--home', '/nowhere'], 'OPTION_INVALID', 64],
    ['git-sign without anything', ['git-sign'], 'SIGNING_CALL_INVALID', 64],
    ['an index in another number system', ['address', 'k', '--index', '0x1'], 'OPTION_INVALID', 64],
    ['an index beyond the last', ['address', 'k', '--index', '2147483648'], 'OPTION_INVALID', 64],
    ['a patience in another number system', ['status', '--timeout', '0x10'], 'OPTION_INVALID', 64],
    ['an impossible rate', [...create('2of3', 'a,b,c'), '--rate', 'often'], 'OPTION_INVALID', 64],
    ['an expiry in the past', [...create('2of3', 'a,b,c'), '--expires', '2001-01-01'], 'OPTION_INVALID', 64],
    ['a key nobody made', ['key', 'show', 'nothing'], 'KEY_UNKNOWN', 64],
    ['a key that walks out of its folder', ['key', 'show', '../seed'], 'KEY_UNKNOWN', 64],
    ['signing with it', ['sign', 'nothing', '--message', 'x', '--yes'], 'KEY_UNKNOWN', 64],
    ['signing nothing', ['sign', 'nothing'], 'SUBJECT_MISSING', 64],
    ['signing two things', ['sign', 'nothing', 'file', '--message', 'x'], 'SUBJECT_AMBIGUOUS', 64],
    ['an address of it', ['address', 'nothing'], 'KEY_UNKNOWN', 64],
    ['a session nobody began', ['sessions', 'resume', 'deadbeef'], 'SESSION_UNKNOWN', 64],
    ['a session when none is open', ['sessions', 'resume'], 'SESSION_UNKNOWN', 64],
    ['a session id that is a path', ['sessions', 'show', '../../seed'], 'SESSION_UNKNOWN', 64],
    ['a request nobody made', ['requests', 'resume', 'deadbeef'], 'REQUEST_UNKNOWN', 64],
    ['a request when none is open', ['requests', 'resume'], 'REQUEST_UNKNOWN', 64],
    ['a request id that is a path', ['requests', 'show', '../../seed'], 'REQUEST_UNKNOWN', 64],
  ])('%s: refused, and nothing is changed', async (_what, args, code, status) => {
    const before = treeHash(home);
    expectError(await asOwner(args), code, status);
    expect(treeHash(home)).toBe(before);
  });

  test('an empty domain names the flag that signs without one; a rate is refused in plain words', async () => {
    const domain = errorOf(await asOwner(['sign', 'k', '--message', 'x', '--domain', '', '--yes']));
    expect(domain.hint).toBe('use --raw to sign without a domain');
    const rate = errorOf(await asOwner([...create('2of3', 'a,b,c'), '--rate', '0/1h']));
    expect(rate.message).toBe('--rate allows 1 to 1000000 requests');
  });

  test.each<[string, () => readonly string[], string, number]>([
    ['bytes that never end', () => ['sign', 'k', '/dev/zero'], 'FILE_TOO_LARGE', 64],
    ['a PSBT that never ends', () => ['sign', 'k', '--psbt', '/dev/zero'], 'FILE_TOO_LARGE', 64],
    ['a file that is not there', () => ['sign', 'k', join(scratch.path, 'missing')], 'FILE_UNREADABLE', 74],
    ['a folder', () => ['sign', 'k', join(scratch.path, 'folder')], 'FILE_UNREADABLE', 74],
    [
      'a PSBT that is garbage',
      () => ['sign', 'k', '--psbt', join(scratch.path, 'binary')],
      'PSBT_MALFORMED',
      65,
    ],
    [
      'a PSBT that is empty',
      () => ['sign', 'k', '--psbt', join(scratch.path, 'empty')],
      'PSBT_MALFORMED',
      65,
    ],
    [
      'an invalid commit',
      () => ['sign', 'k', '--git', join(scratch.path, 'binary')],
      'GIT_OBJECT_MALFORMED',
      65,
    ],
    [
      'an answer over a file that is there',
      () => ['sign', 'k', '--message', 'x', '--out', passphrase],
      'FILE_EXISTS',
      64,
    ],
  ])('signing %s: refused, and nothing is changed', async (_what, args, code, status) => {
    const before = treeHash(scratch.path);
    expectError(await asOwner(args()), code, status);
    expect(treeHash(scratch.path)).toBe(before);
  });

  test('looking at a folder without records needs no passphrase', async () => {
    for (const args of [['server', 'list'], ['key', 'list'], ['sessions'], ['requests']]) {
      expect(await callCkm([...args, '--home', home, '--no-input'])).toMatchObject({ status: 0 });
    }
  });
});

describe('records that were damaged', () => {
  const damaged = (name: string, change: (path: string) => void): string => {
    const copy = join(scratch.path, name);
    cpSync(home, copy, { recursive: true });
    change(copy);
    return copy;
  };

  test('a seed file with a changed byte, cut short, or replaced is found before anybody types a passphrase', async () => {
    const changes: readonly ((text: string) => string)[] = [
      (text) => text.replace(/scrypt \d+/, 'scrypt 40'),
      (text) => text.slice(0, -2),
      () => 'hello\n',
    ];
    for (const [i, change] of changes.entries()) {
      const copy = damaged(`seed-${i}`, (path) => {
        const file = join(path, 'seed');
        writeFileSync(file, change(readFileSync(file, 'utf8')));
      });
      expectError(await callCkm(['seed', 'backup', '--home', copy]), 'SEED_FILE_CORRUPT', 74);
    }
  });

  test('a record that is not of its form is named, by every command that reads it', async () => {
    const copy = damaged('store', (path) => {
      mkdirSync(join(path, 'store/servers'), { recursive: true });
      writeFileSync(join(path, 'store/servers/alpha'), 'garbage');
    });
    const before = treeHash(copy);
    expectError(await callCkm(['server', 'show', 'alpha', '--home', copy]), 'STORE_CORRUPT', 74);
    const list = await callCkm(['server', 'list', '--home', copy]);
    expect(list.stderr).toContain('left out: the stored record servers/alpha is damaged (STORE_CORRUPT)');
    const doctor = await callCkm(['doctor', '--home', copy]);
    expect(doctor.stdout).toMatch(/fail +servers\/alpha +the stored record servers\/alpha is damaged/);
    expect(treeHash(copy)).toBe(before);
  });

  test('a folder that others can read is pointed out by the doctor', async () => {
    const copy = damaged('open', (path) => {
      chmodSync(path, 0o755);
    });
    const { stdout, status } = await callCkm(['doctor', '--home', copy]);
    expect(stdout).toMatch(/fail .*others on this machine can read it +fix: chmod/);
    expect(stdout).toMatch(/^(ok|warn) +disk +[0-9,]+ MiB free/m);
    // No server is at fault.
    expect(status).toBe(74);
    expect(readdirSync(copy)).toContain('seed');
  });
});
