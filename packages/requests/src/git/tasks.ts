import { NO_TWEAK } from '@ckm/threshold';
import { sha512 } from '@noble/hashes/sha2.js';
import { frostTask, type Task } from '../task.js';
import { sshsigToSign, type SshsigStatement } from '../ssh/sshsig.js';
import type { GitRequest } from './parse.js';

/** What git asks `ssh-keygen -Y sign` for: the whole object in the namespace `git`, hashed with SHA-512. */
export function gitStatement({ object }: GitRequest): SshsigStatement {
  return { namespace: 'git', hash: 'sha512', digest: sha512(object) };
}

/** One signature of the untweaked key. */
export function gitTasks(typed: GitRequest): readonly Task[] {
  return [frostTask(sshsigToSign(gitStatement(typed)), NO_TWEAK)];
}
