import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOf, type Outcome, runCkm } from '../test/run-ckm.js';
import { createKey, type Lab, openLab } from '../test/run-server.js';

let lab: Lab;

beforeAll(async () => {
  lab = await openLab();
  await createKey(lab, 'treasury', '--for', 'message', '--approval', 'operator');
});
afterAll(() => lab.close());

interface Waiting {
  readonly requestId: string;
  readonly keyId: string;
  readonly sentence: string;
}

const operator = (word: string, server: string, ...more: string[]) =>
  runCkm(['server', ...word.split(' '), lab.folderOf(server), ...more]);
const waitingAt = async (server: string) =>
  JSON.parse((await operator('requests', server, '--json')).stdout) as Waiting[];

/** Asks for a signature, and goes on without it. */
async function ask(message: string): Promise<{ outcome: Outcome; request: Waiting }> {
  const outcome = await lab.ckm(['sign', 'treasury', '--message', message, '--yes', '--wait', '1s']);
  const request = (await waitingAt('alpha')).find(({ sentence }) => sentence.includes(message))!;
  return { outcome, request };
}

describe('a key whose servers ask their operators', () => {
  test('signs when enough of them say yes, and only then', async () => {
    const { outcome, request } = await ask('Pay the baker');
    expect([outcome.status, errorOf(outcome).code]).toEqual([75, 'REQUEST_WAITING']);
    const listed = await operator('requests', 'alpha');
    expect(listed.stdout).toMatch(/^[0-9a-f]{8} {2}Sign the message “Pay the baker” .*\n.*kind message/);
    const yes = await operator('approve', 'alpha', request.requestId.slice(0, 8), '--yes');
    expect(yes.stdout).toBe(`approved ${request.requestId}\n`);
    const early = await lab.ckm(['sessions', 'resume', request.requestId.slice(0, 8), '--wait', '1s']);
    expect(early.status).not.toBe(0);
    expect((await operator('approve', 'gamma', request.requestId, '--yes')).status).toBe(0);
    const late = await lab.ckm(['sessions', 'resume', request.requestId.slice(0, 8)]);
    expect(late.status).toBe(0);
    expect(late.stdout.trim()).toMatch(/^[0-9a-f]{128}$/);
    expect((await operator('audit show', 'gamma')).stdout).toContain('Pay the baker');
  });

  test('does not sign when they say no, and whoever asked reads why', async () => {
    const { request } = await ask('Pay the stranger');
    const reason = 'nobody here knows this stranger';
    for (const server of ['alpha', 'beta']) {
      const no = await operator('reject', server, request.requestId, '--reason', reason);
      expect(no.stdout).toBe(`rejected ${request.requestId}\n`);
    }
    const told = await lab.ckm(['sessions', 'resume', request.requestId.slice(0, 8)]);
    expect([told.status, errorOf(told).code]).toEqual([77, 'REQUEST_REJECTED']);
    expect(errorOf(told).message).toContain(reason);
    expect((await operator('audit show', 'alpha')).stdout).toContain(reason);
  });

  test('is approved by nobody who is only looking, or cannot be asked', async () => {
    const { request } = await ask('Pay the piper');
    const preview = await operator('approve', 'alpha', request.requestId, '--preview');
    expect(preview.stdout).toBe(`would approve ${request.requestId}\n`);
    expect(preview.stderr).toContain('Pay the piper');
    expect(errorOf(await operator('approve', 'alpha', request.requestId)).code).toBe('INPUT_NEEDED');
    expect(errorOf(await operator('reject', 'alpha', request.requestId)).code).toBe('OPTION_INVALID');
    await operator('reject', 'alpha', request.requestId, '--reason', 'look', '--preview');
    expect((await waitingAt('alpha')).map(({ requestId }) => requestId)).toContain(request.requestId);
  });

  test.each([
    ['approve', 'zz', 'REQUEST_ID_INVALID'],
    ['approve', 'abc', 'REQUEST_ID_INVALID'],
    ['approve', '0'.repeat(64), 'OPERATOR_UNKNOWN_ID'],
  ])('%s of %s is refused', async (word, id, code) => {
    const refused = await operator(word, 'alpha', id, '--yes');
    expect([refused.status, errorOf(refused).code]).toEqual([64, code]);
  });

  test('is not rejected for a reason that moves the cursor', async () => {
    const { request } = await ask('Pay the printer');
    const refused = await operator('reject', 'alpha', request.requestId, '--reason', 'a\u001b[2Jb');
    expect(errorOf(refused).code).toBe('OPERATOR_INPUT_INVALID');
    expect(refused.stderr).not.toContain('\u001b');
  });
});

