import type { DkgResult, Parameters, Result } from '@ckm/api';
import type { Call, Handlers, KeyFacts, ServerContext, SessionFunctionName } from '../../context.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { completeKey } from '../dkg/complete-key.js';
import { refusal } from '../errors.js';
import { repeatWhenRaced } from '../raced.js';
import {
  openKey,
  openKeyToShow,
  resultOf,
  sealKey,
  wipeKey,
  type KeyRecord,
  type StoredKey,
} from './key-record.js';
import { restoreKey } from './restore-key.js';

const MOST_LISTED = 256;

/** What `key.*` does. Keys of somebody else do not exist. */
export function keyHandlers(context: ServerContext): Handlers<Extract<SessionFunctionName, `key.${string}`>> {
  return {
    'key.list': (call, { after }) => listKeys(context, call, after),
    'key.show': (call, { keyId }) => showKey(context, call, keyId),
    'key.certify': (call, parameters) => certifyKey(context, call, parameters),
    'key.restore': (call, parameters) => restoreKey(context, call, parameters),
  };
}

/** A key as the operator sees it. */
export function keyFacts(context: ServerContext, row: KeyRow): KeyFacts {
  const { owner, keyId, state, createdAt } = row;
  const { purpose, suite, quorum, slot, policy, certified } = openKeyToShow(context, row).record;
  const transcriptHash = certified?.transcriptHash ?? null;
  return { owner, keyId, purpose, suite, quorum, slot, state, createdAt, transcriptHash, policy };
}

async function listKeys(
  context: ServerContext,
  call: Call,
  after: Uint8Array | null,
): Promise<Result<'key.list'>> {
  const rows = await context.storage.read((reader) =>
    reader.keys.list(call.account.xid, { after, limit: MOST_LISTED }),
  );
  const next = rows.length < MOST_LISTED ? null : rows.at(-1)!.keyId;
  return { keys: rows.map((row) => summary(openKeyToShow(context, row))), next };
}

async function showKey(context: ServerContext, call: Call, keyId: Uint8Array): Promise<Result<'key.show'>> {
  const row = await context.storage.read((reader) => findRow(reader, call.account.xid, keyId));
  const key = openKeyToShow(context, row);
  const { policy, certified } = key.record;
  return { key: summary(key), policy, certificate: certified?.certificate ?? null };
}

/** @throws AccessError `KEY_UNKNOWN` */
async function findRow(reader: Reader, owner: Uint8Array, keyId: Uint8Array): Promise<KeyRow> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  return row;
}

function summary({ row: { keyId, state, createdAt }, record: { suite, purpose, quorum } }: StoredKey) {
  return { keyId, suite, purpose, quorum, state, createdAt };
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
        return { result: resultOf(keyId, openKeyToShow(context, row).record), activated: null };
      }
      const { record } = openKey(context, row);
      const completed = completeKey(context, record, certificate);
      await storeActive(context, transaction, row, completed);
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
  { owner, keyId, version, createdAt }: KeyRow,
  record: KeyRecord,
): Promise<void> {
  const columns = { owner, keyId, state: 'active', version: version + 1, createdAt } as const;
  await transaction.keys.update(sealKey(context, columns, record));
  const { suite, purpose, sessionId } = record;
  await context.audit.append(transaction, {
    deed: 'key.certify',
    who: owner,
    keyId,
    subject: sessionId,
    sentence: `Activate a ${suite} key for ${purpose} by its certificate.`,
    verdict: 'done',
    policy: '',
    detail: '',
  });
}
