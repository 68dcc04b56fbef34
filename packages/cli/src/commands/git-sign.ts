import type { Command } from 'commander';
import { leaf } from '../command-line/run.js';

/** `ckm git-sign`: stands where git expects `ssh-keygen` (`gpg.ssh.program`). */
export function gitSignCommand(): Command {
  return leaf('git-sign', 'sign commits and tags for git');
}
