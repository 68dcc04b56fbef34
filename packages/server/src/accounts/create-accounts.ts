import { devicesKeyName, parseDevices } from '@ckm/api';
import { encodeHex, encodeUtf8, equalBytes, StateError } from '@ckm/foundation';
import {
  createXidDocument,
  type Data,
  decodeData,
  decodeEnvelope,
  decodePublicKeys,
  encodeData,
  encodeEnvelope,
  inceptionKeyOf,
  parseXidDocument,
  xidDocumentEnvelope,
} from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import type { AccountRow, InviteRow, Reader, Transaction } from '../storage/storage.js';
import type { Vault } from '../vault/vault.js';
import type {
  Account,
  AccountDevices,
  AccountFreeze,
  AccountKey,
  AccountKeys,
  Accounts,
  Introduction,
  Invite,
  Quota,
} from './accounts.js';
import { assertGoesOn } from './account-frozen.js';
import { accessError } from './codes.js';
import { idsBeginning } from '../storage/id-prefix.js';
import { createInviteCode, normalInviteCode } from './invite-code.js';
import { quotaChecks } from './quota.js';

interface Sources {
  readonly vault: Vault;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly admission: 'open' | 'invite' | 'closed';
  /** Accounts there may be in all, suspended ones too. */
  readonly most: number;
  /** What an account gets that has nothing else agreed. */
  readonly quota: Quota;
}

const MAX_REMEMBERED = 2_000;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const devices = z.strictObject({
  signed: z.strictObject({ document: bytes, signature: bytes }),
  since: z.array(z.strictObject({ id: bytes, at: z.int() })),
  removed: z
    .array(z.strictObject({ id: bytes, publicKeys: bytes, at: z.int().exactOptional() }))
    .exactOptional(),
});
const freezes = z.array(
  z.strictObject({
    id: bytes,
    seenAt: z.int(),
    until: z.int(),
    endedAt: z.int().nullable(),
    thawAskedAt: z.int().nullable(),
    device: bytes.exactOptional(),
  }),
);
/** Without `devices`: it never had any, as every account of before; without `freezes`: nobody ever froze it. */
const stored = z.strictObject({
  document: bytes,
  devices: devices.optional(),
  freezes: freezes.exactOptional(),
});

