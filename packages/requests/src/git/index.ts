import { encodeUtf8 } from '@ckm/foundation';
import { NO_TWEAK } from '@ckm/threshold';
import { sha512 } from '@noble/hashes/sha2.js';
import { forKeysMadeForIt } from '../fits.js';
import type { RequestKind } from '../kind.js';
import { armorSshsig, sshsigToSign, type SshsigStatement } from '../ssh/sshsig.js';
import { theOneSignature } from '../verify/one-signature.js';
import { describeGit } from './describe.js';
import { GIT_MAX_BYTES, parseGit, type GitRequest } from './parse.js';

/** What git asks `ssh-keygen -Y sign` for: the whole object in the namespace `git`, hashed with SHA-512. */
function statement({ object }: GitRequest): SshsigStatement {
  return { namespace: 'git', hash: 'sha512', digest: sha512(object) };
}

/** Commits and tags. The artefact is the armored SSH signature, as UTF-8. */
export const gitKind: RequestKind<GitRequest> = forKeysMadeForIt({
  name: 'git',
  suites: ['ed25519'],
  maxBytes: GIT_MAX_BYTES,
  parse: parseGit,
  describe: describeGit,
  tasks: (typed) => [{ message: sshsigToSign(statement(typed)), tweak: NO_TWEAK }],
  finish(typed, key, signatures) {
    const signed = statement(typed);
    const signature = theOneSignature(key, sshsigToSign(signed), signatures);
    return encodeUtf8(armorSshsig(key.public.groupKey, signed, signature));
  },
});
