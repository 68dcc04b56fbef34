import type { Parameters, Result } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { type ChangeCertificate, encodeKeyParams, parseChangeCertificate } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import { rowChanged } from '../../../storage/codes.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { keyForked } from '../../keys/over.js';
import { storePublicEpoch } from '../../keys/past-epochs.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import { marksOf, openHead } from '../../keys/stored/key-head.js';
import { noteMarks } from '../../keys/stored/note-marks.js';
import { ACKNOWLEDGEMENT_MS, isHeld } from '../chain/acknowledged.js';
import { type CheckedChain, checkChain } from '../chain/check-chain.js';
import { type DecidingScope, epochDiffers, isOfRoster, type StoredHead } from '../deciding.js';
import { isSameChange, noteFork } from '../forks/fork.js';
import type { ChangeMeans } from '../means.js';
import { readDecided } from '../chain/show-chain.js';
import { ledTo, takeShown } from '../chain/shown-epochs.js';

type Shown = Parameters<'change.leave'>;

/**
 * Takes in that this server is no longer among the servers of a key: by the certificates of all epochs since its own (or those behind what it
 * was shown in pages), of which it could open no share, since what it kept for them is in no backup. From then on it is as one that was removed
 * in the last of them, and may be added again, and it goes only when enough servers of that epoch have acknowledged it. Its share stays until
 * it is retired.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED`, `KEY_EPOCH_DIFFERS`, `ACKNOWLEDGEMENTS_TOO_FEW`,
 * `CHANGE_SHARE_LOST` where it is among them still; as `checkChain`
 */
export async function leaveKey(
  means: ChangeMeans,
  call: Call,
  { keyId, certificates: shown, acknowledgements = [] }: Shown,
): Promise<Result<'change.leave'>> {
  const { context, charge } = means;
  const owner = call.account.xid;
  const before = await context.storage.read((reader) => findInUse(context, reader, { owner, keyId }));
  const { left } = before.head;
  if (left !== undefined) return { epoch: left.epoch };
  charge(call.account, acknowledgements.length * ACKNOWLEDGEMENT_MS);
  demand(shown.length > 0, 'CHANGE_SHARE_LOST', STILL_AMONG);
  const chain = await checkChain(means, call, keyId, shown);
  const { newest } = chain;
  demand(!isOfRoster(context, newest.params.roster), 'CHANGE_SHARE_LOST', STILL_AMONG);
  demand(chain.base?.isOwn === true, 'CERTIFICATE_OF_ANOTHER_KEY', NOT_OF_OWN);
  demand(isHeld(newest, acknowledgements, null), 'ACKNOWLEDGEMENTS_TOO_FEW', NOT_HELD);
  const scope = { owner, keyId, epoch: before.row.epoch };
  const bytes = await context.storage.read((reader) => followingIn(context, reader, before, chain));
  const following = { bytes, certificate: parseChangeCertificate(bytes) };
  const isOther = await context.storage.read((reader) => keepsAnother(context, reader, scope, following));
  if (isOther) throw await noteFork(means, call, scope, following);
  await repeatWhenRaced(() =>
    call.transact((transaction) => store(context, transaction, { before, chain, following })),
  );
  return { epoch: newest.params.epoch };
}

const NOT_HELD = 'too few servers of the next epoch have acknowledged it for it to be used';
const STILL_AMONG = 'this server is among the servers of the newest epoch that it was shown';
const NOT_OF_OWN = 'the certificates do not follow on the epoch that this server is in';

/** The certificate of the epoch behind the one in use: the first of the chain, or of what was shown before it. */
async function followingIn(
  context: ServerContext,
  reader: Reader,
  own: StoredHead,
  { base, links }: CheckedChain,
): Promise<Uint8Array> {
  let first = links[0]!.certificate;
  for await (const { shown, certificate } of ledTo(context, reader, own.row, own, base!.name)) {
    if (shown === null) break;
    first = certificate;
  }
  return first;
}

interface Leaving {
  /** As it was when the chain was checked against it. */
  readonly before: StoredHead;
  readonly chain: CheckedChain;
  readonly following: Following;
}

/** The certificate of the epoch behind the one in use. */
interface Following {
  readonly bytes: Uint8Array;
  readonly certificate: ChangeCertificate;
}

/** Whether this server keeps another certificate of that epoch, of which it may have said that it has its share. */
async function keepsAnother(
  context: ServerContext,
  reader: Reader,
  scope: DecidingScope,
  { certificate }: Following,
): Promise<boolean> {
  const decided = await readDecided(context, reader, scope);
  return decided !== null && !isSameChange(parseChangeCertificate(decided), certificate);
}

async function store(
  context: ServerContext,
  transaction: Transaction,
  { before, chain, following }: Leaving,
): Promise<void> {
  const { params, transcriptHash } = chain.newest;
  const { owner, keyId } = before.row;
  await transaction.keys.hold(owner, keyId);
  const { row, head } = await findInUse(context, transaction, before.row);
  if (head.left !== undefined) return;
  const isSame = equalBytes(head.certified!.transcriptHash, before.head.certified!.transcriptHash);
  if (!isSame) throw epochDiffers(row.epoch, before.row.epoch);
  const scope = { owner, keyId, epoch: row.epoch };
  if (await keepsAnother(context, transaction, scope, following)) throw rowChanged('changes');
  const { epoch } = params;
  const { decided: _decided, ...kept } = marksOf(head);
  await noteMarks(context, transaction, row, { ...kept, left: { epoch, transcriptHash } });
  await takeShown(context, transaction, { owner, keyId }, before, chain.base!.name);
  for (const { certificate, epoch: passed } of chain.links) {
    const past = { parameters: encodeKeyParams(passed.params), certificate, proved: provedBy(passed) };
    await storePublicEpoch(context, transaction, { owner, keyId }, passed.params.epoch, past);
  }
  await context.audit.append(transaction, {
    deed: 'change.leave',
    who: owner,
    keyId,
    subject: transcriptHash,
    sentence: `This server is not among the servers of a key (${params.suite}) for ${params.purpose} since epoch ${epoch}.`,
    verdict: 'done',
    policy: '',
    detail: `transcript ${encodeHex(transcriptHash).slice(0, 8)}`,
  });
}

async function findInUse(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: { readonly owner: Uint8Array; readonly keyId: Uint8Array },
): Promise<StoredHead> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const head = openHead(context, row);
  if (head.forked !== undefined) throw keyForked(head.forked);
  demand(head.certified !== null, 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  return { row, head };
}
