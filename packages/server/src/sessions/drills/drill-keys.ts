import { drillKeyId, DRILL_KEY_FRESH_BYTES, isDrillKeyId, type Result } from '@ckm/api';
import { DRILL } from '@ckm/requests';
import type { Call, Handlers, ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { openIfWhole } from '../keys/stored/key-head.js';

/** Keys of drills of one account at the same time: a drill has one, and those that were left are few. */
export const MOST_DRILL_KEYS = 8;
/** A drill that was left may be gone on with for so long. */
export const DRILL_KEY_SECONDS = 7 * 86_400;

/** More than policy lets anybody ask of one (`policy/create-policy.ts`). */
const MOST_REQUESTS = 256;

type DrillContext = Pick<ServerContext, 'vault' | 'epochKeys' | 'audit' | 'clock' | 'events'>;

/** What `drill.forget` does. */
export function drillHandlers(context: ServerContext): Handlers<'drill.forget'> {
  return {
    'drill.forget': (call, { keyId }) => repeatWhenRaced(() => forget(context, call, keyId)),
  };
}

/**
 * Forgets a key of a drill, as if the disk of this server had died: rows, share, and what it had noted of it beside them.
 * @throws AccessError `KEY_UNKNOWN`; PolicyError `NO_KEY_OF_A_DRILL`
 */
async function forget(
  context: ServerContext,
  { account, transact }: Call,
  keyId: Uint8Array,
): Promise<Result<'drill.forget'>> {
  await transact(async (transaction) => {
    const row = await transaction.keys.hold(account.xid, keyId);
    if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
    await forgetDrillKey(context, transaction, row);
  });
  return {};
}

/**
 * Before one more key of a drill is held: those that were left are forgotten, and there are never many.
 * @throws PolicyError `DRILLS_TOO_MANY`
 */
export async function makeRoomForDrill(
  context: DrillContext,
  transaction: Transaction,
  owner: Uint8Array,
): Promise<void> {
  const rows = await listDrillKeys(transaction, owner);
  const until = context.clock() - DRILL_KEY_SECONDS;
  const left = rows.filter(({ createdAt }) => createdAt <= until);
  for (const row of left) await forgetDrillKey(context, transaction, row);
  if (rows.length - left.length < MOST_DRILL_KEYS) return;
  throw refusal(
    'DRILLS_TOO_MANY',
    `this account has ${MOST_DRILL_KEYS} keys of drills here, and may not have more`,
  );
}

/** They stand together, by how their ids begin; the first of them is all zeros behind that. */
async function listDrillKeys({ keys }: Reader, owner: Uint8Array): Promise<readonly KeyRow[]> {
  const lowest = drillKeyId(new Uint8Array(DRILL_KEY_FRESH_BYTES));
  const [first, rows] = [
    await keys.find(owner, lowest),
    await keys.list(owner, { after: lowest, limit: MOST_DRILL_KEYS }),
  ];
  return [...(first === null ? [] : [first]), ...rows].filter(({ keyId }) => isDrillKeyId(keyId));
}

async function forgetDrillKey(context: DrillContext, transaction: Transaction, row: KeyRow): Promise<void> {
  const { owner, keyId, epoch } = row;
  // One that is not what this server stored holds up no other drill: no key with that id is for anything else.
  const head = openIfWhole(context, row);
  const isOne = isDrillKeyId(keyId) && (head === null || head.purpose === DRILL);
  demand(isOne, 'NO_KEY_OF_A_DRILL', 'this key is not one of a drill');
  transaction.whenCommitted(() => {
    context.epochKeys.destroy({ owner, keyId, epoch });
    context.epochKeys.counts.remove({ owner, keyId });
  });
  const { requests } = transaction;
  for (const { requestId } of await requests.ofKey(owner, keyId, MOST_REQUESTS))
    await requests.remove(owner, requestId);
  await transaction.keys.remove(owner, keyId);
  await context.audit.append(transaction, {
    deed: 'drill.forget',
    who: owner,
    keyId,
    subject: null,
    sentence: `Forget a key (${head?.suite ?? 'unreadable'}) of a drill, share and all.`,
    verdict: 'done',
    policy: '',
    detail: head === null ? 'its row was damaged' : `slot ${head.slot}`,
  });
}
