import { createPublicKey, verify } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { JOB_STEPS } from '@ckm/client';
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { errorOf, runProgram } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/recovery-without-us.md'), 'utf8');

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
}, 60_000);
afterAll(() => setup.close());

interface Shown {
  readonly groupKey: string;
  readonly exportable: boolean;
}
const AT_ONCE = ['--exportable', '--changes', 'automatic', '--change-delay', '0'];
const lineOf = (file: string, label: RegExp) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .find((line) => label.test(line))!
    .split(': ')[1]!;
const [combine, sign] = Array.from(PAGE.matchAll(/```python\n([^]*?)```/g), ([, text]) => text!);
const openssl = /```sh\n([^]*?)```/.exec(PAGE)![1]!;

describe('a key that may leave its servers', () => {
  test('is refused where nobody may take it, for Bitcoin, and without its name typed once more', async () => {
    await createKey(setup, 'stays', '--for', 'message');
    const file = join(setup.scratch.path, 'never.key');
    const of = (name: string, ...more: string[]) =>
      setup.ckm(['key', 'export', name, '--to', file, ...more, '--json']);
    expect(errorOf(await of('stays', '--key-name', 'stays')).code).toBe('KEY_NOT_EXPORTABLE');
    const bitcoin = ['--for', 'bitcoin', '--quorum', '2of3', '--servers', 'alpha,bravo,charlie'];
    const made = await setup.ckm(['key', 'create', 'coins', ...bitcoin, '--exportable', '--yes', '--json']);
    expect(errorOf(made).code).toBe('PURPOSE_NEEDS_CHILDREN');
    await createKey(setup, 'leaves', '--for', 'message', '--exportable');
    expect((await setup.json<Shown>(['key', 'show', 'leaves'])).exportable).toBe(true);
    expect(errorOf(await of('leaves', '--yes')).code).toBe('CONFIRMATION_NEEDED');
    expect(errorOf(await of('leaves', '--format', 'pem', '--key-name', 'leaves')).code).toBe(
      'EXPORT_FORMAT_UNKNOWN',
    );
    expect(readdirSync(setup.scratch.path)).not.toContain('never.key');
  });

  test('waits for the six words and the delay; the owner’s other devices stop it, and operators see it', async () => {
    const file = join(setup.scratch.path, 'leaves.key');
    const run = ['key', 'export', 'leaves', '--to', file, '--key-name', 'leaves', '--json'];
    const elsewhere = { CKM_HOME: `${setup.scratch.path}/stolen` };
    cpSync(setup.environment['CKM_HOME']!, elsewhere.CKM_HOME, { recursive: true });
    const waiting = errorOf(await setup.ckm(run, { environment: elsewhere }));
    expect(waiting.code).toBe('EXPORT_WAITING');
    const words = /the six words for their operators: (\S+)$/.exec(waiting.message)![1]!;
    const folder = setup.folderOf('alpha');
    const approve = async (said: string) => {
      const [open] = await setup.json<{ sessionId: string }[]>(['server', 'requests', folder]);
      return setup.ckm(['server', 'approve', folder, open!.sessionId, '--words', said, '--yes', '--json']);
    };
    expect(errorOf(await approve('acid acid acid acid acid acid')).code).toBe('SESSION_WORDS_WRONG');
    expect((await approve(words)).status).toBe(0);
    // The operator has said yes: the 24 hours are still to pass.
    expect(errorOf(await setup.ckm(run, { environment: elsewhere })).code).toBe('EXPORT_WAITING');
    expect((await setup.ckm(['status'])).stdout).toMatch(
      /an export goes on at alpha, bravo, charlie: ckm key export leaves --stop/,
    );
    expect((await setup.ckm(['doctor'])).stdout).toMatch(
      /somebody with your client takes the key out of its servers/,
    );
    const stopped = await setup.json<{ stopped: string[] }>(['key', 'export', 'leaves', '--stop']);
    expect(stopped.stopped).toEqual(['alpha', 'bravo', 'charlie']);
    const refused = errorOf(await setup.ckm(run, { environment: elsewhere }));
    expect(refused.code).toBe('EXPORT_OVER');
    expect(refused.message).toMatch(/is over: alpha refuses \(SESSION_CANCELLED\)/);
    // As the error says: ended there too, it begins anew, with other words and all of the delay before it.
    await setup.json(['key', 'export', 'leaves', '--stop'], { environment: elsewhere });
    const anew = errorOf(await setup.ckm(run, { environment: elsewhere }));
    expect(anew.code).toBe('EXPORT_WAITING');
    expect(/the six words for their operators: (\S+)$/.exec(anew.message)![1]).not.toBe(words);
    expect(errorOf(await approve(words)).code).toBe('SESSION_WORDS_WRONG');
    await setup.json(['key', 'export', 'leaves', '--stop']);
  });

  test('is in a file of its owner’s alone, signs under the same public key, and is called exported at every server that gave its share', async () => {
    await createKey(setup, 'letters', '--for', 'message', ...AT_ONCE);
    const { groupKey } = await setup.json<Shown>(['key', 'show', 'letters']);
    const file = join(setup.scratch.path, 'letters.key');
    const { stderr } = await setup.ckm(['key', 'export', 'letters', '--to', file, '--key-name', 'letters']);
    const told = stderr.split('\n').filter((line) => /^ {2}export [0-9a-f]{8} · /.test(line));
    expect(told.map((line) => line.split(' · ').slice(1, 3))).toEqual(
      JOB_STEPS.export.map((text, i) => [`${i + 1} of 3`, text]),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const scalar = Buffer.from(lineOf(file, /^scalar/), 'hex').toReversed();
    const point = ed25519.Point.BASE.multiply(BigInt(`0x${Buffer.from(scalar).toString('hex')}`));
    expect(Buffer.from(point.toBytes()).toString('hex')).toBe(groupKey);
    const held = await Promise.all(
      ['alpha', 'bravo', 'charlie'].map((name) =>
        setup.json<{ exportedAt: number | null; keyId: string }[]>(['server', 'keys', setup.folderOf(name)]),
      ),
    );
    expect(held.map((keys) => keys.filter(({ exportedAt }) => exportedAt !== null).length)).toEqual([
      1, 1, 0,
    ]);
    expect((await setup.ckm(['status'])).stdout).toMatch(/exported: it needs no server/);
    const again = errorOf(
      await setup.ckm(['key', 'export', 'letters', '--to', file, '--key-name', 'letters', '--json']),
    );
    expect(again.code).toBe('FILE_EXISTS');
    // What left does not come back: the certificate of the next epoch says so.
    await setup.json(['key', 'refresh', 'letters', '--yes']);
    expect(await setup.json(['key', 'show', 'letters'])).toMatchObject({ epoch: 1, exported: true });
  });
});

describe('a folder for the shares of a key', () => {
  const exported = (folder: string, ...more: string[]) =>
    setup.ckm(['key', 'export', 'parts', '--shares', folder, '--key-name', 'parts', ...more, '--json']);
  const given = async () => {
    const keys = await setup.json<{ exportedAt: number | null; keyId: string }[]>([
      'server',
      'keys',
      setup.folderOf('alpha'),
    ]);
    const shown = await setup.json<{ keyId: string }>(['key', 'show', 'parts']);
    return keys.find(({ keyId }) => keyId === shown.keyId)!.exportedAt;
  };

  test('that cannot be written is refused before a server has given its share, and none is left half full', async () => {
    await createKey(setup, 'parts', '--for', 'message', ...AT_ONCE);
    const taken = join(setup.scratch.path, 'taken');
    mkdirSync(taken);
    setup.scratch.file('taken/share-2.txt', 'of somebody else');
    const file = setup.scratch.file('no-folder', '');
    for (const more of [[], ['--preview']])
      expect(errorOf(await exported(taken, ...more)).code).toBe('FILE_EXISTS');
    expect(errorOf(await exported(file)).code).toBe('FILE_UNWRITABLE');
    expect(errorOf(await exported(join(file, 'shares'))).code).toBe('FILE_UNWRITABLE');
    expect([readdirSync(taken), await given()]).toEqual([['share-2.txt'], null]);
    const fresh = join(setup.scratch.path, 'fresh');
    expect((await exported(fresh)).status).toBe(0);
    expect(readdirSync(fresh)).toEqual(['share-1.txt', 'share-2.txt']);
    expect(statSync(fresh).mode & 0o777).toBe(0o700);
  });
});

describe.skipIf(!hasProgram('python3', '--version') || !hasProgram('openssl', 'version'))(
  'whoever has exported shares and follows docs/recovery-without-us.md (needs python3 and openssl)',
  () => {
    const sharesOf = async (name: string, ...flags: string[]) => {
      await createKey(setup, name, '--for', 'message', ...AT_ONCE, ...flags);
      const folder = join(setup.scratch.path, `${name}-shares`);
      await setup.json(['key', 'export', name, '--shares', folder, '--key-name', name]);
      const files = readdirSync(folder);
      expect(files).toEqual(['share-1.txt', 'share-2.txt']);
      expect(files.map((one) => statSync(join(folder, one)).mode & 0o777)).toEqual([0o600, 0o600]);
      return { folder, files, ...(await setup.json<Shown>(['key', 'show', name])) };
    };

    test('signs with an Ed25519 key, which Node verifies under the public key of the quorum', async () => {
      const { folder, files, groupKey } = await sharesOf('notes');
      setup.scratch.file('notes-shares/message', 'hello');
      setup.scratch.file('notes-shares/sign.py', `${combine}${sign}`);
      const { stderr, stdout } = await runProgram('python3', ['sign.py', ...files], { cwd: folder });
      expect([stderr, stdout.trim()]).toEqual(['', `public key ${groupKey}`]);
      const spki = Buffer.concat([
        Buffer.from('302a300506032b6570032100', 'hex'),
        Buffer.from(groupKey, 'hex'),
      ]);
      const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      const signature = readFileSync(join(folder, 'signature'));
      expect(verify(null, Buffer.from('hello'), publicKey, signature)).toBe(true);
      const few = await runProgram('python3', ['sign.py', files[0]!], { cwd: folder });
      expect(few.stderr).toMatch(/too few shares/);
    });

    test.each(['P-256', 'secp256k1'])('signs with a %s key by OpenSSL, which verifies it', async (suite) => {
      const name = suite.toLowerCase();
      const { folder, files, groupKey } = await sharesOf(name, '--suite', suite);
      setup.scratch.file(`${name}-shares/message`, 'hello');
      setup.scratch.file(`${name}-shares/combine.py`, combine!);
      const { stderr, stdout } = await runProgram('python3', ['combine.py', ...files], { cwd: folder });
      expect([stderr, stdout.trim()]).toEqual(['', `public key ${groupKey}`]);
      const done = await runProgram('sh', ['-e', setup.scratch.file(`${name}-shares/sign.sh`, openssl)], {
        cwd: folder,
      });
      expect(done.stdout).toMatch(/Verified OK/);
      const pem = join(setup.scratch.path, `${name}.pem`);
      await setup.json(['key', 'export', name, '--to', pem, '--format', 'pem', '--key-name', name]);
      const both = [pem, join(folder, 'key.pem')].map((one) => createPublicKey(readFileSync(one)));
      const [ours, theirs] = both.map((one) => one.export({ type: 'spki', format: 'pem' }));
      expect(ours).toEqual(theirs);
    });
  },
);
