import { connectOperator } from '@ckm/server';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup, startServerProcess } from '../test/run-server.js';

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
});
afterAll(() => setup.close());

const operator = (word: string, server: string, ...more: string[]) =>
  callCkm(['server', ...word.split(' '), setup.folderOf(server), ...more]);
const sign = () => setup.ckm(['sign', 'notes', '--message', 'hello', '--yes']);

describe('an operator sees the keys', () => {
  test('by the likeness that their owner sees, at every server', async () => {
    interface Shown {
      readonly keyId: string;
      readonly likeness: { readonly words: string; readonly digest: string };
    }
    const owned = await setup.json<Shown>(['key', 'show', 'notes']);
    for (const [at, server] of ['alpha', 'bravo', 'charlie'].entries()) {
      const listed = await operator('keys', server);
      expect(listed.stdout).toContain(
        `${owned.keyId.slice(0, 8)}  message (ed25519)  2 of 3, slot ${at + 1}  ${owned.likeness.words}`,
      );
      const [key, ...more] = await setup.json<Shown[]>(['server', 'keys', setup.folderOf(server)]);
      expect(more).toEqual([]);
      expect([key!.keyId, key!.likeness]).toEqual([owned.keyId, owned.likeness]);
    }
  });

  test('and names one by its first digits', async () => {
    const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', 'notes']);
    const whole = await operator('policy show', 'bravo', keyId);
    expect(whole.stdout).toContain(`key ${keyId}`);
    expect((await operator('policy show', 'bravo', keyId.slice(0, 8))).stdout).toBe(whole.stdout);
    for (const word of ['policy show', 'policy tighten']) {
      const refused = errorOf(
        await operator(word, 'bravo', 'zz', ...(word.endsWith('n') ? ['--rate', 'any'] : [])),
      );
      expect(refused).toEqual({
        code: 'OPERATOR_INPUT_INVALID',
        message: 'the id of a key is 4 to 64 hex digits',
        hint: `copy it from: ckm server keys ${setup.folderOf('bravo')}`,
      });
    }
    const owner = await operator('policy show', 'bravo', '0'.repeat(64), '--owner', 'zz');
    expect(errorOf(owner).message).toBe('--owner is 64 hex digits');
  });
});

describe('what an operator takes away from a key', () => {
  test('is shown first, then in force, then given back', async () => {
    const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', 'notes']);
    const shown = await operator('policy show', 'bravo', keyId);
    expect(shown.stdout).toMatch(/allowed by +its owner +you +this server( \(bravo\))?\n/);
    // No row of the table is broken on a narrow terminal; the likeness above it is as long as its words.
    const table = shown.stdout.slice(shown.stdout.indexOf('  allowed by'));
    const rows = table.split('\n').filter((line) => /^ {2}\S.* {2}\S/.test(line));
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(60);
    expect(shown.stdout).toMatch(/kinds +message +all +all\n/);
    expect(shown.stdout).toContain('allowed by all three');
    const preview = await operator(
      'policy tighten',
      'bravo',
      keyId,
      '--expires-in',
      '1h',
      '--rate',
      '5/1m',
      '--preview',
    );
    expect(preview.stdout).toMatch(/rate +any +5 in 1 min/);
    expect((await operator('policy show', 'bravo', keyId)).stdout).toBe(shown.stdout);
    for (const server of ['bravo', 'charlie'])
      expect((await operator('policy tighten', server, keyId, '--kinds', 'git')).status).toBe(0);
    const refused = await sign();
    expect([refused.status, errorOf(refused).code]).toEqual([77, 'POLICY_KIND']);
    for (const server of ['bravo', 'charlie'])
      await operator('policy loosen', server, keyId, '--kinds', 'all');
    expect((await sign()).status).toBe(0);
  });

  test('is not given back by tightening, and not taken away by loosening', async () => {
    const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', 'notes']);
    const tighten = (...flags: string[]) => operator('policy tighten', 'alpha', keyId, ...flags);
    const loosen = (...flags: string[]) => operator('policy loosen', 'alpha', keyId, ...flags);
    expect((await tighten('--rate', '1/1h')).stderr).toContain('it now allows less: rate any → 1 in 1 h');
    const refused = await tighten('--rate', '100/1h', '--approval', 'operator');
    expect(errorOf(refused)).toMatchObject({
      code: 'OPERATOR_LOOSENS',
      message: 'this would allow more than before: rate',
    });
    expect(errorOf(refused).hint).toContain(
      `ckm server policy loosen ${setup.folderOf('alpha')} ${keyId.slice(0, 8)}`,
    );
    expect(errorOf(await loosen('--rate', 'any', '--blind', 'no')).code).toBe('OPERATOR_TIGHTENS');
    expect((await loosen('--rate', '100/1h')).stderr).toContain(
      'it now allows more: rate 1 in 1 h → 100 in 1 h',
    );
    expect((await operator('audit show', 'alpha', '--limit', '2')).stdout).toMatch(
      /Tighten the policy of a key.*\n.*Loosen the policy of a key.*rate 100 in 1 h/,
    );
    expect((await loosen('--rate', 'any')).status).toBe(0);
  });

  test('is no kind that does not exist, not even to look at', async () => {
    const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', 'notes']);
    for (const list of ['message,typo', 'message,', 'all,message', 'Message']) {
      for (const more of [[], ['--preview']]) {
        const refused = await operator('policy tighten', 'alpha', keyId, '--kinds', list, ...more);
        expect([refused.status, errorOf(refused).code]).toEqual([64, 'OPTION_INVALID']);
        expect(errorOf(refused).hint).toContain('message, bitcoin, ssh, git');
      }
    }
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
    const accounts = new Map<string, string>();
    for (const server of ['alpha', 'bravo']) {
      const [account] = (await connectOperator(setup.folderOf(server)).accounts()).accounts;
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

describe('a server with a policy of its own', () => {
  test('shows it beside that of a key, under the name that its audit log gives it', async () => {
    const { servers, folderOf } = setup;
    const file = `${folderOf('bravo')}/config.json`;
    const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
    await servers['bravo']!.stop();
    const policy = {
      kinds: ['message', 'git'],
      rateLimit: { count: 9, perSeconds: 60 },
      blindAllowed: false,
    };
    // Where it listened before is where its owner looks for it.
    const { port } = new URL(servers['bravo']!.url);
    const listen = { host: '127.0.0.1', port: Number(port) };
    writeFileSync(file, JSON.stringify({ ...settings, listen, policy }));
    const again = await startServerProcess(folderOf('bravo'));
    try {
      const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', 'notes']);
      const shown = (await operator('policy show', 'bravo', keyId)).stdout;
      const name = /this server \(([0-9a-f]{8})\)\n/.exec(shown)?.[1];
      expect(name).toBeDefined();
      expect(shown).toMatch(/kinds +message +all +message, git\n/);
      expect(shown).toMatch(/rate +any +any +9 in 1 min\n/);
      expect(shown).toMatch(/blind signing +no +yes +no\n/);
      const log = (await operator('audit show', 'bravo')).stdout;
      expect(log).toContain(`policy ${name}: kinds message, git; rate 9 in 1 min`);
    } finally {
      await again.stop('SIGKILL');
    }
  });
});
