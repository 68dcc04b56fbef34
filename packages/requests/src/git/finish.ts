import { encodeUtf8 } from '@ckm/foundation';
import type { KeyContext } from '../kind.js';
import type { TaskResult } from '../task.js';
import { armorSshsig, sshsigToSign, verifySshsig } from '../ssh/sshsig.js';
import { theOneSignature } from '../verify/one-signature.js';
import type { GitRequest } from './parse.js';
import { gitStatement } from './tasks.js';

/** The armored SSH signature, as UTF-8. @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID` */
export function finishGit(typed: GitRequest, key: KeyContext, results: readonly TaskResult[]): Uint8Array {
  const statement = gitStatement(typed);
  const signature = theOneSignature(key, sshsigToSign(statement), results);
  return encodeUtf8(armorSshsig(key.public.groupKey, statement, signature));
}

/** Whether it is the key's signature of just this commit, tag or push certificate. */
export function verifyGit(typed: GitRequest, key: KeyContext, artefact: Uint8Array): boolean {
  return verifySshsig(key.public.groupKey, gitStatement(typed), artefact);
}
