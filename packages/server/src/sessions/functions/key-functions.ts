import type { DkgResult, Parameters, Result } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { Call, Handlers, KeyFacts, ServerContext, StandingFreeze } from '../../context.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { completeKey } from '../dkg/complete-key.js';
import { refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import { type EpochRecord, resultOf, wipeKey } from '../keys/stored/epoch-record.js';
import { restoreKey } from './restore-key.js';
import type { ChangeMeans } from '../changes/means.js';
import { type OpenOrders, readOpenOrders } from '../changes/orders/open-orders.js';
import { readForgotten } from '../changes/votes/who-forgot.js';
import { type OpenExports, readOpenExports } from '../export/open-exports.js';
import { type OpenRepairs, readOpenRepairs } from '../repair/open-repairs.js';
import { costOfCertificate } from '../session-cost.js';
import { type KeyHead, openHead, openIfWhole } from '../keys/stored/key-head.js';
import { certifiedTerms } from '../keys/certified-terms.js';
import { cannotDeal, isShareHere, readEpoch, readKey } from '../keys/stored/read-key.js';
import { writeKey } from '../keys/stored/write-key.js';

const MOST_LISTED = 256;

type KeyMeans = Pick<ChangeMeans, 'context' | 'charge' | 'counting'>;

/** What is listed, shown, certified and restored of keys. Keys of somebody else do not exist. */
export function keyHandlers(
  means: KeyMeans,
): Handlers<'key.list' | 'key.show' | 'key.certify' | 'key.restore'> {
  const { context, charge } = means;
  return {
    'key.list': (call, { after }) => listKeys(means, call, after),
    'key.show': (call, { keyId }) => showKey(means, call, keyId),
    'key.certify': async (call, parameters) => {
      charge(call.account, costOfCertificate(parameters.certificate));
      return certifyKey(context, call, parameters);
    },
    'key.restore': async (call, parameters) => {
      charge(call.account, costOfCertificate(parameters.certificate));
      return restoreKey(context, call, parameters);
    },
  };
}

/** A key as the operator sees it. @param now UnixSeconds */
export function keyFacts(row: KeyRow, head: KeyHead, now: number): KeyFacts {
  const { owner, keyId, state, createdAt } = row;
  const {
    purpose,
    suite,
    quorum,
    slot,
    policy,
    certified,
    tightened,
    first,
    stoppedAt = null,
    exportedAt = null,
    exportProof,
  } = head;
  const transcriptHash = first ?? certified?.transcriptHash ?? null;
  return {
    owner,
    keyId,
    purpose,
    suite,
    quorum,
    slot,
    state,
    createdAt,
    transcriptHash,
    tightened,
    stoppedAt,
    frozen: frozenNow(head, now),
    exportedAt,
    isExportedElsewhere: exportedAt === null && exportProof !== undefined,
    policy,
  };
}

async function listKeys(means: KeyMeans, call: Call, after: Uint8Array | null): Promise<Result<'key.list'>> {
  const { context } = means;
  const { xid } = call.account;
  return context.storage.read(async (reader) => {
    const rows = await reader.keys.list(xid, { after, limit: MOST_LISTED });
    const next = rows.length < MOST_LISTED ? null : rows.at(-1)!.keyId;
    const heads = rows.map((row) => ({ row, head: openIfWhole(context, row) }));
    const whole = heads.flatMap(({ row, head }) => (head === null ? [] : [{ row, head }]));
    const slots = new Map(heads.map(({ row, head }) => [encodeHex(row.keyId), head?.slot ?? null]));
    const repairs = await readOpenRepairs(context, reader, xid, (id) => slots.get(encodeHex(id)) ?? null);
    const exports = await readOpenExports(context, reader, xid);
    const orders = await readOpenOrders(means, reader, whole);
    const open = { repairs, orders, exports, forgotten: await readForgotten(context, reader, whole) };
    const keys = whole.map(({ row, head }) => summary(context, row, head, open));
    const unreadable = heads.flatMap(({ row, head }) => (head === null ? [row.keyId] : []));
    return unreadable.length === 0 ? { keys, next } : { keys, unreadable, next };
  });
}

async function showKey(means: KeyMeans, call: Call, keyId: Uint8Array): Promise<Result<'key.show'>> {
  const { context } = means;
  return context.storage.read(async (reader) => {
    const row = await findRow(reader, call.account.xid, keyId);
    const head = openHead(context, row);
    const { certificate } = await readEpoch(context, reader, row, head);
    const repairs = await readOpenRepairs(context, reader, row.owner, () => head.slot);
    const orders = await readOpenOrders(means, reader, [{ row, head }]);
    const exports = await readOpenExports(context, reader, row.owner);
    const forgotten = await readForgotten(context, reader, [{ row, head }]);
    const key = summary(context, row, head, { repairs, orders, exports, forgotten });
    // Of one key alone it is looked whether the share opens, and is the certified one, too.
    const isHere = head.left === undefined && (await isShareHere(context, reader, row));
    const isLost = head.left === undefined && !isHere;
    const shown = isLost ? { ...key, isShareLost: true as const } : key;
    const { exportProof } = head;
    const policy = await certifiedTerms(context, reader, row, head);
    const proof = exportProof === undefined ? {} : { exportProof };
    const isBare = isHere && (await cannotDeal(context, reader, row));
    return { key: shown, policy, certificate, ...proof, ...(isBare ? { cannotDeal: true as const } : {}) };
  });
}

/** @throws AccessError `KEY_UNKNOWN` */
async function findRow(reader: Reader, owner: Uint8Array, keyId: Uint8Array): Promise<KeyRow> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  return row;
}

