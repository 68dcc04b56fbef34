import type { Facts, FactTypes } from '../facts.js';
import type { KeyContext } from '../kind.js';
import { sshFingerprint } from './blob.js';
import { assertKeyNamed } from './describe.js';
import type { SshRequest } from './parse.js';

export const SSH_FACTS: FactTypes = {
  form: { is: 'text', noun: 'form' },
  user: { is: 'text', noun: 'user' },
  hostKey: { is: 'text', noun: 'host key' },
  namespace: { is: 'text', noun: 'namespace' },
};

/**
 * `form`: `login` or `signature`. `hostKey`: its fingerprint as OpenSSH shows it; a challenge may not say which server it is for.
 * @throws EncodingError `SSH_KEY_NOT_OURS`
 */
export function sshFacts(typed: SshRequest, key: KeyContext): Facts {
  assertKeyNamed(typed, key);
  if (typed.type === 'signature') return { form: ['signature'], namespace: [typed.namespace] };
  const { user, hostKey } = typed;
  return { form: ['login'], user: [user], hostKey: hostKey === null ? null : [sshFingerprint(hostKey.blob)] };
}
