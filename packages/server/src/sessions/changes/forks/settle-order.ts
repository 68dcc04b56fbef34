import { CANCELLED_BY_OWNER, signIdentityStatement, type Parameters, type SettlementView } from '@ckm/api';
import { CkmError, equalBytes, wipe } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  type ChangeCertificate,
  encodeStatement,
  parseChangeCertificate,
  type PartyIndex,
  readinessStatement,
  type Statement,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { isShareHere } from '../../keys/stored/read-key.js';
import { waitFrom } from '../../waiting-time.js';
import type { Settling } from '../change-record.js';
import { type DecidingScope, ownEntry, settledOtherwise } from '../deciding.js';
import { askAboutSettling, restSettling } from './asked-people.js';
import { checkEvidence, enoughReady, type Evidence } from './evidence.js';
import { isSameChange } from './fork.js';
import {
  type ForkedKey,
  isBoundTo,
  isOvertaken,
  isStoppedIn,
  judgeSettling,
  readForked,
  settledName,
  settlingIn,
  writeForked,
} from './forked-key.js';
import { COUNTED_OF_WEIGHTY } from '../guards.js';
import type { ChangeMeans } from '../means.js';
import { takeOwnShare } from '../own-share.js';
import { refusedOrders } from './settle-refused.js';
import { signSettling } from './settle-votes.js';
import { encodeLocked } from '../votes/statements.js';

type Asked = Parameters<'fork.settle'>;

/** Verifying one acknowledgement, in milliseconds of one core. */
const ACKNOWLEDGEMENT_MS = 0.2;

/**
 * Takes in which of several certificates of one epoch its owner wants to count, or shows how far this server has come with that. Whoever has
 * not seen them both stops the key. The order waits by the rules of a change of who holds the key; another choice begins anew.
 * @param asked `acknowledgements`: what servers of the epoch that is to count have answered to the same question
 * @throws as {@link checkEvidence}; StateError `CHANGE_SETTLED`
 */
export async function proposeSettlement(
  means: ChangeMeans,
  call: Call,
  { keyId, epoch, certificates, acknowledgements }: Asked,
): Promise<SettlementView> {
  const { context, charge } = means;
  const scope = { owner: call.account.xid, keyId, epoch };
  const evidence = await checkEvidence(means, call, scope, certificates);
  charge(call.account, acknowledgements.length * ACKNOWLEDGEMENT_MS);
  const areReady = enoughReady(evidence, acknowledgements);
  await repeatWhenRaced(() =>
    call.transact((transaction) => storeOrder(means, transaction, scope, { evidence, areReady })),
  );
  return context.storage.read((reader) => viewSettlement(means, reader, scope, evidence));
}

interface Ordered {
  readonly evidence: Evidence;
  readonly areReady: boolean;
  /** Whether votes for it were shown to a server that would destroy by them what it uses. */
  readonly isShown?: boolean;
}

