import { decodeUtf8 } from '@ckm/foundation';
import { costByLength } from '../cost.js';
import type { RequestKind } from '../kind.js';
import { forKeysMadeForIt } from '../fits.js';
import { sshPublicForm } from './blob.js';
import { describeSsh } from './describe.js';
import { SSH_FACTS, sshFacts } from './facts.js';
import { finishSsh, verifySsh } from './finish.js';
import { sshForm } from './form.js';
import { parseSsh, SSH_MAX_BYTES, type SshRequest } from './parse.js';
import { sshTasks } from './tasks.js';

/** SSH signatures (`ssh-keygen -Y`) and logins. */
export const sshKind: RequestKind<SshRequest> = forKeysMadeForIt({
  name: 'ssh',
  alsoFor: [],
  suites: ['ed25519'],
  publicForm: sshPublicForm,
  showArtefact: (artefact) => ({ text: decodeUtf8(artefact), more: {} }),
  form: sshForm,
  maxBytes: SSH_MAX_BYTES,
  factTypes: SSH_FACTS,
  cost: costByLength,
  parse: parseSsh,
  describe: describeSsh,
  tasks: sshTasks,
  finish: finishSsh,
  verify: verifySsh,
  facts: sshFacts,
});
