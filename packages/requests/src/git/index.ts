import { decodeUtf8 } from '@ckm/foundation';
import { forKeysMadeForIt } from '../fits.js';
import type { RequestKind } from '../kind.js';
import { sshPublicForm } from '../ssh/blob.js';
import { describeGit } from './describe.js';
import { GIT_FACTS, gitFacts } from './facts.js';
import { finishGit, verifyGit } from './finish.js';
import { gitForm } from './form.js';
import { GIT_MAX_BYTES, parseGit, type GitRequest } from './parse.js';
import { gitTasks } from './tasks.js';

/**
 * Measured: a commit of the largest size in KOI8-R takes 160 ms, and 270 ms where each letter is a line; a push of 1,000 refs
 * with long names takes 320 ms.
 */
const BYTES_PER_MS = 4_000;

function costOfObject(payload: Uint8Array): number {
  return 1 + payload.length / BYTES_PER_MS;
}

/** Commits, tags and signed pushes. The artefact is the armored SSH signature, as UTF-8. */
export const gitKind: RequestKind<GitRequest> = forKeysMadeForIt({
  name: 'git',
  // People have one SSH key to log in and to sign commits with. A commit is signed behind `SSHSIG` and the namespace
  // `git`, a login behind a session id whose length is written first (OpenSSH PROTOCOL.sshsig §2, RFC 4252 §7).
  alsoFor: ['ssh'],
  suites: ['ed25519'],
  publicForm: sshPublicForm,
  showArtefact: (artefact) => ({ text: decodeUtf8(artefact), more: {} }),
  form: gitForm,
  maxBytes: GIT_MAX_BYTES,
  factTypes: GIT_FACTS,
  cost: costOfObject,
  parse: parseGit,
  describe: describeGit,
  tasks: gitTasks,
  finish: finishGit,
  verify: verifyGit,
  facts: gitFacts,
});
