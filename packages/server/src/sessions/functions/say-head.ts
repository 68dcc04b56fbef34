import {
  encodeHead,
  headStatement,
  type KeyHeadStatement,
  type Parameters,
  type Result,
  signIdentityStatement,
} from '@ckm/api';
import type { Call, ServerContext } from '../../context.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { Reader, Transaction } from '../../storage/storage.js';
import type { KeyName } from '../../vault/head-counts.js';
import { recallHead } from '../changes/forget-votes.js';
import { type CountsAsked, countsAsked, countsFor } from '../keys/others-counts.js';
import { type KeyHead, marksOf, noteMarks } from '../keys/stored-key.js';
import { type Certified, findCertified } from './certified-key.js';

/**
 * Says how far a key is here, for whoever drew the nonce, and how often it was used where that is asked.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED`
 */
export async function sayHead(
  context: ServerContext,
  call: Call,
  { keyId, nonce, within = [] }: Parameters<'key.head'>,
): Promise<Result<'key.head'>> {
  const owner = call.account.xid;
  await recallHead(context, { owner, keyId });
  const { row, head, counts, asked } = await repeatWhenRaced(() =>
    within.length === 0
      ? context.storage.read((reader) => readToSay(context, reader, { owner, keyId }))
      : call.transact((transaction) => countToSay(context, transaction, { owner, keyId }, within)),
  );
  const { epoch, transcriptHash } = head.left ?? { epoch: row.epoch, ...head.certified! };
  const isSure = head.asks === undefined;
  const bytes = encodeHead({
    keyId,
    epoch,
    transcriptHash,
    nonce,
    isSure,
    ...(counts === null ? {} : { counts }),
  });
  const signature = signIdentityStatement(context.identity, headStatement(bytes));
  return { head: bytes, signature, ...questionOf(head, asked) };
}

/** What this server asks others itself. */
function questionOf(
  { asks, counting }: KeyHead,
  asked: CountsAsked | null,
): Pick<Result<'key.head'>, 'asks' | 'within' | 'rosters'> {
  if (asked === null) return { asks: asks ?? null, within: [], rosters: [] };
  const rosters = asked.rosters.map(({ epoch }) => epoch);
  return { asks: asks ?? counting!.nonce, within: [...asked.within], rosters };
}

/** What is said of a key, as it is stored. */
interface ToSay extends Certified {
  readonly counts: HeadCounts | null;
  readonly asked: CountsAsked | null;
}
type HeadCounts = NonNullable<KeyHeadStatement['counts']>;

async function readToSay(context: ServerContext, reader: Reader, name: KeyName): Promise<ToSay> {
  const found = await findCertified(reader, context, name);
  return { ...found, counts: null, asked: await countsAsked(context, reader, found) };
}

/**
 * Counts, and voids what was published of nonces: what another server has given out for it and forgotten is of use to nobody then, unless it
 * was counted here.
 */
async function countToSay(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  within: readonly number[],
): Promise<ToSay> {
  await transaction.keys.hold(name.owner, name.keyId);
  const said = await readToSay(context, transaction, name);
  const { row, head } = said;
  const counts = await countsFor(context, transaction, said, within);
  const voided = (head.voided ?? 0) + 1;
  await noteMarks(context, transaction, row, { ...marksOf(head), voided });
  return { ...said, counts };
}
