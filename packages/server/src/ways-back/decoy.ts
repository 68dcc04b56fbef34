import type { ContactKind } from '@ckm/api';
import type { ContactRow } from '../storage/storage.js';
import type { WaysBackMeans } from './means.js';
import { openContact, sealContact, type StoredContact } from './stored-contacts.js';

/** Who looks like a contact of an account that there is not. */
export type Decoys = (kind: ContactKind, handle: Uint8Array) => StoredContact;

/**
 * Where nobody is called so, a contact that is nobody's is opened and judged like one that is: what that takes says nothing then (P9). What comes of
 * it is thrown away.
 */
export function createDecoys(context: Pick<WaysBackMeans['context'], 'vault' | 'random'>): Decoys {
  const rows = new Map<ContactKind, ContactRow>();
  const nobody = new Uint8Array(32);
  function rowOf(kind: ContactKind): ContactRow {
    const columns = { owner: nobody, id: nobody, handle: nobody, version: 1 };
    return sealContact(context, columns, {
      kind,
      name: '',
      secret: kind === 'totp' ? context.random(20) : null,
      delaySeconds: 0,
      setAt: 0,
      setBy: nobody,
      verifiedAt: 0,
      lastStep: null,
      waited: null,
      leavesBy: null,
    });
  }
  return (kind, handle) => {
    const row = rows.get(kind) ?? rowOf(kind);
    rows.set(kind, row);
    const { contact } = openContact(context, row);
    return { row: { ...row, handle }, contact };
  };
}