/** Accounts by XID, sealed row by row. */
export function createAccounts(sources: Sources): Accounts {
  const { vault, clock } = sources;

  // Reading keys out of a document costs more than finding it: kept as long as the row is the same, byte for byte.
  const recent = new Map<string, { readonly sealed: Uint8Array; readonly account: Account }>();

  function remembered(row: AccountRow): Account {
    const name = encodeHex(row.xid);
    const known = recent.get(name);
    if (
      known !== undefined &&
      equalBytes(known.sealed, row.sealed) &&
      known.account.status === row.status &&
      known.account.version === row.version
    ) {
      return known.account;
    }
    const account = fromRow(row);
    if (recent.size >= MAX_REMEMBERED) recent.clear();
    recent.set(name, { sealed: row.sealed, account });
    return account;
  }

  function fromRow(row: AccountRow): Account {
    const sealed = stored.parse(decodeData(vault.openRow('accounts', row)));
    const { document, devices: own = null, freezes: frozen = [] } = sealed;
    const keys = inceptionKeyOf(parseXidDocument(decodeEnvelope(document)));
    if (keys === null)
      throw accessError('ACCOUNT_UNKNOWN', 'an account has no keys', 'open the account again');
    const { xid, status, openedAt, version } = row;
    const words = { id: xid, publicKeys: keys.publicKeys, may: null };
    const { quota } = sources;
    const whole = { xid, status, openedAt, version, quota, document };
    return { ...whole, keys: keysOf(words, own), devices: own, freezes: frozen };
  }

  function toRow(account: Omit<Account, 'quota' | 'keys'>): AccountRow {
    const { xid, status, version, openedAt, document, devices: own, freezes: frozen } = account;
    const sealed = {
      document,
      ...(own === null ? {} : { devices: dataOf(own) }),
      ...(frozen.length === 0 ? {} : { freezes: frozen.map(freezeData) }),
    } satisfies Data;
    return vault.sealRow('accounts', { xid, status, version, openedAt }, encodeData(sealed));
  }

  async function findUnused(reader: Reader, codeHash: Uint8Array): Promise<InviteRow | null> {
    const row = await reader.invites.find(codeHash);
    return row !== null && row.usedBy === null && row.expiresAt > clock() ? row : null;
  }

  async function assertRoom(transaction: Transaction): Promise<void> {
    if (sources.admission === 'closed') {
      throw accessError('ACCOUNTS_CLOSED', 'this server takes no new accounts', 'choose another server');
    }
    // Replicas count one after the other: whoever opens an account writes to the log in the same transaction anyway.
    await transaction.audit.holdHead();
    if ((await transaction.accounts.count()) < sources.most) return;
    throw accessError(
      'ACCOUNTS_FULL',
      'this server has as many accounts as its operator allows',
      'choose another server, or ask its operator',
    );
  }

  async function useInvite(transaction: Transaction, xid: Uint8Array, code: string | null): Promise<void> {
    if (sources.admission === 'open') return;
    if (code === null) {
      throw accessError(
        'INVITE_REQUIRED',
        'this server asks for an invite',
        'ask its operator for an invite code',
      );
    }
    const row = await findUnused(transaction, inviteHash(code));
    if (row === null || !(await transaction.invites.use(resealed(row, xid)))) throw inviteInvalid();
  }

  function resealed(row: InviteRow, usedBy: Uint8Array): InviteRow {
    const { sealed: _sealed, ...columns } = row;
    return vault.sealRow('invites', { ...columns, usedBy }, vault.openRow('invites', row));
  }

  function toInvite(row: InviteRow): Invite {
    const { codeHash, usedBy, createdAt, expiresAt } = row;
    const { note } = z.strictObject({ note: z.string() }).parse(decodeData(vault.openRow('invites', row)));
    return { codeHash, note, usedBy, createdAt, expiresAt };
  }

  async function hold(transaction: Transaction, xid: Uint8Array): Promise<Account | null> {
    const row = await transaction.accounts.hold(xid);
    return row === null ? null : remembered(row);
  }

  return {
    find: async (reader, xid) => {
      const row = await reader.accounts.find(xid);
      return row === null ? null : remembered(row);
    },
    hold,
    assertGoesOn: async (transaction, xid) => {
      const row = await transaction.accounts.holdShared(xid);
      if (row !== null) assertGoesOn(remembered(row), clock());
    },
    keepsKey: async (transaction, xid, { id, may, isRemoved }) => {
      const account = await hold(transaction, xid);
      const keys = isRemoved === true ? account?.keys.removed : account?.keys.devices;
      const now = [...(keys?.values() ?? [])].find((key) => equalBytes(key.id, id));
      return now !== undefined && (may ?? []).every((one) => now.may?.includes(one));
    },
    list: async (reader, after, limit) => (await reader.accounts.list({ after, limit })).map(fromRow),
    open: async (transaction, introduction, invite) => {
      const known = await transaction.accounts.find(introduction.xid);
      if (known !== null) return { account: fromRow(known), created: false };
      await assertRoom(transaction);
      await useInvite(transaction, introduction.xid, invite);
      const row = toRow({
        xid: introduction.xid,
        status: 'active',
        version: 1,
        openedAt: clock(),
        document: documentOf(introduction),
        devices: null,
        freezes: [],
      });
      await transaction.accounts.insert(row);
      return { account: fromRow(row), created: true };
    },
    setDevices: async (transaction, xid, own) => {
      const row = await transaction.accounts.find(xid);
      if (row === null) throw accessError('ACCOUNT_UNKNOWN', 'there is no such account', 'list the accounts');
      const next = toRow({ ...fromRow(row), devices: own, version: row.version + 1 });
      await transaction.accounts.update(next);
      return fromRow(next);
    },
    setFreezes: async (transaction, xid, frozen) => {
      const row = await transaction.accounts.find(xid);
      if (row === null) throw accessError('ACCOUNT_UNKNOWN', 'there is no such account', 'list the accounts');
      const next = toRow({ ...fromRow(row), freezes: frozen, version: row.version + 1 });
      await transaction.accounts.update(next);
      return fromRow(next);
    },
    setStatus: async (transaction, xid, status) => {
      const row = await transaction.accounts.find(xid);
      if (row === null) throw accessError('ACCOUNT_UNKNOWN', 'there is no such account', 'list the accounts');
      const account = { ...fromRow(row), status, version: row.version + 1 };
      await transaction.accounts.update(toRow(account));
      return account;
    },
    createInvite: async (transaction, { note, expiresAt }) => {
      const code = createInviteCode(sources.random);
      const codeHash = inviteHash(code);
      const columns = { codeHash, usedBy: null, createdAt: clock(), expiresAt };
      await transaction.invites.insert(vault.sealRow('invites', columns, encodeData({ note })));
      return { code, codeHash };
    },
    unusedInvite: async (reader, code) => {
      if (normalInviteCode(code) === null) return null;
      const codeHash = inviteHash(code);
      return (await findUnused(reader, codeHash)) === null ? null : codeHash;
    },
    listInvites: async (reader, after, limit) => {
      const [, last] = after === null ? [null, null] : idsBeginning(after);
      return (await reader.invites.list({ after: last, limit })).map(toInvite);
    },
    findInvites: async (reader, name, limit) => {
      const code = normalInviteCode(name);
      const [lowest, highest] =
        code === null ? idsBeginning(name.toLowerCase()) : [inviteHash(code), inviteHash(code)];
      return (await reader.invites.withHashBetween(lowest, highest, limit)).map(toInvite);
    },
    quota: quotaChecks,
  };
}

