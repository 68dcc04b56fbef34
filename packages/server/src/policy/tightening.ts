import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import type { Reader, Storage, TighteningRow, Transaction } from '../storage/storage.js';
import { vaultError } from '../vault/codes.js';
import type { Vault } from '../vault/vault.js';
import type { Tightening } from './effective.js';
import { lastToEnd, shownFreeze, type StandingFreeze } from './freeze.js';
import { weightyRules, type WeightyRules } from './weighty.js';

/** As long as its owner may have certified with a key. Seconds. */
const MOST_CHANGE_DELAY = 604_800;

/** What the operator may take away from one key. */
export const tighteningSchema = z.strictObject({
  kinds: z.array(z.string().min(1).max(32)).max(16).nullable(),
  rateLimit: z
    .strictObject({ count: z.int().min(1).max(1_000_000), perSeconds: z.int().min(1).max(31_536_000) })
    .nullable(),
  expiresAt: z.int().min(0).max(253_402_300_799).nullable(),
  blindAllowed: z.boolean(),
  approval: z.enum(['automatic', 'operator']),
  /** Of a change of who holds the key, and of its export; no longer than a key itself may say. Seconds. */
  changeDelay: z.int().min(0).max(MOST_CHANGE_DELAY),
  stoppedAt: z.int().min(0).max(253_402_300_799).nullable(),
});

const moment = z.int().min(0).max(253_402_300_799);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** The same with what its owner took away for a while, as it is stored; rows of before have no freezes and no delay, and say of none that it was heard, or that the operator agreed to its end. */
const storedSchema = tighteningSchema.extend({
  changeDelay: tighteningSchema.shape.changeDelay.default(0),
  freezes: z
    .array(
      z.strictObject({
        id: bytes,
        seenAt: moment,
        until: moment,
        endedAt: moment.nullable(),
        thawAskedAt: moment.nullable(),
        thawAgreedAt: moment.exactOptional(),
        heard: z.literal(true).exactOptional(),
        by: z
          .discriminatedUnion('who', [
            z.strictObject({ who: z.literal('owner') }),
            z.strictObject({ who: z.literal('devices') }),
            z.strictObject({ who: z.literal('approver'), name: z.string().min(1).max(32) }),
          ])
          .exactOptional(),
        paper: z.literal(true).exactOptional(),
      }),
    )
    .default([]),
});

/** Takes nothing away. */
export const NO_TIGHTENING: Tightening = {
  kinds: null,
  rateLimit: null,
  expiresAt: null,
  blindAllowed: true,
  approval: 'automatic',
  changeDelay: 0,
  stoppedAt: null,
  freezes: [],
};

/** @throws StorageError `ROW_TAMPERED`. */
function openTightening(vault: Vault, row: TighteningRow): Tightening {
  return storedSchema.parse(decodeData(vault.openRow('tightenings', row)));
}

/**
 * What the operator took away from a key; null: nothing.
 * @param key with the version that its head names
 * @throws StorageError `ROW_TAMPERED`, also when the row is another version: one that was put back, or taken away
 */
export async function findTightening(
  vault: Vault,
  reader: Reader,
  {
    owner,
    keyId,
    tightened,
  }: { readonly owner: Uint8Array; readonly keyId: Uint8Array; readonly tightened: number },
): Promise<Tightening | null> {
  const row = await reader.tightenings.find(owner, keyId);
  if ((row?.version ?? 0) !== tightened) {
    throw vaultError(
      'ROW_TAMPERED',
      'a row of tightenings is not what this server stored',
      'stop the server, keep a copy of the database and restore it from a backup',
    );
  }
  return row === null ? null : openTightening(vault, row);
}

/** What the head of a key says of the row that belongs to it. */
export interface StoredTightening {
  /** 0: there is none. */
  readonly version: number;
  /** When the server stopped the key; null: it answers. UnixSeconds. */
  readonly stoppedAt: number | null;
  /** What it asks of a change of who holds the key, and of its export. */
  readonly weighty: WeightyRules;
  /** The freeze that stood when it was stored; null: none. */
  readonly frozen: StandingFreeze | null;
}

/** How many keys this server has stopped that its operator has not released. @throws StorageError `ROW_TAMPERED` */
export async function countStopped({
  storage,
  vault,
}: {
  readonly storage: Storage;
  readonly vault: Vault;
}): Promise<number> {
  let count = 0;
  for (let after: TighteningRow | null = null; ;) {
    const last: TighteningRow | null = after;
    const rows: readonly TighteningRow[] = await storage.read(({ tightenings }) =>
      tightenings.listAll(last, PAGE),
    );
    count += rows.filter((row) => openTightening(vault, row).stoppedAt !== null).length;
    if (rows.length < PAGE) return count;
    after = rows.at(-1)!;
  }
}

const PAGE = 500;

/** Replaces what the operator took away from a key; the owner's own policy stays in force beneath it. */
export async function storeTightening(
  vault: Vault,
  transaction: Transaction,
  key: { readonly owner: Uint8Array; readonly keyId: Uint8Array },
  tightening: Tightening,
): Promise<StoredTightening> {
  const before = await transaction.tightenings.find(key.owner, key.keyId);
  const { kinds, rateLimit, expiresAt, blindAllowed, approval, changeDelay, stoppedAt, freezes } = tightening;
  const plaintext = encodeData({
    kinds,
    rateLimit: rateLimit === null ? null : { ...rateLimit },
    expiresAt,
    blindAllowed,
    approval,
    changeDelay,
    stoppedAt,
    freezes: freezes.map(({ by, ...one }) => ({ ...one, ...(by === undefined ? {} : { by: { ...by } }) })),
  });
  const columns = { owner: key.owner, keyId: key.keyId, version: (before?.version ?? 0) + 1 };
  const row = vault.sealRow('tightenings', columns, plaintext);
  await transaction.tightenings.put(row);
  const last = lastToEnd(freezes);
  const frozen = last === null ? null : shownFreeze(last);
  return { version: row.version, stoppedAt, weighty: weightyRules([tightening]), frozen };
}