/** Stores an order to settle, unless it is here, was refused, or is settled. @throws StateError `CHANGE_SETTLED` */
export async function storeOrder(
  means: ChangeMeans,
  transaction: Transaction,
  scope: DecidingScope,
  { evidence, areReady, isShown: isNowShown = false }: Ordered,
): Promise<void> {
  const { context } = means;
  const { owner, keyId, epoch } = scope;
  await transaction.keys.hold(owner, keyId);
  const forked = await readForked(context, transaction, scope);
  const { record } = forked;
  const { settling } = record;
  const { hash, certificates, names, twice } = evidence;
  const known = settledName(forked);
  if (known !== null && !equalBytes(known, names[0]!)) throw settledOtherwise();
  // Also where the votes are gone, as after a restore: nobody is asked once more, and nothing stops for what is known.
  if (known !== null) return;
  const votedOn = isNowShown ? { hash, isStoppedIn: isStoppedIn(forked) } : null;
  const refused = refusedOrders(settling, context.clock(), votedOn);
  if (refused.some((one) => equalBytes(one.hash, hash))) return;
  if (isNowShown && (await isAnotherOpen(means, transaction, forked))) return;
  const isOpen =
    settling !== null &&
    equalBytes(settling.hash, hash) &&
    judgeSettling(means.counting(), forked).verdict !== 'over';
  const isShown = isNowShown || (isOpen && settling.isShown === true);
  const isAsBefore = isOpen && (settling.areReady || !areReady) && (settling.isShown === true) === isShown;
  const lasts = COUNTED_OF_WEIGHTY;
  if (isAsBefore) {
    // Under terms that have changed meanwhile others may be asked.
    const sentence = sentenceOfSettling(settling);
    return askAboutSettling(context, transaction, forked, settling, { sentence, lasts });
  }
  const fresh = { operator: null, over: null, waited: waitFrom(means.counting(), COUNTED_OF_WEIGHTY) };
  const { operator: said, over, waited } = isOpen ? settling : fresh;
  // What the operator said before he was told that this server goes back is no yes to that, unless it has voted on his word.
  const isSaid = isOpen && ((settling.isShown === true) === isShown || isBoundTo(settling, names[0]!));
  const operator = isSaid ? said : null;
  const member = settling?.member ?? null;
  const order: Settling = {
    hash,
    certificates,
    names,
    twice,
    areReady: areReady || (isShown && isOpen && settling.areReady),
    operator,
    over,
    waited,
    member,
    ...(isShown ? { isShown } : {}),
    ...(refused.length === 0 ? {} : { refused }),
  };
  await writeForked(context, transaction, forked, {
    ...record,
    fork: record.fork ?? certificates[1]!,
    settling: order,
  });
  if (settling !== null && !equalBytes(settling.hash, hash))
    await restSettling(context, transaction, forked, settling);
  await askAboutSettling(context, transaction, forked, order, { sentence: sentenceOfSettling(order), lasts });
  if (isOpen && !isNowShown) return;
  await context.audit.append(transaction, {
    deed: isShown ? 'fork.end' : 'fork.settle',
    who: owner,
    keyId,
    subject: hash,
    sentence: sentenceOfSettling(order),
    verdict: 'asked',
    policy: '',
    detail: `epoch ${epoch + 1}; signed twice: slot ${twice.join(' ')}`,
  });
}

/**
 * Whether an order about another epoch waits at a server that goes on, whose head names one. Votes, which whoever has the owner’s client can show at any time, take
 * its place not: it would begin anew.
 */
async function isAnotherOpen(
  { context, counting }: ChangeMeans,
  reader: Reader,
  forked: ForkedKey,
): Promise<boolean> {
  const { owner, keyId, epoch, head } = forked;
  const { awaits } = head;
  const isOther = awaits !== undefined && awaits.epoch !== epoch;
  if (!isOther || head.forked !== undefined || !isOvertaken(forked)) return false;
  const other = await readForked(context, reader, { owner, keyId, epoch: awaits.epoch });
  return other.record.settling !== null && judgeSettling(counting(), other).verdict !== 'over';
}

/** One sentence for operator and audit log. */
export function sentenceOfSettling({
  certificates,
  member,
  isShown,
}: Pick<Settling, 'certificates' | 'member' | 'isShown'>): string {
  const [counts, ...others] = certificates.map((one) => parseChangeCertificate(one).change.next);
  const { suite, purpose, epoch, quorum } = counts!;
  const dead = others.map((one) => `${one.quorum.needed} of ${one.quorum.of}`).join(' and ');
  const what = `Settle that of ${certificates.length} certificates of epoch ${epoch} of a key (${suite}) for ${purpose} the one with ${quorum.needed} of ${quorum.of} servers counts: what the other (${dead} servers) gave out dies.`;
  if (isShown !== true) return what;
  return `${what} ${GOES_BACK} ${member === null ? STAYS : HAS_VOTED}`;
}

const GOES_BACK =
  'This server has gone on by one that dies: with a yes it destroys its shares of all epochs since, when the votes are shown to it again.';

const STAYS = 'With a no it goes on by that one, and asks no more.';

const HAS_VOTED =
  'It has voted on this, and answers nothing with the key since: with a no it stays stopped, and asks again in a week.';

