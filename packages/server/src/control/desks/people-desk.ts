import { encodeHex, StateError, UsageError } from '@ckm/foundation';
import { accountFrozen, thawAccount } from '../../accounts/account-frozen.js';
import type { Account, Invite } from '../../accounts/accounts.js';
import type { Reader } from '../../storage/storage.js';
import type {
  OperatorAccount,
  OperatorAccounts,
  OperatorInvite,
  OperatorInvites,
} from '../schemas/people.js';
import { ambiguous, unknown } from './errors.js';
import { note } from './note.js';
import type { DeskMeans } from './means.js';

/** How many accounts, or invites, are told at once. */
const PAGE = 200;

/** Invites and accounts. */
export function createPeopleDesk({ context }: DeskMeans) {
  const { storage, accounts, audit, clock, config, events } = context;

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

  async function findInvite(reader: Reader, name: string): Promise<Invite> {
    const [found, ...others] = await accounts.findInvites(reader, name, 2);
    if (found === undefined) throw unknown('invite', { kind: 'listInvites' });
    if (others.length > 0) throw ambiguous('invite');
    return found;
  }

  return {
    createInvite: async (invite: { readonly note: string; readonly lifetimeSeconds: number }) => {
      if (config.accounts === 'closed') throw invitesClosed();
      const expiresAt = clock() + invite.lifetimeSeconds;
      const { code, codeHash } = await storage.transact(async (transaction) => {
        const made = await accounts.createInvite(transaction, { note: invite.note, expiresAt });
        const more = { subject: made.codeHash, detail: invite.note };
        await note(audit, transaction, 'operator.invite', 'Invite somebody', more);
        return made;
      });
      events.operatorActed({ action: 'invite' });
      return { code, id: inviteId(codeHash), expiresAt, needed: config.accounts === 'invite' };
    },
    /** A page of them, behind the id `after`. */
    invites: async (after: string | null): Promise<OperatorInvites> => {
      const found = await storage.read((reader) => accounts.listInvites(reader, after, PAGE));
      const invites = found.map(viewInvite);
      return { invites, next: invites.length < PAGE ? null : invites.at(-1)!.id };
    },
    /** @param name the first digits of its id, or its code */
    invite: async (name: string): Promise<OperatorInvite> =>
      viewInvite(await storage.read((reader) => findInvite(reader, name))),
    /** Takes back an invite that nobody has used. @param name the first digits of its id, or its code */
    revokeInvite: async (name: string): Promise<OperatorInvite> => {
      const revoked = await storage.transact(async (transaction) => {
        const found = await findInvite(transaction, name);
        if (!(await transaction.invites.removeUnused(found.codeHash))) throw inviteUsed(found);
        const more = { subject: found.codeHash, detail: found.note };
        await note(audit, transaction, 'operator.revoke', 'Take an invite back', more);
        return found;
      });
      events.operatorActed({ action: 'revoke' });
      return viewInvite(revoked);
    },
    /** A page of them, behind `after`. */
    accounts: (after: Uint8Array | null): Promise<OperatorAccounts> =>
      storage.read(async (reader) => {
        const list: OperatorAccount[] = [];
        for (const account of await accounts.list(reader, after, PAGE)) {
          const { xid, status, openedAt } = account;
          const frozen = frozenIn(account, clock());
          const keys = await reader.keys.count(xid);
          const waiting = await reader.requests.countWaiting(xid);
          const bytes = await reader.bytesOf(xid);
          list.push({ xid: encodeHex(xid), status, openedAt, keys, waiting, bytes, frozen });
        }
        return { accounts: list, next: list.length < PAGE ? null : list.at(-1)!.xid };
      }),
    suspend: (xid: Uint8Array) => setStatus(xid, 'suspended'),
    resume: (xid: Uint8Array) => setStatus(xid, 'active'),
    /** @returns whether it was frozen */
    thawAccount: async (xid: Uint8Array): Promise<boolean> => {
      const wasFrozen = await storage.transact(async (transaction) => {
        const ended = await thawAccount(accounts, transaction, xid, clock());
        const detail = ended ? 'frozen by its owner' : 'it was not frozen';
        await note(audit, transaction, 'operator.thaw', 'Thaw an account before its time', {
          who: xid,
          detail,
        });
        return ended;
      });
      events.operatorActed({ action: 'thaw' });
      return wasFrozen;
    },
  };
}

function frozenIn(account: Account, now: number): OperatorAccount['frozen'] {
  const standing = accountFrozen(account, now);
  if (standing === null) return null;
  const { until, thawAskedAt, device } = standing;
  return { until, thawAskedAt, device: device === undefined ? null : encodeHex(device) };
}

/** Eight bytes are enough to tell invites apart, and nothing of the code is in them. */
function inviteId(codeHash: Uint8Array): string {
  return encodeHex(codeHash.subarray(0, 8));
}

function viewInvite({ codeHash, usedBy, ...invite }: Invite): OperatorInvite {
  return { ...invite, id: inviteId(codeHash), usedBy: usedBy === null ? null : encodeHex(usedBy) };
}

function invitesClosed(): UsageError {
  return new UsageError('this server is closed: it takes nobody new, with or without an invite', {
    code: 'INVITES_CLOSED',
    hint: 'set "accounts" to "invite" in config.json, then start the server again',
  });
}

function inviteUsed({ usedBy }: Invite): StateError {
  const account = usedBy === null ? 'an account' : `account ${encodeHex(usedBy).slice(0, 8)}`;
  return new StateError(`this invite has opened ${account} already`, {
    code: 'INVITE_USED',
    hint: 'suspend that account instead',
    remedy: { kind: 'suspendAccount' },
    retryable: false,
  });
}
