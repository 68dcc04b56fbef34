import { AccessError } from '@ckm/foundation';

/** Somebody else answers where a pinned server did. What to do is the same, however it was noticed. */
export function identityChanged(server: string, cause?: unknown): AccessError {
  return new AccessError(`somebody else answers in the place of server ${server}`, {
    code: 'SERVER_IDENTITY_CHANGED',
    hint: 'ask its operator what happened; one that was set up anew is a new server, to be added under a new name',
    remedy: { kind: 'addServer' },
    facts: { server },
    ...(cause === undefined ? {} : { cause }),
  });
}
