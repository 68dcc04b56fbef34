import { encodeHex } from '@ckm/foundation';
import type { OpenServer } from '../../server/open-server.js';
import type { OperatorAccount, OperatorInvite } from '../protocol.js';
import { note } from './note.js';

/** Invites and accounts. */
export function createPeopleDesk({ context }: OpenServer) {
  const { storage, accounts, audit, clock, events } = context;

  async function setStatus(xid: Uint8Array, status: 'active' | 'suspended'): Promise<void> {
    const suspends = status === 'suspended';
    await storage.transact(async (transaction) => {
      await accounts.setStatus(transaction, xid, status);
      const deed = suspends ? 'operator.suspend' : 'operator.resume';
      await note(audit, transaction, deed, suspends ? 'Suspend an account' : 'Let an account go on', {
        who: xid,
      });
    });
    events.operatorActed({ action: suspends ? 'suspend' : 'resume' });
  }

  return {
    createInvite: async (invite: { readonly note: string; readonly lifetimeSeconds: number }) => {
      const expiresAt = clock() + invite.lifetimeSeconds;
      const { code } = await storage.transact(async (transaction) => {
        const made = await accounts.createInvite(transaction, { note: invite.note, expiresAt });
        await note(audit, transaction, 'operator.invite', 'Invite somebody', { detail: invite.note });
        return made;
      });
      events.operatorActed({ action: 'invite' });
      return { code, expiresAt };
    },
    invites: async (): Promise<readonly OperatorInvite[]> => {
      const list = await storage.read((reader) => accounts.listInvites(reader, 1_000));
      return list.map((invite) => ({
        ...invite,
        usedBy: invite.usedBy === null ? null : encodeHex(invite.usedBy),
      }));
    },
    accounts: (after: Uint8Array | null): Promise<readonly OperatorAccount[]> =>
      storage.read(async (reader) => {
        const list: OperatorAccount[] = [];
        for (const { xid, status, openedAt } of await accounts.list(reader, after, 200)) {
          const keys = await reader.keys.count(xid);
          const waiting = await reader.requests.countWaiting(xid);
          const bytes = await reader.bytesOf(xid);
          list.push({ xid: encodeHex(xid), status, openedAt, keys, waiting, bytes });
        }
        return list;
      }),
    suspend: (xid: Uint8Array) => setStatus(xid, 'suspended'),
    resume: (xid: Uint8Array) => setStatus(xid, 'active'),
  };
}
