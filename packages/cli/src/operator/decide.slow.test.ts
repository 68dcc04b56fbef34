import { connectOperator, type OperatorRequest } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'treasury', '--for', 'message', '--approval', 'operator');
});
afterAll(() => setup.close());

const operator = (word: string, server: string, ...more: string[]) =>
  callCkm(['server', ...word.split(' '), setup.folderOf(server), ...more]);
const waitingAt = async (server: string) =>
  (await connectOperator(setup.folderOf(server)).requests()).requests;

/** Asks for a signature, and goes on without it. */
async function ask(message: string): Promise<{ outcome: Outcome; request: OperatorRequest }> {
  const outcome = await setup.ckm(['sign', 'treasury', '--message', message, '--yes', '--wait', '1s']);
  const request = (await waitingAt('alpha')).find(({ sentence }) => sentence.includes(message))!;
  return { outcome, request };
}

describe('a key whose servers ask their operators', () => {
  test('signs when enough of them say yes, and only then', async () => {
    const { outcome, request } = await ask('Pay the baker');
    expect([outcome.status, errorOf(outcome).code]).toEqual([77, 'REQUEST_WAITING']);
    const listed = await operator('requests', 'alpha');
    expect(listed.stdout).toMatch(/^[0-9a-f]{8} {2}Sign the message “Pay the baker” .*\n.*kind message/);
    // As people compare it on the phone, and as `ckm server keys` has it.
    const [, words] = /key (\S+(?: \S+)+) \([0-9a-f]{8}\)/.exec(listed.stdout)!;
    expect((await operator('keys', 'alpha')).stdout).toContain(words);
    const blind = await operator('approve', 'alpha', request.requestId.slice(0, 8), '--yes');
    expect([blind.status, errorOf(blind).code]).toEqual([64, 'REQUEST_ID_SHORT']);
    const yes = await operator('approve', 'alpha', request.requestId, '--yes');
    expect(yes.stdout).toBe(`approved ${request.requestId}\n`);
    const again = await setup.ckm([
      'sign',
      'treasury',
      '--message',
      'Pay the baker',
      '--yes',
      '--wait',
      '1s',
    ]);
    expect(errorOf(again).code).toBe('REQUEST_WAITING');
    const going = setup.ckm(['requests', 'resume', request.requestId.slice(0, 8), '--yes']);
    expect((await operator('approve', 'charlie', request.requestId, '--yes')).status).toBe(0);
    const signed = await going;
    expect([signed.status, signed.stderr]).toEqual([0, expect.stringMatching(/signed by alpha, charlie/)]);
    expect(signed.stdout.trim()).toMatch(/^[0-9a-f]{128}$/);
    const log = (await operator('audit show', 'charlie')).stdout.split('\n');
    const about = log.filter((line) => line.includes(`request ${request.requestId.slice(0, 8)}`));
    expect(
      about.map((line) => /  (asked|approved|share given) +Sign the message “Pay the baker”/.exec(line)?.[1]),
    ).toEqual(['asked', 'approved', 'share given']);
  });

  test('shows its operator all of what is asked before it asks for a yes, and the gist of it in the list', async () => {
    const { request } = await ask('Pay the ferryman');
    const rows = [
      ['Domain', 'ckm'],
      ['Message', '“Pay the ferryman”', '16 bytes'],
      ['Digest', expect.stringMatching(/^SHA-256 [0-9a-f ]{79}$/)],
    ];
    const shown = { rowsLeftOut: 0, warnings: [], blind: false };
    expect(request.shown).toMatchObject(shown);
    expect(request.shown!.rows.map(({ label, value, note }) => [label, value, note ?? []].flat())).toEqual(
      rows,
    );
    const listed = await setup.json<OperatorRequest[]>(['server', 'requests', setup.folderOf('alpha')]);
    expect(listed.find(({ requestId }) => requestId === request.requestId)).toEqual(request);
    for (const told of [
      (await operator('requests', 'alpha')).stdout,
      (await operator('approve', 'alpha', request.requestId, '--preview')).stderr,
    ]) {
      expect(told).toMatch(/^ +Message +“Pay the ferryman” .*16 bytes$/m);
      expect(told).toMatch(/^ +Digest +SHA-256( [0-9a-f]{4}){8}/m);
    }
  });

  test('does not sign when they say no, and whoever asked reads why', async () => {
    const { request } = await ask('Pay the stranger');
    const reason = 'nobody here knows this stranger';
    for (const server of ['alpha', 'bravo']) {
      const no = await operator('reject', server, request.requestId, '--reason', reason, '--as', 'bob');
      expect(no.stdout).toBe(`rejected ${request.requestId}\n`);
    }
    const late = await operator('approve', 'alpha', request.requestId.slice(0, 8));
    expect([late.status, errorOf(late).code]).toEqual([75, 'REQUEST_NOT_WAITING']);
    expect(errorOf(late).message).toMatch(new RegExp(`rejected at .* UTC, as bob: “${reason}”$`));
    const told = await setup.ckm(['requests', 'resume', request.requestId.slice(0, 8), '--yes']);
    expect([told.status, errorOf(told).code]).toEqual([77, 'REQUEST_REJECTED']);
    expect(errorOf(told).message).toContain(reason);
    expect(told.stderr).not.toContain('bob');
    expect((await operator('audit show', 'alpha')).stdout).toMatch(
      new RegExp(`rejected .*\\(by the operator · .* · “${reason}” · as bob\\)`),
    );
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

  test('is told no for all that an account has waiting, by its first digits', async () => {
    await ask('Pay the pilot');
    await ask('Pay the porter');
    const all = (await waitingAt('charlie')).length;
    const [account] = (await connectOperator(setup.folderOf('charlie')).accounts()).accounts;
    const given = ['--account', account!.xid.slice(0, 8), '--reason', 'closed today'];
    const preview = await operator('reject', 'charlie', ...given, '--preview');
    expect(preview.stdout).toBe(`would reject ${all} requests of account ${account!.xid}: closed today\n`);
    expect((await operator('accounts list', 'charlie')).stdout).toContain(`${all} waiting`);
    expect((await operator('reject', 'charlie', ...given)).stdout).toMatch(
      `rejected ${all} requests of account`,
    );
    expect(await waitingAt('charlie')).toEqual([]);
    const both = await operator('reject', 'charlie', '00000000', ...given);
    expect([both.status, errorOf(both).code]).toEqual([64, 'OPTION_INVALID']);
    const neither = await operator('reject', 'charlie', '--reason', 'why not');
    expect(errorOf(neither).code).toBe('OPTION_INVALID');
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

  test('names a server that refuses by its own rules: while it waits, on record, and when it is signed', async () => {
    const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', 'treasury']);
    expect((await operator('policy tighten', 'alpha', keyId, '--rate', '1/1h')).status).toBe(0);
    const says = 'this key takes at most 1 request in 1 h';
    const args = ['sign', 'treasury', '--message', 'Pay the potter', '--yes', '--wait', '2s'];
    const { stderr } = await setup.ckm(args);
    expect(stderr).toMatch(new RegExp(`^ {2}approvals {3}.*alpha ✗ refuses: ${says}`, 'm'));
    expect(stderr).not.toMatch(/waiting for the operators of .*alpha/);
    const { requestId } = (await waitingAt('bravo')).find(({ sentence }) => sentence.includes('potter'))!;
    const shown = await setup.ckm(['requests', 'show', requestId.slice(0, 8)]);
    expect(shown.stdout).toMatch(new RegExp(`^Refused +alpha: ${says} \\(POLICY_RATE\\)$`, 'm'));
    for (const server of ['bravo', 'charlie'])
      expect((await operator('approve', server, requestId, '--yes')).status).toBe(0);
    const signed = await setup.ckm(['requests', 'resume', requestId.slice(0, 8), '--yes']);
    expect(signed.stderr).toContain(`ckm: note: alpha refused: ${says} (POLICY_RATE)\n`);
    expect(signed.status).toBe(0);
  });
});
