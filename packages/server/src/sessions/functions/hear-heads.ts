import {
  headStatement,
  type KeyHeadStatement,
  type KeyTerms,
  type Parameters,
  parseHead,
  type Result,
  verifyIdentityStatement,
  versionOf,
  type WindowCount,
} from '@ckm/api';
import { encodeHex, EncodingError, equalBytes, formatMoment, formatSpan } from '@ckm/foundation';
import { type KeyParams, parseKeyParams } from '@ckm/threshold';
import type { Call, ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { epochDiffers } from '../changes/deciding.js';
import { recallHead } from '../changes/votes/forget-votes.js';
import { nameOf } from '../keys/counts/earlier-rosters.js';
import {
  type CountsAsked,
  countsAsked,
  hearCounts,
  type Told,
  withTold,
} from '../keys/counts/others-counts.js';
import { transcriptHashOf } from '../keys/past-epochs.js';
import { marksOf, openHead } from '../keys/stored/key-head.js';
import { noteMarks, noteTightened } from '../keys/stored/note-marks.js';
import { readEpoch } from '../keys/stored/read-key.js';
import { type Certified, findCertified } from './certified-key.js';

/**
 * Takes in what others say of how far a key is, each of them about this server's own question: from then on it is used here again. So it is with
 * how often they used it, and whether its owner has frozen it.
 * @throws as {@link sayHead}; StateError `KEY_EPOCH_DIFFERS` where too few agree and one is further: its certificates are to be brought first;
 * `HEADS_TOO_FEW`, and where nothing else is asked `COUNTS_TOO_FEW`, with the slots that are missing
 */
export async function hearHeads(
  context: ServerContext,
  call: Call,
  { keyId, heads }: Parameters<'key.heads'>,
): Promise<Result<'key.heads'>> {
  const owner = call.account.xid;
  await recallHead(context, { owner, keyId });
  return call.transact(async (transaction) => {
    await transaction.keys.hold(owner, keyId);
    const found = await findCertified(transaction, context, { owner, keyId });
    const { row, head } = found;
    const { transcriptHash } = head.certified!;
    const known = { epoch: row.epoch, transcriptHash };
    const { asks, counting } = head;
    const asked = await countsAsked(context, transaction, found);
    if (asks === undefined && asked === null) return known;
    const params = parseKeyParams((await readEpoch(context, transaction, row, head)).parameters);
    const nonce = asks ?? counting!.nonce;
    const rosters = [params, ...(asked?.rosters ?? [])];
    const heard = listen(context, { keyId, nonce, rosters }, heads);
    if (asks !== undefined) assertHeard(context, params, { transcriptHash, terms: head.policy }, heard);
    const told =
      asked === null
        ? []
        : hear(
            context,
            asked,
            await ofItsChain(context, transaction, found, heard),
            row.epoch,
            asks === undefined,
          );
    const { asks: _asks, ...marks } = marksOf(head);
    const counted = asked === null ? {} : { counting: withTold(counting!, told, context.clock()) };
    const written = await noteMarks(context, transaction, row, { ...marks, ...counted });
    const frozenUntil = await takeFreezes(context, transaction, written, params, heard);
    await context.audit.append(transaction, {
      deed: 'key.heads',
      who: owner,
      keyId,
      subject: transcriptHash,
      sentence:
        asks === undefined
          ? `Count on for a key (${params.suite}) for ${params.purpose}: others say how often it was used.`
          : `Use a key (${params.suite}) for ${params.purpose} again: others say that epoch ${row.epoch} is its newest.`,
      verdict: 'done',
      policy: '',
      detail: describeHeard([...heard.values()], transcriptHash, told, frozenUntil),
    });
    return known;
  });
}

/**
 * Others of its epoch say that its owner has frozen the key: it is frozen here too, on the word of each of them, since no more of them than one may
 * have heard of it. Who says so of nothing has it stopped for as long as its owner may, at most, and this operator thaws it.
 * @returns until when, where that is new here; null: it is not
 */
async function takeFreezes(
  context: ServerContext,
  transaction: Transaction,
  row: KeyRow,
  { roster }: KeyParams,
  heard: ReadonlyMap<string, Said>,
): Promise<number | null> {
  const said = roster.flatMap((entry) => heard.get(nameOf(entry))?.frozen ?? []);
  if (said.length === 0) return null;
  const { owner, keyId } = row;
  const key = { owner, keyId, tightened: openHead(context, row).tightened };
  const stored = await context.policy.hearFreezes(transaction, key, said, context.clock());
  if (stored === null) return null;
  await noteTightened(context, transaction, row, stored);
  return stored.frozen?.until ?? null;
}

type Used = Omit<WindowCount, 'from'>;

/** Also how often each of them says that it was used, and that it is frozen: the operator sees who says too much. */
function describeHeard(
  heard: readonly Said[],
  transcriptHash: Uint8Array,
  told: readonly Told[],
  frozenUntil: number | null,
): string {
  const inWords = ({ count, most }: Used) =>
    count === null ? 'unknown' : count < most ? `${count}` : `${count} or more`;
  const inSpans = (counts: readonly Used[]) =>
    counts.map(
      (one) => `${inWords(one)}${one.of === undefined ? '' : ` of ${one.of}`} in ${formatSpan(one.within)}`,
    );
  const frozen = (until: number) => `frozen until ${formatMoment(until)}`;
  const slots = heard.map(({ slot, counts = [], frozen: its }) => {
    const stops = frozenUntil === null || its === undefined ? [] : [frozen(its.until)];
    const said = [...(told.length === 0 ? [] : inSpans(counts)), ...stops];
    return said.length === 0 ? `${slot}` : `${slot} (${said.join(', ')})`;
  });
  const before = `slots ${slots.join(' ')}, transcript ${encodeHex(transcriptHash).slice(0, 8)}`;
  return [before, ...inSpans(told), ...(frozenUntil === null ? [] : [frozen(frozenUntil)])].join(', ');
}

/** What one of them says, and by which slot of its epoch it was shown. */
type Said = KeyHeadStatement & { readonly slot: number };

/** What servers of these rosters say in answer to this server, by identity key; whatever else is shown says nothing. */
function listen(
  { identity }: Pick<ServerContext, 'identity'>,
  asking: { readonly keyId: Uint8Array; readonly nonce: Uint8Array; readonly rosters: readonly KeyParams[] },
  heads: Parameters<'key.heads'>['heads'],
): ReadonlyMap<string, Said> {
  const heard = new Map<string, Said>();
  const [own] = asking.rosters;
  for (const { slot, epoch = own!.epoch, head, signature } of heads) {
    const params = asking.rosters.find((one) => one.epoch === epoch);
    const entry = params?.roster.find((one) => one.slot === slot);
    if (entry === undefined || equalBytes(entry.serverId, identity.xid)) continue;
    if (!verifyIdentityStatement(entry.identityKey, headStatement(head), signature)) continue;
    const said = parseIfWhole(head);
    if (said === null) continue;
    const isIts = equalBytes(said.keyId, asking.keyId) && equalBytes(said.nonce, asking.nonce);
    if (isIts) heard.set(nameOf(entry), { ...said, slot });
  }
  return heard;
}

/** A statement that cannot be read says nothing, whoever signed it: else one of the others could keep this server from use. */
function parseIfWhole(head: Uint8Array): KeyHeadStatement | null {
  try {
    return parseHead(head);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** Enough others that no quorum can have gone on without one of them, or all, if there are fewer. */
function assertHeard(
  { identity }: Pick<ServerContext, 'identity'>,
  params: KeyParams,
  known: { readonly transcriptHash: Uint8Array; readonly terms: KeyTerms },
  said: ReadonlyMap<string, KeyHeadStatement>,
): void {
  const version = versionOf(known.terms);
  const { needed, of } = params.quorum;
  const others = params.roster.filter(({ serverId }) => !equalBytes(serverId, identity.xid));
  const heard = others.filter((one) => {
    const its = said.get(nameOf(one));
    if (its === undefined || !its.isSure || (its.terms?.version ?? 0) > version) return false;
    return equalBytes(its.transcriptHash, known.transcriptHash);
  });
  const later = Math.max(params.epoch, ...others.map((one) => said.get(nameOf(one))?.epoch ?? 0));
  const enough = Math.min(of - needed + 1, others.length);
  // One that names a later epoch proves nothing by it: a liar could keep this server from use for ever.
  if (heard.length >= enough) return;
  if (later > params.epoch) throw epochDiffers(params.epoch, later);
  const laterTerms = Math.max(...others.map((one) => said.get(nameOf(one))?.terms?.version ?? 0));
  if (laterTerms > version) throw termsBehind(version, laterTerms);
  const slots = others.filter((one) => !heard.includes(one)).map(({ slot }) => slot);
  throw refusal(
    'HEADS_TOO_FEW',
    `${heard.length} other servers have said how far the key is; ${enough} are needed`,
    {
      needed: enough,
      slots: slots.join(', '),
    },
  );
}

/** By terms of before nothing is used: they may let in what those since do not (L8). */
function termsBehind(version: number, later: number) {
  return refusal(
    'TERMS_BEHIND',
    `others have terms ${later} of the key in force, and this server terms ${version}`,
    {
      version,
      later,
    },
  );
}

/** Who is sure of an epoch of the chain that is stored here: whoever has met none of its certificates may still sign in an epoch that is over. */
async function ofItsChain(
  context: ServerContext,
  reader: Reader,
  { row, head }: Certified,
  heard: ReadonlyMap<string, KeyHeadStatement>,
): Promise<ReadonlyMap<string, KeyHeadStatement>> {
  const known = new Map<string, KeyHeadStatement>();
  for (const [name, said] of heard) {
    if (!said.isSure || said.epoch > row.epoch) continue;
    const transcriptHash = await transcriptHashOf(context, reader, row, head, said.epoch);
    if (equalBytes(said.transcriptHash, transcriptHash)) known.set(name, said);
  }
  return known;
}

/**
 * How often others say that the key was used.
 * @param isAll whether nothing else was asked: then it is refused to hear too few
 */
function hear(
  { identity }: Pick<ServerContext, 'identity'>,
  asked: CountsAsked,
  heard: ReadonlyMap<string, KeyHeadStatement>,
  epoch: number,
  isAll: boolean,
): readonly Told[] {
  const self = identity.publicKeys.signing.bytes;
  const { told, missing, needed } = hearCounts(asked, heard, { epoch, self });
  // How much was let in people may stand for: nobody waits for others who cannot tell.
  if (told.length > 0 || !isAll || asked.windows.every(({ of }) => of !== undefined)) return told;
  throw refusal(
    'COUNTS_TOO_FEW',
    `too few other servers have said how often the key was used: ${needed} are needed`,
    { needed, slots: missing.join(', ') },
  );
}
