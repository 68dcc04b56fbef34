import { forKeysMadeForIt } from '../fits.js';
import { costByLength } from '../cost.js';
import type { RequestKind } from '../kind.js';
import { describeGit } from './describe.js';
import { finishGit } from './finish.js';
import { GIT_MAX_BYTES, parseGit, type GitRequest } from './parse.js';
import { gitTasks } from './tasks.js';

/** Commits and tags. The artefact is the armored SSH signature, as UTF-8. */
export const gitKind: RequestKind<GitRequest> = forKeysMadeForIt({
  name: 'git',
  suites: ['ed25519'],
  maxBytes: GIT_MAX_BYTES,
  cost: costByLength,
  parse: parseGit,
  describe: describeGit,
  tasks: gitTasks,
  finish: finishGit,
});
