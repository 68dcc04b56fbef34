// @module-tag long
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { CKM, errorOf, type Outcome, runProgram } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

const isRoot = process.getuid?.() === 0;
/** A mount namespace of its own, which ends with its last process; without being root inside a user namespace. */
const NAMESPACE = isRoot ? ['unshare', '-m'] : ['unshare', '-Urm'];
const canMount =
  spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0;
/** Somebody who owns nothing: root may write everywhere. */
const NOBODY = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
}, 120_000);
afterAll(() => setup.close());

const home = (...names: readonly string[]) => join(setup.scratch.path, ...names);
const passphrase = () => home('passphrase');
const SIGN = ['sign', 'notes', '--message', 'x', '--yes'];

/** Says what is wrong, in words, and is no defect of the program. */
function expectTold(outcome: Outcome, words: RegExp, status = 74): void {
  const { code, message, hint } = errorOf(outcome);
  expect([outcome.status, code]).toEqual([status, expect.not.stringMatching(/^INTERNAL$/)]);
  expect(message).toMatch(words);
  expect(hint).not.toBe('');
}

describe('a folder that cannot be used is said to be so, by commands that make it and commands that use it', () => {
  const LONG = `/${'a'.repeat(255)}`.repeat(20);

  test.each([
    ['below a file', () => join(passphrase(), 'home'), /something else is in the place of/, 74],
    ['longer than a path may be', () => LONG, /too long/, 64],
    ['at a link that leads nowhere', () => home('dangling'), /a link leads nowhere/, 74],
    ['at a link that leads to itself', () => home('circle'), /something else is in the place of/, 74],
    ['at a file', () => passphrase(), /something else is in the place of/, 74],
    ['in /proc', () => '/proc/ckm', /is not there, or cannot be made/, 74],
  ])('%s', async (_what, place, words, status) => {
    for (const [name, target] of [
      ['dangling', 'nowhere/at/all'],
      ['circle', 'circle'],
    ] as const)
      if (!existsSync(home(name))) spawnSync('ln', ['-sfn', target, home(name)]);
    const environment = { ...setup.environment, CKM_HOME: place() };
    expectTold(await callCkm(['init'], { environment }), words, status);
    for (const args of [['status'], SIGN, ['doctor'], ['unlock']]) {
      const outcome = await callCkm(args, { environment });
      expect([74, 75]).toContain(outcome.status);
      expect(['HOME_UNUSABLE', 'HOME_NOT_INITIALISED']).toContain(errorOf(outcome).code);
    }
  });

  test('that this user may not write', async () => {
    mkdirSync(home('shut'), { mode: 0o500 });
    chmodSync(setup.scratch.path, 0o755);
    const file = home('open-passphrase');
    writeFileSync(file, 'river lamp seven onions\n', { mode: 0o644 });
    const environment = { CKM_HOME: home('shut', 'home'), CKM_PASSPHRASE_FILE: file };
    const args = [...NOBODY, process.execPath, CKM, 'init'];
    const outcome = await runProgram(args[0]!, args.slice(1), { environment });
    chmodSync(setup.scratch.path, 0o700);
    expectTold(outcome, /this user may not use/);
  });
});

describe.skipIf(!canMount)('a disk that cannot be written (needs unshare and mount)', () => {
  /** Runs shell commands with the owner's folder on a disk of its own, mounted for it alone. */
  function onDisk(size: string, ...commands: readonly string[]): Promise<Outcome> {
    const folder = home('disk');
    mkdirSync(folder, { recursive: true });
    const script = [
      'set -e',
      `mount -t tmpfs -o size=${size},mode=0700 tmpfs "${folder}"`,
      `ckm() { "${process.execPath}" "${CKM}" "$@"; }`,
      ...commands,
    ];
    const environment = { ...setup.environment, CKM_HOME: `${folder}/home` };
    return runProgram(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'sh', '-c', script.join('\n')], {
      environment,
      timeoutMs: 350_000,
    });
  }
  const disk = () => `"${home('disk')}"`;
  const fill = () => `dd if=/dev/zero of=${disk()}/full bs=4k 2>/dev/null || true`;
  const copy = () => `cp -a "${home('home')}" ${disk()}/home`;

  test('and is full: init says so and leaves nothing, and works when there is room', async () => {
    const outcome = await onDisk('64k', fill(), 'ckm init || echo "status $?"', `ls -A ${disk()}`);
    expect(outcome.stdout).toBe('status 74\nfull\n');
    expectTold({ ...outcome, status: 74 }, /there is no room left/);
    const again = await onDisk('1m', fill(), 'ckm init || true', `rm ${disk()}/full`, 'ckm init');
    expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('owner seed made')]);
  });

  test('and is full: sign asks nobody, and what only looks still works', async () => {
    const outcome = await onDisk(
      '2m',
      copy(),
      fill(),
      'ckm key list',
      'ckm status >&2',
      `ckm ${SIGN.join(' ')}`,
    );
    expect(outcome.stdout).toMatch(/^notes /);
    expectTold(outcome, /there is no room left/);
    expect(await setup.json<unknown[]>(['requests', 'list', '--open'])).toEqual([]);
  });

  test('and has room for a part of a change only: it says so, the key signs when there is room, and the same command finishes', async () => {
    await createKey(setup, 'letters', '--for', 'message');
    const sign = 'ckm sign letters --message x --yes >/dev/null 2>&1';
    const outcome = await onDisk(
      '4m',
      copy(),
      'room=0; last=',
      // One page more of room each time, until there is enough.
      'while [ $room -lt 60 ]; do',
      `  dd if=/dev/zero of=${disk()}/spare bs=4k count=$room 2>/dev/null; ${fill()}; rm ${disk()}/spare`,
      `  if told=$(ckm key refresh letters --yes 2>&1); then break; fi`,
      `  rm ${disk()}/full`,
      '  error=$(echo "$told" | sed -n "s/^ckm: error: //p")',
      `  echo "$error"; [ "$error" = "$last" ] || ${sign} || echo UNSIGNED; last=$error`,
      '  room=$((room+1))',
      'done',
      `rm ${disk()}/full`,
      'echo "$told" | grep -o "letters is in epoch [0-9]*"',
      `ckm key verify letters >/dev/null && ${sign} && echo signs`,
    );
    expect([outcome.status, outcome.stderr]).toEqual([0, '']);
    const lines = outcome.stdout.trim().split('\n');
    expect(lines.slice(-2)).toEqual(['letters is in epoch 1', 'signs']);
    expect(lines.length).toBeGreaterThan(4);
    for (const error of lines.slice(0, -2)) expect(error).toMatch(/^there is no room left/);
  }, 400_000);

  test('and is mounted for reading only: each command that writes says so', async () => {
    for (const command of [
      SIGN.join(' '),
      'key rename notes other',
      'server add alpha http://127.0.0.1:1 --yes || ckm server remove alpha',
      'seed passphrase --new-passphrase-file "$CKM_PASSPHRASE_FILE"',
      'unlock',
    ]) {
      const outcome = await onDisk('2m', copy(), `mount -o remount,ro ${disk()}`, `ckm ${command}`);
      expect(errorOf(outcome).code).not.toBe('INTERNAL');
      if (command !== 'unlock' && !command.startsWith('server'))
        expectTold(outcome, /mounted for reading only/);
    }
  });
});

