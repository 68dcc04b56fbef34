// @module-tag long
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Address,
  finalized,
  jointPayment,
  paymentFrom,
  spends,
  strangersAddress,
} from '../test/payment.js';
import { errorOf, treeHash } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

let setup: Setup;
let coin: Address;
let change: Address;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'treasury', '--for', 'bitcoin');
  await createKey(setup, 'letters', '--for', 'message');
  coin = await setup.json<Address>(['address', 'treasury']);
  change = await setup.json<Address>(['address', 'treasury', '--index', '1', '--change']);
}, 120_000);
afterAll(() => setup.close());

describe('ckm sign --psbt FILE --extract', () => {
  test('prints the transaction that btc-signer finds in the PSBT, and nothing else', async () => {
    const file = setup.scratch.file('payment.psbt', paymentFrom([coin], change, 10_000n));
    const { stdout, stderr, status } = await setup.ckm([
      'sign',
      'treasury',
      '--psbt',
      file,
      '--extract',
      '--yes',
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f]+\n$/);
    expect(spends(stdout.trim(), [coin])).toEqual([true]);
    expect(stderr).toMatch(/transaction [0-9a-f]{64}, \d+ vB, ready to be sent/);
  });

  test('gets it out of a PSBT that is signed already, as the talk and the error say', async () => {
    const file = setup.scratch.file('unsigned.psbt', paymentFrom([coin], change, 20_000n));
    const signed = join(setup.scratch.path, 'signed.psbt');
    const { stderr } = await setup.ckm(['sign', 'treasury', '--psbt', file, '--out', signed, '--yes']);
    const expected = finalized(readFileSync(signed));
    expect(stderr).toContain(
      `complete: transaction ${expected.id}; get it with: ckm sign treasury --psbt ${signed} --extract`,
    );
    const twice = errorOf(await setup.ckm(['sign', 'treasury', '--psbt', signed, '--yes']));
    expect([twice.code, twice.hint]).toEqual(['PSBT_ALREADY_SIGNED', expect.stringContaining('--extract')]);
    const extract = ['sign', 'treasury', '--psbt', signed, '--expect', expected.id, '--extract'];
    const extracted = await setup.ckm(extract);
    expect([extracted.status, extracted.stdout]).toEqual([0, `${expected.hex}\n`]);
    const out = join(setup.scratch.path, 'transaction.hex');
    await setup.ckm(['sign', 'treasury', '--psbt', signed, '--extract', '--out', out]);
    expect(readFileSync(out, 'utf8')).toBe(`${expected.hex}\n`);
  });

  test('asks no server for a transaction that others have to sign too', async () => {
    const psbt = paymentFrom([coin, strangersAddress()], change, 30_000n);
    const file = setup.scratch.file('shared.psbt', psbt);
    const home = setup.environment['CKM_HOME']!;
    const before = treeHash(home);
    const refused = await setup.ckm(['sign', 'treasury', '--psbt', file, '--extract', '--yes']);
    expect([refused.status, errorOf(refused).code]).toEqual([65, 'PSBT_NOT_SIGNED']);
    expect(errorOf(refused).message).toContain('input 1 is for others to sign');
    expect(treeHash(home)).toBe(before);
    const signed = await setup.ckm(['sign', 'treasury', '--psbt', file, '--yes']);
    expect(signed.stderr).toContain('others have to sign this PSBT too');
    const half = setup.scratch.file('half.psbt', signed.stdout);
    expect(errorOf(await setup.ckm(['sign', 'treasury', '--psbt', half, '--extract'])).code).toBe(
      'PSBT_NOT_SIGNED',
    );
  });
});

