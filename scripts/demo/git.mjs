// A repository whose commits are signed by the quorum, and git's own opinion of them.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './programs.mjs';

const CKM = join(import.meta.dirname, '../../packages/cli/bin/ckm.js');

/** Makes a repository in which `git commit -S` asks the quorum. */
export async function makeRepository(folder, publicKeyLine, env) {
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  const program = join(folder, 'git-sign');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${CKM}' git-sign "$@"\n`);
  chmodSync(program, 0o700);
  const keyFile = join(folder, 'laptop.pub');
  writeFileSync(keyFile, `${publicKeyLine}\n`);
  const signers = join(folder, 'allowed_signers');
  writeFileSync(signers, `alice@example.com ${publicKeyLine}\n`);
  const git = (...args) =>
    run('git', args, {
      cwd: repository,
      env: { ...env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    });
  await git('init', '--quiet', '--initial-branch=main');
  const settings = {
    'user.name': 'Alice',
    'user.email': 'alice@example.com',
    'gpg.format': 'ssh',
    'gpg.ssh.program': program,
    'gpg.ssh.allowedSignersFile': signers,
    'user.signingKey': keyFile,
  };
  for (const [name, value] of Object.entries(settings)) await git('config', name, value);
  writeFileSync(join(repository, 'release.txt'), 'signed by a key that no one holds\n');
  await git('add', 'release.txt');
  return git;
}