function summary(
  { epochKeys, clock }: Pick<ServerContext, 'epochKeys' | 'clock'>,
  row: KeyRow,
  head: KeyHead,
  open: {
    readonly repairs: OpenRepairs;
    readonly orders: OpenOrders;
    readonly exports: OpenExports;
    /** By hex id. */
    readonly forgotten: ReadonlySet<string>;
  },
) {
  const { suite, purpose, quorum, stoppedAt, certified, left, decided, forked, counts, exportedAt } = head;
  const transcriptHash = left?.transcriptHash ?? certified?.transcriptHash;
  const { keyId, state, epoch, createdAt } = row;
  const frozen = frozenNow(head, clock());
  const name = encodeHex(keyId);
  const repairs = open.repairs.get(name);
  const order = open.orders.orders.get(name);
  const settlement = open.orders.settlements.get(name);
  const exports = open.exports.get(name);
  return {
    keyId,
    suite,
    purpose,
    quorum,
    state,
    epoch,
    ...(transcriptHash === undefined ? {} : { transcriptHash }),
    createdAt,
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(left === undefined ? {} : { left: left.epoch }),
    ...(decided === undefined || left !== undefined ? {} : { decided }),
    ...(forked === undefined || counts !== undefined ? {} : { forked }),
    ...(left !== undefined || epochKeys.exists(row) ? {} : { isShareLost: true as const }),
    ...(open.forgotten.has(name) ? { hasForgotten: true as const } : {}),
    ...(frozen === null ? {} : { frozen }),
    ...(repairs === undefined ? {} : { repairs: [...repairs] }),
    ...(order === undefined ? {} : { order }),
    ...(settlement === undefined ? {} : { settlement }),
    ...(exports === undefined ? {} : { exports: [...exports] }),
    ...(exportedAt === undefined ? {} : { exportedAt }),
    ...heirIn(head),
  };
}

/** A key of which anybody has asked in the place of its owner says so for good: he is to know when he is back. */
function heirIn({ heirAsked }: KeyHead) {
  if (heirAsked === undefined) return {};
  const { heir, at, isOver } = heirAsked;
  return { heirAsked: { heir, at, isOpen: isOver !== true } };
}

function frozenNow({ frozen }: KeyHead, now: number): StandingFreeze | null {
  return frozen !== undefined && frozen.until > now ? frozen : null;
}

/** Activates a key whose certificate never came through its session; an active one only says so again. */
async function certifyKey(
  context: ServerContext,
  call: Call,
  { keyId, certificate }: Parameters<'key.certify'>,
): Promise<DkgResult> {
  const { result, activated } = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const row = await findRow(transaction, call.account.xid, keyId);
      if (row.state === 'active') {
        return { result: resultOf(keyId, openHead(context, row)), activated: null };
      }
      const record = await readKey(context, transaction, row);
      const completed = completeKey(context, record, certificate);
      await storeActive(context, transaction, row, completed);
      await context.accounts.quota.keyComesIntoUse(transaction, call.account);
      wipeKey(record);
      wipeKey(completed);
      return { result: resultOf(keyId, completed), activated: record.suite };
    }),
  );
  if (activated !== null) context.events.keyActivated({ suite: activated });
  return result;
}

async function storeActive(
  context: ServerContext,
  transaction: Transaction,
  row: KeyRow,
  record: EpochRecord,
): Promise<void> {
  const { owner, keyId } = row;
  await writeKey(context, transaction, row, { owner, keyId, state: 'active' }, record);
  const { suite, purpose, sessionId } = record;
  await context.audit.append(transaction, {
    deed: 'key.certify',
    who: owner,
    keyId,
    subject: sessionId,
    sentence: `Activate a key (${suite}) for ${purpose} by its certificate.`,
    verdict: 'done',
    policy: '',
    detail: '',
  });
}