describe('a PSBT that a wallet wrote in its own way', () => {
  test('as UTF-16, and without derivations of its outputs, is read, and its change is change', async () => {
    const text = Buffer.from(paymentFrom([coin], change, 10_000n, false)).toString('base64');
    const file = setup.scratch.file('utf16.psbt', Buffer.from(`\ufeff${text}\r\n`, 'utf16le'));
    const { stdout, stderr } = await setup.ckm(['sign', 'treasury', '--psbt', file, '--extract', '--yes']);
    expect(stderr).toMatch(/Change\s+0\.00389300 BTC to treasury, [\s\S]*change #1, recomputed/);
    expect(spends(stdout.trim(), [coin])).toEqual([true]);
  });

  test('with change far beyond all that is used is warned of, until such a change was signed', async () => {
    const far = await setup.json<Address>(['address', 'treasury', '--index', '60', '--change']);
    const file = setup.scratch.file('far.psbt', paymentFrom([coin], far, 12_000n));
    const shown = async () =>
      (await setup.ckm(['sign', 'treasury', '--psbt', file, '--preview'])).stderr.replace(/\s+/g, ' ');
    expect(await shown()).toContain('comes back on address number 60');
    await setup.ckm(['sign', 'treasury', '--psbt', file, '--yes']);
    expect(await shown()).not.toContain('comes back on address number 60');
  });

  test('with a signature of somebody else that does not verify is warned of before anybody is asked', async () => {
    const right = setup.scratch.file('right.psbt', jointPayment(coin, change, false));
    const wrong = setup.scratch.file('wrong.psbt', jointPayment(coin, change, true));
    const preview = await setup.ckm(['sign', 'treasury', '--psbt', wrong, '--preview']);
    expect(preview.stderr.replace(/\s+/g, ' ')).toContain('the signature of input 1 does not verify');
    expect((await setup.ckm(['sign', 'treasury', '--psbt', right, '--preview'])).stderr).not.toContain(
      'verify',
    );
    const refused = errorOf(await setup.ckm(['sign', 'treasury', '--psbt', wrong, '--extract', '--yes']));
    expect([refused.code, refused.hint]).toEqual([
      'PSBT_SIGNATURE_WRONG',
      'let whoever owns that coin sign it again',
    ]);
    const signed = await setup.ckm(['sign', 'treasury', '--psbt', wrong, '--yes']);
    expect(signed.stderr).toContain('there is no transaction yet: the signature of input 1 does not verify');
    expect(signed.stderr).not.toContain('wrong shares');
    const whole = await setup.ckm(['sign', 'treasury', '--psbt', right, '--extract', '--yes']);
    expect(whole.stdout).toMatch(/^[0-9a-f]+\n$/);
  });
});

/** What `ckm sign --json` says of a transaction, for programs. */
interface Details {
  readonly txid: string;
  readonly feeSats: number;
  readonly virtualBytes: number;
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

describe('a transaction before it is signed', () => {
  const preview = (file: string, ...flags: string[]) =>
    setup.json<{ details: Details }>(['sign', 'treasury', '--psbt', file, '--preview', ...flags]);

  test('is told to programs by its id, its size and its rows in the order of the PSBT', async () => {
    const file = setup.scratch.file('rows.psbt', paymentFrom([coin], change, 40_000n));
    const { details } = await preview(file);
    expect(details).toMatchObject({
      feeSats: 700,
      inputs: [{ index: 0, sats: 400_000, path: [0, 0], isOwn: true }],
      outputs: [
        { index: 0, sats: 40_000, address: expect.stringMatching(/^bc1q/) as string, isOwn: false },
        { index: 1, sats: 359_300, script: change.script, path: [1, 1], isOwn: true },
      ],
    });
    const signed = await setup.json<{
      details: Details;
      txid: string;
      artefact: string;
      virtualBytes: number;
    }>(['sign', 'treasury', '--psbt', file, '--yes', '--expect', details.txid]);
    expect(finalized(Buffer.from(signed.artefact, 'base64')).id).toBe(details.txid);
    expect([signed.txid, signed.virtualBytes]).toEqual([details.txid, details.virtualBytes]);
    expect(signed.details).toEqual(details);
  });

  test('is refused before anybody is asked when it is not the one that is expected', async () => {
    const file = setup.scratch.file('meant.psbt', paymentFrom([coin], change, 50_000n));
    const { txid } = (await preview(file)).details;
    const changed = setup.scratch.file('changed.psbt', paymentFrom([coin], change, 50_001n));
    const refused = await setup.ckm(['sign', 'treasury', '--psbt', changed, '--yes', '--expect', txid]);
    expect([refused.status, errorOf(refused).code, refused.stdout]).toEqual([65, 'PSBT_TXID_DIFFERS', '']);
  });

  test('says which transaction was signed that spends the same coin, unless it is the same one', async () => {
    const sign = async (sats: bigint) => {
      const file = setup.scratch.file(`spend-${sats}.psbt`, paymentFrom([coin], change, sats));
      return setup.ckm(['sign', 'treasury', '--psbt', file, '--yes']);
    };
    await sign(60_000n);
    const file = join(setup.scratch.path, 'spend-60000.psbt');
    const { txid } = (await preview(file)).details;
    const other = (await sign(60_001n)).stderr.replace(/\s+/g, ' ');
    expect(other).toContain('! you signed another transaction that spends the same coin:');
    expect(other).toContain(`${txid.slice(0, 8)}…${txid.slice(-8)}`);
    const again = /! you signed another transaction[^;]*;/.exec((await sign(60_000n)).stderr)![0];
    expect(again).not.toContain(txid.slice(-8));
  });
});

test('two requests that wait for operators and spend one coin know of each other', async () => {
  await createKey(setup, 'vault', '--for', 'bitcoin', '--approval', 'operator');
  const vaultCoin = await setup.json<Address>(['address', 'vault']);
  const ask = async (sats: bigint) => {
    const file = setup.scratch.file(`vault-${sats}.psbt`, paymentFrom([vaultCoin], vaultCoin, sats));
    return setup.ckm(['sign', 'vault', '--psbt', file, '--yes', '--wait', '0s']);
  };
  expect((await ask(10_000n)).stderr).not.toContain('another request');
  const [{ id } = { id: '' }] = await setup.json<{ id: string }[]>(['requests', 'list', '--open']);
  const second = await ask(10_001n);
  expect(errorOf(second).code).toBe('REQUEST_WAITING');
  expect(second.stderr.replace(/\s+/g, ' ')).toContain(
    `another request that is still open spends the same coin: ${id};`,
  );
});

describe('addresses that are handed out', () => {
  const next = (...flags: string[]) => setup.json<{ index: number }>(['address', 'treasury', ...flags]);

  test('go on behind one that is named, and behind one that a signed transaction shows', async () => {
    const far = (await next()).index + 10;
    await next('--index', String(far));
    expect((await next()).index).toBe(far + 1);
    const shown = await setup.json<Address>([
      'address',
      'treasury',
      '--index',
      String(far + 30),
      '--preview',
    ]);
    const file = setup.scratch.file('shown.psbt', paymentFrom([shown], change, 70_000n));
    await setup.json(['sign', 'treasury', '--psbt', file, '--yes']);
    expect((await next()).index).toBe(far + 31);
    expect((await next('--index', '0')).index).toBe(0);
    expect((await next()).index).toBe(far + 32);
  });

  test('are listed with the note that was made', async () => {
    const { index } = await next('--note', 'bob, invoice 17');
    const { stdout } = await setup.ckm(['address', 'treasury', '--list']);
    const line = stdout.split('\n').find((one) => one.startsWith(`#${index} `))!;
    expect(line).toMatch(/ {2}bc1p\w+ {2}.+: bob, invoice 17$/);
    const again = await setup.ckm(['address', 'treasury', '--index', String(index)]);
    expect(again.stderr.replace(/\s+/g, ' ')).toContain('bob, invoice 17');
    const { stderr } = await setup.ckm(['address', 'treasury', '--index', '2000000000', '--quiet']);
    expect(stderr).toMatch(/so far from the others that the next one is #\d+ all the same/);
    expect((await next()).index).toBe(index + 1);
  });
});

test('ckm key show --public --single prints two descriptors for wallets that do not read both in one', async () => {
  const { value } = await setup.json<{ value: string }>(['key', 'show', 'treasury', '--public']);
  const { stdout } = await setup.ckm(['key', 'show', 'treasury', '--public', '--single']);
  const bare = (text: string) => text.split('#')[0]!;
  expect(stdout.trimEnd().split('\n').map(bare)).toEqual([
    bare(value).replace('<0;1>', '0'),
    bare(value).replace('<0;1>', '1'),
  ]);
  for (const args of [
    ['treasury', '--single'],
    ['letters', '--public', '--single'],
  ]) {
    expect(errorOf(await setup.ckm(['key', 'show', ...args])).code).toBe('OPTION_INVALID');
  }
});

describe('a flag that would do nothing', () => {
  test.each([
    [['FILE', '--ssh-namespace', 'file', '--raw']],
    [['FILE', '--ssh-namespace', 'file', '--domain', 'x']],
    [['--psbt', 'FILE', '--ssh-namespace', 'file']],
    [['--git', 'FILE', '--ssh-namespace', 'file']],
    [['--psbt', 'FILE', '--raw']],
    [['--git', 'FILE', '--domain', 'x']],
    [['FILE', '--raw', '--domain', 'x']],
    [['--message', 'x', '--extract']],
    [['--git', 'FILE', '--expect', '0'.repeat(64)]],
  ])('is refused, and not passed over: %j', async (args) => {
    const file = setup.scratch.file('text', 'hello\n');
    const named = args.map((one) => (one === 'FILE' ? file : one));
    const refused = await setup.ckm(['sign', 'letters', ...named, '--yes']);
    expect([refused.status, errorOf(refused).code, refused.stdout]).toEqual([64, 'OPTION_INVALID', '']);
  });
});
