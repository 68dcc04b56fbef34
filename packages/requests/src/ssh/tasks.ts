import { NO_TWEAK } from '@ckm/threshold';
import type { KeyContext, SigningTask } from '../kind.js';
import { assertKeyNamed } from './describe.js';
import type { SshRequest } from './parse.js';
import { sshsigToSign } from './sshsig.js';

/** @throws EncodingError `SSH_KEY_NOT_OURS` */
export function sshTasks(typed: SshRequest, key: KeyContext): readonly SigningTask[] {
  assertKeyNamed(typed, key);
  return [{ message: typed.type === 'login' ? typed.challenge : sshsigToSign(typed), tweak: NO_TWEAK }];
}
