import type { Command } from 'commander';
import { leaf } from '../command-line/run.js';

/** `ckm ssh-agent` */
export function sshAgentCommand(): Command {
  return leaf('ssh-agent', 'offer your keys to OpenSSH');
}
