import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Outcome, runProgram } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const isHere = hasProgram('git', '--version') && hasProgram('ssh-keygen', '-?');
const PROGRAM = fileURLToPath(new URL('../../bin/ckm-git-sign.js', import.meta.url));

let setup: Setup;
let repository: string;
let line: string;

beforeAll(async () => {
  if (!isHere) return;
  setup = await openSetup();
  await createKey(setup, 'laptop', '--for', 'ssh');
  line = (await setup.ckm(['key', 'show', 'laptop', '--public'])).stdout.trim();
  setup.scratch.file('laptop.pub', `${line}\n`);
  setup.scratch.file('allowed', `alice@example.org ${line}\n`);
  repository = `${setup.scratch.path}/repository`;
  mkdirSync(repository);
  expect((await git('init', '-q')).status).toBe(0);
});
afterAll(async () => {
  if (isHere) await setup.close();
});

/** git as a person has set it up, with our program in the place of ssh-keygen. */
const git = (...args: string[]): Promise<Outcome> => gitOf(setup.environment, args);

function gitOf(owner: Readonly<Record<string, string>>, args: readonly string[]): Promise<Outcome> {
  const settings = {
    'user.name': 'Alice',
    'user.email': 'alice@example.org',
    'user.signingkey': `${setup.scratch.path}/laptop.pub`,
    'gpg.format': 'ssh',
    'gpg.ssh.program': PROGRAM,
    'gpg.ssh.allowedSignersFile': `${setup.scratch.path}/allowed`,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const environment = {
    ...owner,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
  return runProgram('git', [...flags, ...args], { cwd: repository, environment });
}

const commit = (message: string, ...settings: string[]) =>
  git(...settings, 'commit', '-q', '--allow-empty', '-S', '-m', message);

describe.skipIf(!isHere)('a commit signed by the quorum (needs git and ssh-keygen)', () => {
  test('is verified by git, and by nobody after a change', async () => {
    expect((await commit('Fix the bridge')).status).toBe(0);
    const verified = await git('verify-commit', 'HEAD');
    expect([verified.status, verified.stderr]).toEqual([
      0,
      expect.stringMatching(/^Good "git" signature for alice@example\.org with ED25519 key SHA256:/),
    ]);
    const object = (await git('cat-file', 'commit', 'HEAD')).stdout.replace('Fix', 'Cut');
    const args = ['hash-object', '-t', 'commit', '-w', setup.scratch.file('forged', object)];
    const forged = (await git(...args)).stdout.trim();
    expect((await git('verify-commit', forged)).status).not.toBe(0);
  });

  test('may be a tag, and the key may be named as git can name it', async () => {
    expect((await git('tag', '-s', 'v1.0', '-m', 'First release')).status).toBe(0);
    expect((await git('verify-tag', 'v1.0')).status).toBe(0);
    expect((await commit('by literal', '-c', `user.signingkey=key::${line}`)).status).toBe(0);
    setup.scratch.file('pair', '-----BEGIN OPENSSH PRIVATE KEY-----\n');
    setup.scratch.file('pair.pub', line);
    expect((await commit('by pair', '-c', `user.signingkey=${setup.scratch.path}/pair`)).status).toBe(0);
    expect((await git('verify-commit', 'HEAD', 'HEAD~1')).status).toBe(0);
  });

  test('is in the audit log of the servers as the sentence that describes it', async () => {
    expect((await commit('Paint the bridge')).status).toBe(0);
    const logs = await Promise.all(
      Object.keys(setup.servers).map((name) => setup.ckm(['server', 'audit', 'show', setup.folderOf(name)])),
    );
    const told = logs.filter(({ stdout }) => /Sign commit “Paint the bridge” by Alice/.test(stdout));
    expect(told.length).toBeGreaterThanOrEqual(2);
  });
});

describe.skipIf(!isHere)('what git gets no signature for (needs git and ssh-keygen)', () => {
  test.each([
    ['a key of somebody else', 'SSH_KEY_UNKNOWN', () => otherKey()],
    ['a file without a key', 'SSH_PUBLIC_KEY_INVALID', () => setup.scratch.file('empty', 'nothing')],
    ['a file that is not there', 'FILE_UNREADABLE', () => `${setup.scratch.path}/nowhere`],
  ])('%s', async (_what, code, file) => {
    const refused = await commit('no', '-c', `user.signingkey=${file()}`);
    expect(refused.status).toBe(128);
    expect(refused.stderr).toContain(`ckm: code: ${code}`);
  });

  test('without a passphrase, where nobody can be asked: the hint is one that git can follow', async () => {
    const owner = { CKM_HOME: setup.environment['CKM_HOME']! };
    const refused = await gitOf(owner, ['commit', '-q', '--allow-empty', '-S', '-m', 'no']);
    expect(refused.status).toBe(128);
    expect(refused.stderr).toContain('run ckm unlock before git, or set CKM_PASSPHRASE_FILE');
    expect(refused.stderr).not.toContain('--passphrase-file');
  });

  test('an object that is signed already, or none at all', async () => {
    const key = `${setup.scratch.path}/laptop.pub`;
    const args = (file: string) => ['git-sign', '-Y', 'sign', '-n', 'git', '-f', key, file];
    const signed = setup.scratch.file('signed', (await git('cat-file', 'commit', 'HEAD')).stdout);
    expect(errorOf(await setup.ckm(args(signed))).code).toBe('GIT_ALREADY_SIGNED');
    const none = setup.scratch.file('none', 'Pay the stranger');
    expect(errorOf(await setup.ckm(args(none))).code).toBe('GIT_OBJECT_MALFORMED');
  });

  test('a signature in another namespace is one of SSH, and told as such', async () => {
    const file = setup.scratch.file('letter', 'Dear Ben\n');
    const args = ['-Y', 'sign', '-n', 'letters', '-f', `${setup.scratch.path}/laptop.pub`, file];
    const signed = await setup.ckm(['git-sign', ...args]);
    expect(signed.stderr.replace(/\s+/g, ' ')).toMatch(
      /Sign the message “Dear Ben.*” in the SSH namespace letters with laptop/,
    );
    const check = ['-Y', 'check-novalidate', '-n', 'letters', '-s', `${file}.sig`];
    expect((await runProgram('ssh-keygen', check, { stdin: readFileSync(file) })).status).toBe(0);
  });

  test('with --preview nothing is sent or written', async () => {
    const file = setup.scratch.file(
      'object',
      (await git('cat-file', 'commit', 'HEAD')).stdout.replace(/gpgsig(.|\n)*?END SSH SIGNATURE-----\n/, ''),
    );
    const args = ['-Y', 'sign', '-n', 'git', '-f', `${setup.scratch.path}/laptop.pub`, file];
    const shown = await setup.ckm(['git-sign', '--preview', ...args]);
    expect([shown.status, shown.stdout]).toEqual([0, 'nothing was sent\n']);
    expect(() => readFileSync(`${file}.sig`)).toThrow('ENOENT');
  });
});

function otherKey(): string {
  const path = `${setup.scratch.path}/other`;
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  return `${path}.pub`;
}
