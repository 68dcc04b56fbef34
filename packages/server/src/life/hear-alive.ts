import {
  assertAlive,
  type FunctionName,
  type KeyTerms,
  type Parameters,
  readAlive,
  type Result,
  type SignedStatement,
  statementForeign,
} from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { AnybodyCall, Call, Handlers, ServerContext } from '../context.js';
import { refusal } from '../refusals.js';
import { takenByEvery } from '../sessions/keys/every-row.js';
import { readOwnerDevices } from '../sessions/keys/owner-devices.js';
import { readSpeaking, spokenTerms } from '../sessions/keys/proven-devices.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../storage/storage.js';
import type { LifeMeans } from './means.js';
import { beginLife, findLife, type LifeRecord, silenceNow } from './life-record.js';

/**
 * Answers `alive.carry`: for how long the owner of a key is silent is counted anew. What was heard before, and what is older, changes nothing. Of a key whose terms
 * say nothing of silence it is only checked. Frozen keys count life as others do.
 * @throws AccessError `STATEMENT_FOREIGN`, also where there is no such key; EncodingError `STATEMENT_INVALID`
 */
export async function hearAlive(
  means: LifeMeans,
  call: AnybodyCall,
  { alive: signed }: Parameters<'alive.carry'>,
): Promise<Result<'alive.carry'>> {
  const { context } = means;
  const { keyId } = readAlive(signed);
  const rows = await context.storage.read((reader) => reader.keys.withId(keyId));
  const owners = rows.map(({ owner }) => owner);
  const heard = await takenByEvery(owners, async (owner) => {
    const name = { owner, keyId };
    // Looked at first: what nobody signed leaves nothing behind, not even that it came.
    if (!(await context.storage.read((reader) => isOfKey(context, reader, name, signed)))) return null;
    return repeatWhenRaced(() => call.transact((transaction) => hearOne(means, transaction, name, signed)));
  });
  // Whoever brings it has been heard for all keys of that id, or is told that he has not.
  const ended = heard.flatMap((one) => one.ended ?? [])[0];
  return {
    number: Math.max(...heard.map(({ number }) => number)),
    ...(ended === undefined ? {} : { ended }),
  };
}

async function isOfKey(
  context: ServerContext,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  signed: SignedStatement,
): Promise<boolean> {
  const row = await reader.keys.find(name.owner, name.keyId);
  return row !== null && isOfOwner(context, reader, name, signed, openHead(context, row).policy);
}

/** The highest number of this signer, and who asked for the key until then. @throws AccessError `STATEMENT_FOREIGN` */
async function hearOne(
  means: LifeMeans,
  transaction: Transaction,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  signed: SignedStatement,
): Promise<Result<'alive.carry'>> {
  const { context } = means;
  const key = await holdRecalled(context, transaction, name);
  if (key === null) throw statementForeign();
  const head = openHead(context, key);
  if (!(await isOfOwner(context, transaction, name, signed, head.policy))) throw statementForeign();
  const { by, number } = readAlive(signed);
  if (head.policy.silence === undefined) return { number };
  const stored = await findLife(context, transaction, name, head);
  const numbers = stored.record?.numbers ?? [];
  const known = numbers.find((one) => equalBytes(one.by, by))?.number ?? 0;
  if (number <= known && stored.record !== null) return { number: known };
  const kept = await stillSpeaking(context, transaction, name, head.policy, numbers);
  const next = [...kept.filter((one) => !equalBytes(one.by, by)), { by, number, signed }];
  await beginLife(means, transaction, key, stored, next);
  await context.audit.append(transaction, {
    deed: 'alive.carry',
    who: name.owner,
    keyId: name.keyId,
    subject: null,
    sentence: 'Hear a sign of life of the owner of a key.',
    verdict: 'done',
    policy: '',
    detail: `${head.suite} for ${head.purpose}`,
  });
  const ended = stored.record?.silence.case?.heir;
  return { number, ...(ended === undefined ? {} : { ended }) };
}

async function isOfOwner(
  context: ServerContext,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  signed: SignedStatement,
  { ownerKey }: KeyTerms,
): Promise<boolean> {
  if (ownerKey === undefined) return false;
  const devices = await readSpeaking(context, reader, name, ownerKey);
  try {
    assertAlive(signed, await spokenTerms(context, reader, name, { ownerKey }), devices);
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.code === statementForeign().code) return false;
    throw error;
  }
}

/** The devices of one list, and the words. */
const MOST_SIGNERS = 17;

/** Of those who left so many are known still: what one of them has said before is not heard once more when he is back. */
const MOST_GONE = 48;

/** Numbers of devices that are on the list still, and of whoever is none; those who left say nothing any more, to nobody. */
async function stillSpeaking(
  context: ServerContext,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  { ownerKey }: KeyTerms,
  numbers: LifeRecord['numbers'],
): Promise<LifeRecord['numbers']> {
  const devices = await readOwnerDevices(context, reader, name, ownerKey!);
  const { list } = devices ?? {};
  if (list === undefined) return numbers.slice(-MOST_SIGNERS);
  const speaks = ({ by }: LifeRecord['numbers'][number]) =>
    equalBytes(by, list.account) || list.keys.some(({ id }) => equalBytes(id, by));
  const gone = numbers.filter((one) => !speaks(one)).map(({ by, number }) => ({ by, number }));
  return [...gone.slice(-MOST_GONE), ...numbers.filter(speaks)];
}

/** Answers `key.life`. @throws AccessError `KEY_UNKNOWN` */
export async function showLife(
  { context, counting }: LifeMeans,
  call: Call,
  { keyId }: Parameters<'key.life'>,
): Promise<Result<'key.life'>> {
  return context.storage.read(async (reader) => {
    const row = await reader.keys.find(call.account.xid, keyId);
    if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
    const head = openHead(context, row);
    const { silence: rule } = head.policy;
    const { record } = await findLife(context, reader, row, head);
    if (rule === undefined || record === null) return { silence: null };
    const { counted, warned, case: opened } = silenceNow(counting(), record);
    const { afterSeconds } = rule;
    const isGranted = record.isGranted === true;
    return {
      silence: {
        silentSeconds: counted,
        afterSeconds,
        warned,
        ...(opened === null ? {} : { case: { heir: opened.heir, isGranted } }),
      },
    };
  });
}

/** Whatever an account asks about its keys is a sign of its owner's life, by whichever of its keys he asks. */
export function notingOwners<F extends FunctionName>(
  { heard }: Pick<LifeMeans, 'heard'>,
  handlers: Handlers<F>,
): Handlers<F> {
  const all = Object.entries(handlers) as readonly [string, (call: Call, asked: never) => unknown][];
  const noting = all.map(([name, handler]) => [
    name,
    (call: Call, asked: never) => {
      heard.add(encodeHex(call.account.xid));
      return handler(call, asked);
    },
  ]);
  return Object.fromEntries(noting) as Handlers<F>;
}
