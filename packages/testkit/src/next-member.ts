import type { Identity } from '@ckm/gordian';
import type { Callee } from './callee.js';
import type { NextMember } from './change-courier.js';

/** A server of the next roster. @param callee as whoever carries the change asks it */
export function nextMember(
  { context }: { readonly context: { readonly identity: Pick<Identity, 'xid' | 'publicKeys'> } },
  callee: Callee,
): NextMember {
  const { xid, publicKeys } = context.identity;
  return { callee, serverId: new Uint8Array(xid), identityKey: publicKeys.signing.bytes };
}
