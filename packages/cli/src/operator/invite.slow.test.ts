import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Scratch, scratchFolder } from '../test/run-ckm.js';
import { type ServerProcess, startServerProcess } from '../test/run-server.js';

let scratch: Scratch;
let folder: string;
let server: ServerProcess;

beforeAll(async () => {
  scratch = scratchFolder();
  folder = `${scratch.path}/alpha`;
  await callCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0']);
  server = await startServerProcess(folder);
});
afterAll(async () => {
  await server.stop('SIGKILL');
  scratch.remove();
});

/** A person without any account. */
async function person(name: string) {
  const environment = {
    CKM_HOME: `${scratch.path}/${name}`,
    CKM_PASSPHRASE_FILE: scratch.file('passphrase', 'river lamp seven onions\n'),
  };
  await makeOwner(environment);
  return (...flags: string[]) =>
    callCkm(['server', 'add', 'alpha', server.url, '--yes', ...flags], { environment });
}

/** Flags that bring that code, out of a file. */
const by = (code: string) => ['--invite-file', scratch.file('invite', code)];

test('an invite lets one person in, once, and its code is told once', async () => {
  const [ann, ben] = [await person('ann'), await person('ben')];
  const uninvited = await ann();
  expect([uninvited.status, errorOf(uninvited).code]).toEqual([77, 'INVITE_REQUIRED']);
  const made = await callCkm([
    'server',
    'invite',
    'create',
    folder,
    '--note',
    'for Ann',
    '--expires-in',
    '2h',
  ]);
  const code = made.stdout.trim();
  expect(errorOf(await ben(...by(`${code.slice(0, -1)}!`))).code).toBe('INVITE_INVALID');
  expect((await ann(...by(code))).status).toBe(0);
  expect(errorOf(await ben(...by(code))).code).toBe('INVITE_INVALID');
  const second = await callCkm(['server', 'invite', 'create', folder]);
  expect((await ben(...by(second.stdout))).status).toBe(0);
  const list = await callCkm(['server', 'invite', 'list', folder]);
  expect(list.stdout).toMatch(/used by [0-9a-f]{8} +for Ann\n/);
  expect(list.stdout).not.toContain(code);
  const audit = await callCkm(['server', 'audit', 'show', folder]);
  expect(audit.stdout).not.toContain(code);
});

test('an invite is not made with --preview, or with an invalid lifetime', async () => {
  const list = () => callCkm(['server', 'invite', 'list', folder, '--json']);
  const before = (await list()).stdout;
  expect((await callCkm(['server', 'invite', 'create', folder, '--preview'])).status).toBe(0);
  const endless = await callCkm(['server', 'invite', 'create', folder, '--expires-in', 'ever']);
  expect([endless.status, errorOf(endless).code]).toEqual([64, 'OPTION_INVALID']);
  expect((await list()).stdout).toBe(before);
});

test('an invite is taken back by the digits that the list shows, and lets nobody in', async () => {
  const cleo = await person('cleo');
  const invite = (word: string, ...more: string[]) => callCkm(['server', 'invite', word, folder, ...more]);
  const made = await invite('create', '--note', 'for Cleo', '--json');
  const { code, id } = JSON.parse(made.stdout) as { code: string; id: string };
  expect((await invite('list')).stdout).toMatch(new RegExp(`^${id.slice(0, 8)}  made .*for Cleo$`, 'm'));
  expect((await invite('revoke', id.slice(0, 8), '--preview')).stdout).toBe(`would take back invite ${id}\n`);
  expect((await invite('revoke', id.slice(0, 8))).stdout).toBe(`took back invite ${id}\n`);
  expect(errorOf(await cleo(...by(code))).code).toBe('INVITE_INVALID');
  const again = await invite('revoke', id);
  expect([again.status, errorOf(again).code]).toEqual([64, 'OPERATOR_UNKNOWN_ID']);
  expect((await invite('list')).stdout).not.toContain('Cleo');
  const log = (await callCkm(['server', 'audit', 'show', folder])).stdout;
  expect(log).toMatch(new RegExp(`Take an invite back  \\(invite ${id.slice(0, 8)} · for Cleo\\)`));
});

test('an invite is not made on a closed server; on an open one it is said that nobody needs it', async () => {
  for (const [accounts, status] of [
    ['closed', 64],
    ['open', 0],
  ] as const) {
    const other = `${scratch.path}/${accounts}`;
    await callCkm([
      'server',
      'init',
      other,
      '--name',
      'b',
      '--listen',
      '127.0.0.1:0',
      '--accounts',
      accounts,
    ]);
    const process = await startServerProcess(other);
    try {
      for (const more of [[], ['--preview']]) {
        const outcome = await callCkm(['server', 'invite', 'create', other, ...more]);
        expect(outcome.status).toBe(status);
        if (accounts === 'open') expect(outcome.stderr).toContain('nobody needs an invite');
        else expect(errorOf(outcome).code).toBe('INVITES_CLOSED');
      }
    } finally {
      await process.stop('SIGKILL');
    }
  }
});

test('the outbox of a server that tells nobody is empty, and nothing of it is sent again', async () => {
  const outbox = (word: string, ...more: string[]) => callCkm(['server', 'outbox', word, folder, ...more]);
  const list = await outbox('list');
  expect([list.status, list.stdout, list.stderr]).toEqual([
    0,
    '',
    'nothing waits, and nothing was given up\n',
  ]);
  expect(JSON.parse((await outbox('list', '--json')).stdout)).toEqual([]);
  expect((await outbox('retry', '--preview')).stdout).toBe('would send 0 again\n');
  expect((await outbox('retry')).stdout).toBe('0 are sent again within seconds\n');
});
