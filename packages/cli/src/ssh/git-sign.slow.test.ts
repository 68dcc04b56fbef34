import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Outcome, runProgram } from '../test/run-ckm.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
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

/** What the audit logs of the three servers say. */
async function signedSentences(): Promise<string> {
  const logs = await Promise.all(
    Object.keys(setup.servers).map((name) => setup.ckm(['server', 'audit', 'show', setup.folderOf(name)])),
  );
  return logs.map(({ stdout }) => stdout).join('\n');
}

/** As another program calls ours in the place of ssh-keygen, with what it hands over on stdin. */
function call(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Outcome> {
  const key = `${setup.scratch.path}/laptop.pub`;
  const environment = setup.environment;
  return runProgram(PROGRAM, ['-Y', 'sign', '-f', key, ...args], { stdin, environment });
}

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
    const told = (await signedSentences()).match(/Sign commit “Paint the bridge” by Alice/g);
    expect(told!.length).toBeGreaterThanOrEqual(2);
  });
});

describe.skipIf(!isHere)('a commit in another encoding (needs git and ssh-keygen)', () => {
  test('that it names is described in it, signed, and verified by git', async () => {
    const message = setup.scratch.file('latin1', Buffer.from('Grüße\n', 'latin1'));
    const settings = ['-c', 'i18n.commitEncoding=ISO-8859-1'];
    const signed = await git(...settings, 'commit', '-q', '--allow-empty', '-S', '-F', message);
    expect(signed.status).toBe(0);
    expect(await signedSentences()).toMatch(/Sign commit “Grüße” by Alice/);
    expect((await git('verify-commit', 'HEAD')).status).toBe(0);
    expect((await git('cat-file', 'commit', 'HEAD')).stdout).toContain('\nencoding ISO-8859-1\n');
  });

  test('that git does not write down, as in tags, is shown byte by byte, with a warning', async () => {
    const message = setup.scratch.file('latin1-tag', Buffer.from('Grüße\n', 'latin1'));
    const signed = await git('-c', 'i18n.commitEncoding=ISO-8859-1', 'tag', '-s', 'v1.1', '-F', message);
    expect(signed.status).toBe(0);
    expect(await signedSentences()).toMatch(/Sign tag “v1\.1” on commit .* message “Grüße”/);
    expect((await git('verify-tag', 'v1.1')).status).toBe(0);
  });
});

describe.skipIf(!isHere)('a signed push (needs git and ssh-keygen)', () => {
  test('is described, signed, and good to a repository that asks for signed pushes', async () => {
    const there = `${setup.scratch.path}/there.git`;
    expect((await git('init', '-q', '--bare', there)).status).toBe(0);
    const settings = [
      ['receive.certNonceSeed', 'a secret of the repository'],
      ['gpg.ssh.allowedSignersFile', `${setup.scratch.path}/allowed`],
    ];
    for (const setting of settings) await git('-C', there, 'config', ...setting);
    const seen = `${setup.scratch.path}/seen`;
    const words = '"$GIT_PUSH_CERT_STATUS $GIT_PUSH_CERT_NONCE_STATUS $GIT_PUSH_CERT_SIGNER"';
    const hook = `#!/bin/sh\necho ${words} > '${seen}'\ngit cat-file blob "$GIT_PUSH_CERT" > '${seen}.certificate'\n`;
    writeFileSync(`${there}/hooks/pre-receive`, hook, { mode: 0o755 });
    await commit('to be pushed');
    const pushed = await git(
      'push',
      '-q',
      '--signed',
      there,
      'HEAD:refs/heads/main',
      'HEAD:refs/heads/other',
    );
    expect([pushed.status, readFileSync(seen, 'utf8')]).toEqual([0, 'G OK alice@example.org\n']);
    expect(await signedSentences()).toContain(`Sign push to “${there}” of `);
    const [certificate = ''] = readFileSync(`${seen}.certificate`, 'utf8').split('-----BEGIN');
    const told = (await call(['-n', 'git', '--preview'], certificate)).stderr.replace(/\s+/g, ' ');
    expect(told).toMatch(/: create refs\/heads\/main at [0-9a-f]{12}…; create refs\/heads\/other at /);
    expect(told).toMatch(/Pusher SHA256:\S+ this key, /);
    expect(told).toMatch(/Nonce “\d+-[0-9a-f]{40}”/);
    const main = (await git('rev-parse', 'HEAD')).stdout.trim();
    expect(told).toContain(`new, at ${main}`);
    expect((await git('-C', there, 'rev-parse', 'main')).stdout.trim()).toBe(main);
    const check = ['verify', `${seen}.certificate`, '--git', '--key', 'laptop'];
    expect((await setup.ckm(check)).stdout).toContain('good: push to “');
  });
});

