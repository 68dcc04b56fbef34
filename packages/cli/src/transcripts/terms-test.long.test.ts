// @module-tag long
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Address, paymentFrom } from '../test/payment.js';
import { errorOf } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

const EVERYBODY = ['alice', 'bob', 'carol'];
const FAMILY = {
  terms: 1,
  approvers: EVERYBODY,
  approvals: [
    { when: { total: 'amountSats', within: '24h', atMost: '0.002 BTC' } },
    { when: { total: 'amountSats', within: '24h', above: '0.002 BTC' }, needed: 2, of: EVERYBODY },
  ],
  change: { needed: 2, of: EVERYBODY, delay: '3d', words: '30d' },
};

let setup: Setup;
let [small, large, family] = ['', '', ''];
beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'treasury', '--for', 'bitcoin');
  await createKey(setup, 'notes', '--for', 'message');
  const address = async (...flags: string[]) =>
    (await setup.json(['address', 'treasury', ...flags])) as unknown as Address;
  const [coin, change] = [await address(), await address('--change')];
  small = setup.scratch.file('small.psbt', paymentFrom([coin], change, 100_000n));
  large = setup.scratch.file('large.psbt', paymentFrom([coin], change, 300_000n));
  family = setup.scratch.file('family.json', JSON.stringify(FAMILY));
}, 120_000);
afterAll(() => setup.close());

const ckm = (...args: string[]) => setup.ckm(args);

describe('ckm terms', () => {
  test('the terms of a key are shown in sentences, and written so that the file says the same', async () => {
    const shown = await ckm('terms', 'show', 'treasury');
    expect([shown.status, shown.stdout]).toEqual([
      0,
      expect.stringMatching(
        /Terms 0, as the key was made\n {2}It answers requests of kind “bitcoin”[^]*\n {2}in force: 3 of 3 servers have terms 0\n$/,
      ),
    ]);
    const out = join(setup.scratch.path, 'now.json');
    expect(await setup.json(['terms', 'show', 'treasury', '--out', out])).toMatchObject({
      version: 0,
      sentences: expect.arrayContaining(['Nobody else is asked for a request']),
    });
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual({ terms: 1, kinds: ['bitcoin'] });
    expect(errorOf(await ckm('terms', 'show', 'nobody')).code).toBe('KEY_UNKNOWN');
  });

  test('a request is judged by the terms of its key, and by those of a file, rule by rule', async () => {
    const own = await ckm('terms', 'test', 'treasury', '--psbt', large);
    expect([own.status, own.stdout]).toEqual([0, '  Answer  yes, and nobody is asked\n']);
    expect(own.stderr).toContain('0.00300000 BTC');
    const little = await ckm('terms', 'test', 'treasury', '--psbt', small, '--terms', family);
    expect(little.stdout).toContain('while little was let in before: yes, and nobody is asked');
    expect(little.stdout).toContain('once its limits are used up: waits for 2 of alice, bob, carol');
    const much = (await setup.json(['terms', 'test', 'treasury', '--psbt', large, '--terms', family])) as {
      readonly rules: readonly { readonly fit: string }[];
    };
    expect(much).toMatchObject({
      key: 'treasury',
      isOfFile: true,
      facts: { amountSats: 300_700, kind: ['bitcoin'] },
      refusal: null,
      verdict: { verdict: 'waits', awaits: [{ rule: 2, needed: 2, of: EVERYBODY }] },
    });
    expect(much.rules.map(({ fit }) => fit)).toEqual(['fitsNot', 'fits']);
  });

  test('and so is every other kind of request', async () => {
    const terms = setup.scratch.file(
      'notes.json',
      JSON.stringify({
        ...FAMILY,
        approvals: [{ when: { fact: 'domain', among: ['shop'] }, needed: 1, of: ['bob'] }],
      }),
    );
    const asked = await ckm('terms', 'test', 'notes', '--message', 'x', '--domain', 'shop', '--terms', terms);
    expect(asked.stdout).toContain('  Answer  waits for 1 of bob\n'.replace('1 of ', ''));
    const none = await ckm('terms', 'test', 'notes', '--message', 'x', '--terms', terms);
    expect(none.stdout).toContain('  Answer  no: no rule fits\n');
    const raw = await ckm('terms', 'test', 'notes', '--message', 'x', '--raw');
    expect(raw.status).toBe(0);
  });

  test('what was signed at once is not on record, and that is said', async () => {
    await setup.json(['sign', 'treasury', '--psbt', small, '--yes']);
    const past = await ckm('terms', 'test', 'treasury', '--last', '50');
    expect(past.stdout).toBe('no requests of this key are on record here\n');
    expect(past.stderr).toContain('1 signature that spent something left no request here');
    expect(await setup.json(['terms', 'test', 'treasury', '--last', '50', '--terms', family])).toEqual({
      key: 'treasury',
      isOfFile: true,
      answers: [],
      isCut: false,
      untold: 1,
    });
  });

  test('requests that waited for people are judged with the sums of those before them', async () => {
    await createKey(setup, 'vault', '--for', 'bitcoin', '--approval', 'operator');
    const of = async (...flags: string[]) =>
      (await setup.json(['address', 'vault', ...flags])) as unknown as Address;
    const [coin, change] = [await of(), await of('--change')];
    const payment = setup.scratch.file('vault.psbt', paymentFrom([coin], change, 150_000n));
    const waiting = await ckm('sign', 'vault', '--psbt', payment, '--yes', '--wait', '0s');

    expect(errorOf(waiting).code).toBe('REQUEST_WAITING');
    const past = await ckm('terms', 'test', 'vault', '--last', '1', '--terms', family);
    expect(past.stdout).toMatch(
      /^[0-9a-f]{8} {2}.*, open: Pay 0\.00150000 BTC .*\n {10}yes, and nobody is asked; /,
    );
  });

  test('a file with a mistake is refused with its place, and nothing is judged', async () => {
    const wrong = setup.scratch.file('wrong.json', JSON.stringify({ ...FAMILY, aprovers: [] }));
    const refused = await ckm('terms', 'test', 'treasury', '--psbt', small, '--terms', wrong);
    expect([refused.status, refused.stdout]).toEqual([65, '']);
    expect(errorOf(refused)).toMatchObject({
      code: 'TERMS_FILE_MEMBER',
      message: 'the terms file has “aprovers”, which means nothing there',
      hint: expect.stringMatching(/^did you mean approvers\?/),
    });
    const both = await ckm('terms', 'test', 'treasury', '--psbt', small, '--last', '5');
    expect([both.status, errorOf(both).code]).toEqual([64, 'OPTION_INVALID']);
    expect(errorOf(await ckm('terms', 'test', 'treasury')).code).toBe('SUBJECT_MISSING');
  });
});
