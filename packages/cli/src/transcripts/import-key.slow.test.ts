import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Address, paymentFrom, spends } from '../test/payment.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, runProgram } from '../test/run-ckm.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
import { openSetup, type Setup } from '../test/run-server.js';

const WORDS = `${'abandon '.repeat(11)}about\n`;
/** Source: BIP-86, "Test vectors" */
const ADDRESSES = [
  'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
  'bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh',
];
/** Of the wallet that has these words. */
const FINGERPRINT = 0x73c5da0a;
const HARDENED = 0x8000_0000;
const WITH = ['--quorum', '2of3', '--servers', 'alpha,bravo,charlie'];
const hasOpenssh = hasProgram('ssh-keygen', '-?') || hasProgram('ssh', '-V');

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
}, 60_000);
afterAll(() => setup.close());

const ckm = (...args: string[]) => setup.ckm(args);

describe('ckm key import', () => {
  test('shows the public key of a wallet before anything is sent, and takes it over with its addresses', async () => {
    const file = setup.scratch.file('words.txt', WORDS);
    const flags = ['--from', file, '--for', 'bitcoin', ...WITH];
    const shown = await ckm('key', 'import', 'savings', ...flags, '--preview');
    expect(shown.status).toBe(0);
    expect(shown.stderr).toContain(ADDRESSES[0]);
    expect(shown.stderr).toContain("words of a wallet, m/86'/0'/0'");
    expect(shown.stderr).toContain('whoever had the original still has it');
    expect((await ckm('key', 'list')).stdout).toContain('no keys yet');
    const made = await ckm('key', 'import', 'savings', ...flags, '--yes');
    expect([made.status, made.stdout.includes(ADDRESSES[0]!)]).toEqual([0, true]);
    expect(made.stdout).toMatch(/Dealt +by its owner: whoever had the original still has it/);
    const found = await Promise.all(
      ADDRESSES.map((_, i) =>
        setup.json<Address & { address: string }>(['address', 'savings', '--index', String(i)]),
      ),
    );
    expect(found.map(({ address }) => address)).toEqual(ADDRESSES);
    expect((await ckm('key', 'list')).stdout).toContain('dealt: whoever had the original still has it');
    // The words are in no file of the owner's.
    expect(`${shown.stderr}${made.stdout}${made.stderr}`).not.toContain('abandon abandon');
  });

  test('what the wallet of these words prepares is signed, and spends its coins', async () => {
    const [coin, change] = (await Promise.all(
      [
        ['--index', '0'],
        ['--index', '0', '--change'],
      ].map((flags) => setup.json<Address>(['address', 'savings', ...flags])),
    )) as [Address, Address];
    const account = [86 + HARDENED, HARDENED, HARDENED];
    const asInWallet = (address: Address): Address => ({
      ...address,
      fingerprint: FINGERPRINT,
      path: [...account, ...address.path],
    });
    const psbt = paymentFrom([asInWallet(coin)], asInWallet(change), 150_000n);
    const file = setup.scratch.file('payment.psbt', psbt);
    const { transaction } = await setup.json<{ transaction: string }>([
      'sign',
      'savings',
      '--psbt',
      file,
      '--extract',
      '--yes',
    ]);
    expect(spends(transaction, [coin])).toEqual([true]);
  });

  test('the same key again is refused by the servers, and a file that is no key by itself', async () => {
    const file = setup.scratch.file('words.txt', WORDS);
    const again = await ckm('key', 'import', 'more', '--from', file, '--for', 'bitcoin', ...WITH, '--yes');
    expect([again.status === 0, errorOf(again).code]).toEqual([false, 'PUBLIC_KEY_TAKEN']);
    const cases = [
      [WORDS.replace('about', 'zebra'), 'bitcoin', 'KEY_MATERIAL_INVALID'],
      ['Dear bank', 'message', 'KEY_MATERIAL_INVALID'],
      [WORDS, 'ssh', 'KEY_MATERIAL_UNSUPPORTED'],
    ] as const;
    for (const [text, purpose, code] of cases) {
      const wrong = setup.scratch.file('wrong.txt', text);
      const refused = await ckm('key', 'import', 'more', '--from', wrong, '--for', purpose, ...WITH, '--yes');
      expect(errorOf(refused).code).toBe(code);
    }
    const missing = await ckm(
      'key',
      'import',
      'more',
      '--from',
      '/nowhere',
      '--for',
      'ssh',
      ...WITH,
      '--yes',
    );
    expect(errorOf(missing).code).toBe('FILE_UNREADABLE');
  });

  test.skipIf(!hasOpenssh)(
    'an OpenSSH key signs on, and ssh-keygen verifies under the public key it always had (needs ssh-keygen)',
    async () => {
      const own = join(setup.scratch.path, 'id');
      await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'alice', '-f', own]);
      const line = readFileSync(`${own}.pub`, 'utf8');
      const [type, key] = line.split(' ');
      const shown = await ckm('key', 'import', 'id', '--from', own, '--for', 'ssh', ...WITH, '--yes');
      expect([shown.status, shown.stdout.includes(`${type} ${key}`)]).toEqual([0, true]);
      const file = setup.scratch.file('letter.txt', 'a letter\n');
      const signature = join(setup.scratch.path, 'letter.sig');
      const signed = await ckm('sign', 'id', file, '--ssh-namespace', 'file', '--out', signature, '--yes');
      expect([signed.status, signed.stderr]).toEqual([0, expect.any(String)]);
      const allowed = setup.scratch.file('allowed', `alice ${line}`);
      const verify = ['-Y', 'verify', '-f', allowed, '-I', 'alice', '-n', 'file', '-s', signature];
      const judged = await runProgram('ssh-keygen', verify, { stdin: 'a letter\n' });
      expect([judged.status, judged.stdout]).toEqual([0, expect.stringContaining('Good "file" signature')]);
    },
  );

  test.skipIf(!hasOpenssh || !hasProgram('script', '--version'))(
    'an OpenSSH key with a passphrase is opened on a terminal, and is the key of its public line (needs ssh-keygen and script)',
    async () => {
      const locked = join(setup.scratch.path, 'locked');
      await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', locked]);
      const line = readFileSync(`${locked}.pub`, 'utf8');
      const { stdout } = await runProgram('ssh-keygen', ['-l', '-f', `${locked}.pub`]);
      const fingerprint = stdout.split(' ')[1]!;
      const flags = ['key', 'import', 'other', '--from', locked, '--for', 'ssh', ...WITH];
      const refused = await ckm(...flags, '--yes');
      expect(errorOf(refused).code).toBe('INPUT_NEEDED');
      const typing = (passphrase: string) =>
        runOnTerminal(
          [...flags, '--expect', fingerprint, '--preview'],
          [[/The passphrase of the key file/, `${passphrase}\r`]],
          setup.environment,
        );
      const wrong = await typing('another');
      expect([wrong.status === 0, wrong.screen]).toEqual([
        false,
        expect.stringContaining('this is not the passphrase of the key file'),
      ]);
      const right = await typing('a passphrase');
      expect(right.status).toBe(0);
      expect(right.screen.replaceAll(/\s/g, '')).toContain(line.split(' ')[1]);
      expect(`${wrong.screen}${right.screen}`).not.toContain('a passphrase');
    },
  );

  test('only the key that is expected is taken, before anything is sent', async () => {
    const file = setup.scratch.file('words.txt', WORDS);
    const flags = [
      'key',
      'import',
      'more',
      '--from',
      file,
      '--for',
      'bitcoin',
      ...WITH,
      '--path',
      'm/86h/0h/1h',
    ];
    const expecting = (what: string) => ckm(...flags, '--expect', what, '--preview');
    const wrong = await expecting(ADDRESSES[0]!);
    expect(errorOf(wrong)).toMatchObject({ code: 'KEY_NOT_EXPECTED' });
    const shown = JSON.parse((await ckm(...flags, '--preview', '--json')).stdout) as {
      groupKey: string;
      public: { value: string };
    };
    const { groupKey, public: form } = shown;
    for (const right of [groupKey, groupKey.toUpperCase(), groupKey.slice(2), form.value])
      expect((await expecting(right)).status).toBe(0);
    expect((await expecting(groupKey.slice(0, -2))).status).not.toBe(0);
  });

  test('a single private key is one Taproot address, which pays as any other', async () => {
    // Of the private key 3.
    const file = setup.scratch.file('key.wif', 'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU74sHUHy8S\n');
    const flags = ['key', 'import', 'paper', '--from', file, '--for', 'bitcoin', ...WITH];
    const shown = await ckm(...flags, '--preview');
    expect(shown.stderr).toMatch(/From +single private key \(WIF\)/);
    expect(shown.stderr).toMatch(
      /Only +this Taproot address: coins of this key at other addresses stay where they are/,
    );
    const [, address] = /Address +(bc1p[a-z0-9]+)/.exec(shown.stderr)!;
    expect(errorOf(await ckm(...flags, '--expect', ADDRESSES[0]!, '--yes')).code).toBe('KEY_NOT_EXPECTED');
    const made = await ckm(...flags, '--expect', address!, '--yes');
    expect([made.stderr, made.status]).toEqual([expect.any(String), 0]);
    const found = await Promise.all(
      [[], [], ['--change'], ['--index', '0']].map((more) =>
        setup.json<Address & { address: string }>(['address', 'paper', ...more]),
      ),
    );
    expect(found.map((one) => [one.address, one.path])).toEqual(found.map(() => [address, []]));
    expect(errorOf(await ckm('address', 'paper', '--index', '1')).code).toBe('ADDRESS_INDEX_INVALID');
    const [own] = found;
    const psbt = setup.scratch.file('paper.psbt', paymentFrom([own!], own!, 150_000n));
    const { transaction } = await setup.json<{ transaction: string }>([
      'sign',
      'paper',
      '--psbt',
      psbt,
      '--extract',
      '--yes',
    ]);
    expect(spends(transaction, [own!])).toEqual([true]);
  });

  test('hex digits that may be two keys are not guessed', async () => {
    const file = setup.scratch.file('seed.hex', `${'07'.repeat(31)}00\n`);
    const flags = ['key', 'import', 'letters', '--from', file, '--for', 'message', ...WITH];
    expect(errorOf(await ckm(...flags, '--preview')).code).toBe('KEY_MATERIAL_AMBIGUOUS');
    const keys = await Promise.all(
      ['seed', 'scalar'].map(async (format) => {
        const { stdout } = await ckm(...flags, '--format', format, '--preview', '--json');
        return (JSON.parse(stdout) as { groupKey: string }).groupKey;
      }),
    );
    expect(new Set(keys).size).toBe(2);
  });
});
