import {
  encodeTerms,
  type KeyTerms,
  type ListedMatter,
  MAX_LISTED_MATTERS,
  MAX_VOTES,
  type Parameters,
  parseTerms,
  type Result,
  type ShownMatter,
} from '@ckm/api';
import { compareBytes, equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { ServerContext } from '../context.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import type { KeyEpoch } from '../sessions/keys/stored/read-key.js';
import type { AskedRow, MatterName, MatterRow, Reader } from '../storage/storage.js';
import { openRecord } from '../vault/sealed-record.js';
import { matterUnknown } from './codes.js';
import { type AskedName, findAsked, ownersOf } from './find-asked.js';
import { matterUnder, openMatter, payloadOf, type StoredMatter } from './matter.js';
import { votesIn } from './store-vote.js';

/** Answers `approval.list`: whom nothing waits for has an empty page. */
export function listMatters(
  context: ServerContext,
  approver: Uint8Array,
  { after, of }: Parameters<'approval.list'>,
): Promise<Result<'approval.list'>> {
  return context.storage.read(async (reader) => {
    const most = MAX_LISTED_MATTERS + 1;
    const rows =
      of === undefined
        ? await reader.asked.list(approver, after, most)
        : await listOf(context, reader, approver, of, after, most);
    const page = pageOf(rows);
    const matters: ListedMatter[] = [];
    for (const row of page) {
      const one = await listed(context, reader, row);
      if (one !== null) matters.push(one);
    }
    return { matters, next: rows.length > page.length ? page.at(-1)!.matterId : null };
  });
}

/** Of one key: what accounts ask that have another one under its id is none of it. */
async function listOf(
  context: Pick<ServerContext, 'vault' | 'events'>,
  reader: Reader,
  approver: Uint8Array,
  { keyId, known }: NonNullable<Parameters<'approval.list'>['of']>,
  after: Uint8Array | null,
  limit: number,
): Promise<readonly AskedRow[]> {
  const rows: AskedRow[] = [];
  for (const owner of await ownersOf(context, reader, keyId, known))
    rows.push(...(await reader.asked.listOf(approver, { owner, keyId }, after, limit)));
  return rows.toSorted((a, b) => compareBytes(a.matterId, b.matterId)).slice(0, limit);
}

/** As many as a page holds; those of one id are not torn apart, since the next page begins behind it. */
function pageOf(rows: readonly AskedRow[]): readonly AskedRow[] {
  const beyond = rows[MAX_LISTED_MATTERS];
  if (beyond === undefined) return rows;
  const whole = rows.slice(0, MAX_LISTED_MATTERS).filter((row) => !equalBytes(row.matterId, beyond.matterId));
  return whole.length === 0 ? rows.slice(0, MAX_LISTED_MATTERS) : whole;
}

async function listed(context: ServerContext, reader: Reader, row: AskedRow): Promise<ListedMatter | null> {
  const found = await findWaiting(context, reader, row);
  if (found === null) return null;
  const { ballot } = matterUnder(found.matter, found.terms);
  const said = (await votesIn(context, reader, row)).find((one) =>
    equalBytes(one.row.approver, row.approver),
  );
  const { verdict, serial } = said?.vote.statement ?? {};
  return {
    ...ballot,
    createdAt: found.matter.row.createdAt,
    said: verdict === undefined || serial === undefined ? null : { verdict, serial },
  };
}

/** A matter about which people are asked, and the terms by whose rule they are; null: it is over, or the key is gone. */
function findWaiting(
  context: Pick<ServerContext, 'clock' | 'vault'>,
  reader: Reader,
  name: MatterName,
): ReturnType<typeof findStored> {
  return findStored(context, reader, name, { isResting: false });
}

/**
 * The same, and where that is wanted of one that rests: nobody is asked now, and the same may be asked again. Where something was done by
 * what they said that is final.
 */
export async function findStored(
  context: Pick<ServerContext, 'clock' | 'vault'>,
  reader: Reader,
  name: MatterName,
  { isResting }: { readonly isResting: boolean },
): Promise<{ readonly matter: StoredMatter; readonly terms: KeyTerms } | null> {
  const row = await reader.matters.find(name);
  if (row === null || row.expiresAt <= context.clock()) return null;
  if (!row.waiting && !isResting) return null;
  const key = await reader.keys.find(row.owner, row.keyId);
  if (key === null) return null;
  const matter = openMatter(context, row);
  if (matter.record.isReleased === true) return null;
  const { under } = matter.record;
  const terms = under === undefined ? openHead(context, key).policy : parseTerms(under, REQUEST_FACTS);
  return { matter, terms };
}

/** Answers `approval.show`. @throws StateError `MATTER_UNKNOWN`: whether it is not there or somebody else is asked, nobody learns */
export function showMatter(
  context: ServerContext,
  approver: Uint8Array,
  { matter, matterId, keyId, known }: Parameters<'approval.show'>,
): Promise<ShownMatter> {
  return context.storage.read(async (reader) => {
    for (const name of await findAsked(
      context,
      reader,
      approver,
      { matter, matterId, keyId, known },
      false,
    )) {
      const shown = await shownMatter(context, reader, { ...name, approver }, keyId, known);
      if (shown !== null) return shown;
    }
    throw matterUnknown();
  });
}

async function shownMatter(
  context: ServerContext,
  reader: Reader,
  name: AskedName,
  keyId: Uint8Array,
  known: Uint8Array | null,
): Promise<ShownMatter | null> {
  const found = await findWaiting(context, reader, name);
  if (found === null || !equalBytes(found.matter.row.keyId, keyId)) return null;
  const { row, record } = found.matter;
  const key = await reader.keys.find(row.owner, keyId);
  const payload = await payloadOf(context, reader, found.matter);
  if (key === null || payload === null) return null;
  const head = openHead(context, key);
  if (head.certified === null) return null;
  const { transcriptHash } = head.certified;
  const isKnown = known !== null && equalBytes(known, head.first ?? transcriptHash);
  const { ballot } = matterUnder(found.matter, found.terms);
  const votes = await votesIn(context, reader, name);
  return {
    ...ballot,
    createdAt: row.createdAt,
    payload,
    terms: encodeTerms(found.terms),
    epoch: key.epoch,
    transcriptHash,
    certificate: isKnown ? null : await firstCertificate(context, reader, row),
    sentence: record.sentence,
    votes: votes.slice(0, MAX_VOTES).map(({ bytes }) => bytes),
  };
}

/** What a key is stays the same through all its epochs: the first certificate says it. Null: this server never had it. */
async function firstCertificate(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: Pick<MatterRow, 'owner' | 'keyId'>,
): Promise<Uint8Array | null> {
  const row = await reader.epochs.find(owner, keyId, 0);
  return row === null ? null : openRecord<KeyEpoch>(context.vault, 'key_epochs', row).certificate;
}