function keysOf(words: AccountKey, own: AccountDevices | null): AccountKeys {
  const list = own === null ? [] : parseDevices(own.signed.document).keys;
  const keys = list.map(
    ({ id, publicKeys, may }) => [devicesKeyName(publicKeys), { id, publicKeys, may }] as const,
  );
  const removed = (own?.removed ?? []).map(({ id, publicKeys: encoded }) => {
    const publicKeys = decodePublicKeys(encoded);
    return [devicesKeyName(publicKeys), { id, publicKeys, may: [], isRemoved: true }] as const;
  });
  return { words, devices: new Map(keys), removed: new Map(removed) };
}

function dataOf({ signed, since, removed = [] }: AccountDevices): Data {
  return {
    signed: { ...signed },
    since: since.map((one) => ({ ...one })),
    ...(removed.length === 0 ? {} : { removed: removed.map((one) => ({ ...one })) }),
  };
}

function freezeData({ id, seenAt, until, endedAt, thawAskedAt, device }: AccountFreeze): Data {
  return { id, seenAt, until, endedAt, thawAskedAt, ...(device === undefined ? {} : { device }) };
}

function documentOf({ xid, publicKeys }: Introduction): Uint8Array {
  const document = createXidDocument(publicKeys);
  if (!document.xid.every((byte, i) => byte === xid[i])) {
    throw new StateError('the keys introduced are not those of the XID', {
      code: 'ACCOUNT_UNKNOWN',
      hint: 'introduce the first key of the XID',
    });
  }
  return encodeEnvelope(xidDocumentEnvelope(document));
}

function inviteHash(code: string): Uint8Array {
  const normal = normalInviteCode(code);
  if (normal === null) throw inviteInvalid();
  return taggedHash('CKM/invite/v1', encodeUtf8(normal));
}

function inviteInvalid() {
  return accessError(
    'INVITE_INVALID',
    'the invite code is not valid here, not any more',
    'ask for a new invite code',
  );
}
