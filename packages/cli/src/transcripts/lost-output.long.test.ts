// @module-tag long
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectOperator } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CKM, errorOf, type Outcome, runProgram } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
  await createKey(setup, 'treasury', '--for', 'message', '--approval', 'operator');
}, 120_000);
afterAll(() => setup.close());

/** As the owner, with stdout going where a shell sends it. */
const into = (target: string, ...args: readonly string[]): Promise<Outcome> =>
  runProgram('sh', ['-c', `exec "$0" "$@" ${target}`, process.execPath, CKM, ...args], {
    environment: setup.environment,
  });

const approveEverywhere = async () => {
  for (const name of ['alpha', 'bravo']) {
    const [request] = (await connectOperator(setup.folderOf(name)).requests()).requests;
    expect(
      (await setup.ckm(['server', 'approve', setup.folderOf(name), request!.requestId, '--yes'])).status,
    ).toBe(0);
  }
};

describe('a disk that is full (/dev/full)', () => {
  test.each([
    [['key', 'show', 'notes']],
    [['key', 'list', '--json']],
    [['explain']],
    [['sign', 'notes', '--message', 'x', '--yes']],
  ])('%j ends with what and how, status 74, and no stack', async (args) => {
    const outcome = await into('> /dev/full', ...args);
    expect([outcome.status, errorOf(outcome).code]).toEqual([74, 'OUTPUT_UNWRITABLE']);
    expect(outcome.stderr).not.toMatch(/\bat .*\.js:\d+|node:internal/);
  });

  test('a signature that is not kept says how to get another', async () => {
    const outcome = await into('> /dev/full', 'sign', 'notes', '--message', 'x', '--yes');
    expect(errorOf(outcome).hint).toContain('sign again');
  });

  test('talk that cannot be written does not keep the signature from stdout', async () => {
    const outcome = await into('2> /dev/full', 'sign', 'notes', '--message', 'x', '--yes');
    expect([outcome.status, outcome.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{128}\n$/)]);
  });
});

describe('a stdout that was closed', () => {
  test.each([['>&-'], ['<&- >&-'], ['>&- 2>&-']])(
    'ends ckm sign %s before anybody is asked',
    async (target) => {
      const outcome = await into(target, 'sign', 'notes', '--message', 'x', '--yes');
      expect(outcome.status).toBe(74);
      if (!target.includes('2>')) expect(errorOf(outcome).code).toBe('OUTPUT_CLOSED');
      expect(await setup.json<unknown[]>(['requests', 'list', '--open'])).toEqual([]);
    },
  );

  test('is no hindrance when a file is named, and a shell may throw the answer away', async () => {
    const out = join(setup.scratch.path, 'closed.sig');
    expect(await into('>&-', 'sign', 'notes', '--message', 'x', '--yes', '--out', out)).toMatchObject({
      status: 0,
    });
    expect(readFileSync(out)).toHaveLength(64);
    expect(await into('> /dev/null', 'sign', 'notes', '--message', 'x', '--yes')).toMatchObject({
      status: 0,
    });
  });
});

describe('a reader that has left', () => {
  const readByNobody = async (args: readonly string[]): Promise<Outcome> => {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [CKM, ...args], {
      env: { PATH, HOME, ...setup.environment },
      detached: true,
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { status, stdout: '', stderr };
  };

  test('of a list has read enough', async () => {
    expect(await readByNobody(['explain'])).toMatchObject({ status: 0, stderr: '' });
  });

  test('of a signature has lost it, and is told', async () => {
    const outcome = await readByNobody(['sign', 'notes', '--message', 'x', '--yes']);
    expect([outcome.status, errorOf(outcome).code]).toEqual([74, 'OUTPUT_CLOSED']);
  });
});

describe('a signature that operators have approved', () => {
  test('is kept when it cannot be written, and comes from where the hint says', async () => {
    const asked = ['sign', 'treasury', '--message', 'Pay the baker', '--wait', '0s', '--yes'];
    expect(errorOf(await setup.ckm(asked)).code).toBe('REQUEST_WAITING');
    const [{ id }] = await setup.json<[{ id: string }]>(['requests', 'list', '--open']);
    const early = await setup.ckm(['requests', 'show', id, '--signature']);
    expect([early.status, errorOf(early)]).toEqual([
      75,
      expect.objectContaining({ code: 'REQUEST_UNFINISHED', hint: `go on with: ckm requests resume ${id}` }),
    ]);
    await approveEverywhere();
    const lost = await into('> /dev/full', 'requests', 'resume', id, '--yes');
    expect([lost.status, errorOf(lost).code]).toEqual([74, 'OUTPUT_UNWRITABLE']);
    const out = join(setup.scratch.path, 'regained');
    expect(errorOf(lost).hint).toContain(`ckm requests show ${id} --out FILE`);
    expect((await setup.ckm(['requests', 'show', id, '--out', out])).status).toBe(0);
    const printed = await setup.ckm(['requests', 'show', id, '--signature']);
    expect(printed.stdout).toBe(`${readFileSync(out).toString('hex')}\n`);
    expect(printed.stdout).toMatch(/^[0-9a-f]{128}\n$/);
    expect(await setup.ckm(['requests', 'resume', id])).toMatchObject({ status: 0, stdout: printed.stdout });
  });

  test('is not asked for at all when the file could not be written', async () => {
    const out = join(setup.scratch.path, 'nowhere', 'file');
    const refused = await setup.ckm(['sign', 'notes', '--message', 'x', '--yes', '--out', out]);
    expect([refused.status, errorOf(refused).code]).toEqual([74, 'FILE_UNWRITABLE']);
    expect(refused.stderr).not.toContain('Sign the message');
  });
});
