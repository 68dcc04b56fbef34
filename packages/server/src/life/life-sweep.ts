import { type KeyTerms, type Silence, type SilenceRule, warnedOf, warningDue } from '@ckm/api';
import { encodeHex, formatSpan } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import { COUNT_SECONDS, type Counter, countOn } from '../sessions/waiting-time.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { passIfTampered } from '../storage/tampered-row.js';
import type { KeyRow, LifeRow, Transaction } from '../storage/storage.js';
import { beginLife, findLife, type LifeRecord, silenceNow, storeLife, toldByNow } from './life-record.js';
import type { LifeMeans } from './means.js';

const PAGE = 64;
const HEARD_EVERY_SECONDS = 86_400;

/** Counts for every key of which it is counted, and warns at half and at nine tenths of the time. Called every few seconds. */
export function createLifeSweep(means: LifeMeans): () => Promise<void> {
  // At once, so that what another process counted goes on soon after a start.
  let restsUntil = 0;
  return async () => {
    const counter = means.counting();
    if (counter.lived < restsUntil) return hearAtOnce(means, counter);
    restsUntil = counter.lived + COUNT_SECONDS;
    const heard = new Set(means.heard);
    means.heard.clear();
    means.watched.clear();
    await forEachLife(means.context, (row) => countAt(means, row, counter, heard.has(encodeHex(row.owner))));
  };
}

/** Where an heir asks, whoever is heard ends it within seconds, also at another process of this server. */
async function hearAtOnce(means: LifeMeans, counter: Counter): Promise<void> {
  const { context, heard, watched } = means;
  for (const [owner, rows] of watched) {
    if (!heard.has(owner)) continue;
    watched.delete(owner);
    for (const row of rows)
      await passIfTampered(context.events.storageFailed, () => countAt(means, row, counter, true));
  }
}

/** A server that came back from an older state has heard of every owner just now, as far as it grants anything (S5). */
export async function beginEveryLife(means: LifeMeans): Promise<void> {
  const { context } = means;
  await forEachLife(context, (row) =>
    repeatWhenRaced(() =>
      context.storage.transact(async (transaction) => {
        const key = await transaction.keys.hold(row.owner, row.keyId);
        if (key === null) return;
        const stored = await findLife(context, transaction, key, openHead(context, key));
        await beginLife(means, transaction, key, stored);
      }),
    ),
  );
}

async function forEachLife(
  { storage, events }: Pick<ServerContext, 'storage' | 'events'>,
  work: (row: LifeRow) => Promise<void>,
): Promise<void> {
  for (let after: LifeRow | null = null; ;) {
    const place: LifeRow | null = after;
    const rows: readonly LifeRow[] = await storage.read(({ life }) => life.listAll(place, PAGE));
    for (const row of rows) await passIfTampered(events.storageFailed, () => work(row));
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

/** @param isHeard whether the account of its owner has said anything, by whichever of its keys: that is life, too */
async function countAt(
  means: LifeMeans,
  { owner, keyId }: Pick<LifeRow, 'owner' | 'keyId'>,
  counter: Counter,
  isHeard: boolean,
): Promise<void> {
  const { context } = means;
  await repeatWhenRaced(() =>
    context.storage.transact(async (transaction) => {
      // Held, so that nobody is heard meanwhile.
      const key = await transaction.keys.hold(owner, keyId);
      if (key === null) return;
      const head = openHead(context, key);
      const stored = await findLife(context, transaction, key, head);
      // One that was put back, or of before this server has been restored: it begins anew.
      if (stored.record === null) return beginLife(means, transaction, key, stored);
      // Once a day, unless somebody was warned: whoever uses a key all day has nothing written for it.
      const { counted, warned } = silenceNow(counter, stored.record);
      if (isHeard && (counted >= HEARD_EVERY_SECONDS || warned !== 'nothing'))
        return beginLife(means, transaction, key, stored);
      if (stored.record.silence.case !== null) watch(means, { owner, keyId });
      const { silence: rule } = head.policy;
      const next = rule === undefined ? null : await goOn(context, transaction, counter, stored.record, rule);
      if (next === null) return;
      if (next.silence.warned !== stored.record.silence.warned)
        await warn(means, transaction, key, head, next);
      await storeLife(context, transaction, key, stored.row, next);
    }),
  );
}

function watch({ watched }: LifeMeans, row: Pick<LifeRow, 'owner' | 'keyId'>): void {
  const name = encodeHex(row.owner);
  watched.set(name, [...(watched.get(name) ?? []), row]);
}

/** What is to be stored by now; null: nothing new. */
async function goOn(
  { clock }: Pick<ServerContext, 'clock'>,
  transaction: Transaction,
  counter: Counter,
  record: LifeRecord,
  rule: SilenceRule,
): Promise<LifeRecord | null> {
  const waited = countOn(record.waited, counter);
  const now = silenceNow(counter, record);
  const due = warningDue(now, rule);
  if (due !== null) return { ...record, waited, silence: warnedOf(now, due), warnedAt: clock() };
  const silence = await toldByNow(transaction, now, record);
  const isNew = waited !== record.waited || isNoticed(silence, record.silence);
  return isNew ? { ...record, waited, silence } : null;
}

function isNoticed(one: Silence, other: Silence): boolean {
  return one.noticeFrom !== other.noticeFrom || one.case?.from !== other.case?.from;
}

/** An entry of the log, of which the operator is told as of whatever is told to him. */
async function warn(
  { context: { audit }, tellOwner }: LifeMeans,
  transaction: Transaction,
  { owner, keyId }: KeyRow,
  { policy, suite, purpose }: KeyHead,
  { silence: { warned } }: LifeRecord,
): Promise<void> {
  await tellOwner(transaction, owner, 'silent');
  await audit.append(transaction, {
    deed: 'silence.warn',
    who: owner,
    keyId,
    subject: null,
    sentence: `The owner of a key has given no sign of life for ${warned === 'half' ? 'half' : 'nine tenths'} of ${afterText(policy)}.`,
    verdict: 'done',
    policy: '',
    detail: `${suite} for ${purpose}`,
  });
}

function afterText({ silence }: KeyTerms): string {
  if (silence === undefined) return 'the time';
  const heirs = silence.grants.map(({ who }) => who).join(', ');
  return `the ${formatSpan(silence.afterSeconds)} after which ${heirs} may ask for it`;
}
