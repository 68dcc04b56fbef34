import { costByLength } from '../cost.js';
import type { RequestKind } from '../kind.js';
import { forKeysMadeForIt } from '../fits.js';
import { describeSsh } from './describe.js';
import { finishSsh } from './finish.js';
import { parseSsh, SSH_MAX_BYTES, type SshRequest } from './parse.js';
import { sshTasks } from './tasks.js';

/** SSH signatures (`ssh-keygen -Y`) and logins. */
export const sshKind: RequestKind<SshRequest> = forKeysMadeForIt({
  name: 'ssh',
  suites: ['ed25519'],
  maxBytes: SSH_MAX_BYTES,
  cost: costByLength,
  parse: parseSsh,
  describe: describeSsh,
  tasks: sshTasks,
  finish: finishSsh,
});