describe.skipIf(!isHere)('what is called as ssh-keygen is (needs git and ssh-keygen)', () => {
  const verify = (namespace: string, signature: string, stdin: string) => {
    const names = ['-f', `${setup.scratch.path}/allowed`, '-I', 'alice@example.org', '-n', namespace];
    const file = setup.scratch.file('to-verify.sig', signature);
    return runProgram('ssh-keygen', ['-Y', 'verify', ...names, '-s', file], { stdin });
  };
  const object = async () =>
    (await git('cat-file', 'commit', 'HEAD')).stdout.replace(/gpgsig(.|\n)*?END SSH SIGNATURE-----\n/, '');

  test.each([
    ['without a file, as jj does', []],
    ['with the file -', ['-']],
  ])('%s: signs stdin, and nothing but the signature is on stdout', async (_what, file) => {
    await commit('for stdin');
    const commitObject = await object();
    const signed = await call(['-n', 'git', ...file], commitObject);
    expect([signed.status, signed.stdout]).toEqual([
      0,
      expect.stringMatching(/^-----BEGIN SSH SIGNATURE-----\n[\s\S]*-----END SSH SIGNATURE-----\n$/),
    ]);
    expect(signed.stderr).toContain('Sign commit “for stdin” by Alice');
    expect((await verify('git', signed.stdout, commitObject)).status).toBe(0);
    expect((await verify('git', signed.stdout, `${commitObject}x`)).status).not.toBe(0);
  });

  test('with two files and another hash: each gets a signature beside it', async () => {
    const files = ['one', 'other'].map((name) => setup.scratch.file(`${name}.txt`, `${name}\n`));
    expect((await call(['-n', 'file', '-O', 'hashalg=sha256', ...files])).status).toBe(0);
    for (const file of files) {
      const signature = readFileSync(`${file}.sig`, 'utf8');
      expect((await verify('file', signature, readFileSync(file, 'utf8'))).status).toBe(0);
    }
  });

  test('nobody signs the first of two files when the second cannot be read, or its signature not be written', async () => {
    const first = setup.scratch.file('first.txt', 'first\n');
    const missing = await call(['-n', 'file', first, `${setup.scratch.path}/missing.txt`]);
    expect(errorOf(missing).code).toBe('FILE_UNREADABLE');
    const second = setup.scratch.file('second.txt', 'second\n');
    mkdirSync(`${second}.sig`);
    const refused = await call(['-n', 'file', first, second]);
    expect(errorOf(refused)).toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: expect.stringContaining('something else is in the place of') as string,
    });
    expect(existsSync(`${first}.sig`)).toBe(false);
  });

  test('a signature that is there already is replaced for whoever says so, and can be read by whom ssh-keygen lets', async () => {
    const file = setup.scratch.file('again.txt', 'again\n');
    const before = setup.scratch.file('again.txt.sig', 'of somebody else');
    expect(errorOf(await call(['-n', 'file', file]))).toMatchObject({
      code: 'FILE_EXISTS',
      hint: 'move it away, or run this on a terminal, or with --yes',
    });
    expect(readFileSync(before, 'utf8')).toBe('of somebody else');
    expect((await call(['-n', 'file', '--yes', file])).status).toBe(0);
    const theirs = setup.scratch.file('theirs.txt', 'again\n');
    const [key] = otherKey().split('.pub');
    execFileSync('ssh-keygen', ['-Y', 'sign', '-n', 'file', '-f', key!, theirs], { stdio: 'ignore' });
    expect(statSync(before).mode).toBe(statSync(`${theirs}.sig`).mode);
    const fresh = setup.scratch.file('fresh.txt', 'fresh\n');
    expect((await call(['-n', 'file', fresh])).status).toBe(0);
    expect(statSync(`${fresh}.sig`).mode).toBe(statSync(`${theirs}.sig`).mode);
  });

  test.skipIf(!hasProgram('script', '--version'))(
    'on a terminal its owner is asked before anything is signed (needs script)',
    async () => {
      const file = setup.scratch.file('asked.txt', 'asked\n');
      const signature = setup.scratch.file('asked.txt.sig', 'of somebody else');
      const key = `${setup.scratch.path}/laptop.pub`;
      const args = ['git-sign', '-Y', 'sign', '-n', 'file', '-f', key, file];
      const answered = (answer: string) =>
        runOnTerminal(args, [[/Replace it\?/, `${answer}\r`]], setup.environment);
      const no = await answered('n');
      expect([no.status, readFileSync(signature, 'utf8')]).toEqual([75, 'of somebody else']);
      expect(no.screen).toContain('ckm: code: CANCELLED_BY_PERSON');
      expect(no.screen).not.toContain('Sign the message');
      expect((await answered('y')).status).toBe(0);
      expect((await verify('file', readFileSync(signature, 'utf8'), 'asked\n')).status).toBe(0);
    },
  );

  test('stdin is not both the passphrase and what is signed', async () => {
    const refused = await call(['-n', 'git', '--passphrase-file', '-'], 'river lamp seven onions\n');
    expect(errorOf(refused).code).toBe('OPTION_INVALID');
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

  test('in a folder that was removed, what is named by its place in it; what has a full path is signed', async () => {
    const file = setup.scratch.file('far.txt', 'far\n');
    const key = `${setup.scratch.path}/laptop.pub`;
    const inGone = (words: string) => {
      const gone = `mkdir gone && cd gone && rmdir ../gone && '${PROGRAM}' -Y sign -n file -f ${words}`;
      return runProgram('sh', ['-c', gone], { cwd: setup.scratch.path, environment: setup.environment });
    };
    for (const words of [`'${key}' near.txt`, `near.pub '${file}'`]) {
      const refused = await inGone(words);
      expect([refused.status, errorOf(refused).code]).toEqual([74, 'WORKING_FOLDER_GONE']);
    }
    expect((await inGone(`'${key}' '${file}'`)).status).toBe(0);
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

  test('what cannot be described is said to be so once, and not signed', async () => {
    const file = setup.scratch.file(
      'noise',
      Uint8Array.from({ length: 64 }, (_, i) => 255 - i),
    );
    const args = ['-Y', 'sign', '-n', 'letters', '-f', `${setup.scratch.path}/laptop.pub`, file];
    const refused = await setup.ckm(['git-sign', ...args]);
    expect(errorOf(refused).code).toBe('POLICY_BLIND');
    expect(refused.stderr.replace(/\s+/g, ' ').match(/cannot be described/g)).toHaveLength(1);
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

/** The public half of a key that ssh-keygen has made; the private one lies beside it. */
function otherKey(): string {
  const path = `${setup.scratch.path}/other`;
  if (!existsSync(path)) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  return `${path}.pub`;
}