describe('an init that was cut off', () => {
  test('leaves a seed of 0 bytes that the next one takes away', async () => {
    const environment = { ...setup.environment, CKM_HOME: home('cut') };
    mkdirSync(home('cut'), { mode: 0o700 });
    writeFileSync(home('cut', 'seed'), '', { mode: 0o600 });
    expect(errorOf(await callCkm(['status'], { environment })).code).toBe('HOME_NOT_INITIALISED');
    expect((await callCkm(['init'], { environment })).status).toBe(0);
    expect((await callCkm(['status'], { environment })).status).toBe(0);
  });

  test('is told from a seed that was lost: that one comes back with its words', async () => {
    const environment = { ...setup.environment, CKM_HOME: home('lost') };
    cpSync(home('home'), home('lost'), { recursive: true });
    writeFileSync(home('lost', 'seed'), '');
    const status = errorOf(await callCkm(['status'], { environment }));
    expect([status.code, status.message]).toEqual(['SEED_FILE_CORRUPT', 'the owner seed file is empty']);
    expect(status.hint).toMatch(/: ckm seed restore --new-passphrase$/);
    const init = errorOf(await callCkm(['init'], { environment }));
    expect([init.code, init.hint]).toEqual([
      'SEED_EXISTS',
      expect.stringContaining('ckm seed restore --new-passphrase'),
    ]);
    const words = home('words');
    expect((await setup.ckm(['seed', 'backup', '--out', words])).status).toBe(0);
    const back = ['seed', 'restore', '--new-passphrase', '--from', words];
    expect((await callCkm(back, { environment })).status).toBe(0);
    expect((await callCkm(['status'], { environment })).status).toBe(0);
  });
});

test('one damaged record of each kind hides no other in ckm status and ckm key list, and doctor names each', async () => {
  const environment = { ...setup.environment, CKM_HOME: home('damaged') };
  cpSync(home('home'), home('damaged'), { recursive: true });
  const store = home('damaged', 'store');
  const damaged: string[] = [];
  for (const folder of readdirSync(store, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    const [first] = readdirSync(join(store, folder.name));
    if (first === undefined) continue;
    // The servers are needed to sign, the key to be listed: beside them stands one that is damaged.
    const name = ['servers', 'keys'].includes(folder.name) ? 'zulu' : first;
    writeFileSync(join(store, folder.name, name), 'garbage');
    damaged.push(`${folder.name}/${name}`);
  }
  symlinkSync('nowhere', join(store, 'keys', 'yankee'));
  const status = await callCkm(['status'], { environment });
  expect(status.status).toBe(0);
  expect(status.stdout).toMatch(/alpha +answers in/);
  expect(status.stdout).toMatch(/^ {2}notes +message/m);
  const list = await callCkm(['key', 'list'], { environment });
  expect([list.status, list.stdout]).toEqual([0, expect.stringMatching(/^notes +message/m)]);
  expect(list.stderr).toMatch(/left out: the stored record keys\/yankee cannot be read/);
  const doctor = await callCkm(['doctor'], { environment });
  // When servers were seen last status has put on record anew.
  for (const record of [...damaged.filter((one) => !one.startsWith('seen/')), 'keys/yankee'])
    expect(doctor.stdout).toMatch(new RegExp(`^fail +${record} `, 'm'));
});
