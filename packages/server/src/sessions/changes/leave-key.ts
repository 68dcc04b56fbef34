import type { Parameters, Result } from '@ckm/api';
import { concatBytes, encodeHex, equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  verifyChain,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { Reader, Transaction } from '../../storage/storage.js';
import { epochsOfChain, readCertificates, storePublicEpoch } from '../keys/past-epochs.js';
import { marksOf, noteMarks, openHead } from '../keys/stored-key.js';
import { costOfCertificate } from '../session-cost.js';
import { keyForked } from '../keys/over.js';
import { ACKNOWLEDGEMENT_MS, isHeld } from './acknowledged.js';
import { epochDiffers, isOfRoster, type StoredHead } from './deciding.js';
import type { ChangeMeans } from './means.js';

type Shown = Parameters<'change.leave'>;

/**
 * Takes in that this server is no longer among the servers of a key: by the certificates of all epochs since its own, of which it could
 * open no share, since what it kept for them is in no backup. From then on it is as one that was removed in the last of them, and may be
 * added again, and it goes only when enough servers of that epoch have acknowledged it. Its share stays until it is retired.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED`, `KEY_EPOCH_DIFFERS`, `ACKNOWLEDGEMENTS_TOO_FEW`,
 * `CHANGE_SHARE_LOST` where it is among them still; as `verifyChain`
 */
export async function leaveKey(
  means: ChangeMeans,
  call: Call,
  { keyId, certificates: shown, acknowledgements = [] }: Shown,
): Promise<Result<'change.leave'>> {
  const { context, charge } = means;
  const owner = call.account.xid;
  const { known, before, left } = await context.storage.read(async (reader) => {
    const before = await findInUse(context, reader, { owner, keyId });
    const { left } = before.head;
    if (left !== undefined) return { known: [], before, left };
    return { known: await readCertificates(context, reader, before.row, before.row.epoch), before, left };
  });
  if (left !== undefined) return { epoch: left.epoch };
  const chain = [...known, ...shown];
  charge(
    call.account,
    costOfCertificate(concatBytes(...chain)) + acknowledgements.length * ACKNOWLEDGEMENT_MS,
  );
  const [first, ...changes] = chain;
  const newest = verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes).at(
    -1,
  )!;
  demand(!isOfRoster(context, newest.params.roster), 'CHANGE_SHARE_LOST', STILL_AMONG);
  demand(isHeld(newest, acknowledgements, null), 'ACKNOWLEDGEMENTS_TOO_FEW', NOT_HELD);
  await repeatWhenRaced(() =>
    call.transact((transaction) => store(context, transaction, { before, chain, newest })),
  );
  return { epoch: newest.params.epoch };
}

const NOT_HELD = 'too few servers of the next epoch have acknowledged it for it to be used';
const STILL_AMONG = 'this server is among the servers of the newest epoch that it was shown';

interface Leaving {
  /** As it was when the chain was checked against it. */
  readonly before: StoredHead;
  readonly chain: readonly Uint8Array[];
  readonly newest: CertifiedEpoch;
}

async function store(
  context: ServerContext,
  transaction: Transaction,
  { before, chain, newest: { params, transcriptHash } }: Leaving,
): Promise<void> {
  const { owner, keyId } = before.row;
  await transaction.keys.hold(owner, keyId);
  const { row, head } = await findInUse(context, transaction, before.row);
  if (head.left !== undefined) return;
  const isSame = equalBytes(head.certified!.transcriptHash, before.head.certified!.transcriptHash);
  if (!isSame) throw epochDiffers(row.epoch, before.row.epoch);
  const { epoch } = params;
  const { decided: _decided, ...kept } = marksOf(head);
  await noteMarks(context, transaction, row, { ...kept, left: { epoch, transcriptHash } });
  for (const [number, past] of epochsOfChain(chain).entries()) {
    if (number > row.epoch) await storePublicEpoch(context, transaction, { owner, keyId }, number, past);
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
