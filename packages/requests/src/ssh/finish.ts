import { verifySignature } from '@ckm/threshold';
import { encodeUtf8 } from '@ckm/foundation';
import type { KeyContext } from '../kind.js';
import type { TaskResult } from '../task.js';
import { theOneSignature } from '../verify/one-signature.js';
import { rawSshSignature, sshSignatureBlob } from './blob.js';
import type { SshRequest } from './parse.js';
import { armorSshsig, verifySshsig } from './sshsig.js';
import { sshTasks } from './tasks.js';

/**
 * For a login the signature blob an agent answers with; else the armored signature, as UTF-8.
 * @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID`
 */
export function finishSsh(typed: SshRequest, key: KeyContext, results: readonly TaskResult[]): Uint8Array {
  const [task] = sshTasks(typed, key);
  const signature = theOneSignature(key, task!.message, results);
  if (typed.type === 'login') return sshSignatureBlob(signature);
  return encodeUtf8(armorSshsig(key.public.groupKey, typed, signature));
}

/** Whether it is what {@link finishSsh} gives for just this request. */
export function verifySsh(typed: SshRequest, key: KeyContext, artefact: Uint8Array): boolean {
  const { groupKey } = key.public;
  if (typed.type === 'signature') return verifySshsig(groupKey, typed, artefact);
  const signature = rawSshSignature(artefact);
  const [task] = sshTasks(typed, key);
  return signature !== null && verifySignature(key.suite, groupKey, task!.message, signature);
}