describe('what an operator takes away from a key', () => {
  test('is shown first, then in force, then given back', async () => {
    await createKey(lab, 'notes', '--for', 'message');
    const { keyId } = await lab.json<{ keyId: string }>(['key', 'show', 'notes']);
    const shown = await operator('policy show', 'beta', keyId);
    expect(shown.stdout).toMatch(/kinds +message +all/);
    const preview = await operator(
      'policy tighten',
      'beta',
      keyId,
      '--expires-in',
      '1h',
      '--rate',
      '5/1m',
      '--preview',
    );
    expect(preview.stdout).toMatch(/rate +any +5 in 60 s/);
    expect((await operator('policy show', 'beta', keyId)).stdout).toBe(shown.stdout);
    for (const server of ['beta', 'gamma'])
      expect((await operator('policy tighten', server, keyId, '--kinds', 'git')).status).toBe(0);
    const refused = await lab.ckm(['sign', 'notes', '--message', 'hello', '--yes']);
    expect([refused.status, errorOf(refused).code]).toEqual([77, 'POLICY_KIND']);
    for (const server of ['beta', 'gamma']) await operator('policy tighten', server, keyId, '--kinds', 'all');
    expect((await lab.ckm(['sign', 'notes', '--message', 'hello', '--yes'])).status).toBe(0);
  });

  test('has to be named, and of a key that is there', async () => {
    expect(errorOf(await operator('policy tighten', 'alpha', '0'.repeat(64))).code).toBe('OPTION_INVALID');
    expect(errorOf(await operator('policy show', 'alpha', '0'.repeat(64))).code).toBe('OPERATOR_UNKNOWN_ID');
    const rate = await operator('policy tighten', 'alpha', '0'.repeat(64), '--rate', 'often');
    expect(errorOf(rate).code).toBe('OPTION_INVALID');
  });
});

describe('an account', () => {
  test('that is suspended is answered no more, until it is resumed', async () => {
    await createKey(lab, 'diary', '--for', 'message');
    const sign = () => lab.ckm(['sign', 'diary', '--message', 'hello', '--yes']);
    const accounts = new Map<string, string>();
    for (const server of ['alpha', 'beta']) {
      const [account] = JSON.parse((await operator('accounts list', server, '--json')).stdout) as {
        xid: string;
      }[];
      accounts.set(server, account!.xid);
      expect((await operator('accounts suspend', server, account!.xid.slice(0, 8), '--preview')).status).toBe(
        0,
      );
      expect((await operator('accounts suspend', server, account!.xid.slice(0, 8), '--yes')).status).toBe(0);
    }
    expect((await operator('accounts list', 'alpha')).stdout).toContain('suspended');
    const refused = await sign();
    expect([refused.status, errorOf(refused).code]).toEqual([77, 'ACCOUNT_SUSPENDED']);
    for (const [server, xid] of accounts) await operator('accounts resume', server, xid);
    expect((await sign()).status).toBe(0);
    expect(errorOf(await operator('accounts suspend', 'alpha', 'ffffffff')).code).toBe('OPERATOR_UNKNOWN_ID');
  });
});
