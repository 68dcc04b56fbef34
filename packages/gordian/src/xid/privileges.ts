import { KNOWN } from '../envelope/known-values.js';

/** What a key of an XID document may be used for. Source: bc-xid-rust, src/privilege.rs. */
export const PRIVILEGES = {
  all: KNOWN.all,
  authorize: KNOWN.authorize,
  sign: KNOWN.sign,
  encrypt: KNOWN.encrypt,
  elide: KNOWN.elide,
  issue: KNOWN.issue,
  access: KNOWN.access,
  delegate: KNOWN.delegatePrivilege,
  verify: KNOWN.verify,
  update: KNOWN.update,
  transfer: KNOWN.transfer,
  elect: KNOWN.elect,
  burn: KNOWN.burn,
  revoke: KNOWN.revoke,
} as const;

export type Privilege = keyof typeof PRIVILEGES;

/** The privilege with this known value, or `null`. */
export function privilegeOf(value: number | bigint): Privilege | null {
  for (const [name, known] of Object.entries(PRIVILEGES)) if (known === value) return name as Privilege;
  return null;
}
