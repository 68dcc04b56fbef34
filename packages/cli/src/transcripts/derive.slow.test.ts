import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOf } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'vault', '--for', 'derive');
}, 60_000);
afterAll(() => setup.close());

const derive = (...args: string[]) => setup.ckm(['derive', 'vault', ...args, '--yes']);

describe('ckm derive', () => {
  test('gives the same 64 digits each time, whichever servers answer, and others for another label', async () => {
    const first = await derive('backup/nas');
    expect(first.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(first.stderr).toContain('Give out the secret that vault has for “backup/nas”');
    expect(first.stderr).toContain('given by ');
    for (const name of ['alpha', 'bravo', 'charlie']) {
      const again = await derive('backup/nas', '--without', name);
      expect([again.status, again.stdout]).toEqual([0, first.stdout]);
    }
    expect((await derive('backup')).stdout).not.toBe(first.stdout);
    expect((await derive('backup/nas', '--format', 'base64')).stdout).toBe(
      `${Buffer.from(first.stdout.trim(), 'hex').toString('base64')}\n`,
    );
  });

  test('writes it to a new file that is its owner’s alone, and says to programs where', async () => {
    const out = join(setup.scratch.path, 'nas.secret');
    const told = await setup.json<{ secret: string | null; out: string; signers: string[] }>([
      'derive',
      'vault',
      'backup/nas',
      '--out',
      out,
      '--yes',
    ]);
    expect([told.secret, told.out, told.signers.length]).toEqual([null, out, 2]);
    expect(readFileSync(out, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(errorOf(await derive('backup/nas', '--out', out)).code).toBe('FILE_EXISTS');
    const shown = await setup.json<{ secret: string }>(['derive', 'vault', 'backup/nas', '--yes']);
    expect(`${shown.secret}\n`).toBe(readFileSync(out, 'utf8'));
  });

  test('tells each operator the label and nobody the secret', async () => {
    const { stdout } = await derive('disk');
    for (const name of ['alpha', 'bravo', 'charlie']) {
      const log = (await setup.ckm(['server', 'audit', 'show', setup.folderOf(name)])).stdout;
      expect(log).not.toContain(stdout.trim());
    }
    const logs = await Promise.all(
      ['alpha', 'bravo', 'charlie'].map(
        async (name) => (await setup.ckm(['server', 'audit', 'show', setup.folderOf(name)])).stdout,
      ),
    );
    expect(logs.filter((log) => log.includes('“disk”')).length).toBeGreaterThanOrEqual(2);
    expect((await setup.ckm(['requests', 'list', '--all'])).stdout).not.toContain(stdout.trim());
  });

  test.each([
    ['an empty part', ['backup//nas'], 'LABEL_INVALID', 65],
    ['letters that do not show', ['a\u200db'], 'LABEL_INVALID', 65],
    ['a form that is none', ['backup/nas', '--format', 'age'], 'OPTION_INVALID', 64],
  ])('refuses %s before anybody is asked', async (_, args, code, status) => {
    const refused = await setup.ckm(['derive', 'vault', ...args, '--yes']);
    expect([errorOf(refused).code, refused.stdout]).toEqual([code, '']);
    expect(refused.status).toBe(status);
  });

  test('a key that signs derives nothing, and a key for labels signs nothing', async () => {
    await createKey(setup, 'notes', '--for', 'message');
    expect(errorOf(await setup.ckm(['derive', 'notes', 'a', '--yes'])).code).toBe('REQUEST_KIND_NOT_FOR_KEY');
    expect(errorOf(await setup.ckm(['sign', 'vault', '--message', 'hello', '--yes'])).code).toBe(
      'REQUEST_KIND_NOT_FOR_KEY',
    );
  });

  test('--preview asks nobody', async () => {
    const told = await setup.json<{ preview: boolean; asks: string[] }>([
      'derive',
      'vault',
      'never/asked',
      '--preview',
    ]);
    expect([told.preview, told.asks.length]).toEqual([true, 3]);
    const log = (await setup.ckm(['server', 'audit', 'show', setup.folderOf('alpha')])).stdout;
    expect(log).not.toContain('never/asked');
  });
});

describe('a secret that people are asked about', () => {
  test('is handed over by ckm requests resume as it was asked for: its file, its form, nobody else’s to read', async () => {
    await createKey(setup, 'guarded', '--for', 'derive', '--approval', 'operator');
    const out = join(setup.scratch.path, 'guarded.secret');
    const waits = await setup.ckm([
      'derive',
      'guarded',
      'backup/nas',
      '--format',
      'base64',
      '--out',
      out,
      '--wait',
      '0s',
      '--yes',
    ]);
    expect([waits.status, errorOf(waits).code]).toEqual([77, 'REQUEST_WAITING']);
    const [request] = await setup.json<{ id: string }[]>(['requests', 'list']);
    for (const name of ['alpha', 'bravo', 'charlie']) {
      const folder = setup.folderOf(name);
      const [open] = await setup.json<{ requestId: string }[]>(['server', 'requests', folder]);
      const said = await setup.ckm(['server', 'approve', folder, open!.requestId, '--yes']);
      expect([name, said.status]).toEqual([name, 0]);
    }
    const done = await setup.ckm(['requests', 'resume', request!.id, '--wait', '5s', '--yes', '--json']);
    expect(done.status).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(done.stdout).not.toContain(readFileSync(out, 'utf8').trim());
    expect((await setup.ckm(['requests', 'list'])).stdout).not.toContain(request!.id);
  });

  test('a key that gives secrets is neither exported nor imported: elsewhere it would give others', async () => {
    const make = ['key', 'create', 'leaves', '--for', 'derive', '--quorum', '2of3'];
    const servers = ['--servers', 'alpha,bravo,charlie'];
    const made = await setup.ckm([...make, ...servers, '--exportable', '--yes', '--json']);
    expect(errorOf(made).code).toBe('PURPOSE_GIVES_SECRETS');
  });
});
