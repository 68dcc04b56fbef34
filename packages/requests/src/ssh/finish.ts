import { encodeUtf8 } from '@ckm/foundation';
import type { KeyContext } from '../kind.js';
import type { TaskResult } from '../task.js';
import { theOneSignature } from '../verify/one-signature.js';
import { sshSignatureBlob } from './blob.js';
import type { SshRequest } from './parse.js';
import { armorSshsig } from './sshsig.js';
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
