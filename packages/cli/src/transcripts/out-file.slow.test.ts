import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { connectOperator } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CKM, errorOf, runProgram } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
  await createKey(setup, 'treasury', '--for', 'message', '--approval', 'operator');
});
afterAll(() => setup.close());

const NAMESPACE = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
const hasNamespaces = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;

/** What the servers say that they were asked for. */
async function askedOf(name: string): Promise<string> {
  return (await setup.ckm(['server', 'audit', 'show', setup.folderOf(name)])).stdout;
}

describe('a file that cannot be written', () => {
  test.each([
    ['in a folder that is not there', 'FILE_UNWRITABLE', () => join(setup.scratch.path, 'nowhere', 'sig')],
    ['in a folder of the system, even for its root', 'FILE_UNWRITABLE', () => '/proc/ckm-sig'],
    ['with a name that is too long', 'FILE_UNWRITABLE', () => join(setup.scratch.path, 'x'.repeat(256))],
    ['below a file', 'FILE_UNWRITABLE', () => join(setup.scratch.file('file', ''), 'sig')],
    ['that is a folder', 'FILE_EXISTS', () => setup.scratch.path],
    [
      'that is a link to nothing',
      'FILE_EXISTS',
      () => {
        const link = join(setup.scratch.path, 'dangling');
        if (!readdirSync(setup.scratch.path).includes('dangling')) symlinkSync('/nowhere/at/all', link);
        return link;
      },
    ],
  ])('%s is refused before anybody signs, in every command with --out', async (what, code, path) => {
    const out = path();
    const commands = [
      ['sign', 'notes', '--message', what, '--yes', '--out', out],
      ['sign', 'notes', '--message', what, '--preview', '--out', out],
      ['sheet', '--out', out],
      ['seed', 'backup', '--out', out],
    ];
    for (const args of commands) {
      // Without writing, a folder that refuses for reasons of its own cannot be told from another.
      if (args.includes('--preview') && out.startsWith('/proc')) continue;
      expect(errorOf(await setup.ckm(args)).code, args.join(' ')).toBe(code);
    }
    expect(await askedOf('alpha')).not.toContain(what);
  });

  test.skipIf(!hasNamespaces)(
    'on a disk that is full is refused before anybody signs (needs unshare)',
    async () => {
      const disk = join(setup.scratch.path, 'disk');
      mkdirSync(disk);
      const mount = `mount -t tmpfs -o size=16k tmpfs '${disk}'`;
      const script = `${mount} && "$0" "$@"; status=$?; ls -A '${disk}'; exit $status`;
      const sign = ['sign', 'notes', '--message', 'on a full disk', '--yes', '--out', join(disk, 'sig')];
      const args = [...NAMESPACE, 'sh', '-c', script, process.execPath, CKM, ...sign];
      const refused = await runProgram('unshare', args, { environment: setup.environment });
      expect(errorOf(refused)).toMatchObject({
        code: 'FILE_UNWRITABLE',
        message: expect.stringContaining('there is no room left to write') as string,
      });
      // Nothing is left on that disk.
      expect([refused.status, refused.stdout]).toEqual([74, '']);
      expect(await askedOf('alpha')).not.toContain('on a full disk');
    },
  );

  test('a proof leaves nothing behind, and a preview makes nothing', async () => {
    const folder = join(setup.scratch.path, 'proof');
    mkdirSync(folder);
    const out = join(folder, 'sig');
    await setup.json(['sign', 'notes', '--message', 'proof', '--preview', '--out', out]);
    expect(readdirSync(folder)).toEqual([]);
    await setup.json(['sign', 'notes', '--message', 'proof', '--yes', '--out', out]);
    expect(readdirSync(folder)).toEqual(['sig']);
    expect(readFileSync(out)).toHaveLength(64);
  });
});

describe('--out - is stdout', () => {
  test('in ckm sign and ckm sheet, as without it', async () => {
    const signed = await setup.ckm(['sign', 'notes', '--message', 'x', '--yes', '--out', '-']);
    expect([signed.status, signed.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{128}\n$/)]);
    const sheet = await setup.ckm(['sheet', '--out', '-']);
    expect(sheet.stdout).toContain('notes');
    expect(existsSync('-')).toBe(false);
  });

  test('in ckm seed backup: the words, for another program, and nothing else', async () => {
    const words = await setup.ckm(['seed', 'backup', '--out', '-']);
    expect([words.status, words.stdout]).toEqual([0, expect.stringMatching(/^([a-z]+ ){23}[a-z]+\n$/)]);
    const machine = await setup.json<{ backup: string }>(['seed', 'backup', '--out', '-', '--format', 'ur']);
    expect(machine.backup).toMatch(/^ur:seed\//);
  });

  test('in ckm requests show and resume, whatever file was named with the request', async () => {
    const out = join(setup.scratch.path, 'named-before');
    const ask = ['sign', 'treasury', '--message', 'x', '--wait', '0s', '--yes', '--out', out];
    expect(errorOf(await setup.ckm(ask)).code).toBe('REQUEST_WAITING');
    const [{ id }] = await setup.json<[{ id: string }]>(['requests', 'list', '--open']);
    for (const name of ['alpha', 'bravo']) {
      const [request] = (await connectOperator(setup.folderOf(name)).requests()).requests;
      await setup.json(['server', 'approve', setup.folderOf(name), request!.requestId, '--yes']);
    }
    const resumed = await setup.ckm(['requests', 'resume', id, '--yes', '--out', '-']);
    expect([resumed.status, resumed.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{128}\n$/)]);
    expect((await setup.ckm(['requests', 'show', id, '--out', '-'])).stdout).toBe(resumed.stdout);
    expect(existsSync(out)).toBe(false);
  });
});