/** What the owner is shown of it. */
async function viewSettlement(
  means: ChangeMeans,
  reader: Reader,
  scope: DecidingScope,
  evidence: Evidence,
): Promise<SettlementView> {
  const { context } = means;
  const forked = await readForked(context, reader, scope);
  const { settled } = forked.record;
  const acknowledgement = await readyFor(context, reader, forked, evidence);
  const common = { orderHash: evidence.hash, twice: [...evidence.twice], acknowledgement };
  if (settled !== null) {
    const { certificates, promises, yields } = settled;
    const proof = { certificates: [...certificates], promises, yields };
    return { ...common, ...NOTHING_SAID, state: 'done', reason: null, areReady: true, proof };
  }
  if (settledName(forked) !== null)
    return { ...common, ...NOTHING_SAID, state: 'over', reason: VOTES_GONE, areReady: false, proof: null };
  const refused = refusedOrders(forked.record.settling, context.clock());
  const refusal = refused.find(({ hash }) => equalBytes(hash, evidence.hash));
  if (refusal !== undefined)
    return { ...common, ...NOTHING_SAID, state: 'over', reason: refusal.over, areReady: false, proof: null };
  const { verdict, readyAt, asked, reason } = judgeSettling(means.counting(), forked);
  const { member, areReady } = settlingIn(forked);
  const state = verdict === 'passed' ? 'ready' : verdict === 'over' ? 'over' : 'waiting';
  const { promise = null, lock = null, yielded = null, ladder = [], highest = null } = member ?? {};
  const own = [promise, lock, yielded].filter((one): one is NonNullable<typeof one> => one !== null);
  const { before } = evidence;
  const spoken = [
    ...own.map((one: Statement) => signSettling(context, forked, before.transcriptHash, one)),
    ...ladder.map((one) => encodeStatement(one)),
  ];
  const at = evidence.names.findIndex((name) => highest !== null && equalBytes(name, highest.next));
  const locked = encodeLocked(highest, evidence.certificates[at] ?? null);
  const attempt = member?.attempt ?? 0;
  return { ...common, state, readyAt, asked, reason, areReady, attempt, spoken, locked, proof: null };
}

const VOTES_GONE = 'this is settled, and this server has the votes no more: show it what the others have';

const NOTHING_SAID = {
  readyAt: null,
  asked: false,
  attempt: 0,
  spoken: [],
  locked: null,
} satisfies Partial<SettlementView>;

/**
 * Its promise that it has, or can take, its share of the epoch that is to count; null: it has no part in that, or nothing left to open it with.
 */
async function readyFor(
  context: ServerContext,
  reader: Reader,
  forked: ForkedKey,
  { before, parsed, epochs }: Evidence,
): Promise<Uint8Array | null> {
  const [counts] = epochs;
  const own = ownEntry(context, counts!.params);
  if (own === null) return null;
  if (!(await hasOrTakes(context, reader, forked, { before, certificate: parsed[0]!, slot: own.slot })))
    return null;
  const { keyId, epoch } = counts!.params;
  const statement = readinessStatement({
    keyId,
    epoch,
    slot: own.slot,
    transcriptHash: counts!.transcriptHash,
  });
  return signIdentityStatement(context.identity, statement);
}

async function hasOrTakes(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch, row, head, record, newest }: ForkedKey,
  {
    before,
    certificate,
    slot,
  }: {
    readonly before: CertifiedEpoch;
    readonly certificate: ChangeCertificate;
    readonly slot: PartyIndex;
  },
): Promise<boolean> {
  if (newest > epoch) {
    const stored = await readPublicEpoch(context, reader, row, epoch + 1);
    const isIt = isSameChange(parseChangeCertificate(stored.certificate), certificate);
    // In a later epoch behind it its share was retired, and those of that one are what counts.
    if (isIt)
      return row.epoch > epoch + 1 || head.left !== undefined || (await isShareHere(context, reader, row));
  }
  const own = certificate.change.next.roster[slot - 1]!;
  try {
    const { keyShare, seed } = takeOwnShare(
      context,
      { owner, keyId, epoch, before, record, key: { row, head }, former: null },
      certificate,
      own,
    );
    seed.fill(0);
    wipe(keyShare.share);
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return false;
    throw error;
  }
}

/** Takes the order back here. What was said is remembered. @throws StateError `CHANGE_UNKNOWN`; as `readForked` */
export async function cancelSettlement(
  means: ChangeMeans,
  call: Call,
  { keyId, epoch, orderHash }: Parameters<'fork.cancel'>,
): Promise<void> {
  const { context } = means;
  const scope = { owner: call.account.xid, keyId, epoch };
  await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      await transaction.keys.hold(scope.owner, keyId);
      const forked = await readForked(context, transaction, scope);
      const settling = settlingIn(forked, orderHash);
      if (settling.over !== null) return;
      await writeForked(context, transaction, forked, {
        ...forked.record,
        settling: { ...settling, over: CANCELLED_BY_OWNER, overAt: context.clock() },
      });
      await restSettling(context, transaction, forked, settling);
      await context.audit.append(transaction, {
        deed: 'fork.cancel',
        who: scope.owner,
        keyId,
        subject: orderHash,
        sentence: `Take back the order about which certificate of epoch ${epoch + 1} of a key counts.`,
        verdict: 'done',
        policy: '',
        detail: '',
      });
    }),
  );
}
